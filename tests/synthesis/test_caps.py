from dataclasses import replace

from preceptor.records import Instruction
from preceptor.synthesis.caps import Caps
from preceptor.synthesis.config import SynthesisConfig
from preceptor.synthesis.filters import Drop
from preceptor.synthesis.protocols.base import Wanted

ONE = Instruction(
    *("t", "Name the antidote.", "", "Protamine.", "qa", "question", (), "r", 0, "m"),
    *({}, "", 1, 1, "", 0.0),
)


def caps(**changes: object) -> Caps:
    return Caps(SynthesisConfig.model_validate(changes))


def kept(chosen: Caps, one: Instruction = ONE, wanted: Wanted | None = None) -> Drop | None:
    """Why it finds no place; counted where it finds one."""
    wanted = wanted or Wanted()
    drop = chosen.over(one, wanted)
    if drop is None:
        chosen.keep(one, wanted)
    return drop


def test_without_caps_everything_has_a_place() -> None:
    chosen = caps(target=2)
    assert all(kept(chosen) is None for _ in range(9))
    assert chosen.counts() == {}


def test_an_opening_word_takes_no_more_than_its_share() -> None:
    chosen = caps(opening_words=0.2)
    found = []
    for number in range(120):
        opening = "Given" if number % 2 else f"Verb{number}"
        found.append(kept(chosen, replace(ONE, instruction=f"{opening} this and that.")))
    given = [drop for number, drop in enumerate(found) if number % 2]
    assert given[:25] == [None] * 25  # as long as few are kept, no word is too frequent
    assert Drop("opening word over its cap", "given") in given[25:]
    assert all(drop is None for number, drop in enumerate(found) if not number % 2)


def test_a_label_takes_no_more_than_its_share_of_the_target() -> None:
    chosen = caps(quotas={"topic": {"heart": 0.5, "lung": 0.5}}, target=4)
    heart = [kept(chosen, wanted=Wanted(topic="heart")) for _ in range(3)]
    assert heart == [None, None, Drop("over its quota", "topic heart")]
    assert kept(chosen, replace(ONE, topic="skin")) == Drop("over its quota", "topic skin")
    assert kept(chosen, replace(ONE, topic="lung")) is None
    assert chosen.counts() == {"topic": {"heart": 2, "lung": 1}}


def test_a_category_counts_as_it_is_and_not_as_it_was_asked_for() -> None:
    chosen = caps(quotas={"category": {"qa": 0.5, "ie": 0.5}}, target=2)
    assert kept(chosen, wanted=Wanted(category="ie")) is None
    assert kept(chosen, wanted=Wanted(category="ie")) == Drop("over its quota", "category qa")
    assert kept(chosen, replace(ONE, category="ie")) is None


def test_without_a_target_quotas_are_asked_for_and_nothing_is_dropped() -> None:
    chosen = caps(quotas={"difficulty": {1: 0.5, 5: 0.5}})
    assert all(kept(chosen, wanted=Wanted(difficulty=1)) is None for _ in range(9))
    assert chosen.counts() == {"difficulty": {1: 9}}

import json
from dataclasses import replace
from itertools import chain

import pytest

from preceptor.decontamination.certificate import certify, verify, verify_kept
from preceptor.decontamination.index import build_index
from preceptor.decontamination.items import Benchmark, Item
from preceptor.decontamination.passes import Pass, decontaminate
from preceptor.decontamination.settings import Settings
from preceptor.errors import ArtifactError, StageError
from preceptor.records import Example
from tests.decontamination.made import benchmark, example, numbered

ITEMS = tuple(
    Item(
        f"exam/test/{i}",
        (numbered(1000 * i, 15),),
        (numbered(1000 * i + 100, 40),),
        answers=(f"answer{i}",),
    )
    for i in range(3)
)
EXAMPLES = (
    example("Nothing of the kind.", "yes", id="a"),
    example(f"Say: {ITEMS[0].questions[0]}", "answer0", id="b"),
    example(f"Say: {ITEMS[1].passages[0]}", "yes", id="c"),
    example(f"Say: {ITEMS[1].questions[0]}", "no", id="d"),
    replace(example(f"Say: {numbered(2000, 15)}", "no", id="e"), task="other"),
)
WORDING = ("Say: {",)
KEPT = ("a", "c")


def benchmarks(*items: Item) -> list[Benchmark]:
    return [benchmark(*(items or ITEMS))]


def passed(settings: Settings | None = None) -> tuple[list[Example], Pass]:
    kept, done = decontaminate(build_index(benchmarks(), settings or Settings(), WORDING), EXAMPLES)
    return list(kept), done


def test_kept_examples_are_those_without_a_finding_that_removes() -> None:
    kept, done = passed()
    assert tuple(one.id for one in kept) == KEPT
    report = done.report()
    assert (report.checked, report.removed) == (5, 3)
    assert report.kinds == {"question+answer": 1, "question": 2, "passage": 1}
    assert report.removed_by_task == {"mixed": 2, "other": 1}
    (exam,) = report.benchmarks
    assert exam.touched == 3
    assert exam.items == {"question+answer": 1, "question": 2}
    assert exam.examples == {"question+answer": 1, "question": 2, "passage": 1}
    assert exam.parts == {"answer": 1, "passage": 1, "question": 3}
    assert exam.by_task == {"mixed": 3, "other": 1}
    assert exam.most["exam/test/1"] == 2
    first = exam.shown[0]
    assert (first.example, first.item) == ("b", "exam/test/0")
    assert first.text == ITEMS[0].questions[0]


def test_passages_are_removed_when_asked_for() -> None:
    kept, _ = passed(Settings(remove=("question+answer", "question", "options", "passage")))
    assert [one.id for one in kept] == ["a"]


def test_shown_pairs_are_a_few_of_each_kind_and_their_texts_are_cut() -> None:
    long = Item("exam/test/0", (numbered(0, 100),))
    made = [example(long.questions[0], id=str(i)) for i in range(9)]
    kept, done = decontaminate(build_index(benchmarks(long), Settings(shown=2)), made)
    assert list(kept) == []
    shown = done.report().benchmarks[0].shown
    assert [one.example for one in shown] == ["0", "1"]
    assert shown[0].text.endswith("w59 … (40 more)")


def test_the_training_side_is_read_as_it_is_asked_for() -> None:
    endless = (example(numbered(i, 3), id=str(i)) for i in range(10**9))
    kept, _ = decontaminate(build_index(benchmarks(), Settings()), endless)
    assert next(kept).id == "0"


def test_removed_examples_are_told_with_the_reason() -> None:
    done = Pass(build_index(benchmarks(), Settings()))
    told: dict[str, list[str]] = {}
    kept = done.kept(EXAMPLES, lambda one, why: told.update({one.id: [f.item for f in why]}))
    assert len(list(kept)) == 2
    assert told == {"b": ["exam/test/0"], "d": ["exam/test/1"], "e": ["exam/test/2"]}


def test_a_certificate_is_plain_json_and_the_same_every_time() -> None:
    kept, done = passed()
    made = certify(done, kept)
    assert json.loads(json.dumps(made)) == made
    again, other = passed()
    assert certify(other, again) == made
    assert made["training"]["examples"] == 5
    assert made["removed"] == {"examples": 3, "by_task": {"mixed": 2, "other": 1}}
    assert made["against"][0]["source"] == "source"
    assert made["residual"] == {
        "removable": 0,
        "examples": {"passage": 1},
        "benchmarks": {
            "exam/test": {"items": {"passage": 1}, "examples": {"passage": 1}, "near": 0}
        },
    }


def test_a_certificate_holds_for_what_it_is_of() -> None:
    kept, done = passed()
    made = json.loads(json.dumps(certify(done, kept)))
    assert verify(made, EXAMPLES, benchmarks(), WORDING) == ()
    assert verify_kept(made, kept, benchmarks(), WORDING) == ()


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("change", ["id", "prompt", "target"])
def test_a_changed_example_is_noticed(place: int, change: str) -> None:
    kept, done = passed()
    made = certify(done, kept)
    changed = list(EXAMPLES)
    changed[place] = replace(changed[place], **{change: getattr(changed[place], change) + "!"})
    differences = verify(made, changed, benchmarks(), WORDING)
    assert any(line.startswith("training.sha256: the certificate has") for line in differences)


@pytest.mark.parametrize(
    "changed",
    [
        (*ITEMS[:2], replace(ITEMS[2], answers=("another",))),
        (*ITEMS[:2], replace(ITEMS[2], questions=(numbered(5, 15),))),
        (*ITEMS[:2], replace(ITEMS[2], id="exam/test/9")),
        ITEMS[:2],
        (ITEMS[1], ITEMS[0], ITEMS[2]),
    ],
)
def test_a_changed_item_is_noticed(changed: tuple[Item, ...]) -> None:
    kept, done = passed()
    made = certify(done, kept)
    for differences in (
        verify(made, EXAMPLES, benchmarks(*changed), WORDING),
        verify_kept(made, kept, benchmarks(*changed), WORDING),
    ):
        assert any(line.startswith("against[0].texts") for line in differences)


def test_other_orders_sources_and_wordings_are_noticed() -> None:
    kept, done = passed()
    made = certify(done, kept)
    assert verify(made, reversed(EXAMPLES), benchmarks(), WORDING)
    assert verify(made, EXAMPLES[:4], benchmarks(), WORDING)
    assert verify_kept(made, kept[:1], benchmarks(), WORDING)
    (source,) = verify(made, EXAMPLES, [replace(benchmarks()[0], source="b")], WORDING)
    assert source == 'against[0].source: the certificate has "source", now it is "b"'
    (wording, *_) = verify(made, EXAMPLES, benchmarks(), ("Other words.",))
    assert wording.startswith("wording.sha256")
    tampered = {**made, "removed": {**made["removed"], "examples": 0}}
    assert verify(tampered, EXAMPLES, benchmarks(), WORDING) == (
        "removed.examples: the certificate has 0, now it is 3",
    )


def test_kept_examples_that_were_changed_are_not_certified() -> None:
    kept, done = passed()
    with pytest.raises(StageError, match="1 examples were read again where 2 had been kept"):
        certify(done, kept[:1])
    with pytest.raises(StageError, match="or their texts differ"):
        certify(done, [replace(kept[0], prompt="x"), kept[1]])


def test_a_leak_among_kept_examples_shows_in_the_residual() -> None:
    kept, done = passed()
    made = certify(done, kept)
    differences = verify_kept(made, chain(kept, EXAMPLES[1:2]), benchmarks(), WORDING)
    assert "residual.removable: the certificate has 0, now it is 1" in differences


@pytest.mark.parametrize(
    "wrong", [{}, {"certificate": 1}, {"certificate": 1, "settings": {"m": 1}}]
)
def test_what_is_no_certificate_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ArtifactError, match="no certificate"):
        verify(wrong, EXAMPLES, benchmarks())


def test_a_certificate_of_another_format_is_refused() -> None:
    with pytest.raises(ArtifactError, match="format 9"):
        verify({"certificate": 9}, EXAMPLES, benchmarks())

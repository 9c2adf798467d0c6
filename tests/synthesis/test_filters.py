import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from preceptor.records import Seed
from preceptor.synthesis.filters import (
    FILTERS,
    GROUP_NAMES,
    NAMES,
    ON_INSTRUCTION,
    Context,
    FilterConfig,
    judge,
    judge_instruction,
    runs_of_words,
)
from preceptor.synthesis.parse import Parsed
from preceptor.synthesis.protocols import protocol
from preceptor.synthesis.seedbank import load_seeds

SHOWN = Seed("s1", "Name the antidote.", "", "Give protamine sulfate slowly.", "qa", "toxicology")
WORDING = runs_of_words(protocol("bioinstruct").wording())
CONTEXT = Context((SHOWN,), WORDING)


def task(
    instruction: str = "Explain the result to the reader.",
    input: str = "Potassium 5.9 mmol/L",
    output: str = "The potassium is too high.",
) -> Parsed:
    return Parsed(0, instruction, input, output, "")


def test_a_sound_task_passes_every_filter() -> None:
    judgement = judge(task(), CONTEXT)
    assert judgement.drop is None
    assert list(judgement.verdicts) == [filter_.__name__ for filter_ in FILTERS]
    assert set(judgement.verdicts.values()) == {"keep"}


def test_the_first_drop_ends_the_judging() -> None:
    judgement = judge(task("Draw the heart for the class.", output=""), CONTEXT)
    assert judgement.verdicts == {"instruction_length": "keep", "banned_words": "banned word"}
    assert judgement.drop is not None
    assert judgement.drop.detail == "draw"


def test_the_filters_are_those_that_the_settings_name() -> None:
    assert tuple(filter_.__name__ for filter_ in FILTERS) == NAMES
    assert set(NAMES) > ON_INSTRUCTION
    assert not set(GROUP_NAMES) & set(NAMES)


def test_every_filter_says_what_it_is_for() -> None:
    assert all(filter_.__doc__ for filter_ in FILTERS)


def test_a_filter_that_is_off_does_not_judge() -> None:
    drawing = task("Draw the heart for the class.")
    judgement = judge(drawing, CONTEXT, FilterConfig(off=("banned_words",)))
    assert judgement.drop is None
    assert "banned_words" not in judgement.verdicts


def test_an_instruction_is_judged_without_what_is_not_there_yet() -> None:
    judgement = judge_instruction(task("Name the antidote to heparin.", "", ""), CONTEXT)
    assert judgement.drop is None
    assert set(judgement.verdicts) == ON_INSTRUCTION
    drop = judge_instruction(task("Draw the heart for the class.", "", ""), CONTEXT).drop
    assert drop is not None
    assert drop.reason == "banned word"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"off": ("banned_word",)}, "did you mean 'banned_words'?"),
        ({"off": ("zzz",)}, "known are instruction_length, banned_words"),
        ({"min_output_words": 9, "max_output_words": 8}, "nothing would pass"),
        ({"near_copy": 0.0}, "greater than 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message.replace("?", r"\?")):
        FilterConfig.model_validate(settings)


@pytest.mark.parametrize("name", [*NAMES, *GROUP_NAMES])
def test_every_name_can_be_switched_off(name: str) -> None:
    assert name not in judge(task(), CONTEXT, FilterConfig(off=(name,))).verdicts


def test_the_seeds_pass_their_own_filters() -> None:
    for seed in load_seeds("biomedical"):
        parsed = Parsed(0, seed.instruction, seed.input, seed.output, "")
        assert judge(parsed, Context((), WORDING)).drop is None, seed.id


@given(st.text(), st.text(), st.text(), st.booleans(), st.booleans())
def test_no_text_makes_a_filter_raise(
    instruction: str, input: str, output: str, finished: bool, unanswerable: bool
) -> None:
    context = Context((SHOWN,), WORDING, finished, unanswerable, passage=input)
    for filter_ in FILTERS:
        drop = filter_(Parsed(0, instruction, input, output, ""), context, FilterConfig())
        assert drop is None or drop.reason

import pytest

from preceptor.records import Seed
from preceptor.synthesis.filters import BANNED, FILTERS, Context, judge, runs_of_words
from preceptor.synthesis.parse import Parsed
from preceptor.synthesis.prompts import load_template, render
from preceptor.synthesis.seedbank import load_seeds

SHOWN = Seed("s1", "Name the antidote.", "", "Give protamine sulfate slowly.", "qa", "toxicology")
WORDING = runs_of_words(render(load_template("bioinstruct"), (), 1))
CONTEXT = Context((SHOWN,), WORDING)


def task(
    instruction: str = "Explain the result to the reader.",
    input: str = "Potassium 5.9 mmol/L",
    output: str = "The potassium is too high.",
) -> Parsed:
    return Parsed(0, instruction, input, output, "")


def reason(judged: Parsed) -> str:
    drop = judge(judged, CONTEXT).drop
    return drop.reason if drop else ""


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


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        *[(3, "instruction too short"), (4, ""), (150, ""), (151, "instruction too long")],
    ],
)
def test_instruction_length(words: int, expected: str) -> None:
    assert reason(task(" ".join(["word"] * words))) == expected


@pytest.mark.parametrize("word", BANNED)
def test_each_banned_word_drops_in_any_case(word: str) -> None:
    assert reason(task(f"Please {word.upper()} of the heart.")) == "banned word"


@pytest.mark.parametrize("word", ["profile", "mapping", "graphene", "drawn", "imaging"])
def test_a_banned_word_within_another_does_not(word: str) -> None:
    assert reason(task(f"Describe the {word} of this drug.")) == ""


@pytest.mark.parametrize(
    ("judged", "expected"),
    [
        (task("Write a program that counts cells."), "asks for a program"),
        (task("(Explain) the result to her."), "odd first character"),
        (task("Étudiez le résultat du test."), "odd first character"),
        (task(output=""), "empty output"),
        (task(output="potassium 5.9 mmol/l."), "output repeats the input"),
        (task(output="Explain the result to the reader"), "output repeats the instruction"),
        (task(output="The causes are:"), "output ends in a colon"),
        (task(input="Findings:"), "input ends in a colon"),
        (task(input="https://example.org/a?b=c"), "input is a bare link"),
        (task(input="www.example.org, http://example.org"), "input is a bare link"),
        (task("name the ANTIDOTE!"), "instruction too short"),
        (task(output="Give protamine sulfate: slowly"), "copied demonstration"),
        (task(input="Dear [Patient's name], your test is back."), "placeholder in the input"),
        (task(input="<insert text here>"), "placeholder in the input"),
        (task(input="Age: ____ years"), "placeholder in the input"),
        (task(input="Please provide the patient's history."), "placeholder in the input"),
        (task(input="Seen by Dr XXX on Monday"), "placeholder in the input"),
        (task(output="High.<|im_end|>"), "leaked prompt text"),
        (task(output="High.\nUser:\nThanks"), "leaked prompt text"),
        (task(output="Ask only for what can be done with text alone."), "leaked prompt text"),
        (task(output="I'm sorry, but that is unsafe."), "refusal"),
        (task(output="I cannot answer medical questions."), "refusal"),
        (task(output="As an AI language model, I have no body."), "refusal"),
    ],
)
def test_reasons(judged: Parsed, expected: str) -> None:
    assert reason(judged) == expected


@pytest.mark.parametrize(
    "judged",
    [
        task(input="See https://example.org: the potassium was 5.9 mmol/L."),
        task(input="Sodium [135-145 mmol/L] and BP <140/90, age >65"),
        task(output="The patient said: I cannot sleep."),
        task(output="The user of an inhaler: rinse the mouth."),
        task(input="", output="Give protamine."),
    ],
)
def test_what_only_resembles_a_fault_is_kept(judged: Parsed) -> None:
    assert reason(judged) == ""


def test_a_copied_instruction_names_the_demonstration() -> None:
    shown = Seed("s2", "Name the antidote to heparin.", "", "Protamine.", "qa", "toxicology")
    drop = judge(task("Name the antidote, to heparin"), Context((shown,), WORDING)).drop
    assert drop is not None
    assert (drop.reason, drop.detail) == ("copied demonstration", "s2")


def test_the_seeds_pass_their_own_filters() -> None:
    for seed in load_seeds("biomedical"):
        parsed = Parsed(0, seed.instruction, seed.input, seed.output, "")
        assert judge(parsed, Context((), WORDING)).drop is None, seed.id


def test_every_filter_says_what_it_is_for() -> None:
    assert all(filter_.__doc__ for filter_ in FILTERS)

import pytest

from preceptor.records import Seed
from preceptor.synthesis.filters import Context, FilterConfig, judge, runs_of_words
from preceptor.synthesis.parse import Parsed

SHOWN = Seed(
    *("s1", "Name the antidote to heparin.", ""),
    *("Give protamine sulfate slowly over ten minutes by vein.", "qa", "toxicology"),
)
WORDING = runs_of_words("You write tasks, and ask only for what can be done with text alone.")
CONTEXT = Context((SHOWN,), WORDING)


def task(
    instruction: str = "Explain the result to the reader.",
    input: str = "Potassium 5.9 mmol/L",
    output: str = "The potassium is too high.",
) -> Parsed:
    return Parsed(0, instruction, input, output, "")


def reason(judged: Parsed, context: Context = CONTEXT, **settings: float) -> str:
    drop = judge(judged, context, FilterConfig.model_validate(settings)).drop
    return drop.reason if drop else ""


@pytest.mark.parametrize(
    "input",
    [
        "https://example.org/a?b=c",
        "www.example.org, http://example.org",
        "Article link: https://pmc.example.org/PMC6763476/",
        "PMID: 31234567",
        "The trial PMC6763476.",
        "doi:10.1056/NEJMoa2034577",
        "See report_final.pdf",
    ],
)
def test_an_input_that_refers_elsewhere_cannot_be_answered_from(input: str) -> None:
    assert reason(task(input=input)) == "input is a bare link"


@pytest.mark.parametrize(
    "input",
    [
        "See https://example.org: the potassium was 5.9 mmol/L on the second day.",
        "The trial NCT01234567 gave olaparib to patients with BRCA1 mutations.",
    ],
)
def test_a_reference_beside_the_matter_stays(input: str) -> None:
    assert reason(task(input=input)) == ""


@pytest.mark.parametrize(
    "judged",
    [
        task("name the ANTIDOTE, to heparin"),
        task("Name the right antidote to heparin now."),
        task(output="Give protamine sulfate: slowly over ten minutes by vein"),
        task(output="Give protamine sulfate slowly, over ten minutes, by the vein."),
    ],
)
def test_a_demonstration_that_comes_back_is_named(judged: Parsed) -> None:
    drop = judge(judged, CONTEXT, FilterConfig(near_copy=0.75)).drop
    assert drop is not None
    assert (drop.reason, drop.detail) == ("copied demonstration", "s1")


def test_how_near_a_copy_is_a_setting_and_short_answers_may_agree() -> None:
    near = task("Name the right antidote to heparin now.")
    assert reason(near, near_copy=1.0) == ""
    yes = Context((Seed("s2", "Is it so, do you think?", "", "Yes.", "qa", ""),), WORDING)
    assert reason(task(output="Yes."), yes) == ""


@pytest.mark.parametrize(
    "input",
    [
        "Dear [Patient's name], your test is back.",
        "<insert text here>",
        "Age: ____ years",
        "Please provide the patient's history.",
        "Seen by Dr XXX on Monday",
        "Aged [...] years",
    ],
)
def test_a_stand_in_in_the_input(input: str) -> None:
    assert reason(task(input=input)) == "placeholder in the input"


def test_a_blank_that_is_to_be_filled_in_is_none() -> None:
    blank = task("Fill in the blank of this sentence.", "Heparin is reversed by ____.")
    assert reason(blank) == ""
    names = task("Replace the placeholders by names.", "[name] met [date].", "Ann met Bo.")
    assert reason(names) == ""


def test_a_number_left_open_in_the_output() -> None:
    assert reason(task(output="More than X% of them are vaccinated.")) == (
        "placeholder in the output"
    )
    assert reason(task(output="Dear [name], the X chromosome and factor X matter.")) == ""


@pytest.mark.parametrize(
    "judged",
    [
        task(output="High.<|im_end|>"),
        task(output="High.\nUser:\nThanks"),
        task(output="High.\n\nInstruction: Name it.\nAnd so on."),
        task(output="Ask only for what can be done with text alone."),
        task("Write an instruction-response pair about sepsis."),
        task("Step 1: Read the note with care."),
        task(output="Step 1: Think of an instruction for the model."),
    ],
)
def test_text_of_the_prompt(judged: Parsed) -> None:
    assert reason(judged) == "leaked prompt text"


def test_steps_of_an_answer_are_no_leak() -> None:
    assert reason(task(output="Step 1: Wash your hands.\nStep 2: Dry them.")) == ""


REFUSALS = [
    "I'm sorry, but that is unsafe.",
    "I\N{RIGHT SINGLE QUOTATION MARK}m sorry, I cannot do that.",
    "I cannot answer medical questions.",
    "Unfortunately, I am unable to access the record.",
    "I don't have enough information to say.",
    "My apologies, that went wrong.",
    "As an AI language model, I have no body.",
    "Ask them. I am only an AI and no doctor.",
    "Please provide the text to be summarised.",
    "Sure, please share the patient's note.",
    "I need more information about the patient.",
    "The output will depend on the input given.",
]


@pytest.mark.parametrize("output", REFUSALS)
def test_refusals(output: str) -> None:
    assert reason(task(output=output)) == "refusal"


@pytest.mark.parametrize(
    "output",
    [
        "The patient said: I cannot sleep.",
        "I'm sorry to hear that you are in pain.",
        "I am so sorry for that! Rest well.",
        "I don't think that's right.",
        "I cannot sleep since Monday.",
        "The user of an inhaler: rinse the mouth.",
        "Please take the tablets with food.",
        "Results may vary between laboratories.",
        "The response may be delayed in old age.",
        "She should see a doctor, as an aid to recovery.",
    ],
)
def test_what_only_resembles_a_refusal_is_kept(output: str) -> None:
    assert reason(task(output=output)) == ""


def test_an_apology_in_an_e_mail_is_its_writers() -> None:
    asked = "Write an e-mail that cancels the visit."
    assert reason(task(asked, output="My apologies for the short notice.")) == ""
    assert reason(task(asked, output="As an AI, I cannot write it.")) == "refusal"


def test_declining_for_want_of_information_is_right_where_that_was_asked_for() -> None:
    declines = task(output="I cannot determine the dose: the weight is not given.")
    assert reason(declines) == "refusal"
    assert reason(declines, Context((), frozenset(), unanswerable=True)) == ""
    model = task(output="As an AI, I cannot determine the dose.")
    assert reason(model, Context((), frozenset(), unanswerable=True)) == "refusal"

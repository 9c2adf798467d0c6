import pytest

from preceptor.synthesis.filters import Context, FilterConfig, judge
from preceptor.synthesis.parse import Parsed

PASSAGE = (
    "Atenolol reduced nocturnal tachycardia in elderly volunteers with untreated hyperthyroidism, "
    "whereas propranolol worsened bronchospasm in asthmatic participants."
)


def reason(
    instruction: str, input: str = "", output: str = "A sound answer.", **context: bool | str
) -> str:
    judged = Parsed(0, instruction, input, output, "")
    drop = judge(judged, Context((), frozenset(), **context)).drop  # type: ignore[arg-type]
    return drop.reason if drop else ""


MISSING = [
    "Summarize the following passage in one sentence.",
    "Answer the question using the text below.",
    "What does the attached report say?",
    "List the drugs mentioned in the passage.",
    "Interpret the values shown in Table 2.",
    "Paraphrase this clinical note for a patient.",
    "Given the following symptoms, name the likely disease.",
    "Rank the options provided by their cost.",
]


@pytest.mark.parametrize("instruction", MISSING)
def test_material_that_is_not_there(instruction: str) -> None:
    assert reason(instruction) == "material is missing"
    assert reason(instruction, input="Fever and cough for two days.") == ""
    assert reason(instruction, unanswerable=True, output="The text is not provided.") == ""


@pytest.mark.parametrize(
    "instruction",
    [
        "Translate the following jargon: patient with dyspnea.",
        'Paraphrase this sentence: "She has dyspnea".',
        "Rewrite this sentence 'It hurts a lot' in formal words.",
        "Pick one of the following words:\nliver, heart",
        'Simplify the following sentence - "The myocardium is ischaemic.',
        "Answer the following question. What year was penicillin found?",
        "Explain how a given sentence is parsed by a child.",
        "Explain what a case report is.",
        "Describe how the results of a trial are reported.",
        "List the symptoms of sepsis in an infant.",
        "Explain what to do in case of an overdose.",
    ],
)
def test_an_instruction_that_needs_none_or_brings_its_own(instruction: str) -> None:
    assert reason(instruction) == ""


UNANSWERABLE = [
    "There is not enough information to say.",
    "The note does not mention an allergy.",
    "It cannot be determined from the text.",
    "The weight isn\N{RIGHT SINGLE QUOTATION MARK}t stated.",
    "Insufficient information is available.",
    "That is not stated in the passage.",
    "The passage does not provide the dose.",
]


@pytest.mark.parametrize("output", UNANSWERABLE)
def test_an_unanswerable_task_has_to_say_so(output: str) -> None:
    assert reason("Name the dose she was given.", "A note.", output, unanswerable=True) == ""


@pytest.mark.parametrize("output", ["She was given 5 mg.", "No.", "It is enough to rest."])
def test_an_answer_to_the_unanswerable(output: str) -> None:
    task = ("Name the dose she was given.", "A note.", output)
    assert reason(*task, unanswerable=True) == "answers the unanswerable"
    assert reason(*task) == ""


def test_a_task_has_to_be_of_its_passage() -> None:
    about = (
        "Atenolol reduces tachycardia in hyperthyroid volunteers; propranolol made asthma worse."
    )
    other = "Measles vaccination protects children against encephalitis, pneumonia and blindness."
    assert reason("What was found by them?", output=about, passage=PASSAGE) == ""
    assert (
        reason("What was found by them?", output=other, passage=PASSAGE) == "not from the passage"
    )
    assert reason("What was found by them?", output=other) == ""
    assert reason("What was found by them?", output="Measles, mostly.", passage=PASSAGE) == ""


def test_the_passage_itself_as_input_says_nothing_for_the_output() -> None:
    other = "Measles vaccination protects children against encephalitis, pneumonia and blindness."
    task = ("What was found by them?", PASSAGE, other)
    assert reason(*task, passage=PASSAGE) == "not from the passage"
    long = PASSAGE * 60
    assert reason("What was found by them?", long, "Yes.", passage=long) == ""
    assert reason("What was found by them?", long, "Yes.") == "input too long"


def test_how_much_of_it_is_a_setting() -> None:
    about = (
        "Atenolol reduces tachycardia in hyperthyroid volunteers; propranolol made measles worse."
    )
    judged = Parsed(0, "What was found by them?", "", about, "")
    context = Context((), frozenset(), passage=PASSAGE)
    assert judge(judged, context).drop is None
    drop = judge(judged, context, FilterConfig(min_passage_share=1.0)).drop
    assert drop is not None
    assert drop.detail == "88% of its long words are there"

from preceptor.decontamination.index import build_index
from preceptor.decontamination.items import benchmark
from preceptor.decontamination.settings import Settings
from preceptor.decontamination.stock import wording_of
from preceptor.synthesis.config import SynthesisConfig
from preceptor.synthesis.filters import Context, Drop
from preceptor.synthesis.parse import Parsed
from preceptor.synthesis.selection import Accepted, Selection
from preceptor.tasks.catalogue import load_tasks
from preceptor.tasks.source import read_rows
from tests.synthesis.scripted import SEEDS

CONTEXT = Context(shown=tuple(SEEDS[:3]), wording=frozenset())
LEECH = "Describe what a medical leech is good for."


def task(instruction: str = LEECH, output: str = "Relieving congestion.", **more: object) -> Parsed:
    return Parsed(0, instruction, str(more.pop("input", "")), output, "", **more)  # type: ignore[arg-type]


def selection(**changes: object) -> Selection:
    return Selection(SynthesisConfig.model_validate(changes), SEEDS)


def accept(chosen: Selection, one: Parsed, id: str = "t") -> Accepted | Drop:
    return chosen.accept(id, one, CONTEXT, whole=True)


def _accepted(chosen: Selection, *tasks: Parsed) -> int:
    return sum(isinstance(accept(chosen, one), Accepted) for one in tasks)


def reason(found: Accepted | Drop) -> str:
    assert isinstance(found, Drop)
    return found.reason


def test_an_accepted_task_names_what_is_nearest_to_it() -> None:
    found = accept(selection(), task())
    assert isinstance(found, Accepted)
    assert found.nearest.startswith("bio-")
    assert 0 < found.nearest_rouge_l <= 0.7
    assert list(found.verdicts)[-1] == "novelty"
    assert set(found.verdicts.values()) == {"keep"}


def test_the_first_of_two_alike_is_accepted_and_the_second_names_it() -> None:
    chosen = selection()
    accept(chosen, task(), "first")
    found = accept(chosen, task(), "second")
    assert found == Drop("too similar", "ROUGE-L 1.000 to first")


def test_a_seed_that_was_not_shown_is_too_similar_and_a_shown_one_is_a_copy() -> None:
    chosen = selection()
    for seed, expected in ((SEEDS[0], "copied demonstration"), (SEEDS[9], "too similar")):
        one = task(seed.instruction, "A new answer of its own.", input=seed.input)
        assert reason(accept(chosen, one)) == expected


def test_the_threshold_is_the_settings() -> None:
    for threshold, accepted in ((0.7, 1), (0.95, 2)):
        chosen = selection(rouge_l=threshold)
        both = (task(), task(LEECH.replace("medical", "hungry")))
        assert _accepted(chosen, *both) == accepted


def test_stems_are_compared_where_it_is_asked() -> None:
    for stem, accepted in ((False, 2), (True, 1)):
        chosen = selection(stem=stem)
        first = task("Summarise treatments helping patients sleeping poorly.")
        second = task("Summarises treatment helped patient sleeps poorly.")
        assert _accepted(chosen, first, second) == accepted


def test_a_score_equal_to_the_threshold_is_kept() -> None:
    # 7 of 10 tokens on both sides: 0.7 exactly, in rouge_score's arithmetic too.
    chosen = selection()
    accept(chosen, task("Zeta a1 a2 a3 a4 a5 a6 b7 b8 b9", "One thing."))
    found = accept(chosen, task("Zeta a1 a2 a3 a4 a5 a6 c7 c8 c9", "Another thing."))
    assert isinstance(found, Accepted)
    assert found.nearest_rouge_l == 0.7


def test_a_dropped_task_is_not_compared_with() -> None:
    chosen = selection()
    assert reason(accept(chosen, task(output=""))) == "empty output"
    assert isinstance(accept(chosen, task()), Accepted)


def test_an_instruction_alone_is_judged_by_what_it_says() -> None:
    chosen = selection()
    found = chosen.accept("t", task(output=""), CONTEXT, whole=False)
    assert isinstance(found, Accepted)
    late, verdicts = chosen.finish(task(output=""), CONTEXT)
    assert late is not None
    assert verdicts["empty_output"] == late.reason == "empty output"
    assert chosen.finish(task(), CONTEXT)[0] is None


def test_what_overlaps_with_an_evaluation_set_is_not_accepted() -> None:
    measured = load_tasks()["bench_questions"]
    index = build_index([benchmark(measured, "test", None)], Settings(), wording_of([measured]))
    rows = read_rows(measured, "test", None)
    longest = max((row.fields["question"] for row in rows), key=len)
    found = accept(Selection(SynthesisConfig(), SEEDS, index), task(longest))
    assert isinstance(found, Drop)
    assert found.reason == "overlaps with a benchmark"
    assert found.detail.startswith("bench_questions/test")
    assert isinstance(accept(Selection(SynthesisConfig(), SEEDS, index), task()), Accepted)
    assert isinstance(accept(selection(), task(longest)), Accepted)


def test_an_instruction_like_a_question_of_an_evaluation_set_names_its_item() -> None:
    asked = [("trec/test/7", "Describe what a medical leech is good at.")]
    chosen = Selection(SynthesisConfig(), SEEDS, questions=asked)
    found = accept(chosen, task())
    assert found == Drop("overlaps with a benchmark", "ROUGE-L 0.875 to trec/test/7")

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preceptor.decontamination.items import Benchmark, Item
from preceptor.decontamination.words import words
from preceptor.synthesis.card.overlap import overlap, overlap_with
from preceptor.tasks.catalogue import load_tasks, select
from tests.synthesis.card.made import plain, real

QUESTION = (
    "A woman of fifty comes with pain in both knees that grows worse through the day and eases "
    "at night; what is the most fitting diagnosis?"
)


def _set(*questions: str) -> Benchmark:
    items = tuple(Item(f"exam/test/{n}", (text,)) for n, text in enumerate(questions))
    return Benchmark("exam", "test", items, len(items))


def test_a_copied_question_is_found_and_would_be_removed() -> None:
    records = [plain(f"Answer this. {QUESTION}"), plain("Name a joint.")]
    found = overlap_with(records, [_set(QUESTION, "What is the dose of a drug that nobody knows?")])
    (one,) = found.sets
    assert (found.records, found.to_remove) == (2, 1)
    assert one.runs == {"13": 1, "8": 1}
    assert one.kinds == {"question": 1}
    assert one.items == 2
    assert one.examples


def test_eight_words_are_counted_apart_from_thirteen() -> None:
    shared = " ".join(QUESTION.split()[:9])
    found = overlap_with([plain("Do.", shared, "x")], [_set(QUESTION)])
    assert found.sets[0].runs == {"13": 0, "8": 1}


def test_a_run_does_not_go_over_from_the_prompt_to_the_output() -> None:
    half = QUESTION.split()
    found = overlap_with([plain("Do.", " ".join(half[:7]), " ".join(half[7:14]))], [_set(QUESTION)])
    assert found.sets[0].runs == {"13": 0, "8": 0}


WORDS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=24).map(" ".join)


@given(st.lists(WORDS, min_size=1, max_size=3), st.lists(WORDS, min_size=1, max_size=3))
def test_runs_are_those_of_the_definition(outputs: list[str], questions: list[str]) -> None:
    found = overlap_with([plain("x", "y", output) for output in outputs], [_set(*questions)])
    for n in (8, 13):
        ours = {run for output in outputs for run in _runs(output, n)}
        sharing = sum(bool(ours & set(_runs(question, n))) for question in questions)
        assert found.sets[0].runs[str(n)] == sharing


def _runs(text: str, n: int) -> list[tuple[str, ...]]:
    parts = words(text)
    return [tuple(parts[i : i + n]) for i in range(len(parts) - n + 1)]


def test_a_real_exam_is_untouched_by_real_bioinstruct_at_thirteen_words() -> None:
    records = real("bioinstruct")
    tasks = select(load_tasks(), ["med_qa", "medmcqa", "pubmed_qa"])
    found = overlap(records, tasks, "test", Path(os.environ["PRECEPTOR_DATA"]))
    assert [one.runs["13"] for one in found.sets] == [0, 0, 0]
    assert found.to_remove == 0


def test_real_questions_are_found_in_records_made_of_them() -> None:
    source = real("bioinstruct")[:5]
    found = overlap_with(source, [_set(*(record.output for record in source))])
    assert found.sets[0].runs["8"] == sum(len(words(record.output)) >= 8 for record in source)


@pytest.mark.parametrize("sets", [[], [_set("Short?")]])
def test_nothing_to_look_for_is_nothing_found(sets: list[Benchmark]) -> None:
    found = overlap_with([plain("Do.")], sets)
    assert found.to_remove == 0
    assert [one.runs for one in found.sets] == [{"13": 0, "8": 0} for _ in sets]

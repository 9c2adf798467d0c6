"""Rows whose right answer a person can see: label ids differ between copies, and swap silently."""

import os
from pathlib import Path

import pytest

from preceptor.records import Row
from preceptor.tasks.catalogue import load_tasks
from preceptor.tasks.source import data_root, read_rows, splits_here
from preceptor.tasks.task import Task, prepare

KNOWN = (
    ("anli_r3", "hypothesis", "Kyle took a shower.", "No"),
    ("mnli_matched", "hypothesis", "The workers have lots of training.", None),
    ("cb", "hypothesis", "they should abolish it", "No"),
    ("rte", "hypothesis", "Vance worked with Hooper.", "yes"),
    ("qnli", "question", "Which country lies southwest of the Congo?", None),
    ("wnli", "sentence2", "The fish was tasty.", None),
    ("glue_qqp", "question1", "How should I stop thinking about someone?", None),
    ("sst2", "sentence", "two-bit potboiler .", "negative"),
    ("imdb_reviews", "text", "Don't rent this one", "negative"),
    ("yelp_polarity_reviews", "text", "Stay far away!!!", "negative"),
    ("stsb", "sentence1", "A woman peels a potato.", "5"),
    ("trec", "text", "What is a micron ?", "description"),
)
NAMES = {
    "mnli_matched": "contradiction",
    "qnli": "not_entailment",
    "wnli": "not_entailment",
    "glue_qqp": "duplicate",
}


@pytest.fixture(scope="module")
def tasks() -> dict[str, Task]:
    return load_tasks()


def root() -> Path:
    if not os.environ.get("PRECEPTOR_DATA"):
        pytest.skip("KNOWN ROWS NOT TESTED: set PRECEPTOR_DATA to their folder")
    found = data_root(None)
    assert found is not None
    return found


@pytest.mark.parametrize(("name", "field", "text", "answer"), KNOWN, ids=lambda v: str(v)[:20])
def test_a_row_that_speaks_for_itself_has_the_right_label(
    tasks: dict[str, Task], name: str, field: str, text: str, answer: str | None
) -> None:
    task = tasks[name]
    rows = [row for split in splits_here(task, root()) for row in read_rows(task, split, root())]
    found = [row for row in rows if text in str(row.fields.get(field))]
    assert found, f"no row of {name} says {text!r}"
    assert task.labels is not None
    wanted = answer or task.labels.words[NAMES[name]]
    answers = {prepared.answer for row in found if (prepared := prepare(task, row))}
    assert answers == {wanted}


def test_ids_of_another_copy_give_the_same_words(tasks: dict[str, Task]) -> None:
    """TREC's classes are in another order in TFDS than on the hub."""
    task = tasks["trec"]
    assert task.labels is not None
    assert "tfds" in task.labels.ids
    fields = dict.fromkeys(task.fields, "What is a micron ?")
    fields = {
        name: 0 if kind.startswith("int") else fields[name] for name, kind in task.fields.items()
    }
    hub = prepare(task, Row("trec", "train", "0", fields))
    other = prepare(task, Row("trec", "train", "0", fields, layout="tfds"))
    assert hub is not None
    assert other is not None
    assert (hub.answer, other.answer) == (
        task.labels.words[task.labels.names[0]],
        task.labels.words[task.labels.ids["tfds"][0]],
    )
    assert hub.answer != other.answer


@pytest.mark.parametrize(("key", "place"), [("A", 0), ("D", 3), ("1", 0), ("4", 3)])
def test_arc_reads_letters_and_numbers(tasks: dict[str, Task], key: str, place: int) -> None:
    labels = ["A", "B", "C", "D"] if key.isalpha() else ["1", "2", "3", "4"]
    choices = {"text": ["iron", "wood", "wool", "ice"], "label": labels}
    fields = {"id": "x", "question": "Which melts?", "choices": choices, "answerKey": key}
    for name in ("arc_easy", "arc_challenge"):
        prepared = prepare(tasks[name], Row("arc", "train", "x", fields))
        assert prepared is not None
        assert prepared.gold == place

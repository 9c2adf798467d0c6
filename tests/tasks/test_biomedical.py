"""The biomedical and instruction sets that were asked for, and what their rows have to show."""

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from preceptor.records import Row
from preceptor.tasks.catalogue import load_tasks
from preceptor.tasks.source import data_root, read_rows, sample_rows, splits_here, splits_of
from preceptor.tasks.task import Prepared, Task, prepare
from preceptor.tasks.template import Style, render

MMLU = (
    "mmlu_anatomy",
    "mmlu_clinical_knowledge",
    "mmlu_college_biology",
    "mmlu_college_medicine",
    "mmlu_medical_genetics",
    "mmlu_professional_medicine",
)
GATED = ("mednli", "medication_status", "clinical_coreference")
ASKED_FOR = {
    "qa": (
        *("med_qa", "med_qa_5options", "medmcqa", "pubmed_qa", "bioasq_yesno", *MMLU),
        *("medquad", "mediqa_qa", "liveqa_medical", "medication_qa"),
    ),
    "ie": (
        *("ncbi_disease", "bc5cdr_chemicals", "bc5cdr_diseases", "bc5cdr_relations", "jnlpba"),
        *("bc2gm", "chemprot", "ddi", "phee", "hoc", "healthver", "mediqa_rqe", *GATED),
    ),
    "gen": (
        *("mts_dialog", "aci_bench", "meqsum", "icliniq_qa"),
        *("plain_language_summaries", "discharge_rewriting"),
    ),
    "other": ("bioinstruct", "alpaca", "medinstruct", "super_natural_instructions"),
}
NAMES = [name for names in ASKED_FOR.values() for name in names]
ENTITIES = ("ncbi_disease", "bc5cdr_chemicals", "bc5cdr_diseases", "jnlpba", "bc2gm")
RELATIONS = ("bc5cdr_relations", "phee", "medication_status")
"""Their answers are ``first | relation | second`` or ``name | status``."""
PAIRS = ("chemprot", "ddi")
"""They ask about two names of a sentence."""
KNOWN = (
    # (task, field, text of a row, its answer)
    ("medmcqa", "question", "supplied by the glossopharyngeal nerve", "Stylopharyngeus"),
    ("medmcqa", "question", "Russell's bodies are found in", "Plasma cells"),
    ("med_qa", "question", "genes would suggest hereditary hemochromatosis", "HFE gene"),
    ("mmlu_anatomy", "question", "cells in the blood do not have a nucleus", "Erythrocyte"),
    ("pubmed_qa", "question", "base deficit predict mortality", "no"),
    ("chemprot", "text", "<< aromatase >> is the source for local [[ estrogen ]]", "product"),
    ("chemprot", "text", "<< beta2-adrenoceptor >> agonists, [[ formoterol ]]", "agonist"),
    ("ddi", "text", "A dose adjustment is not needed when zidovudine", "advice"),
    ("hoc", "text", "harmine inhibited tumor growth by reducing tumor", "inducing angiogenesis"),
    ("ncbi_disease", "tokens", "'with', 'Lowe', 'syndrome', ','", "Lowe syndrome"),
)
UNSEEN: dict[str, set[str]] = {}
"""Labels that neither the rows nor the made-up ones have, by task: none at present."""


@pytest.fixture(scope="module")
def tasks() -> dict[str, Task]:
    return load_tasks()


def root() -> Path:
    if not os.environ.get("PRECEPTOR_DATA"):
        pytest.skip("BIOMEDICAL ROWS NOT TESTED: set PRECEPTOR_DATA to their folder")
    found = data_root(None)
    assert found is not None
    return found


def real_rows(task: Task) -> list[Row]:
    return [row for split in splits_here(task, root()) for row in read_rows(task, split, root())]


def kept(task: Task, rows: Iterable[Row]) -> list[tuple[Row, Prepared]]:
    return [(row, made) for row in rows if (made := prepare(task, row)) is not None]


def rows_or_sample(task: Task) -> list[tuple[Row, Prepared]]:
    found = kept(task, real_rows(task) or sample_rows(task))
    assert found, f"nothing to look at for {task.name}"
    return found


def test_everything_that_was_asked_for_is_there(tasks: dict[str, Task]) -> None:
    assert set(NAMES) <= set(tasks)
    biomedical = [name for name in NAMES if name not in ASKED_FOR["other"]]
    assert len(set(biomedical)) == len(biomedical) >= 28


@pytest.mark.parametrize("name", NAMES)
def test_a_task_has_its_category_and_ten_templates(tasks: dict[str, Task], name: str) -> None:
    task = tasks[name]
    assert name in ASKED_FOR[task.category]
    assert len(task.templates) == 10
    assert sum(template.inverted for template in task.templates) <= 3


@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_fetched_says_where_its_files_go(tasks: dict[str, Task], name: str) -> None:
    source = tasks[name].source
    if source.access == "open":
        assert source.hub
        assert source.hub_splits
        return
    assert f"{source.folder}/" in source.how
    for split in splits_of(tasks[name]):
        stem = source.splits[split]
        assert any(f"{stem}{ending}" in source.how for ending in (".jsonl", ".csv")), stem


@pytest.mark.parametrize("name", GATED)
def test_a_gated_loader_names_its_fields_and_reads_its_sample(
    tasks: dict[str, Task], name: str
) -> None:
    task = tasks[name]
    assert task.source.access == "gated"
    assert [field for field in task.fields if field not in task.source.how] == []
    rows = sample_rows(task)
    assert rows
    assert len(kept(task, rows)) == len(rows)


def names_of(answer: str) -> list[str]:
    """What an answer says stands in the text: every name, the relation or type left out."""
    found = []
    for item in [] if answer == "none" else answer.split("; "):
        first, *rest = item.split(" | ")
        found += [first, *rest[1:]]
    return found


@pytest.mark.parametrize("name", [*ENTITIES, *RELATIONS])
def test_every_name_of_an_answer_stands_in_the_prompt(tasks: dict[str, Task], name: str) -> None:
    task = tasks[name]
    ways = [template for template in task.templates if not template.inverted]
    seen = 0
    for number, (row, prepared) in enumerate(rows_or_sample(task)):
        asked = render(task, ways[number % len(ways)], prepared, row, Style())
        names = names_of(asked.target)
        assert [one for one in names if one not in asked.prompt] == []
        assert [one for one in names if not one.strip() or one != one.strip()] == []
        seen += len(names)
    assert seen > 0


@pytest.mark.parametrize("name", PAIRS)
def test_both_arguments_of_a_relation_stand_in_the_prompt(
    tasks: dict[str, Task], name: str
) -> None:
    task = tasks[name]
    for number, (row, prepared) in enumerate(rows_or_sample(task)):
        asked = render(task, task.templates[number % 10], prepared, row, Style())
        for side in ("first", "second"):
            argument = str(prepared.values[side])
            assert argument
            assert argument in asked.prompt
            assert str(prepared.values["marked"]).count(argument) >= 1


def test_the_marks_stand_around_the_arguments(tasks: dict[str, Task]) -> None:
    for _, prepared in rows_or_sample(tasks["ddi"]):
        values = prepared.values
        marked = str(values["marked"])
        assert f"<<{values['first']}>>" in marked
        assert f"<<{values['second']}>>" in marked
        assert marked.count("<<") == marked.count(">>") == 2
        assert marked.replace("<<", "").replace(">>", "") == values["sentence"]
    for _, prepared in rows_or_sample(tasks["chemprot"]):
        values = prepared.values
        marked = str(values["marked"])
        # in the order of the text, as find_the_pair has it
        assert marked.index(f"<< {values['first']} >>") < marked.index(f"[[ {values['second']} ]]")
        assert "<< " not in str(values["plain"])


@pytest.mark.parametrize("name", NAMES)
def test_every_label_occurs_or_is_explained(tasks: dict[str, Task], name: str) -> None:
    task = tasks[name]
    if task.labels is None:
        return
    answers = {prepared.answer for _, prepared in rows_or_sample(task)}
    assert set(task.labels.words.values()) - answers == UNSEEN.get(name, set())


def test_the_subjects_of_mmlu_share_out_the_folder(tasks: dict[str, Task]) -> None:
    every = [(row.split, row.id) for row in real_rows(tasks[MMLU[0]])]
    shares = [
        {(row.split, row.id) for row, _ in kept(tasks[name], real_rows(tasks[name]))}
        for name in MMLU
    ]
    assert all(shares)
    assert sum(map(len, shares)) == len(every)
    assert set().union(*shares) == set(every)


def test_medmcqa_counts_its_options_from_zero(tasks: dict[str, Task]) -> None:
    """The nerve's one muscle is the first option; the authors' raw files say 1 for it."""
    task = tasks["medmcqa"]
    rows = real_rows(task)
    [row] = [row for row in rows if "by the glossopharyngeal nerve" in row.fields["question"]]
    assert row.fields["opa"] == "Stylopharyngeus"
    assert row.fields["cop"] == 0
    assert {row.fields["cop"] for row in rows} == {0, 1, 2, 3}


@pytest.mark.parametrize(("name", "field", "text", "answer"), KNOWN, ids=lambda v: str(v)[:20])
def test_a_row_whose_answer_is_known_has_it(
    tasks: dict[str, Task], name: str, field: str, text: str, answer: str
) -> None:
    rows = [row for row in real_rows(tasks[name]) if text in str(row.fields.get(field))]
    answers = [prepared.answer for _, prepared in kept(tasks[name], rows)]
    assert set(answers) == {answer}


@pytest.mark.parametrize("name", NAMES)
def test_no_inverted_template_gives_its_target_away(tasks: dict[str, Task], name: str) -> None:
    """Openings of short texts must not be the whole text; sections of a note are a closed list."""
    task = tasks[name]
    ways = [t for t in task.templates if t.inverted and (name, t.id) not in SHOWN]
    for row, prepared in rows_or_sample(task)[:200]:
        for template in ways:
            asked = render(task, template, prepared, row, Style())
            if len(asked.target) > 12:
                assert asked.target.strip(" .?") not in asked.prompt, (template.id, row.id)


SHOWN = {
    ("chemprot", "find_the_pair"),  # names are copied from the sentence
    ("mts_dialog", "which_section"),  # some sections are named as examples
    ("mediqa_rqe", "derive_a_question"),  # the short question may be a piece of the long one
    ("medication_qa", "name_the_drug"),
}
"""(task, inverted template) whose target may stand in the prompt."""

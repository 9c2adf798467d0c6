"""Real rows: planted leaks are found, disjoint sets stay as they are."""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from preceptor import draws
from preceptor.decontamination.certificate import certify, verify, verify_kept
from preceptor.decontamination.findings import check_many
from preceptor.decontamination.index import Index, build_index
from preceptor.decontamination.items import benchmark
from preceptor.decontamination.passes import Pass
from preceptor.decontamination.settings import Settings
from preceptor.decontamination.stock import wording_of
from preceptor.records import Example
from preceptor.tasks import catalogue
from preceptor.tasks.source import data_root, read_rows, splits_here
from preceptor.tasks.task import Task, prepare
from preceptor.tasks.template import Style, render

TESTED = ("rte", "squad_v1", "pubmed_qa", "medmcqa")
pytestmark = pytest.mark.skipif(
    not os.environ.get("PRECEPTOR_DATA"),
    reason="REAL ROWS NOT CHECKED: set PRECEPTOR_DATA to their folder",
)


@cache
def library() -> dict[str, Task]:
    return catalogue.load_tasks()


@cache
def index(name: str) -> Index:
    task = library()[name]
    return build_index([benchmark(task, "test", root())], Settings(), wording_of([task]))


def root() -> Path | None:
    return data_root(None)


@cache
def rendered(name: str, split: str, seed: int = 0) -> tuple[Example, ...]:
    """Every row under one of the task's templates, with the options in an order of its own."""
    task = library()[name]
    made = []
    for row in read_rows(task, split, root()):
        prepared = prepare(task, row)
        if prepared is not None:
            templates = [t for t in task.templates if split == "train" or not t.inverted]
            template = draws.choose(templates, seed, name, row.id)
            style = Style(order="drawn", marker="drawn", seed=seed)
            made.append(render(task, template, prepared, row, style))
    return tuple(made)


def recased(one: Example) -> Example:
    return replace(one, prompt=one.prompt.upper().replace(" ", "  * "))


def embedded(one: Example) -> Example:
    prompt = f"Below is a task. Think first.\n\n### Input:\n“{one.prompt}”\n\n### Response:"
    return replace(one, prompt=prompt, template="")


def turned(one: Example) -> Example:
    return replace(one, prompt=f"Write a task with the answer {one.target}.", target=one.prompt)


def told(one: Example) -> Example:
    return replace(one, prompt=f"{one.prompt} {one.target}", target="")


@pytest.mark.parametrize("name", TESTED)
@pytest.mark.parametrize("how", [lambda one: one, recased, embedded, turned, told])
def test_every_planted_item_is_found(name: str, how: Callable[[Example], Example]) -> None:
    leaks = [how(one) for one in rendered(name, "test")]
    missed = [
        one.id
        for one, findings in zip(leaks, check_many(index(name), leaks), strict=True)
        if not any(
            finding.item == one.id.rpartition("/")[0]
            and finding.kind in ("question", "question+answer")
            for finding in findings
        )
    ]
    assert missed == []


@pytest.mark.parametrize("name", ["squad_v1", "pubmed_qa", "medmcqa"])
def test_disjoint_sets_stay_as_they_are(name: str) -> None:
    done = Pass(index(name))
    kept = list(done.kept(rendered(name, "train")))
    assert kept == list(rendered(name, "train"))
    assert done.report().kinds == {}


def test_what_rte_shares_is_a_few_repeated_hypotheses_and_sentences() -> None:
    done = Pass(index("rte"))
    for _ in done.kept(rendered("rte", "train")):
        pass
    report = done.report()
    assert report.removed == 13
    assert report.kinds == {"question+answer": 8, "question": 5, "passage": 2}
    assert {one.words for one in report.benchmarks[0].shown if one.kind != "passage"} == {8, 11}


def test_questions_of_qnli_lie_in_the_passages_of_squad() -> None:
    if not splits_here(library()["qnli"], root()):
        pytest.skip("no rows of QNLI")
    done = Pass(index("qnli"))
    for _ in done.kept(rendered("squad_v1", "train")):
        pass
    assert done.report().benchmarks[0].touched >= 10


def test_a_certificate_of_real_rows_holds_and_notices_a_change() -> None:
    made = [*rendered("medmcqa", "train"), *rendered("medmcqa", "test")[:50]]
    against = [benchmark(library()["medmcqa"], "test", root())]
    wording = wording_of([library()["medmcqa"]])
    done = Pass(index("medmcqa"))
    kept = list(done.kept(made))
    certificate = certify(done, kept)
    assert len(kept) == len(made) - 50
    assert certificate["residual"] == {"removable": 0, "examples": {}, "benchmarks": {}}
    assert verify(certificate, made, against, wording) == ()
    assert verify_kept(certificate, kept, against, wording) == ()
    made[7] = replace(made[7], prompt=made[7].prompt + ".")
    assert verify(certificate, made, against, wording)
    first = against[0].items[0]
    other = replace(against[0], items=(replace(first, answers=("x",)), *against[0].items[1:]))
    assert verify_kept(certificate, kept, [other], wording)

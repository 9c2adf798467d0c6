"""Rows that overlap with what is evaluated are in no example, and the certificate says so."""

from pathlib import Path

import pytest

from preceptor.artifact import Work, read_json
from preceptor.decontamination.certificate import verify_kept
from preceptor.decontamination.index import build_index
from preceptor.decontamination.items import benchmark
from preceptor.decontamination.settings import Settings
from preceptor.decontamination.stock import wording_of
from preceptor.errors import RecipeError
from preceptor.mixture import stage
from preceptor.mixture.config import MixtureConfig
from preceptor.records import Instruction
from preceptor.tasks.task import Task
from tests.mixture.toys import instruction, library, toy


def own(n: int) -> str:
    return " ".join(f"word{n}x{i}" for i in range(16))


@pytest.fixture
def tasks(tmp_path: Path) -> dict[str, Task]:
    mine = [{"text": own(n), "label": n % 2} for n in range(20)]
    exam = [{"text": own(n), "label": n % 2} for n in (3, 7, 100, 101)]
    test = {"folder": "exam", "splits": {"test": "train"}}
    return library(
        toy(tmp_path, "train_me", mine),
        toy(tmp_path, "exam", exam, cluster="paraphrase", source=test),
    )


def mixed(
    folder: Path, tasks: dict[str, Task], written: list[Instruction], **config: object
) -> tuple[Work, dict[str, object]]:
    asked = MixtureConfig.model_validate({"tasks": ["train_me"], "examples": 40, **config})
    wording = wording_of(tasks.values())
    index = build_index([benchmark(tasks["exam"], "test", folder)], Settings(), wording)
    needs = stage.Needs(folder, cache=folder / "cache", index=index)
    work = Work(folder / "out")
    chosen = [tasks["train_me"]]
    return work, stage.mix(asked, chosen, tasks, written, needs, 0, work)


def test_leaked_rows_and_instructions_leave_and_are_counted(
    tmp_path: Path, tasks: dict[str, Task]
) -> None:
    written = [instruction(1), instruction(2, input=f"Say it back. {own(101).upper()}")]
    work, counts = mixed(tmp_path, tasks, written, instructions=0.05)
    lines = {line.task: line for line in stage.read_table(work.files / stage.TABLE)}
    assert (lines["train_me"].contaminated, lines["train_me"].usable) == (2, 18)
    assert (lines["synthesised"].contaminated, lines["synthesised"].usable) == (1, 1)
    assert counts["rows_contaminated"] == 3
    examples = stage.read_examples(work.files / stage.EXAMPLES)
    assert len(examples) == counts["examples"] == 40
    shown = " ".join(one.prompt + one.target for one in examples)
    assert not any(own(n) in shown for n in (3, 7, 100, 101))


def test_the_certificate_holds_for_what_was_written_and_for_nothing_else(
    tmp_path: Path, tasks: dict[str, Task]
) -> None:
    work, _ = mixed(tmp_path, tasks, [])
    certificate = read_json(work.files / stage.CERTIFICATE)
    assert certificate["training"]["examples"] == 40
    assert certificate["removed"]["examples"] == 0, "the rows had left before"
    examples = stage.read_examples(work.files / stage.EXAMPLES)
    exam = [benchmark(tasks["exam"], "test", tmp_path)]
    wording = wording_of(tasks.values())
    assert verify_kept(certificate, examples, exam, wording) == ()
    assert verify_kept(certificate, examples[1:], exam, wording) != ()


def test_a_task_of_which_nothing_is_left_is_refused(tmp_path: Path, tasks: dict[str, Task]) -> None:
    tasks["train_me"] = toy(tmp_path, "train_me", [{"text": own(3), "label": 1}])
    with pytest.raises(RecipeError, match="every row of train_me overlaps with what is evaluated"):
        mixed(tmp_path, tasks, [])

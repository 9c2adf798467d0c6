"""Natural Instructions, both versions, as rows and task files."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from preceptor.data.instructions import Wanted
from preceptor.data.library import Library
from preceptor.data.natural import read_natural
from preceptor.data.natural_tasks import import_natural
from preceptor.data.tally import Tally
from preceptor.data.taskyaml import TaskText
from preceptor.errors import RowError
from preceptor.records import Example
from preceptor.tasks.lint import lint_task
from preceptor.tasks.source import read_rows
from preceptor.tasks.task import Task, prepare
from preceptor.tasks.taskfile import read_task
from preceptor.tasks.template import render

SUPER: dict[str, Any] = {
    "Contributors": ["A. Nobody"],
    "Source": ["super_glue rte", "synthetic"],
    "URL": ["https://example.org"],
    "Categories": ["Textual Entailment"],
    "Reasoning": [],
    "Definition": ["Say whether the second {{ sentence }} follows.", "Answer 1 or 0."],
    "Domains": ["News"],
    "Positive Examples": [
        {"input": "It rains. It is wet.", "output": "1", "explanation": "Rain is wet."},
        {"input": "It rains. It is dry.", "output": "0", "explanation": "Rain is wet."},
        {"input": "Third.", "output": "0", "explanation": ""},
    ],
    "Negative Examples": [{"input": "x", "output": "maybe", "explanation": "Only 1 or 0."}],
    "Instances": [
        {"id": f"t-{n}", "input": f"Sentence {n}.", "output": [str(n % 2)]} for n in range(12)
    ],
    "Instance License": ["Apache 2.0"],
}
FIRST: dict[str, Any] = {
    "Title": "Asking what follows",
    "Prompt": "Ask a question on the sentence.",
    "Definition": "Write a question.",
    "Things to Avoid": "-",
    "Emphasis & Caution": "Be short.",
    "Examples": {
        "Positive Examples": [{"input": "It rains.", "output": "Is it wet?", "reason": "r"}],
        "Negative Examples": [],
    },
    "Instances": [
        {"input": "The sun shines.", "output": ["Is it hot?", "Is it hot?", " Is it day? "]},
        {"input": "It snows.", "output": ["Is it cold?"]},
        {"input": "It hails.", "output": [""]},
    ],
}


def brought(
    root: Path, content: Any, tally: Tally | None = None, known: dict[str, Task] | None = None
) -> TaskText:
    path = root / "task077_super_glue_rte.json"
    path.write_text(json.dumps(content))
    task = read_natural(path, tally or Tally())
    return import_natural(task, Wanted("own"), known or {}, root, True)[1]


def examples(root: Path, text: TaskText, template: str) -> list[Example]:
    task = read_task(root / "own" / "own.yaml")
    assert task == text.task
    chosen = next(one for one in task.templates if one.id == template)
    rows = read_rows(task, "train", root)
    return [render(task, chosen, ready, row) for row in rows if (ready := prepare(task, row))]


def test_answers_that_are_one_of_a_few_are_labels_with_options(tmp_path: Path) -> None:
    made = brought(tmp_path, SUPER)
    task = made.task
    assert (task.cluster, task.metric) == ("natural_language_inference", "accuracy")
    assert task.labels is not None
    assert list(task.labels.words) == ["0", "1"]
    found = examples(tmp_path, made, "definition_with_examples")
    assert [one.target for one in found[:3]] == ["0", "1", "0"]
    assert found[0].row == "own/train/t-0"
    assert found[0].prompt == (
        "Definition: Say whether the second {{ sentence }} follows.\nAnswer 1 or 0.\n\n"
        "Example 1\nInput: It rains. It is wet.\nOutput: 1\n\n"
        "Example 2\nInput: It rains. It is dry.\nOutput: 0\n\n"
        "Now complete the following example.\nInput: Sentence 0.\n\n"
        "OPTIONS:\n- 0\n- 1"
    )


def test_what_the_file_says_of_itself_stands_above_the_task(tmp_path: Path) -> None:
    text = brought(tmp_path, SUPER).text
    for remark in ("# Categories: Textual Entailment", "# Instance License: Apache 2.0"):
        assert remark in text
    assert "# Reasoning" not in text


def test_several_right_answers_are_references(tmp_path: Path) -> None:
    tally = Tally(skip=True)
    made = brought(tmp_path, FIRST, tally)
    assert dict(tally.skipped) == {"output has no text": 1}
    assert (made.task.title, made.task.metric) == ("Asking what follows", "rouge_l")
    task = made.task
    ready = prepare(task, read_rows(task, "train", tmp_path)[0])
    assert ready is not None
    assert (ready.answer, ready.references) == ("Is it hot?", ("Is it hot?", "Is it day?"))
    prompts = [examples(tmp_path, made, name)[0].prompt for name in ("with_notes", "request_alone")]
    assert prompts[0] == (
        "Write a question.\n\nMind this as you go:\nBe short.\n\nYour case: The sun shines."
    )
    assert prompts[1].endswith("Ask a question on the sentence.")


def test_it_is_held_out_with_the_data_sets_that_its_name_or_source_names(tmp_path: Path) -> None:
    known = {"rte": Library()["rte"]}
    assert "rte" in brought(tmp_path, SUPER, known=known).task.provenance
    assert brought(tmp_path, FIRST, Tally(skip=True)).task.cluster == "miscellaneous"


@pytest.mark.parametrize(
    ("stem", "source", "found"),
    [
        ("task001_a", ["MC-TACO"], ("mc_taco",)),
        ("subtask003_mctaco_question_generation", None, ("mctaco",)),
        ("task1_shout", None, ()),
        ("task002_b", ["synthetic", "New Set", "super_glue rte"],
         ("rte", "new_set", "super_glue_rte")),
        ("task077_super_glue_rte", None, ("rte",)),
    ],
)  # fmt: skip
def test_data_sets_that_the_library_does_not_know_are_provenance_too(
    tmp_path: Path, stem: str, source: list[str] | None, found: tuple[str, ...]
) -> None:
    path = tmp_path / f"{stem}.json"
    content = {key: value for key, value in SUPER.items() if key != "Source"}
    path.write_text(json.dumps(content | ({"Source": source} if source else {})))
    made = import_natural(
        read_natural(path, Tally()), Wanted("own"), {"rte": Library()["rte"]}, tmp_path, True
    )[1]
    assert made.task.provenance == ("own", *found)


def test_an_instance_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(RowError, match=r"rte\.json, instance 3: output has no text; correct it"):
        brought(tmp_path, FIRST)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"Instances": []}, "no task of Natural Instructions: Definition and Instances are needed"),
        ({**SUPER, "Definition": ["-"]}, "Definition is empty"),
        ({**SUPER, "Instances": {}}, "Instances is no list"),
        ({**SUPER, "Instances": []}, "has no instance that can be used"),
        ([1], "needed, found list"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(RowError, match=message):
        brought(tmp_path, content)


def test_real_tasks_of_version_1_come_in_whole_and_pass_lint(tmp_path: Path) -> None:
    root = os.environ.get("PRECEPTOR_DATA")
    if not root:
        pytest.skip("REAL NATURAL INSTRUCTIONS NOT READ: set PRECEPTOR_DATA to their folder")
    paths = sorted((Path(root) / "natural_instructions" / "tasks").glob("*.json"))
    assert len(paths) > 30
    closed = 0
    for path in paths[::3]:
        tally = Tally(skip=True)
        task = read_natural(path, tally)
        given = json.loads(path.read_text(encoding="utf-8"))["Instances"]
        assert len(task.instances) + sum(tally.skipped.values()) == len(given)
        text = import_natural(task, Wanted("own"), {}, tmp_path, True)[1]
        closed += text.task.kind == "options"
        rows = read_rows(text.task, "train", tmp_path)
        assert len(rows) == len(task.instances)
        wrong = [one.message for one in lint_task(text.task, rows) if one.severity == "error"]
        assert wrong == [], path.name
    assert closed >= 2

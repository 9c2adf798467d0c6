"""Toy tasks written as files and read back through the task engine."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from preceptor.records import Instruction
from preceptor.tasks.task import Task
from preceptor.tasks.taskfile import read_task


def toy(
    folder: Path,
    name: str,
    rows: int | Sequence[Mapping[str, object]] = 8,
    cluster: str = "sentiment",
    **changes: object,
) -> Task:
    """A task with three templates (the last inverted) whose rows lie in ``folder/<name>``."""
    if isinstance(rows, int):
        rows = [{"text": f"{name} text {n}", "label": n % 2} for n in range(rows)]
    (folder / name).mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / name / "train.jsonl").write_text(lines, encoding="utf-8")
    content: dict[str, object] = {
        "task": name,
        "title": name,
        "cluster": cluster,
        "licence": "Apache-2.0",
        "about": "A toy.",
        "source": {"folder": name, "splits": {"train": "train"}},
        "provenance": [name],
        "fields": {"text": "str", "label": "int"},
        "values": {"text": "text"},
        "labels": {
            "field": "label",
            "names": {0: "bad", 1: "good"},
            "words": {"bad": "negative", "good": "positive"},
        },
        "metric": "accuracy",
        "templates": [
            {"id": "first", "prompt": "{{ text }}\n{{ options_block }}"},
            {"id": "second", "prompt": "How is this?\n{{ text }}\n{{ options_block }}"},
            {
                "id": "turned",
                "inverted": True,
                "prompt": "Write a {{ answer }} text.",
                "target": "{{ text }}",
            },
        ],
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(content | changes, sort_keys=False), encoding="utf-8")
    return read_task(path)


def library(*tasks: Task) -> dict[str, Task]:
    """The tasks by name."""
    return {task.name: task for task in tasks}


def instruction(n: int, category: str = "qa", input: str = "") -> Instruction:
    """A synthesised instruction, all but its text made up."""
    return Instruction(
        id=f"i{n}",
        instruction=f"Do {n}.",
        input=input,
        output=f"Done {n}.",
        category=category,
        category_rule="",
        seed_ids=(),
        request_id="r0",
        position=0,
        teacher="",
        sampling={},
        prompt_sha256="",
        prompt_tokens=1,
        reply_tokens=1,
        nearest="",
        nearest_rouge_l=0.0,
    )

"""How seeds are shown in a prompt: as labelled fields, with numbers, or as JSON."""

import json
from collections.abc import Sequence
from typing import Any

from preceptor.records import Seed
from preceptor.synthesis.parse import NO_INPUT, format_task
from preceptor.synthesis.parse_numbered import format_numbered

NOTHING = "?"
"""Stands for an output while a task is laid out that is shown without one."""


def labelled(seeds: Sequence[Seed], with_output: bool) -> str:
    """Tasks as labelled fields with an empty line between."""
    return "\n\n".join(labelled_task(seed, with_output) for seed in seeds)


def labelled_task(seed: Seed, with_output: bool) -> str:
    """One task as labelled fields."""
    if with_output:
        return format_task(seed.instruction, seed.input, seed.output)
    return _without_output(format_task(seed.instruction, seed.input, NOTHING))


def numbered(seeds: Sequence[Seed], with_output: bool) -> str:
    """Alpaca's shape: heads with the task's number, from 1, each task behind a line of "###"."""
    tasks = []
    for number, seed in enumerate(seeds, start=1):
        if with_output:
            task = format_numbered(number, seed.instruction, seed.input, seed.output)
        else:
            task = _without_output(format_numbered(number, seed.instruction, seed.input, NOTHING))
        tasks.append(f"###\n{task}")
    return "\n".join(tasks)


def listed(seeds: Sequence[Seed]) -> str:
    """Self-Instruct's shape: a numbered list of instructions, one a line."""
    lines = (f"{n}. {' '.join(seed.instruction.split())}" for n, seed in enumerate(seeds, start=1))
    return "\n".join(lines)


def instructions_as_json(seeds: Sequence[Seed]) -> str:
    """One JSON object in the shape of ``schemas.instructions_schema``."""
    return _json([{"instruction": seed.instruction} for seed in seeds])


def as_json(seeds: Sequence[Seed], with_output: bool, traits: bool = False) -> str:
    """One JSON object in the shape of ``schemas.tasks_schema``; unknown traits are left out."""
    return _json([_fields(seed, with_output, traits) for seed in seeds])


def trait_values(seed: Seed) -> dict[str, str | int]:
    """What is known of topic, view, kind and difficulty."""
    values: dict[str, str | int] = {
        "topic": seed.topic.replace("_", " "),
        "view": seed.view,
        "kind": seed.kind,
        "difficulty": seed.difficulty,
    }
    return {name: value for name, value in values.items() if value}


def _fields(seed: Seed, with_output: bool, traits: bool) -> dict[str, Any]:
    return {
        **(trait_values(seed) if traits else {}),
        "instruction": seed.instruction,
        "input": seed.input or NO_INPUT,
        **({"output": seed.output} if with_output else {}),
    }


def _json(tasks: list[dict[str, Any]]) -> str:
    return json.dumps({"tasks": tasks}, ensure_ascii=False, indent=1)


def _without_output(task: str) -> str:
    return task.rsplit("\n", 1)[0]

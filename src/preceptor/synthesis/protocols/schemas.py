"""JSON schemas of replies, within what strict endpoints take: every object is closed and all its
keys are required; no lengths and no counts, which some of them refuse.

A model that is held to a schema writes keys in the order given here, so that order is part of the
method: what a task is about comes before its text, and a label before its input.
"""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

_TEXT: Schema = {"type": "string"}
_TRAITS: Schema = {
    "topic": _TEXT,
    "view": _TEXT,
    "kind": _TEXT,
    "difficulty": {"type": "integer", "enum": [1, 2, 3, 4, 5]},
}
YES_OR_NO = ("yes", "no")


def tasks_schema(with_output: bool, traits: bool = False) -> Schema:
    """Tasks under the key "tasks": instruction, input, and what else is asked for.

    Args:
        with_output: Each has an output.
        traits: Each has topic, view, kind and difficulty.
    """
    output = {"output": _TEXT} if with_output else {}
    task = {**(_TRAITS if traits else {}), "instruction": _TEXT, "input": _TEXT, **output}
    return _list_of("tasks", task)


def instructions_schema() -> Schema:
    """Instructions alone, under the key "tasks"."""
    return _list_of("tasks", {"instruction": _TEXT})


def label_schema() -> Schema:
    """Yes or no, under the key "label"."""
    return _closed({"label": {"type": "string", "enum": list(YES_OR_NO)}})


def instances_schema(label_first: bool) -> Schema:
    """Inputs and outputs under the key "instances"; of a classification, outputs come first."""
    names = ("output", "input") if label_first else ("input", "output")
    return _list_of("instances", dict.fromkeys(names, _TEXT))


def _list_of(key: str, fields: Schema) -> Schema:
    return _closed({key: {"type": "array", "items": _closed(fields)}})


def _closed(fields: Schema) -> Schema:
    return {
        "type": "object",
        "properties": dict(fields),
        "required": list(fields),
        "additionalProperties": False,
    }

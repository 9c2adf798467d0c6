from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from preceptor.synthesis.protocols.schemas import (
    instances_schema,
    instructions_schema,
    label_schema,
    tasks_schema,
)

SCHEMAS = [
    tasks_schema(True),
    tasks_schema(False),
    tasks_schema(True, traits=True),
    tasks_schema(False, traits=True),
    instructions_schema(),
    label_schema(),
    instances_schema(True),
    instances_schema(False),
]
STRICT = {"type", "properties", "required", "additionalProperties", "items", "enum"}


def parts(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield schema
    for inner in [*schema.get("properties", {}).values(), schema.get("items")]:
        if inner is not None:
            yield from parts(inner)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_strict_endpoints_take_every_schema(schema: Mapping[str, Any]) -> None:
    assert schema["type"] == "object"
    for part in parts(schema):
        assert set(part) <= STRICT
        if part["type"] == "object":
            assert part["additionalProperties"] is False
            assert part["required"] == list(part["properties"])


def test_a_task_has_what_was_asked_for_in_the_order_of_writing() -> None:
    def fields(schema: Mapping[str, Any]) -> list[str]:
        return list(schema["properties"]["tasks"]["items"]["properties"])

    assert fields(tasks_schema(True)) == ["instruction", "input", "output"]
    assert fields(tasks_schema(False)) == ["instruction", "input"]
    assert fields(tasks_schema(False, traits=True)) == [
        *("topic", "view", "kind", "difficulty", "instruction", "input"),
    ]

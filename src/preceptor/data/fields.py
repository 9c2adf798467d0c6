"""What records of every format have beside their texts: an id, a source, metadata."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from preceptor.data.conversation import Conversation, RecordProblem, Turn

ID, SOURCE, METADATA = "id", "source", "metadata"
SCHEMA_ASIDE = [pa.field(name, pa.string()) for name in (ID, SOURCE, METADATA)]
"""The columns of a Parquet file after those of its format; metadata is JSON there."""


def text_of(record: Mapping[str, Any], name: str, required: bool = False) -> str:
    """A field that is text; empty where it is null or, unless required, missing.

    Raises:
        RecordProblem: It is required and missing, or is no text.
    """
    value = record.get(name)
    if value is None and not required:
        return ""
    if value is None:
        there = ", ".join(map(str, record)) or "nothing"
        raise RecordProblem(f"{name} is missing; the record has {there}")
    if not isinstance(value, str):
        raise RecordProblem(f"{name} is no text but {type(value).__name__}")
    return value


def from_aside(
    record: Mapping[str, Any],
    own: Sequence[str],
    turns: Sequence[Turn],
    system: str,
    notes: Counter[str],
) -> Conversation:
    """A conversation with everything that its record says beside the format's ``own`` fields."""
    id, source = record.get(ID), record.get(SOURCE)
    known_id = isinstance(id, str | int) and not isinstance(id, bool)
    taken = {*own, *([ID] if known_id else []), *([SOURCE] if isinstance(source, str) else [])}
    extra = {key: value for key, value in record.items() if key not in taken and value is not None}
    inner = _unpacked(extra.get(METADATA))
    if inner is not None:
        del extra[METADATA]
        for key in extra.keys() & inner.keys():
            notes[f"metadata's {key!r} gives way to the record's own"] += 1
        extra = inner | extra
    return Conversation(
        tuple(turns),
        system,
        str(id) if known_id else "",
        source if isinstance(source, str) else "",
        extra,
    )


def _unpacked(metadata: Any) -> dict[str, Any] | None:
    if isinstance(metadata, str):
        try:
            metadata = json.loads(metadata)
        except (ValueError, RecursionError):
            return None
    return metadata if isinstance(metadata, dict) else None


def aside(conversation: Conversation, more: Mapping[str, Any]) -> dict[str, Any]:
    """The fields beside the format's own, those that say something."""
    metadata = {**conversation.extra, **more}
    found = {ID: conversation.id, SOURCE: conversation.source, METADATA: metadata}
    return {name: value for name, value in found.items() if value}


def for_parquet(record: dict[str, Any]) -> dict[str, Any]:
    """The record with its metadata as JSON, because a column has one type."""
    if METADATA not in record:
        return record
    text = json.dumps(record[METADATA], ensure_ascii=False, allow_nan=False)
    return record | {METADATA: text}

"""The stage's files: Parquet with fixed columns and row groups, so that equal content is equal
bytes. They are written as rows come, and never held.

Columns that hold a mapping (``sampling``, ``verdicts``, ``flags``, ``note``) hold it as JSON with
its keys in order.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from preceptor.errors import ArtifactError
from preceptor.records import Instruction, Reply
from preceptor.synthesis.slots import Rejection
from preceptor.teachers.calls import Call

ROW_GROUP = 4096
"""Rows written at once."""

_MAPPINGS = ("sampling", "verdicts", "flags")
_TYPES = {
    "position": pa.int32(),
    "prompt_tokens": pa.int32(),
    "reply_tokens": pa.int32(),
    "difficulty": pa.int32(),
    "nearest_rouge_l": pa.float64(),
    "cost": pa.float64(),
    "finished": pa.bool_(),
    "unanswerable": pa.bool_(),
    "seed_ids": pa.list_(pa.string()),
    "call_ids": pa.list_(pa.string()),
}
_INSTRUCTION = (
    *("id", "instruction", "input", "output", "category", "category_rule", "category_vote"),
    *("topic", "view", "kind", "difficulty", "unanswerable", "passage_id", "seed_ids"),
    *("request_id", "position", "call_ids", "teacher", "sampling", "prompt_sha256"),
    *("prompt_tokens", "reply_tokens", "cost", "nearest", "nearest_rouge_l", "verdicts", "flags"),
)
_REJECTION = (
    *("task", "request_id", "position", "reason", "instruction", "input", "output", "detail"),
    *("nearest", "nearest_rouge_l"),
)
_REQUEST = (
    *("id", "kind", "seed_ids", "prompt_sha256", "prompt", "reply", "prompt_tokens"),
    *("reply_tokens", "finished", "cost", "answered_by", "why", "note"),
)
_NULLABLE = ("nearest_rouge_l",)


class Table:
    """A Parquet file that grows by rows."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._schema = _schema(columns)
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")
        self._rows: list[Mapping[str, Any]] = []
        self._written = False

    def add(self, row: Mapping[str, Any]) -> None:
        """The next row."""
        self._rows.append(row)
        if len(self._rows) == ROW_GROUP:
            self._flush()

    def close(self) -> None:
        """Write what is left; the file is whole after this."""
        if self._rows or not self._written:
            self._flush()
        self._writer.close()

    def _flush(self) -> None:
        self._writer.write_table(pa.Table.from_pylist(self._rows, schema=self._schema))
        self._rows, self._written = [], True


@contextmanager
def tables(
    instructions: Path, rejections: Path, requests: Path
) -> Iterator[tuple[Table, Table, Table]]:
    """The three tables of a stage, closed at the end."""
    made = (
        Table(instructions, _INSTRUCTION),
        Table(rejections, _REJECTION),
        Table(requests, _REQUEST),
    )
    try:
        yield made
    finally:
        for table in made:
            table.close()


def instruction_row(instruction: Instruction) -> dict[str, Any]:
    """A kept task as a row."""
    row: dict[str, Any] = asdict(instruction)
    for name in _MAPPINGS:
        row[name] = _json(row[name])
    return row


def rejection_row(rejection: Rejection) -> dict[str, Any]:
    """A task that was not kept as a row."""
    return asdict(rejection)


def request_row(call: Call, reply: Reply | None, why: str) -> dict[str, Any]:
    """A call and its reply as a row; ``prompt`` is the messages as JSON where they are several."""
    messages = [[message.role, message.content] for message in call.messages]
    return {
        "id": call.id,
        "kind": call.kind,
        "seed_ids": call.note.get("seeds", ()),
        "prompt_sha256": call.prompt_sha256,
        "prompt": messages[0][1] if len(messages) == 1 else _json(messages),
        "reply": reply.text if reply else "",
        "prompt_tokens": reply.prompt_tokens if reply else 0,
        "reply_tokens": reply.reply_tokens if reply else 0,
        "finished": reply.finished if reply else False,
        "cost": reply.cost if reply else 0.0,
        "answered_by": reply.model if reply else "",
        "why": why,
        "note": _json(call.note),
    }


def read_instructions(path: Path) -> list[Instruction]:
    """The instructions of a file that a synthesis wrote.

    Raises:
        ArtifactError: The file is missing, not Parquet, or has other columns.
    """
    try:
        table = pq.read_table(path, schema=_schema(_INSTRUCTION))
        rows: list[dict[str, object]] = table.to_pylist()
        return [_instruction(row) for row in rows]
    except (OSError, pa.ArrowException, ValueError, TypeError) as error:
        raise ArtifactError(
            f"{path} is not a file of instructions ({' '.join(str(error).split())}); "
            "name the instructions.parquet of a synthesis"
        ) from error


def _instruction(row: dict[str, object]) -> Instruction:
    fields = row | {name: json.loads(str(row[name])) for name in _MAPPINGS}
    for name in ("seed_ids", "call_ids"):
        fields[name] = tuple(row[name])  # type: ignore[arg-type]
    return Instruction(**fields)  # type: ignore[arg-type]


def _schema(columns: Sequence[str]) -> pa.Schema:
    return pa.schema(
        [
            pa.field(name, _TYPES.get(name, pa.string()), nullable=name in _NULLABLE)
            for name in columns
        ]
    )


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)

"""The stage's files: Parquet with fixed columns, so that equal content is equal bytes.

Columns that hold a mapping (``sampling``, ``verdicts``) hold it as JSON with its keys in order.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from preceptor.errors import ArtifactError
from preceptor.records import Instruction, Reply
from preceptor.synthesis.requests import Request
from preceptor.synthesis.selection import Rejection

_MAPPINGS = ("sampling", "verdicts")
_TYPES = {
    "position": pa.int32(),
    "prompt_tokens": pa.int32(),
    "reply_tokens": pa.int32(),
    "nearest_rouge_l": pa.float64(),
    "finished": pa.bool_(),
    "seed_ids": pa.list_(pa.string()),
}
_INSTRUCTION = (
    *("id", "instruction", "input", "output", "category", "category_rule", "seed_ids"),
    *("request_id", "position", "teacher", "sampling", "prompt_sha256", "prompt_tokens"),
    *("reply_tokens", "nearest", "nearest_rouge_l", "verdicts"),
)
_REJECTION = ("request_id", "position", "reason", "instruction", "input", "output", "detail")
_REQUEST = (
    *("id", "seed_ids", "prompt_sha256", "prompt", "reply", "prompt_tokens", "reply_tokens"),
    "finished",
)


def write_instructions(path: Path, instructions: Iterable[Instruction]) -> None:
    """One row for each kept instruction, in the order kept."""
    rows = []
    for instruction in instructions:
        row: dict[str, object] = asdict(instruction)
        for name in _MAPPINGS:
            row[name] = json.dumps(row[name], sort_keys=True, ensure_ascii=False)
        rows.append(row)
    _write(path, _INSTRUCTION, rows)


def read_instructions(path: Path) -> list[Instruction]:
    """The instructions of a file that ``write_instructions`` wrote.

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


def write_rejections(path: Path, rejections: Iterable[Rejection]) -> None:
    """One row for each task that was not kept, in the order judged."""
    _write(path, _REJECTION, [asdict(rejection) for rejection in rejections])


def write_requests(path: Path, answered: Iterable[tuple[Request, Reply]]) -> None:
    """One row for each request with its reply, in order."""
    rows = [
        {
            "id": request.id,
            "seed_ids": request.seed_ids,
            "prompt_sha256": request.prompt_sha256,
            "prompt": request.prompt,
            "reply": reply.text,
            "prompt_tokens": reply.prompt_tokens,
            "reply_tokens": reply.reply_tokens,
            "finished": reply.finished,
        }
        for request, reply in answered
    ]
    _write(path, _REQUEST, rows)


def _instruction(row: dict[str, object]) -> Instruction:
    fields = row | {name: json.loads(str(row[name])) for name in _MAPPINGS}
    fields["seed_ids"] = tuple(row["seed_ids"])  # type: ignore[arg-type]
    return Instruction(**fields)  # type: ignore[arg-type]


def _schema(columns: Sequence[str]) -> pa.Schema:
    return pa.schema(
        [pa.field(name, _TYPES.get(name, pa.string()), nullable=False) for name in columns]
    )


def _write(path: Path, columns: Sequence[str], rows: Sequence[dict[str, object]]) -> None:
    table = pa.Table.from_pylist(rows, schema=_schema(columns))
    pq.write_table(table, path, compression="zstd")

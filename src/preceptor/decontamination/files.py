"""Files of training data as examples, and rows of them written again untouched.

JSON lines keep their bytes and Parquet its schema: what is kept is copied, not made anew. A row is
read as prompt and target:

* of an example of a mixture, these;
* of ``messages`` or ``conversations``, what the assistant says is the target, the rest the prompt;
* else the first of ``TARGETS`` that is there is the target, and all other texts are the prompt.

Texts in lists and mappings count as well; the names of fields do not.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import compress, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from preceptor.errors import RowError
from preceptor.records import Example

TARGETS = ("target", "output", "completion", "response", "answer")
TURNS = ("messages", "conversations")
ASSISTANT = ("assistant", "gpt", "model", "bot")
NAMES = ("id", "task")
"""Fields that name a row and say nothing."""
ROWS = 512
"""Rows held at a time."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows, one after another."""

    numbers: Sequence[int]
    """From 1: lines of JSON, rows of Parquet."""
    rows: Sequence[Mapping[str, Any]]
    examples: Sequence[Example]
    raw: Any
    """The rows as their writer takes them."""


Write = Callable[[Chunk, Sequence[bool]], None]
"""Write those rows of a chunk that are chosen."""


def chunks(path: Path) -> Iterator[Chunk]:
    """The rows of a file, in order.

    Raises:
        RowError: It is missing, of another kind, or a row cannot be read or has no text.
    """
    reader = {".jsonl": _json_lines, ".parquet": _parquet}.get(path.suffix)
    if reader is None:
        raise RowError(
            f"{path} is neither .jsonl (one JSON object a line) nor .parquet; write it as one"
        )
    if not path.is_file():
        raise RowError(f"{path} is not there; name a file of training data")
    try:
        yield from reader(path)
    except (OSError, pa.ArrowException) as error:
        raise RowError(f"{path} cannot be read ({' '.join(str(error).split())})") from error


def examples(path: Path) -> Iterator[Example]:
    """The rows of a file as examples.

    Raises:
        RowError: As for ``chunks``.
    """
    for chunk in chunks(path):
        yield from chunk.examples


def count_rows(path: Path) -> int:
    """How many there are, blank lines of JSON included; 0 for a file that cannot be read."""
    try:
        if path.suffix == ".parquet":
            return int(pq.read_metadata(path).num_rows)
        with path.open("rb") as stream:
            return sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))
    except (OSError, pa.ArrowException):
        return 0


def writer(path: Path, like: Path) -> AbstractContextManager[Write]:
    """Writes rows of one file to another of the same kind."""
    return _parquet_writer(path, like) if like.suffix == ".parquet" else _line_writer(path)


def _json_lines(path: Path) -> Iterator[Chunk]:
    with path.open("rb") as stream:
        lines = (
            (number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)
            for number, line in enumerate(stream, 1)
        )
        full = ((number, line) for number, line in lines if line.strip())
        while group := list(islice(full, ROWS)):
            rows = [_parsed(path, number, line) for number, line in group]
            yield _chunk(path, [number for number, _ in group], rows, [line for _, line in group])


def _parsed(path: Path, number: int, line: bytes) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RowError(f"{path}, line {number}: not JSON ({error})") from error
    if not isinstance(row, dict):
        kind = type(row).__name__
        raise RowError(f"{path}, line {number}: a row is a JSON object, found {kind}")
    return row


def _parquet(path: Path) -> Iterator[Chunk]:
    with pq.ParquetFile(path) as file:
        first = 1
        for batch in file.iter_batches(ROWS):
            numbers = range(first, first + batch.num_rows)
            yield _chunk(path, numbers, batch.to_pylist(), batch)
            first += batch.num_rows


def _chunk(
    path: Path, numbers: Sequence[int], rows: Sequence[Mapping[str, Any]], raw: object
) -> Chunk:
    made = []
    for number, row in zip(numbers, rows, strict=True):
        example = as_example(row, path.stem)
        if not example.prompt and not example.target:
            raise RowError(f"{path}, row {number} has no text; its fields are {', '.join(row)}")
        made.append(example)
    return Chunk(numbers, rows, made, raw)


def as_example(row: Mapping[str, Any], task: str) -> Example:
    """A row as prompt and target.

    Its id is its own, else a digest of its text: the same wherever the row stands. Its task is its
    own where it is an example of a mixture, else what is given.
    """
    prompt, target = _sides(row)
    given = row.get("id")
    named = isinstance(given, str | int) and not isinstance(given, bool) and given != ""
    text = json.dumps([prompt, target]).encode()
    return Example(
        id=str(given) if named else f"text-{hashlib.sha256(text).hexdigest()[:16]}",
        task=str(row["task"]) if _is_example(row) else task,
        cluster="",
        category="",
        template="",
        inverted=False,
        prompt=prompt,
        target=target,
        options=(),
        gold=-1,
        row="",
        shots=row["shots"] if _is_example(row) and isinstance(row.get("shots"), int) else 0,
    )


def _is_example(row: Mapping[str, Any]) -> bool:
    return all(isinstance(row.get(name), str) for name in ("task", "template", "prompt", "target"))


def _sides(row: Mapping[str, Any]) -> tuple[str, str]:
    if _is_example(row):
        return row["prompt"], row["target"]
    for name in TURNS:
        if isinstance(row.get(name), list):
            asked: list[str] = []
            answered: list[str] = []
            for turn in row[name]:
                who = turn.get("role", turn.get("from")) if isinstance(turn, dict) else None
                said = {k: v for k, v in turn.items() if k not in ("role", "from")} if who else turn
                (answered if who in ASSISTANT else asked).extend(_texts(said))
            rest = {key: value for key, value in row.items() if key not in (name, *NAMES)}
            return "\n\n".join([*_texts(rest), *asked]), "\n\n".join(answered)
    target = next((name for name in TARGETS if isinstance(row.get(name), str)), None)
    rest = {key: value for key, value in row.items() if key not in (target, *NAMES)}
    return "\n\n".join(_texts(rest)), row[target] if target else ""


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        if value:
            yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, Iterable) and not isinstance(value, bytes):
        for inner in value:
            yield from _texts(inner)


@contextmanager
def _line_writer(path: Path) -> Iterator[Write]:
    with path.open("wb") as stream:

        def write(chunk: Chunk, chosen: Sequence[bool]) -> None:
            for line in compress(chunk.raw, chosen):
                # The last line of a file may lack its end.
                stream.write(line if line.endswith(b"\n") else line + b"\n")

        yield write


@contextmanager
def _parquet_writer(path: Path, like: Path) -> Iterator[Write]:
    schema = pq.read_schema(like)
    with pq.ParquetWriter(path, schema, compression="zstd") as file:

        def write(chunk: Chunk, chosen: Sequence[bool]) -> None:
            file.write_batch(chunk.raw.filter(pa.array(chosen)))

        yield write

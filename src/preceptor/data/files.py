"""Files of records, read and written as streams: JSON lines, a JSON array, Parquet.

The ending chooses. A ``.json`` that does not begin with a bracket is read as JSON lines, which is
what many published files with that ending are. Input files are only ever read; output is written
aside and renamed, so that a reader never sees half a file.
"""

import difflib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from preceptor.artifact import storage_errors
from preceptor.data.json_stream import array_items, json_lines
from preceptor.data.tally import Tally
from preceptor.errors import RowError, StorageError

ENDINGS = (".jsonl", ".json", ".parquet")
ROW_GROUP = 4096
"""Records held in memory at a time while a Parquet file is written, and read at a time."""

Record = dict[str, Any]
Write = Callable[[Mapping[str, Any]], None]


def check_readable(path: Path) -> None:
    """Refuse what cannot be a file of records.

    Raises:
        RowError: It does not exist, is a folder, is empty, or has another ending.
    """
    if path.is_dir():
        inside = ", ".join(sorted(p.name for p in path.iterdir() if p.suffix in ENDINGS)[:5])
        holds = f"; it holds {inside}" if inside else ""
        raise RowError(f"{path} is a folder; name one file in it{holds}")
    if not path.is_file():
        folder = path.parent
        if not folder.is_dir():
            raise RowError(f"there is no folder {folder}; name a file of records")
        near = difflib.get_close_matches(path.name, [p.name for p in folder.iterdir()], 1, 0.7)
        hint = f"did you mean {near[0]!r}?" if near else "name a file of records"
        raise RowError(f"{path} does not exist; {hint}")
    check_ending(path)
    if path.stat().st_size == 0:
        raise RowError(f"{path} is empty; name a file with records")


def check_ending(path: Path) -> None:
    """Refuse a file whose ending says nothing of its kind.

    Raises:
        RowError: It is none of ``ENDINGS``.
    """
    if path.suffix not in ENDINGS:
        raise RowError(f"{path} ends in {path.suffix or 'nothing'}; {', '.join(ENDINGS)} are known")


def read_records(path: Path, tally: Tally) -> Iterator[tuple[str, Record]]:
    """The records of a file in order, each with where it stands (``path, line 3``).

    Raises:
        RowError: The file cannot be read, or a record is bad and ``tally`` does not skip.
    """
    check_readable(path)
    if path.suffix == ".parquet":
        yield from _parquet(path)
        return
    try:
        with path.open("rb") as stream:
            first = stream.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
            stream.seek(0)
            read = array_items if path.suffix == ".json" and first == b"[" else json_lines
            for where, value in read(stream, str(path), tally):
                if isinstance(value, dict):
                    yield where, value
                else:
                    tally.refuse(where, f"a record is a JSON object, found {type(value).__name__}")
    except OSError as error:
        raise RowError(f"{path} cannot be read ({error.strerror})") from error


def _parquet(path: Path) -> Iterator[tuple[str, Record]]:
    try:
        with pq.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches(ROW_GROUP):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{path}, row {number}", row
    except (OSError, pa.ArrowException) as error:
        said = " ".join(str(error).split())
        raise RowError(f"{path} is no Parquet file, or a broken one ({said})") from error


@contextmanager
def writing(path: Path, schema: pa.Schema) -> Iterator[Write]:
    """Write a file of records, one call a record; it is there when the block ends without error.

    Args:
        path: The ending chooses the kind.
        schema: For Parquet; JSON holds what it is given.

    Raises:
        RowError: The ending is unknown.
        StorageError: The disk is full or may not be written.
    """
    check_ending(path)
    aside = path.with_name(f".{path.name}.aside")
    with storage_errors(path):
        if path.is_dir():
            raise StorageError(f"{path} is a folder; name a file to write")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with aside.open("wb") as stream:
                with _WRITERS[path.suffix](stream, schema) as write:
                    yield write
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(aside, path)
        finally:
            aside.unlink(missing_ok=True)


@contextmanager
def _lines_writer(stream: IO[bytes], schema: pa.Schema) -> Iterator[Write]:
    def write(record: Mapping[str, Any]) -> None:
        stream.write(_encoded(record) + b"\n")

    yield write


@contextmanager
def _array_writer(stream: IO[bytes], schema: pa.Schema) -> Iterator[Write]:
    before = b"[\n"

    def write(record: Mapping[str, Any]) -> None:
        nonlocal before
        stream.write(before + _encoded(record))
        before = b",\n"

    yield write
    stream.write(b"\n]\n" if before == b",\n" else b"[]\n")


@contextmanager
def _parquet_writer(stream: IO[bytes], schema: pa.Schema) -> Iterator[Write]:
    group: list[Mapping[str, Any]] = []
    with pq.ParquetWriter(stream, schema, compression="zstd") as writer:

        def flush() -> None:
            writer.write_table(pa.Table.from_pylist(group, schema=schema))
            group.clear()

        def write(record: Mapping[str, Any]) -> None:
            group.append(record)
            if len(group) == ROW_GROUP:
                flush()

        yield write
        if group:
            flush()


def _encoded(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False, allow_nan=False).encode()


_WRITERS = {".jsonl": _lines_writer, ".json": _array_writer, ".parquet": _parquet_writer}

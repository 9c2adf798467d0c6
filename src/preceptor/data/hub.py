"""A Hugging Face data set folder: Parquet shards, and the card that ``datasets`` reads first.

README.md
data/train-00000-of-00003.parquet
...
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from preceptor.data.card import write_card
from preceptor.data.card_sections import Subject
from preceptor.data.conversation import Conversation, RecordProblem
from preceptor.data.facts import Facts
from preceptor.data.fields import METADATA, for_parquet
from preceptor.data.files import ROW_GROUP
from preceptor.data.formats import FORMATS
from preceptor.data.hub_terms import features
from preceptor.data.mixtures import PROVENANCE
from preceptor.data.place import new_folder
from preceptor.data.tally import Tally
from preceptor.errors import RowError

ROWS_A_SHARD = 100_000


@dataclass(frozen=True, slots=True)
class Shards:
    """What was written."""

    names: tuple[str, ...]
    rows: int
    table_bytes: int
    """In memory, as ``datasets`` counts them."""
    file_bytes: int


def schema_of(form: str, rendered: bool) -> pa.Schema:
    """The columns of a data set: those of the format, then provenance or metadata."""
    own = FORMATS[form]
    if not rendered:
        return own.schema
    return pa.schema([*own.columns, pa.field("id", pa.string()), *PROVENANCE])


def write_folder(
    path: Path,
    form: str,
    split: str,
    conversations: Iterable[Conversation],
    rendered: bool,
    subject: Subject,
    overwrite: bool,
    tally: Tally,
    rows_a_shard: int = ROWS_A_SHARD,
) -> Shards:
    """Write the folder, in place when it is whole.

    Args:
        path: Of the folder.
        form: alpaca, sharegpt or messages.
        split: Name of the one split.
        conversations: In order.
        rendered: They are examples, whose provenance gets columns of its own.
        subject: What the card says of it, besides what is counted.
        overwrite: Replace a folder that this function wrote.
        tally: Counts what the format cannot hold, and says whether it stops the work.
        rows_a_shard: Most records in a file.

    Raises:
        RowError: The format cannot hold a record, or nothing is left.
        ArtifactError: The folder is there, or holds what is not of such a folder.
        StorageError: The disk is full or may not be written.
    """
    facts = Facts()
    schema = schema_of(form, rendered)
    with new_folder(path, overwrite, _shard_or_card) as folder:
        (folder / "data").mkdir()
        rows = _rows(conversations, form, rendered, facts, tally)
        shards = _write(folder / "data", split, rows, schema, rows_a_shard)
        if not shards.rows:
            raise RowError(f"nothing is left to write to {path}: {'; '.join(tally.lines())}")
        about = replace(
            subject,
            columns=schema.names,
            data_files={split: f"data/{split}-*"},
            info=dataset_info(schema, split, shards.rows, shards.table_bytes, shards.file_bytes),
        )
        (folder / "README.md").write_text(write_card(about, facts), encoding="utf-8")
    return shards


def _shard_or_card(file: Path) -> bool:
    return file.name == "README.md" or (file.parent.name == "data" and file.suffix == ".parquet")


def _rows(
    conversations: Iterable[Conversation], form: str, rendered: bool, facts: Facts, tally: Tally
) -> Iterator[dict[str, Any]]:
    dump = FORMATS[form].dump
    for number, conversation in enumerate(conversations, start=1):
        try:
            record = dump(conversation)
        except RecordProblem as error:
            tally.refuse(f"record {conversation.id or number}", str(error))
            continue
        tally.records += 1
        facts.add(conversation)
        if rendered:
            record = {**record, **record.pop(METADATA)}
        yield for_parquet(record)


def _write(
    folder: Path,
    split: str,
    rows: Iterator[dict[str, Any]],
    schema: pa.Schema,
    rows_a_shard: int,
) -> Shards:
    parts: list[Path] = []
    count = table_bytes = 0
    while (first := next(rows, None)) is not None:
        part = folder / f"part-{len(parts):05d}"
        parts.append(part)
        left = rows_a_shard
        with pq.ParquetWriter(part, schema, compression="zstd") as writer:
            group = [first, *islice(rows, min(ROW_GROUP, left) - 1)]
            while group:
                table = pa.Table.from_pylist(group, schema=schema)
                writer.write_table(table)
                count, left, table_bytes = (
                    count + len(group),
                    left - len(group),
                    table_bytes + table.nbytes,
                )
                group = list(islice(rows, min(ROW_GROUP, left)))
    # How many there are is part of a shard's name, and known only now.
    names = [f"{split}-{n:05d}-of-{len(parts):05d}.parquet" for n in range(len(parts))]
    for part, name in zip(parts, names, strict=True):
        part.rename(folder / name)
    sizes = sum((folder / name).stat().st_size for name in names)
    return Shards(tuple(names), count, table_bytes, sizes)


def dataset_info(
    schema: pa.Schema, split: str, rows: int, table_bytes: int, file_bytes: int
) -> dict[str, Any]:
    """What the hub and ``datasets`` expect to find in the files."""
    return {
        "features": features(schema),
        "splits": [{"name": split, "num_bytes": table_bytes, "num_examples": rows}],
        "download_size": file_bytes,
        "dataset_size": table_bytes,
    }

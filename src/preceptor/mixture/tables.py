"""The stage's files: the examples as Parquet with fixed columns, the mixture's table as JSON."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table
from rich.text import Text

from preceptor.artifact import read_json, write_json
from preceptor.errors import ArtifactError
from preceptor.records import Example

ROW_GROUP = 4096
"""Examples held in memory at a time while writing."""
SCHEMA = pa.schema(
    [
        pa.field(name, kind, nullable=False)
        for name, kind in {
            "id": pa.string(),
            "task": pa.string(),
            "cluster": pa.string(),
            "category": pa.string(),
            "template": pa.string(),
            "inverted": pa.bool_(),
            "prompt": pa.string(),
            "target": pa.string(),
            "options": pa.list_(pa.string()),
            "gold": pa.int32(),
            "row": pa.string(),
            "references": pa.list_(pa.string()),
            "shots": pa.int32(),
            "options_shown": pa.bool_(),
        }.items()
    ]
)


@dataclass(frozen=True, slots=True)
class Line:
    """One source of the mixture, or a task that was left out: all its numbers are 0."""

    task: str
    cluster: str
    category: str
    rows: int = 0
    """Rows in the split."""
    cap: int = 0
    """How many of them are looked at, at most."""
    left_out: int = 0
    """Rows within the cap that cannot or may not be used."""
    usable: int = 0
    """n: rows that can be drawn."""
    rate: int = 0
    """min(n, K); 0 for synthesised instructions, whose share is set and not a rate."""
    probability: float = 0.0
    """Exact share of the mixture; the column sums to 1."""
    examples: int = 0
    share: float = 0.0
    """Of all examples: the probability, rounded to whole examples."""
    epochs: float = 0.0
    """How often each usable row is used, on average."""
    templates: int = 0
    held_out_reason: str = ""
    """Why a task is not in the mixture; empty when it is."""


def write_examples(path: Path, examples: Iterable[Example]) -> None:
    """One row for each example, in order, a row group at a time."""
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        for group in _groups(examples):
            writer.write_table(pa.Table.from_pylist(group, schema=SCHEMA))


def _groups(examples: Iterable[Example]) -> Iterator[list[dict[str, object]]]:
    stream = iter(examples)
    while group := [asdict(example) for example in islice(stream, ROW_GROUP)]:
        yield group


def read_examples(path: Path) -> list[Example]:
    """The examples of a file that ``write_examples`` wrote.

    Raises:
        ArtifactError: The file is missing, not Parquet, or has other columns.
    """
    try:
        # A file of its own, not a data set: partitions would be read out of the folder's name.
        with pq.ParquetFile(path) as file:
            rows = file.read(columns=SCHEMA.names).cast(SCHEMA).to_pylist()
    except (OSError, pa.ArrowException, ValueError) as error:
        raise ArtifactError(
            f"{path} is not a file of examples ({' '.join(str(error).split())}); "
            "name the examples.parquet of a mixture"
        ) from error
    return [_example(row) for row in rows]


def _example(row: dict[str, Any]) -> Example:
    lists = {name: tuple(row[name]) for name in ("options", "references")}
    return Example(**{**row, **lists})


def tally(path: Path) -> dict[str, dict[str, int]]:
    """How many examples a written file has, by task, cluster and category and by inverted or not.

    Those without a cluster or category are not in that count.
    """
    columns = ("task", "cluster", "category", "inverted")
    with pq.ParquetFile(path) as file:
        table = file.read(columns=list(columns))
    found = {name: Counter(table.column(name).to_pylist()) for name in columns}
    return {
        name: {str(value): n for value, n in sorted(counter.items()) if value != ""}
        for name, counter in found.items()
    }


def write_table(path: Path, lines: Sequence[Line]) -> None:
    """The mixture's table as a JSON list."""
    write_json(path, [asdict(line) for line in lines])


def read_table(path: Path) -> list[Line]:
    """The lines of a file that ``write_table`` wrote.

    Raises:
        ArtifactError: The file is missing, not JSON, or has other fields.
    """
    try:
        return [Line(**line) for line in read_json(path)]
    except (OSError, ValueError, TypeError) as error:
        raise ArtifactError(
            f"{path} is not a mixture's table ({' '.join(str(error).split())}); "
            "name the table.json of a mixture"
        ) from error


def print_table(lines: Sequence[Line], console: Console) -> None:
    """The mixture for people: what is in, in what amounts, and what was left out and why."""
    table = Table(title=f"Mixture of {sum(line.examples for line in lines):,} examples")
    table.add_column("task", no_wrap=True)
    table.add_column("cluster or category")
    for name in ("rows", "usable", "rate", "share", "examples", "epochs", "templates"):
        table.add_column(name, justify="right")
    for line in (line for line in lines if not line.held_out_reason):
        table.add_row(
            Text(line.task),
            Text(line.cluster or line.category),
            *(f"{number:,}" for number in (line.rows, line.usable, line.rate)),
            f"{line.share:.1%}",
            f"{line.examples:,}",
            f"{line.epochs:.2f}",
            str(line.templates),
        )
    console.print(table)
    for line in (line for line in lines if line.held_out_reason):
        console.print(Text(f"left out: {line.task}: {line.held_out_reason}"))

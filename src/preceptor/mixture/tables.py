"""The stage's files: the examples as Parquet with fixed columns, the mixture's table as JSON."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Self

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
    contaminated: int = 0
    """Rows within the cap that overlap with what is evaluated."""
    usable: int = 0
    """n: rows that can be drawn."""
    rate: float = 0
    """min(n, K)^(1/T); 0 for synthesised instructions, whose share is set and not a rate."""
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
    same_rows_as: tuple[str, ...] = ()
    """Tasks with which it shares its rows and its rate."""
    expected_tokens: float = 0.0
    """Of a keyed sample's examples, on average; 0 where nothing was tokenised."""
    expected_token_share: float = 0.0
    """What the sample promises of the mixture's tokens."""
    tokens: int = 0
    """Of the examples, prompts and targets; 0 where nothing was tokenised."""
    token_share: float = 0.0
    """Of the mixture's tokens."""
    target_tokens: int = 0
    too_long: int = 0
    """Examples with more tokens than tuning takes."""
    few_shot: int = 0
    """Examples with exemplars."""
    options_shown: int = 0
    inverted: int = 0


def as_columns(examples: Sequence[Example]) -> pa.Table:
    """The examples as columns, a row for each."""
    columns = {name: [getattr(one, name) for one in examples] for name in SCHEMA.names}
    return pa.table(columns, schema=SCHEMA)


def as_examples(columns: pa.Table) -> list[Example]:
    """The other way round."""
    return [_example(row) for row in columns.to_pylist()]


class ExamplesWriter:
    """Writes examples in order, in row groups of one size whatever the size they come in."""

    def __init__(self, path: Path) -> None:
        self._writer = pq.ParquetWriter(path, SCHEMA, compression="zstd")
        self._waiting = SCHEMA.empty_table()

    def write(self, examples: pa.Table) -> None:
        """The next examples."""
        self._waiting = pa.concat_tables([self._waiting, examples])
        while len(self._waiting) >= ROW_GROUP:
            self._write(self._waiting[:ROW_GROUP])
            self._waiting = self._waiting[ROW_GROUP:]

    def _write(self, group: pa.Table) -> None:
        self._writer.write_table(group.combine_chunks())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        if failure is None and len(self._waiting):
            self._write(self._waiting)
        self._writer.close()


def write_examples(path: Path, examples: Iterable[Example]) -> None:
    """One row for each example, in order, a row group at a time."""
    stream = iter(examples)
    with ExamplesWriter(path) as writer:
        while group := list(islice(stream, ROW_GROUP)):
            writer.write(as_columns(group))


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


def stream_examples(path: Path) -> Iterator[Example]:
    """The examples of a file that ``write_examples`` wrote, a row group at a time."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(ROW_GROUP, columns=SCHEMA.names):
            yield from (_example(row) for row in batch.to_pylist())


def _example(row: dict[str, Any]) -> Example:
    lists = {name: tuple(row[name]) for name in ("options", "references")}
    return Example(**{**row, **lists})


def write_table(path: Path, lines: Sequence[Line]) -> None:
    """The mixture's table as a JSON list."""
    write_json(path, [asdict(line) for line in lines])


def read_table(path: Path) -> list[Line]:
    """The lines of a file that ``write_table`` wrote.

    Raises:
        ArtifactError: The file is missing, not JSON, or has other fields.
    """
    try:
        return [
            Line(**{**line, "same_rows_as": tuple(line["same_rows_as"])})
            for line in read_json(path)
        ]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ArtifactError(
            f"{path} is not a mixture's table ({' '.join(str(error).split())}); "
            "name the table.json of a mixture"
        ) from error


def print_table(lines: Sequence[Line], console: Console) -> None:
    """The mixture for people: what is in, in what amounts, and what was left out and why."""
    kept = [line for line in lines if not line.held_out_reason]
    tokenised = any(line.tokens or line.expected_tokens for line in kept)
    drawn = any(line.tokens for line in kept)
    title = f"Mixture of {sum(line.examples for line in kept):,} examples"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0))
    table.add_column("task", no_wrap=True, overflow="ellipsis", ratio=1)
    for name in ("rows", "usable", "rate", "share", "drawn", "epochs"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in (("length", "tokens") if tokenised else ()) + (("too long",) if drawn else ()):
        table.add_column(name, justify="right", no_wrap=True)
    for line in kept:
        table.add_row(
            Text(line.task),
            *(f"{number:,}" for number in (line.rows, line.usable)),
            f"{round(line.rate, 2):,g}" if line.rate else "-",
            f"{line.share:.1%}",
            f"{line.examples:,}",
            f"{line.epochs:.2f}",
            *(_token_cells(line, drawn) if tokenised else ()),
        )
    console.print(table)
    if tokenised:
        said = "share: of the examples; tokens: of the tokens; length: of an example, in tokens"
        console.print(Text(f"{said}{'' if drawn else ', by a sample'}", style="dim"))
    for line in kept:
        if line.same_rows_as:
            others = ", ".join(line.same_rows_as)
            console.print(Text(f"{line.task} shares its rows, and so its rate, with {others}"))
        if line.contaminated:
            what = f"{line.contaminated:,} rows of {line.task} overlap with what is evaluated"
            console.print(Text(f"{what}; they are left out"))
    for line in (line for line in lines if line.held_out_reason):
        console.print(Text(f"left out: {line.task}: {line.held_out_reason}"))


def _token_cells(line: Line, drawn: bool) -> list[str]:
    if not drawn:
        return [f"{line.expected_tokens:,.0f}", f"{line.expected_token_share:.1%}"]
    mean = line.tokens / line.examples if line.examples else 0
    return [
        f"{mean:,.0f}",
        f"{line.token_share:.1%}",
        f"{line.too_long:,}" if line.too_long else "",
    ]

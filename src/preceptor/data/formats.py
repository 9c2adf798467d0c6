"""The formats by name, and conversations read from files and written to them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from preceptor.data import alpaca, turns
from preceptor.data.conversation import Conversation, RecordProblem
from preceptor.data.fields import SCHEMA_ASIDE, for_parquet
from preceptor.data.files import read_records, writing
from preceptor.data.tally import Tally
from preceptor.errors import RowError


@dataclass(frozen=True, slots=True)
class Format:
    """One way of writing conversations down."""

    parse: Callable[[Mapping[str, Any], Counter[str]], Conversation]
    dump: Callable[[Conversation], dict[str, Any]]
    columns: pa.Schema
    """Of its own fields."""

    @property
    def schema(self) -> pa.Schema:
        """Of a Parquet file."""
        return pa.schema([*self.columns, *SCHEMA_ASIDE])


def _of_turns(layout: turns.Layout) -> Format:
    return Format(partial(turns.parse, layout), partial(turns.dump, layout), layout.schema)


FORMATS: dict[str, Format] = {
    "alpaca": Format(alpaca.parse, alpaca.dump, alpaca.SCHEMA),
    "sharegpt": _of_turns(turns.SHAREGPT),
    "messages": _of_turns(turns.MESSAGES),
}


def recognised(record: Mapping[str, Any]) -> str | None:
    """The format of a record by its fields; None for none of them."""
    if turns.MESSAGES.turns in record:
        return "messages"
    if turns.SHAREGPT.turns in record:
        return "sharegpt"
    return "alpaca" if {"instruction", "output"} <= record.keys() else None


def format_of(path: Path) -> str:
    """The format of a file, by the fields of its first record.

    Raises:
        RowError: It cannot be read, has no records, or its first is of no known format.
    """
    for where, record in read_records(path, Tally()):
        name = recognised(record)
        if name is None:
            raise RowError(
                f"{where}: none of {', '.join(FORMATS)} has the fields {', '.join(record)}; "
                "say which format it is with --format, or rename the fields"
            )
        return name
    raise RowError(f"{path} has no records; name a file with some")


def read_conversations(
    path: Path, name: str, tally: Tally, check: Callable[[Conversation], None] | None = None
) -> Iterator[Conversation]:
    """The conversations of a file, in order.

    Args:
        path: JSON lines, a JSON array or Parquet.
        name: Of the format.
        tally: Gets the counts, and says whether bad records stop the work.
        check: Asks more of a record than its format does; raises ``RecordProblem``.

    Raises:
        RowError: The file cannot be read or has no good record, or one is bad and ``tally`` does
            not skip.
    """
    parse = FORMATS[name].parse
    for where, record in read_records(path, tally):
        try:
            found = parse(record, tally.notes)
            if check is not None:
                check(found)
        except RecordProblem as error:
            tally.refuse(where, str(error))
            continue
        tally.records += 1
        yield found
    if not tally.records:
        because = "; ".join(tally.lines()) or "it is empty"
        raise RowError(f"{path} has no record that can be used ({because})")


def write_conversations(
    path: Path, name: str, conversations: Iterable[Conversation], tally: Tally
) -> None:
    """Write a file of one format, one record a conversation.

    Raises:
        RowError: The format cannot hold one, and ``tally`` does not skip; or none is left.
        StorageError: The disk is full or may not be written.
    """
    form = FORMATS[name]
    with writing(path, form.schema) as write:
        for number, conversation in enumerate(conversations, start=1):
            try:
                record = form.dump(conversation)
            except RecordProblem as error:
                tally.refuse(f"record {conversation.id or number}", str(error))
                continue
            tally.records += 1
            write(for_parquet(record) if path.suffix == ".parquet" else record)
        if not tally.records:
            raise RowError(f"nothing is left to write to {path}: {'; '.join(tally.lines())}")

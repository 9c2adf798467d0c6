"""What a card is made of: instruction, input and output as they stand, with what is known of them.

Inputs keep the spelling that they have ('N/A', 'None'), since how a set says 'no input' is one of
the things that its card shows. ``records.Instruction`` has these fields too and can stand in.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from preceptor.data.files import read_records
from preceptor.data.no_input import normalise_input
from preceptor.data.tally import Tally
from preceptor.errors import RowError

DIFFICULTIES = range(1, 6)


class Record(Protocol):
    """An instruction with its input and output; empty text, 0 and False where something is not
    known. The fields mean what they mean in ``records.Instruction``."""

    @property
    def id(self) -> str: ...
    @property
    def instruction(self) -> str: ...
    @property
    def input(self) -> str: ...
    @property
    def output(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def category_rule(self) -> str: ...
    @property
    def category_vote(self) -> str: ...
    @property
    def topic(self) -> str: ...
    @property
    def view(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def difficulty(self) -> int: ...
    @property
    def unanswerable(self) -> bool: ...
    @property
    def flags(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Plain:
    """A record of a file: Alpaca's three fields, and more where the file has more."""

    id: str
    instruction: str
    input: str
    output: str
    category: str = ""
    category_rule: str = ""
    category_vote: str = ""
    topic: str = ""
    view: str = ""
    kind: str = ""
    difficulty: int = 0
    """1 to 5; 0 where it is not known."""
    unanswerable: bool = False
    flags: Mapping[str, str] = field(default_factory=dict)


_TEXTS = ("category", "category_rule", "category_vote", "topic", "view", "kind")


def read_file(path: Path, tally: Tally) -> list[Plain]:
    """The records of a JSON, JSON lines or Parquet file in Alpaca's shape.

    A synthesis' ``instructions.parquet`` is such a file. Fields besides the three are read where
    they are there: ``category``, ``topic``, ``view``, ``kind`` (or ``type``, as AlpaCare's seeds
    have it) and ``difficulty`` among them.

    Raises:
        RowError: The file cannot be read or has no records, or a record is bad and ``tally`` does
            not skip.
    """
    found = list(_records(path, tally))
    if not found:
        raise RowError(f"{path} has no records that can be read; name a file of instructions")
    return found


def has_input(record: Record) -> bool:
    """Whether the input is more than a way to say that there is none."""
    return bool(normalise_input(record.input))


def whole_input(record: Record) -> str:
    """The instruction with its input, where there is one."""
    return f"{record.instruction}\n{record.input}" if has_input(record) else record.instruction


def _records(path: Path, tally: Tally) -> Iterator[Plain]:
    for number, (where, row) in enumerate(read_records(path, tally), start=1):
        instruction, output = row.get("instruction"), row.get("output")
        given = row.get("input")
        if not isinstance(instruction, str) or not instruction.strip():
            tally.refuse(where, "instruction is missing, empty or not text")
        elif not isinstance(output, str):
            tally.refuse(where, "output is missing or not text")
        elif not isinstance(given, str | None):
            tally.refuse(where, "input is not text")
        else:
            tally.records += 1
            yield Plain(
                id=_text(row, "id") or f"{path.stem}-{number:06d}",
                instruction=instruction,
                input=given or "",
                output=output,
                difficulty=_difficulty(row.get("difficulty")),
                unanswerable=row.get("unanswerable") is True,
                flags=_flags(row.get("flags")),
                **{name: _text(row, name) for name in _TEXTS if name != "kind"},
                kind=_text(row, "kind") or _text(row, "type"),
            )


def _text(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    return value.strip() if isinstance(value, str) else ""


def _difficulty(value: object) -> int:
    """A level of 1 to 5, which some files write as text; else 0."""
    text = str(value).strip()
    return int(text) if text.isdecimal() and int(text) in DIFFICULTIES else 0


def _flags(value: object) -> dict[str, str]:
    """Flags as a mapping, or as the JSON of one, which is how Parquet holds them."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}

"""The rows that templates are for: their files, and what type each field has in all of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from preceptor.data.files import read_records
from preceptor.data.tally import Tally
from preceptor.errors import RowError

SPLITS = ("train", "validation", "test")
CHECKED = 200
"""Rows on which a translated template must equal promptsource's."""
RESERVED = ("answer", "options", "options_block", "item", "item_number", "answer_choices")
"""Names that mean something else in a task file, so that a field needs another."""
_KINDS = {str: "str", bool: "bool", int: "int", float: "float", list: "list", dict: "dict"}


@dataclass(frozen=True, slots=True)
class Rows:
    """A folder of the data root."""

    folder: str
    splits: tuple[str, ...]
    types: Mapping[str, str]
    """Field to its type in task files, with a ? where some rows have none."""
    unfit: Mapping[str, str]
    """Field to the reason why a task cannot use it."""
    negative: frozenset[str]
    """Fields that are below 0 in some row: as labels, they say that there is none."""
    some: tuple[Mapping[str, Any], ...]
    """The first rows."""

    @property
    def renamed(self) -> dict[str, str]:
        """Field to its name in the task, where that must be another."""
        return {name: f"{name}_field" for name in RESERVED if name in self.types}


def read_rows(root: Path, folder: str) -> Rows:
    """Look at every row of a folder's splits.

    Raises:
        RowError: The folder has no split that can be read.
    """
    files = {split: path for split in SPLITS if (path := _file(root / folder, split))}
    if not files:
        where = root / folder
        there = ", ".join(sorted(p.name for p in where.iterdir())) if where.is_dir() else ""
        says = f"it has {there or 'nothing'}" if where.is_dir() else "there is no such folder"
        raise RowError(
            f"no rows in {where}: {says}. Templates are checked on real rows: put train.jsonl or "
            "train.parquet there, or name another folder of the data root with --rows"
        )
    seen: dict[str, set[str]] = {}
    negative: set[str] = set()
    count = 0
    for row in _all(files.values()):
        for name in seen.keys() - row.keys():
            seen[name].add("missing")
        for name, value in row.items():
            kinds = seen.setdefault(name, {"missing"} if count else set())
            kinds.add(_KINDS.get(type(value), "null"))
            if type(value) is int and value < 0:
                negative.add(name)
        count += 1
    if not count:
        raise RowError(f"{root / folder} has no rows; fill its files")
    types = {name: kind for name, kinds in seen.items() if (kind := _one(kinds))}
    unfit = {
        name: f"field {name!r} is {' or '.join(sorted(kinds))}, depending on the row"
        for name, kinds in seen.items()
        if name not in types
    }
    first = next(iter(files.values()))
    some = tuple(islice(_all([first]), CHECKED))
    return Rows(folder, tuple(files), types, unfit, frozenset(negative), some)


def _file(folder: Path, split: str) -> Path | None:
    paths = [folder / f"{split}{ending}" for ending in (".jsonl", ".parquet")]
    return next((path for path in paths if path.is_file()), None)


def _all(paths: Any) -> Iterator[Mapping[str, Any]]:
    for path in paths:
        for _, row in read_records(path, Tally()):
            yield row


def _one(kinds: set[str]) -> str:
    """The type of a field; empty where rows differ in it."""
    solid = kinds - {"null", "missing"}
    kind = "float" if solid == {"int", "float"} else next(iter(solid)) if len(solid) == 1 else ""
    return f"{kind}?" if kind and kinds & {"null", "missing"} else kind

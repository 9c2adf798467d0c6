"""As many sets of as many rows as FLAN has, made of the few real rows that are at hand.

A real row is repeated with three of its words, the same wherever they stand in it, exchanged for
others of their length that real rows have: labels, spans and offsets stay right, texts and ids
differ, and the vocabulary stays that of real texts.
"""

import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from preceptor.mixture.workers import in_order
from preceptor.tasks.source import source_file, splits_here
from preceptor.tasks.task import Task

SETS, ROWS = 62, 30_000
"""FLAN's data sets, and the most rows that it takes of one (arXiv 2109.01652, section 2)."""
EXCHANGED = 3
_WORD = re.compile(r"(?<![\\\w])(?!true|false|null)([a-z]{4,12})\b")
"""No word of JSON itself, and not behind the backslash that begins an escape."""


@dataclass(frozen=True)
class Set:
    """A data set to write: a library task's, under another name."""

    task: Task
    lines: list[str]
    """JSON of the real rows."""
    rows: int


def sets(tasks: Mapping[str, Task], root: Path, count: int, rows: int) -> list[Set]:
    """FLAN's data sets whose rows are here, some of them twice or more where ``count`` is more."""
    real = [
        task
        for task in tasks.values()
        if task.collection == "flan" and "train" in splits_here(task, root)
    ]
    found = []
    for number in range(count):
        task = real[number % len(real)]
        name = f"{task.name}_{number // len(real)}"
        source = replace(task.source, folder=name, splits={"train": "train"}, hub_splits={})
        path = source_file(task, "train", root)
        lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
        items = 1
        if task.each:  # a row is several
            items = max(1, sum(len(json.loads(line)[task.each]) for line in lines) // len(lines))
        own = replace(task, task=name, source=source, provenance=(name,), corpora=())
        found.append(Set(own, lines, rows // items))
    return found


def write(made: list[Set], root: Path, processes: int) -> int:
    """Write every set's rows below the root; how many bytes."""
    words = by_length(made)

    def one(number: int) -> int:
        folder = root / made[number].task.source.folder
        folder.mkdir(parents=True)
        with (folder / "train.jsonl").open("w", encoding="utf-8") as file:
            return sum(file.write(line + "\n") for line in rows(made[number], words))

    return sum(in_order(one, range(len(made)), processes))


def by_length(made: list[Set]) -> dict[int, list[str]]:
    """The words of all rows."""
    words: dict[int, set[str]] = defaultdict(set)
    for one in made:
        for line in one.lines:
            for word in _WORD.findall(line):
                words[len(word)].add(word)
    return {length: sorted(found) for length, found in words.items()}


def rows(one: Set, words: Mapping[int, list[str]]) -> Iterator[str]:
    """The rows of a set as JSON, the real ones first."""
    draw = random.Random(one.task.name)
    cut = [Cut.of(line) for line in one.lines]
    for number in range(one.rows):
        copy, place = divmod(number, len(cut))
        line = cut[place].changed(draw, words) if copy else one.lines[place]
        if copy and line.startswith('{"id": "'):
            line = f'{{"id": "{copy}-{line[8:]}'
        yield line


@dataclass(frozen=True)
class Cut:
    """A row cut at its words."""

    pieces: list[str]
    places: dict[str, list[int]]
    """Where among the pieces each word stands that may be exchanged: not one that is a whole value
    or a key, it may be a label."""

    @staticmethod
    def of(line: str) -> "Cut":
        pieces = _WORD.split(line)
        places: dict[str, list[int]] = {}
        for place in range(1, len(pieces), 2):
            if f'"{pieces[place]}"' not in line:
                places.setdefault(pieces[place], []).append(place)
        return Cut(pieces, places)

    def changed(self, draw: random.Random, words: Mapping[int, list[str]]) -> str:
        pieces = self.pieces.copy()
        here = list(self.places)
        for _ in range(min(EXCHANGED, len(here))):
            word = here[int(draw.random() * len(here))]
            others = words[len(word)]
            other = others[int(draw.random() * len(others))]
            for place in self.places[word]:
                pieces[place] = other
        return "".join(pieces)

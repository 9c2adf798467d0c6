"""The evaluation side in memory: what to look for, and what of it is stock."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from preceptor.decontamination.grams import Table, spread, table
from preceptor.decontamination.items import Benchmark
from preceptor.decontamination.near import Near, near_index
from preceptor.decontamination.parts import OPTION, QUESTION, Gathering, Parts
from preceptor.decontamination.settings import Settings
from preceptor.decontamination.stock import Flags, Stock, find_stock, labels, rarest_runs

SHORTEST = 3
"""Words of a text that is looked for together with the rest of its item."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A benchmark as it was indexed."""

    task: str
    split: str
    rows: int
    items: int
    source: str
    """SHA-256 of the file that its rows come from."""
    texts: str
    """SHA-256 of the texts that are looked for."""
    passages: tuple[str, ...]
    """The task's values that are passages."""
    stock_common: int = 0
    """Distinct runs ignored because too many items have them."""
    stock_worded: int = 0
    """Distinct runs ignored because a template is worded so."""
    short: int = 0
    """Items whose question is found only together with the rest of the item: it is short, or its
    words are a common phrase."""

    @property
    def name(self) -> str:
        """task/split"""
        return f"{self.task}/{self.split}"


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """All that a training example is compared with."""

    settings: Settings
    benchmarks: tuple[Checked, ...]
    wording: tuple[str, ...]
    parts: Parts
    tables: tuple[Table, ...]
    stock: tuple[Stock, ...]
    """Of each table."""
    anchors: Table | None
    """One run of each part of n words or more that is stock from end to end."""
    near: Near | None


def build_index(
    benchmarks: Iterable[Benchmark], settings: Settings, wording: Sequence[str] = ()
) -> Index:
    """The index of some benchmarks, which are taken one by one.

    Memory: about 60 bytes for each word of the distinct evaluation texts, nothing for the training
    side.

    Args:
        benchmarks: What must not be trained on.
        settings: What counts.
        wording: What templates say (``stock.wording_of``): stock.
    """
    gathering = Gathering()
    taken: list[Checked] = []
    for number, one in enumerate(benchmarks):
        gathering.add(number, one)
        taken.append(
            Checked(
                one.task, one.split, one.rows, len(one.items), one.source, one.texts, one.passages
            )
        )
    parts = gathering.parts()
    empty = labels(parts, [one.items for one in taken], settings.stock_least)
    tables = _tables(parts, settings, ~empty)
    limits = [max(settings.stock_least, settings.stock_share * one.items) for one in taken]
    stock = find_stock(parts, tables, limits, wording)
    telling = _telling(parts, tables, stock)
    copied = telling & (parts.lengths >= settings.n) & (parts.roles != OPTION)
    near = (
        near_index(parts, copied, settings.near, settings.shingle, limits)
        if settings.near
        else None
    )
    anchors = _anchors(parts, settings, tables, stock, ~telling)
    telling &= parts.lengths >= settings.least
    if anchors is not None:
        telling[parts.part_of(anchors.places)] = True
    common = _by_benchmark(parts, tables, [one.common for one in stock], len(taken))
    worded = _by_benchmark(parts, tables, [one.worded & ~one.common for one in stock], len(taken))
    short = _short(parts, telling, len(taken))
    described = tuple(
        replace(one, stock_common=common[i], stock_worded=worded[i], short=short[i])
        for i, one in enumerate(taken)
    )
    return Index(settings, described, tuple(wording), parts, tables, stock, anchors, near)


def _tables(parts: Parts, settings: Settings, chosen: Flags) -> tuple[Table, ...]:
    """Parts of n words or more give all their runs of n, shorter ones themselves."""
    lengths = parts.lengths
    long = np.flatnonzero(chosen & (lengths >= settings.n))
    runs = [(settings.n, spread(parts.starts[long], lengths[long] - settings.n + 1))]
    for length in range(min(SHORTEST, settings.least), settings.n):
        runs.append((length, parts.starts[:-1][chosen & (lengths == length)]))
    return tuple(
        table(parts.words, parts.values, length, places, parts.part_of(places))
        for length, places in runs
        if len(places)
    )


def _anchors(
    parts: Parts,
    settings: Settings,
    tables: Sequence[Table],
    stock: Sequence[Stock],
    chosen: Flags,
) -> Table | None:
    for one, ignored in zip(tables, stock, strict=True):
        if one.length == settings.n:
            places, owners = rarest_runs(parts, one, ignored, chosen)
            if len(places):
                return table(parts.words, parts.values, settings.n, places, owners)
    return None


def _telling(parts: Parts, tables: Sequence[Table], stock: Sequence[Stock]) -> Flags:
    """(P,): whether a part has a run that is not stock."""
    found = np.zeros(len(parts.owners), dtype=np.bool_)
    for one, ignored in zip(tables, stock, strict=True):
        found[parts.part_of(one.places[np.repeat(~ignored.any, np.diff(one.starts))])] = True
    return found


def _by_benchmark(
    parts: Parts, tables: Sequence[Table], flags: Sequence[Flags], count: int
) -> list[int]:
    """How many of the flagged keys stand in each benchmark's texts."""
    found = np.zeros(count, dtype=np.int64)
    for one, flagged in zip(tables, flags, strict=True):
        keys = np.repeat(np.arange(len(one.keys)), np.diff(one.starts))
        chosen = flagged[keys]
        benchmarks = parts.benchmarks[parts.part_of(one.places[chosen])]
        pairs = np.unique(keys[chosen] * max(1, count) + benchmarks)
        found += np.bincount(pairs % max(1, count), minlength=count)
    return [int(number) for number in found]


def _short(parts: Parts, telling: Flags, count: int) -> list[int]:
    """Items of each benchmark that no question of theirs tells from the rest."""
    told = {
        item
        for part in np.flatnonzero(telling & (parts.roles == QUESTION)).tolist()
        for item in parts.owners[part]
    }
    found = [0] * count
    for number, item in enumerate(parts.items):
        found[item.benchmark] += number not in told
    return found

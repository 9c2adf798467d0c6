"""Where the texts of a batch hold parts of evaluation items."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from preceptor.decontamination.grams import Batch, Ints
from preceptor.decontamination.index import Index
from preceptor.decontamination.near import score
from preceptor.decontamination.stock import Flags


@dataclass(frozen=True, slots=True)
class Match:
    """A part of an evaluation item in a text, words [start, end) of the text."""

    part: int
    start: int
    end: int
    similarity: float = 1.0
    near: bool = False
    """A near copy; else words shared in a row."""
    offset: int = 0
    """Of a shared run, where it begins in the part."""

    @property
    def length(self) -> int:
        """In words."""
        return self.end - self.start


def find_matches(index: Index, texts: Batch) -> dict[int, list[Match]]:
    """Shared runs and near copies by text, in the order of text, part and place.

    A part with a shared run of some length in a text is not scored for nearness there.
    """
    found = _shared(index, texts)
    for text, match in _whole_copies(index, texts):
        found[text].append(match)
    if index.near is not None:
        settings, parts = index.settings, index.parts
        long = {
            (text, match.part)
            for text, matches in found.items()
            for match in matches
            if match.length >= settings.least
        }
        for text, part in index.near.candidates(texts, parts):
            if (text, part) in long:
                continue
            ours = texts.words[texts.starts[text] : texts.starts[text + 1]].tolist()
            theirs = parts.words[parts.starts[part] : parts.starts[part + 1]].tolist()
            similarity, start, end = score(theirs, ours, settings.shingle, index.near.stock)
            if similarity >= settings.near:
                found[text].append(Match(part, start, end, similarity, near=True))
    return found


def _shared(index: Index, texts: Batch) -> dict[int, list[Match]]:
    """Runs that stand in a text and a part, each as long as it goes on."""
    parts = index.parts
    pairs = [
        (*one.pairs(texts, parts.words, _without(stock.any, one.hits(texts))), one.length)
        for one, stock in zip(index.tables, index.stock, strict=True)
    ]
    found: dict[int, list[Match]] = defaultdict(list)
    pairs = [pair for pair in pairs if len(pair[0])]
    if not pairs:
        return found
    ours = np.concatenate([pair[0] for pair in pairs])
    theirs = np.concatenate([pair[1] for pair in pairs])
    lengths = np.repeat([pair[2] for pair in pairs], [len(pair[0]) for pair in pairs])
    text, part, shift = texts.text_of(ours), parts.part_of(theirs), ours - theirs
    order = np.lexsort((ours, shift, part, text))
    ours, lengths, text, part, shift = (
        column[order] for column in (ours, lengths, text, part, shift)
    )
    first = np.ones(len(ours), dtype=np.bool_)
    first[1:] = (
        (text[1:] != text[:-1])
        | (part[1:] != part[:-1])
        | (shift[1:] != shift[:-1])
        | (ours[1:] > ours[:-1] + lengths[:-1])
    )
    begin = np.flatnonzero(first)
    last = np.append(begin[1:], len(ours)) - 1
    start = ours[begin] - texts.starts[text[begin]]
    end = ours[last] + lengths[last] - texts.starts[text[begin]]
    columns: Sequence[list[int]] = [
        column.tolist()
        for column in (
            text[begin],
            part[begin],
            start,
            end,
            (ours - shift)[begin] - parts.starts[part[begin]],
        )
    ]
    for where, number, low, high, offset in zip(*columns, strict=True):
        found[where].append(Match(number, low, high, offset=offset))
    return found


def _whole_copies(index: Index, texts: Batch) -> Iterator[tuple[int, Match]]:
    """Parts that are stock from end to end, where all of one first stands in a text."""
    if index.anchors is None:
        return
    parts = index.parts
    ours, theirs = index.anchors.pairs(texts, parts.words, index.anchors.hits(texts))
    text, part = texts.text_of(ours), parts.part_of(theirs)
    begin = ours - (theirs - parts.starts[part])
    inside = (begin >= texts.starts[text]) & (begin + parts.lengths[part] <= texts.starts[text + 1])
    columns = (column[inside].tolist() for column in (text, part, begin))
    met: set[tuple[int, int]] = set()
    for where, number, low in zip(*columns, strict=True):
        if (where, number) in met:
            continue
        whole = parts.words[parts.starts[number] : parts.starts[number + 1]]
        if np.array_equal(whole, texts.words[low : low + len(whole)]):
            met.add((where, number))
            start = low - int(texts.starts[where])
            yield where, Match(number, start, start + len(whole))


def _without(stock: Flags, hits: tuple[Ints, Ints]) -> tuple[Ints, Ints]:
    kept = ~stock[hits[1]]
    return hits[0][kept], hits[1][kept]

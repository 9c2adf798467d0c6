"""Passages that tasks are grounded on: read, cut to a length, and drawn one to a request.

BioInstruct (arXiv 2310.19975) has no passages: its inputs are the teacher's own. Here a folder of
texts can be given instead. Which files are read, and how, is in ``passage_files``.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from preceptor import draws
from preceptor.artifact import digest
from preceptor.errors import SeedError
from preceptor.synthesis.passage_files import ENDINGS, Text, read_texts

WORDS = 300

_SENTENCE_END = re.compile(
    r"(?<=[.!?])[\"'\u201d\u2019)\]]*\s+(?=[\"'\u201c\u2018(\[]?[^\Wa-z_])|\n\s*\n"
)
"""Before what may begin a sentence: a capital, a digit, a letter without case."""
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Passage:
    """A text that a task is grounded on."""

    id: str
    """Of a part of a longer text: ``id#1``, ``id#2``, …"""
    text: str
    source: str
    """File, and line or record in it, below the folder that was named."""


def load_passages(path: str | Path, words: int = WORDS) -> list[Passage]:
    """The passages of a file, or of all files below a folder in the order of their names.

    Args:
        path: See ``passage_files`` for the formats.
        words: Longer texts are cut at the ends of sentences into parts of at most so many words,
            as even as the sentences allow; only a longer sentence is cut inside.

    Raises:
        SeedError: There is no such file, it is not of a known format or not UTF-8, a text is
            empty, two have one id, or there is none.
        ValueError: ``words`` is not positive.
    """
    if words < 1:
        raise ValueError(f"passages of at most {words} words hold nothing; words is at least 1")
    found: dict[str, Passage] = {}
    for text in read_texts(Path(path)):
        for passage in _passages(text, words):
            if passage.id in found:
                raise SeedError(
                    f"{path}: two passages have the id {passage.id!r}: {found[passage.id].source} "
                    f"and {passage.source}; give each its own"
                )
            found[passage.id] = passage
    if not found:
        raise SeedError(
            f"{path} holds no passages; it may be, or hold, files ending in {', '.join(ENDINGS)}"
        )
    return list(found.values())


def draw_passage(passages: Sequence[Passage], seed: int, index: int) -> Passage:
    """The passage of request ``index``: each is used once before any is used twice.

    Raises:
        ValueError: There are no passages.
    """
    if not passages:
        raise ValueError("there are no passages to draw from")
    epoch, place = divmod(index, len(passages))
    return passages[draws.permuted(place, len(passages), seed, "passage", epoch)]


def passages_digest(passages: Sequence[Passage]) -> str:
    """SHA-256 of ids and texts, whatever files they came in."""
    return digest([[passage.id, passage.text] for passage in passages])


def windows(text: str, words: int) -> list[str]:
    """A text in parts of at most so many words; nothing but the white space between is lost."""
    pieces = list(_pieces(text, words))
    total = sum(count for _, _, count in pieces)
    if total <= words:
        return [text.strip()] if total else []
    parts = len(_packed(pieces, words))
    # The smallest limit that needs no more parts makes them even: no part of a few words at the
    # end.
    low, high = max(math.ceil(total / parts), *(count for _, _, count in pieces)), words
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if len(_packed(pieces, middle)) <= parts else (middle + 1, high)
    return [text[start:end].strip() for start, end in _packed(pieces, high)]


def _passages(text: Text, words: int) -> Iterator[Passage]:
    parts = windows(text.text, words)
    if len(parts) == 1:
        yield Passage(text.id, parts[0], text.source)
        return
    for number, part in enumerate(parts, start=1):
        yield Passage(f"{text.id}#{number}", part, text.source)


def _pieces(text: str, words: int) -> Iterator[tuple[int, int, int]]:
    """Start, end and number of words of each sentence; of each part of one that is too long."""
    start = 0
    for end in [*(found.end() for found in _SENTENCE_END.finditer(text)), len(text)]:
        places = [found.start() for found in _WORD.finditer(text, start, end)]
        for first in range(0, len(places), words):
            inside = places[first : first + words]
            after = places[first + words] if first + words < len(places) else end
            yield inside[0], after, len(inside)
        start = end


def _packed(pieces: Sequence[tuple[int, int, int]], words: int) -> list[tuple[int, int]]:
    """Start and end of parts that hold as many pieces as fit."""
    parts: list[tuple[int, int]] = []
    held = 0
    for start, end, count in pieces:
        if parts and held + count <= words:
            parts[-1] = (parts[-1][0], end)
            held += count
        else:
            parts.append((start, end))
            held = count
    return parts

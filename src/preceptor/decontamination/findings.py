"""What of an evaluation item a training example holds.

| kind            | the example holds                                                         |
| --------------- | ------------------------------------------------------------------------- |
| question+answer | the question, and on the other side of the example an answer; or a run of |
|                 | the passage, and there an answer of ``least`` words                       |
| question        | runs that are a good part of the question, or a near copy of it; or all   |
|                 | of a short one with a run of the passage, with all options around it, or  |
|                 | with other short texts of the item or an answer, ``least`` words in all   |
| options         | two or more of the item's options, each at a place of its own             |
| fragment        | a run of the question that is little of it                                |
| passage         | a run or near copy of the passage only                                    |

An answer alone, or one option alone, is never a finding. A question that stands within a shared
passage (a hypothesis taken from its premise, word for word) is the passage's and no finding of its
own; it is one where it stands by itself.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from preceptor.decontamination.grams import batch
from preceptor.decontamination.index import Index
from preceptor.decontamination.matches import Match, find_matches
from preceptor.decontamination.parts import (
    NAMES,
    OPTION,
    PASSAGE,
    QUESTION,
    Known,
    PartName,
)
from preceptor.decontamination.settings import Kind
from preceptor.decontamination.words import joined, words
from preceptor.records import Example

Side = Literal["prompt", "target"]
SIDES: tuple[Side, ...] = ("prompt", "target")
AROUND = 4
"""The options of a short question are looked for around it, within so many times their length."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A training example holds something of an evaluation item."""

    example: str
    benchmark: str
    """task/split"""
    item: str
    kind: Kind
    parts: tuple[PartName, ...]
    """Every part of the item that is there."""
    where: Side
    """Where the overlap shown is."""
    near: bool
    """The overlap shown is a near copy; else it is words shared in a row."""
    similarity: float
    """1.0 for words shared in a row, else the score of the near copy."""
    words: int
    """Length of the overlap shown, the longest of the deciding part."""
    text: str
    """The overlap, as the words that were compared."""


class _Sides:
    """A training example's words, prompt and target."""

    def __init__(self, example: Example, prompt: list[str], target: list[str]) -> None:
        self.words = (prompt, target)
        self._joined: dict[int, str] = {}
        self._together = not target or example.shots > 0

    def joined(self, side: int) -> str:
        """All words of a side as one text."""
        if side not in self._joined:
            self._joined[side] = joined(self.words[side])
        return self._joined[side]

    def opposite(self, side: int) -> tuple[int, ...]:
        """Where the answer to a question on this side may be: on the other, and on the same one in
        a text without a target and among worked exemplars."""
        return (1 - side, side) if self._together else (1 - side,)


Found = list[tuple[int, Match]]
"""Matches with their side, 0 for the prompt and 1 for the target."""


def check(index: Index, example: Example) -> tuple[Finding, ...]:
    """What a training example shares with the index, in the order of the items."""
    return check_many(index, [example])[0]


def check_many(index: Index, examples: Sequence[Example]) -> list[tuple[Finding, ...]]:
    """``check`` for some examples together, which is many times as fast."""
    texts = [words(text) for one in examples for text in (one.prompt, one.target)]
    found = find_matches(index, batch(texts, index.parts.numbers, index.parts.values))
    by_example: dict[int, Found] = defaultdict(list)
    for text in sorted(found):
        by_example[text // 2] += [(text % 2, match) for match in found[text]]
    answers: list[tuple[Finding, ...]] = [()] * len(examples)
    for number, matches in by_example.items():
        one = examples[number]
        sides = _Sides(one, texts[2 * number], texts[2 * number + 1])
        answers[number] = tuple(_findings(index, one, sides, matches))
    return answers


def _findings(index: Index, example: Example, sides: _Sides, matches: Found) -> Iterable[Finding]:
    by_item: dict[int, Found] = defaultdict(list)
    for side, match in matches:
        for owner in index.parts.owners[match.part]:
            by_item[owner].append((side, match))
    for number in sorted(by_item):
        item = index.parts.items[number]
        judged = _judge(index, item, sides, by_item[number])
        if judged is None:
            continue
        kind, parts, (side, match) = judged
        yield Finding(
            example=example.id,
            benchmark=index.benchmarks[item.benchmark].name,
            item=item.id,
            kind=kind,
            parts=parts,
            where=SIDES[side],
            near=match.near,
            similarity=match.similarity,
            words=match.length,
            text=" ".join(sides.words[side][match.start : match.end]),
        )


def _judge(
    index: Index, item: Known, sides: _Sides, found: Found
) -> tuple[Kind, tuple[PartName, ...], tuple[int, Match]] | None:
    """Kind, parts and the overlap to show; None when it amounts to nothing."""
    least, lengths = index.settings.least, index.parts.lengths
    texts, passages, options = (
        [one for one in found if index.parts.roles[one[1].part] == role]
        for role in (QUESTION, PASSAGE, OPTION)
    )
    short = [one for one in passages if lengths[one[1].part] < least]
    passages = [one for one in passages if lengths[one[1].part] >= least]
    texts = [one for one in texts if not _explained(one, passages, least)]
    long = [one for one in texts if lengths[one[1].part] >= least]
    brief = [one for one in texts if lengths[one[1].part] < least]
    much = _much(index, long)
    asked = [one for one in long if one[1].part in much] or (brief if passages else [])
    if not asked and _add_up(least, item, sides, [*brief, *short]):
        asked = brief or short
    if not asked and _with_options(least, item, sides, [*brief, *options]):
        asked = brief or options
    several = _several([one for one in options if lengths[one[1].part] >= least])
    named = ((asked or long, QUESTION), (passages, PASSAGE), (several, OPTION))
    parts: tuple[PartName, ...] = tuple(NAMES[role] for there, role in named if there)
    if any(_answered(item, sides, side) for side, _ in asked) or any(
        _answered(item, sides, side, least) for side, _ in passages
    ):
        return "question+answer", (*parts, "answer"), _longest(asked or passages)
    if asked:
        return "question", parts, _longest(asked)
    if several:
        return "options", parts, _longest(options)
    if long:
        return "fragment", parts, _longest(long)
    if passages:
        return "passage", parts, _longest(passages)
    return None


def _much(index: Index, found: Found) -> set[int]:
    """The parts of which runs cover a good share, or one is a near copy."""
    covered: dict[int, set[int]] = defaultdict(set)
    for _, match in found:
        low, high = match.offset, match.offset + match.length
        covered[match.part].update(
            range(int(index.parts.lengths[match.part])) if match.near else range(low, high)
        )
    return {
        part
        for part, places in covered.items()
        if len(places) >= index.settings.whole * int(index.parts.lengths[part])
    }


def _explained(one: tuple[int, Match], passages: Found, least: int) -> bool:
    """It lies within a shared run of the passage that goes on beyond it, further than by chance."""
    side, match = one
    return any(
        where == side
        and passage.start <= match.start
        and match.end <= passage.end
        and passage.length >= match.length + least
        for where, passage in passages
    )


def _add_up(least: int, item: Known, sides: _Sides, short: Found) -> bool:
    """Short texts of one side are this item's, with an answer opposite or without."""
    for side in {side for side, _ in short}:
        size = sum({match.part: match.length for where, match in short if where == side}.values())
        if size >= least or _answered(item, sides, side, least - size):
            return True
    return False


def _with_options(least: int, item: Known, sides: _Sides, found: Found) -> bool:
    """Around a text of the item stand all its options and a question, words enough together."""
    size = sum(map(_size, item.options))
    for side, match in found if item.options else ():
        span = AROUND * (size + match.length)
        around = joined(sides.words[side][max(0, match.start - span) : match.end + span])
        if all(option in around for option in item.options) and any(
            size + _size(question) >= least and question in around for question in item.questions
        ):
            return True
    return False


def _answered(item: Known, sides: _Sides, side: int, least: int = 1) -> bool:
    """An answer of so many words stands opposite."""
    return any(
        _size(answer) >= least and answer in sides.joined(other)
        for answer in item.answers
        for other in sides.opposite(side)
    )


def _size(text: str) -> int:
    """Words of joined words."""
    return text.count(" ") - 1


def _several(options: Found) -> bool:
    """Two options or more, each at a place of its own."""
    return any(
        one.part != other.part
        and (where != there or one.end <= other.start or other.end <= one.start)
        for (where, one), (there, other) in combinations(options, 2)
    )


def _longest(found: Found) -> tuple[int, Match]:
    """Words in a row before near copies, then the longest, then the first."""
    return max(
        found,
        key=lambda one: (not one[1].near, one[1].length, -one[0], -one[1].start),
    )

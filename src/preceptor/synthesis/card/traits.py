"""What can be seen of single records by rule: empty inputs, bare links, short answers, repeats.

Each is a count with a few examples. None is a verdict: a one-word output is right where a label was
asked for. Measured so on BioInstruct's and Alpaca's released records, they are what a set can be
compared by.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from preceptor.data.no_input import normalise_input
from preceptor.synthesis.card.rows import Record, has_input, whole_input
from preceptor.synthesis.filters import BANNED

EXAMPLES = 3
SHOWN_CHARACTERS = 120
MANY_WORDS, FEW_WORDS = 100, 5
CLOSED_FROM = 20
"""Words from which on an output is expected to end as a sentence does."""
_LINK = re.compile(r"\s*<?(?:(?:https?|ftp)://|www\.)\S+\s*")
_BANNED = re.compile(rf"\b(?:{'|'.join(map(re.escape, BANNED))})\b", re.IGNORECASE)
_OPTIONS = re.compile(
    r"(?:^|[\s(])A[.)]\s*\S.*?(?:^|[\s(])B[.)]\s*\S|(?:^|\s)\(?a\)\s*\S.*?\s\(?b\)\s*\S", re.DOTALL
)
_CLOSED = re.compile(r"[.!?\u2026][\"')\]}\u201d\u2019*_`]*\s*\Z")
_TOO_LITTLE = re.compile(
    r"\b(?:insufficient|not enough|too little|inadequate) (?:\w+ )?"
    r"(?:information|data|evidence|context|details?)\b"
    r"|\b(?:can ?not|can't|could not) be (?:determined|answered|inferred|concluded)\b"
    r"|\b(?:unable|not possible|impossible) to (?:determine|answer|tell|infer|conclude)\b"
    r"|\bmore (?:information|details?|context|data) (?:is|are|would be) (?:needed|required)\b"
    r"|\b(?:text|passage|input|information) (?:provided )?(?:does not|doesn't|do not) "
    r"(?:say|state|mention|specify|contain|provide)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Trait:
    """Something that some of the records have."""

    name: str
    count: int
    of: int
    """Records that could have it."""
    examples: tuple[str, ...]
    """The first few, cut to a line."""

    @property
    def share(self) -> float:
        """In [0, 1]; 0 where no record could have it."""
        return self.count / self.of if self.of else 0.0


@dataclass(frozen=True, slots=True)
class _Rule:
    name: str
    applies: Callable[[Record], bool]
    text: Callable[[Record], str]
    """What an example shows."""
    among: Callable[[Record], bool] = lambda _: True


def bare_link(record: Record) -> bool:
    """The input is nothing but web addresses."""
    return bool(record.input.strip()) and not _LINK.sub("", record.input)


def options_given(record: Record) -> bool:
    """Lettered options stand in the instruction or the input."""
    return bool(_OPTIONS.search(whole_input(record)))


def says_too_little(record: Record) -> bool:
    """The output says that the question cannot be answered from what is given."""
    return bool(_TOO_LITTLE.search(record.output))


def left_open(record: Record) -> bool:
    """The output is longer than a phrase and does not end as a sentence does."""
    return len(record.output.split()) > CLOSED_FROM and not _CLOSED.search(record.output)


def banned_word(record: Record) -> bool:
    """The instruction has one of Alpaca's eighteen words for what a text model cannot do."""
    return bool(_BANNED.search(record.instruction))


def _instruction(record: Record) -> str:
    return record.instruction


def _input(record: Record) -> str:
    return record.input


def _output(record: Record) -> str:
    return record.output


RULES = (
    _Rule("without input", lambda r: not has_input(r), _instruction),
    _Rule("input of 1 to 5 words", lambda r: len(r.input.split()) <= FEW_WORDS, _input, has_input),
    _Rule("input of over 100 words", lambda r: len(r.input.split()) > MANY_WORDS, _input),
    _Rule("input is a bare link", bare_link, _input),
    _Rule("lettered options", options_given, whole_input),
    _Rule("asked for as a task that cannot be answered", lambda r: r.unanswerable, whole_input),
    _Rule("output of one word", lambda r: len(r.output.split()) == 1, _output),
    _Rule("output of 1 to 5 words", lambda r: 1 <= len(r.output.split()) <= FEW_WORDS, _output),
    _Rule("output of over 100 words", lambda r: len(r.output.split()) > MANY_WORDS, _output),
    _Rule("output says that too little is known", says_too_little, _output),
    _Rule("output over 20 words without closing punctuation", left_open, _output),
    _Rule("empty output", lambda r: not r.output.strip(), _instruction),
    _Rule("one of Alpaca's 18 banned words in the instruction", banned_word, _instruction),
)


def traits(records: Sequence[Record]) -> tuple[Trait, ...]:
    """Every rule counted over the records, and then what repeats."""
    found = []
    for rule in RULES:
        among = [record for record in records if rule.among(record)]
        those = [record for record in among if rule.applies(record)]
        found.append(_trait(rule.name, those, len(among), rule.text))
    return (*found, *_repeats(records))


def no_input_spellings(records: Sequence[Record]) -> dict[str, int]:
    """The ways in which inputs say that there is none, most frequent first; '' is the empty one."""
    counts = Counter(r.input.strip() for r in records if not normalise_input(r.input))
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _repeats(records: Sequence[Record]) -> list[Trait]:
    """Records whose text an earlier one has, but for case and layout."""
    with_input = [record for record in records if has_input(record)]
    return [
        _repeated("instruction of an earlier record", records, _instruction),
        _repeated("input of an earlier record", with_input, _input),
        _repeated("instruction and input of an earlier record", records, whole_input),
    ]


def _repeated(name: str, records: Sequence[Record], text: Callable[[Record], str]) -> Trait:
    seen: set[str] = set()
    again: list[Record] = []
    for record in records:
        folded = " ".join(text(record).casefold().split())
        if folded in seen:
            again.append(record)
        seen.add(folded)
    return _trait(name, again, len(records), text)


def _trait(name: str, those: Sequence[Record], of: int, text: Callable[[Record], str]) -> Trait:
    return Trait(name, len(those), of, tuple(_line(text(one)) for one in those[:EXAMPLES]))


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_CHARACTERS else f"{line[: SHOWN_CHARACTERS - 1]}\u2026"

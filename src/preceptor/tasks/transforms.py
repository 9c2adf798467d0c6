"""Filters of task files: cleaning text, and putting tokenised text together again.

A tokenised text is laid out once, as a text and every token's place in it; ``detokenise`` gives the
text and ``entities`` pieces of the same text, so that an entity always occurs in it verbatim.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_CLOSERS = frozenset(",.;:?!)]}%\u201d\u2019") | {"..."}
_OPENERS = frozenset("([{$£€\u201c\u2018")
_CLITIC = re.compile(r"(?:n['\u2019]t|['\u2019](?:s|m|d|re|ve|ll))$", re.IGNORECASE)
_SUFFIX = re.compile(r"-[a-z]{2,}")
_CLITIC_TAILS = frozenset(["s", "t", "m", "d", "re", "ve", "ll"])
_SPELLINGS = {"``": '"', "''": '"', "-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]"}


def tidy(text: str) -> str:
    """White space of any kind folded to single blanks, the ends cut.

    Raises:
        TypeError: Not a string.
    """
    return " ".join(_text(text, "tidy").split())


def lines(text: str) -> str:
    """Each line tidied, empty lines dropped.

    Raises:
        TypeError: Not a string.
    """
    tidied = (tidy(line) for line in _text(text, "lines").splitlines())
    return "\n".join(line for line in tidied if line)


def detokenise(tokens: str | Sequence[str]) -> str:
    """Tokens put together as written text.

    A list comes from a corpus that was split at every mark: a hyphen or slash of its own joins
    its neighbours. In a string such a hyphen is a dash and stays apart; line breaks are kept.

    Raises:
        TypeError: Neither a string nor a list of strings.
    """
    if isinstance(tokens, str):
        return "\n".join(_lay_out(line.split(), split=False).text for line in tokens.splitlines())
    return _lay_out(_token_list(tokens, "detokenise"), split=True).text


def entities(
    tokens: Sequence[str], tags: Sequence[int], begin: Sequence[int], inside: Sequence[int]
) -> list[str]:
    """Surface strings of BIO spans, in order and without repeats, as they stand in the text.

    Args:
        tokens: The sentence.
        tags: One tag a token.
        begin: Tags that begin an entity, one a type.
        inside: Tags that continue it, in the order of ``begin``. One with nothing of its type
            before it begins an entity, as in CoNLL's evaluation.

    Raises:
        TypeError: ``tokens`` is not a list of strings.
        ValueError: Tokens and tags, or ``begin`` and ``inside``, differ in number.
    """
    tokens = _token_list(tokens, "entities")
    if len(tokens) != len(tags):
        raise ValueError(f"{len(tokens)} tokens but {len(tags)} tags")
    if len(begin) != len(inside):
        raise ValueError(f"{len(begin)} tags begin an entity but {len(inside)} continue one")
    layout = _lay_out(tokens, split=True)
    found = (
        layout.text[layout.starts[first] : layout.ends[last]]
        for first, last in _spans(tags, begin, inside)
    )
    return list(dict.fromkeys(found))


def _spans(
    tags: Sequence[int], begin: Sequence[int], inside: Sequence[int]
) -> list[tuple[int, int]]:
    """First and last token of each entity."""
    kinds = {tag: kind for kind, pair in enumerate(zip(begin, inside, strict=True)) for tag in pair}
    spans: list[tuple[int, int]] = []
    current = -1  # the type of the entity that the token before belongs to; -1 for none
    for i, tag in enumerate(tags):
        kind = kinds.get(tag, -1)
        if kind >= 0 and kind == current and tag not in begin:
            spans[-1] = (spans[-1][0], i)
        elif kind >= 0:
            spans.append((i, i))
        current = kind
    return spans


@dataclass(frozen=True, slots=True)
class _Layout:
    text: str
    starts: list[int]
    ends: list[int]
    """Characters [start, end) of each token."""


def _lay_out(tokens: Sequence[str], split: bool) -> _Layout:
    """Decide for every gap whether it is a blank. ``split``: at every mark, hyphens too."""
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    length = 0
    quotes = _Quotes()
    if split and tokens[-2:] == [".", "."] and tokens[-3:-2] != ["."]:
        tokens = [*tokens[:-1], ""]  # some corpora end an abstract in a second full stop
    glued = True  # nothing stands between the text so far and the next token
    for i, token in enumerate(tokens):
        before = tokens[i - 1] if i else ""
        after = tokens[i + 1] if i + 1 < len(tokens) else ""
        later = "'" in tokens[i + 1 :]
        left, right = quotes.sides(token, before, after, later) or _sides(
            token, before, after, split
        )
        spelled = _SPELLINGS.get(token, token)
        blank = "" if glued or left or not token else " "
        pieces += (blank, spelled)
        starts.append(length + len(blank))
        length = starts[-1] + len(spelled)
        ends.append(length)
        glued = right
    return _Layout("".join(pieces), starts, ends)


class _Quotes:
    """Which straight quotation marks are open."""

    def __init__(self) -> None:
        self.double = self.single = False

    def sides(self, token: str, before: str, after: str, later: bool) -> tuple[bool, bool] | None:
        """(joined to the left, joined to the right), or None for what is no quotation mark.

        ``later``: there is another single mark, which may close what this one opens.
        """
        if token == "``":
            self.double = True
        elif token == "''":
            self.double = False
        elif token == '"':
            self.double = not self.double
        elif token == "'" and (self.single or (later and not _is_apostrophe(before, after))):
            self.single = not self.single
            return (False, True) if self.single else (True, False)
        else:
            return None
        return (False, True) if self.double else (True, False)


def _is_apostrophe(before: str, after: str) -> bool:
    """Whether a single mark between two words is one: patients' x, Alzheimer ' s, the 5' end."""
    possessive = before[-1:] in ("s", "S") or before[-1:].isdigit()
    return possessive or (before[-1:].isalpha() and after.lower() in _CLITIC_TAILS)


def _sides(token: str, before: str, after: str, split: bool) -> tuple[bool, bool]:
    """(joined to the left, joined to the right) for a token that is no quotation mark."""
    token = _SPELLINGS.get(token, token)
    if token in _OPENERS:
        return False, True
    if token == "'":
        return True, after.lower() in _CLITIC_TAILS
    if _CLITIC.match(token):
        return True, False
    if split and token in ("-", "/"):
        return before[-1:].isalnum() or before in (")", "]"), after[:1].isalnum() or after == "("
    if split and _SUFFIX.match(token):  # "box -dependent", but "up and -independent"
        return before[-1:].isalnum() and before not in ("and", "or", "to"), False
    if split and token in (".", ",", ":") and after[:1].isdigit():
        return _sides_in_number(token, before, after)
    return token in _CLOSERS, False


def _sides_in_number(mark: str, before: str, after: str) -> tuple[bool, bool]:
    """A mark before digits: '2.5' and '10:30', '1,000' but '1, 20', '= .05'."""
    number = before.isdigit()
    if mark == ",":
        return True, number and len(before) <= 3 and len(after) == 3 and after.isdigit()
    if mark == "." and not before[-1:].isalnum() and before not in _CLOSERS:
        return False, True
    return True, number


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} takes text, not {type(value).__name__}")
    return value


def _token_list(tokens: object, name: str) -> list[str]:
    if not isinstance(tokens, list | tuple) or not all(isinstance(t, str) for t in tokens):
        raise TypeError(f"{name} takes a list of tokens, not {type(tokens).__name__}")
    return [token for token in tokens if isinstance(token, str)]

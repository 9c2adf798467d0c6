"""Texts to token ids by their words: what the tokenizer gives, looked up instead of made again.

Byte-level BPE cuts a text into pieces before it merges anything. Each pattern that is known here
cuts before a blank that follows something else, whatever stands around, and looks nowhere back; so
the ids of a text are those of its stretches from blank to blank, one after another. Those come
again and again: looking them up is about ten times quicker than merging. A stretch that is new is
cut further behind its words (``word`` and ``,``), for its parts are often known.

A tokenizer that is not provably of this kind, and a text with two blanks in a row, go the
tokenizer's own way.
"""

import json
import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tokenizers import Tokenizer

LIMIT = 400_000
"""Stretches that are remembered; with more, all are forgotten and it begins anew. About 100 MB."""
LONGEST = 80
"""Characters of a stretch worth remembering: longer ones (a URL, Chinese) hardly come again."""
LLAMA_3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
PATTERNS = frozenset((LLAMA_3, LLAMA_3.replace("{1,3}", "")))
"""Those of Llama 3 and Qwen 2. GPT-2's is built into the tokenizers' ByteLevel."""
_NO_LETTERS = "".join(chr(code) for code in range(128) if not chr(code).isalpha())
_BEHIND_A_WORD = re.compile(r"(?<=[A-Za-z])(?=[\x00-@\[-`{-\x7f])")
"""No pattern lets a letter and what is no letter share a piece in this order. ASCII only: what
else is a letter differs between the libraries' versions of Unicode."""
_PROBES = (
    "One (two) isn't\n\nOPTIONS:\n- a1, 12345.67!?",
    " \u00e9t\u00e9; x\u0301y \u6771\u4eac's ~b_c \tz",
    "two  blanks,\n and one at the end ",
)


def words_of(backend: Tokenizer) -> "Words | None":
    """Look-up for a tokenizer; None for one whose pieces are not known to end before blanks."""
    state = json.loads(backend.to_str())
    if not _cuts_before_blanks(state):
        return None
    ordinary = [token["content"] for token in state["added_tokens"] if not token["special"]]
    words = Words(backend, ordinary)
    return words if words.ids(_PROBES) == words.whole(_PROBES) else None


@contextmanager
def untouched(backend: Tokenizer, split: bool) -> Iterator[None]:
    """Texts neither cut nor filled up, the names of special tokens read as text where ``split``;
    the tokenizer is then as it was."""
    before = backend.encode_special_tokens
    backend.no_truncation()
    backend.no_padding()
    backend.encode_special_tokens = split
    try:
        yield
    finally:
        backend.encode_special_tokens = before


def _cuts_before_blanks(state: dict[str, Any]) -> bool:
    """Whether the tokenizer's parts are those that the reasoning above holds for."""
    model, normalizer, first = state["model"], state["normalizer"], state["pre_tokenizer"] or {}
    *before, last = first["pretokenizers"] if first.get("type") == "Sequence" else [first]
    return (
        model["type"] == "BPE"
        and not model.get("dropout")
        # NFC composes nothing across a blank.
        and (normalizer is None or normalizer == {"type": "NFC"})
        and not any(t["normalized"] and not t["special"] for t in state["added_tokens"])
        and all(step["type"] == "Digits" or _is_known(step) for step in before)
        and last.get("type") == "ByteLevel"
        and not last["add_prefix_space"]
        and (last.get("use_regex", True) or any(map(_is_known, before)))
    )


def _is_known(step: dict[str, Any]) -> bool:
    return (
        step["type"] == "Split"
        and step["pattern"].get("Regex") in PATTERNS
        and step["behavior"] == "Isolated"
        and not step["invert"]
    )


class Words:
    """Ids of texts, the names of special tokens read as text."""

    def __init__(self, backend: Tokenizer, names: Sequence[str] = ()) -> None:
        """Begin with nothing known.

        Args:
            backend: The tokenizer.
            names: Added tokens that it finds before a text is cut, over blanks even.
        """
        self._backend = backend
        self._names = re.compile("|".join(map(re.escape, names))) if names else None

        def encode(text: str) -> Sequence[int]:
            ids: Sequence[int] = backend.encode(text, add_special_tokens=False).ids
            return ids

        self._known, self._last = _Known(encode), _Known(encode, last=True)

    def ids(self, texts: Sequence[str]) -> list[bytes]:
        """Ids of each text, as the bytes of unsigned 32-bit numbers."""
        with untouched(self._backend, split=True):
            found = [self._looked_up(text) for text in texts]
        left = [text for text, ids in zip(texts, found, strict=True) if ids is None]
        made = iter(self.whole(left) if left else [])
        return [next(made) if ids is None else ids for ids in found]

    def whole(self, texts: Sequence[str]) -> list[bytes]:
        """The same from the tokenizer itself."""
        with untouched(self._backend, split=True):
            encoded = self._backend.encode_batch_fast(list(texts), add_special_tokens=False)
        return [array("I", one.ids).tobytes() for one in encoded]

    def _looked_up(self, text: str) -> bytes | None:
        """Ids of a text; None for one that cannot be cut at its blanks."""
        if self._names is not None and self._names.search(text):
            return None
        stretches = text.split(" ")
        stretches[0] = " " + stretches[0]
        try:
            if text[-1:].isspace():
                last = stretches.pop()
                return b"".join((*map(self._known.__getitem__, stretches), self._last[last]))
            return b"".join(map(self._known.__getitem__, stretches))
        except _NotKept:
            return None


class _NotKept(Exception):
    """A stretch that is not looked up."""


class _Known(dict[str, bytes]):
    """Ids by stretch, made when they are first asked for.

    A stretch is kept without the blank before it. The first of a text has none, and is kept with a
    blank before it: no other can begin with one.
    """

    def __init__(self, encode: Callable[[str], Sequence[int]], last: bool = False) -> None:
        """``last``: of stretches that end their text, so that they may end in white space. Any
        other of those stands before a blank at which a text is not always cut."""
        self._encode, self._is_last = encode, last

    def __missing__(self, stretch: str) -> bytes:
        in_space = not stretch or (stretch[-1].isspace() and stretch != " ")
        if len(stretch) > LONGEST or (in_space and not self._is_last):
            raise _NotKept
        parts = _parts(stretch)
        if len(parts) > 1:
            ids = b"".join([self[part] for part in parts])
        else:
            text = stretch[1:] if stretch[:1] == " " else " " + stretch
            ids = array("I", self._encode(text)).tobytes()
        if len(self) >= LIMIT:
            self.clear()
        self[stretch] = ids
        return ids


def _parts(stretch: str) -> list[str]:
    """A stretch cut behind its words; what has no blank before it gets the mark of that."""
    word = stretch.rstrip(_NO_LETTERS)
    if word == stretch and "\n" not in stretch:
        return [stretch]
    if word.isalpha() and word.isascii():
        return [word, " " + stretch[len(word) :]]
    first, *others = _BEHIND_A_WORD.split(stretch)
    return [first, *(" " + other for other in others)]

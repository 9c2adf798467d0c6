"""The index in Python, for machines on which nothing was compiled.

Tokens become characters, so that the longest common subsequence runs bit-parallel in rapidfuzz;
lengths bound the score, so that most of the index is never looked at.
"""

import warnings
from collections.abc import Iterator, Sequence

from rapidfuzz import process
from rapidfuzz.distance import LCSseq

from preceptor.synthesis.novelty.tokens import rouge_l, tokenise

_UNKNOWN = chr(0)
_SURROGATES = range(0xD800, 0xE000)
_LARGE = 5_000
"""Texts from which on the compiled index would be missed."""


class PlainTexts:
    """Texts by number, in the order added."""

    def __init__(self, stem: bool) -> None:
        self._stem = stem
        self._count = 0
        self._letters: dict[str, str] = {}
        self._by_length: dict[int, tuple[list[int], list[str]]] = {}
        """Token count to (numbers of the texts, texts as one character a token)."""

    def __len__(self) -> int:
        return self._count

    def add(self, text: str) -> None:
        """
        Raises:
            ValueError: Over a million different tokens: there is no character for the next one.
        """
        tokens = tokenise(text, self._stem)
        for token in tokens:
            if token not in self._letters:
                self._letters[token] = _letter(len(self._letters))
        numbers, texts = self._by_length.setdefault(len(tokens), ([], []))
        numbers.append(self._count)
        texts.append("".join(self._letters[token] for token in tokens))
        self._count += 1
        if self._count == _LARGE:
            warnings.warn(
                f"comparing with {_LARGE} texts and more is slow without the compiled novelty "
                "index: install a C compiler (cc), then install preceptor again",
                RuntimeWarning,
                stacklevel=2,
            )

    def nearest(self, text: str) -> tuple[int, float] | None:
        """Number and ROUGE-L F of the most similar text, the first added among equals."""
        return self.above(text, -1.0)

    def above(self, text: str, threshold: float) -> tuple[int, float] | None:
        """The same, if its score is above the threshold."""
        tokens = tokenise(text, self._stem)
        query, n = "".join(self._letters.get(token, _UNKNOWN) for token in tokens), len(tokens)
        bounds = sorted(((rouge_l(min(m, n), m, n), m) for m in self._by_length), reverse=True)
        best, where = threshold, -1
        for bound, m in bounds:
            if bound < best:
                break
            numbers, texts = self._by_length[m]
            found = process.extractOne(
                query, texts, scorer=LCSseq.similarity, score_cutoff=_least_common(best, m, n)
            )
            if found is None:
                continue
            _, common, place = found
            score = rouge_l(int(common), m, n)
            if score > best or (score == best and numbers[place] < where):
                best, where = score, numbers[place]
        return None if where < 0 else (where, best)

    def keep(self, texts: Sequence[str], threshold: float) -> Iterator[bool]:
        """Adds each text that nothing there is above the threshold to; says which."""
        for text in texts:
            is_novel = self.above(text, threshold) is None
            if is_novel:
                self.add(text)
            yield is_novel


def _least_common(score: float, m: int, n: int) -> int:
    """The shortest common subsequence with which lengths m and n reach the score."""
    common = max(0, int(score * (m + n) / 2) - 1)
    while rouge_l(common, m, n) < score:
        common += 1
    return common


def _letter(number: int) -> str:
    """A character of its own for each token: not the one of unknown tokens, and no surrogate."""
    code = number + 1
    return chr(code if code < _SURROGATES.start else code + len(_SURROGATES))

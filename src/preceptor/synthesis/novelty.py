"""ROUGE-L against everything there is: exact, and the same numbers as ``rouge_score``.

An instruction whose ROUGE-L F to a seed or a kept instruction is above 0.7 is dropped
(Self-Instruct and Alpaca; in BioInstruct's released records no pair lies above it). Tokens become
characters, so that the longest common subsequence runs bit-parallel in rapidfuzz; lengths bound
the score, so that most of the index is never looked at.
"""

import re

from rapidfuzz import process
from rapidfuzz.distance import LCSseq

_TOKEN = re.compile("[a-z0-9]+")
_UNKNOWN = chr(0)
_SURROGATES = range(0xD800, 0xE000)


def tokenise(text: str) -> list[str]:
    """Lower-cased runs of letters and digits, without stemming: ``rouge_score``'s tokens."""
    return _TOKEN.findall(text.lower())


def rouge_l(common: int, m: int, n: int) -> float:
    """ROUGE-L F of texts of m and n tokens with a common subsequence of so many.

    Written as ``rouge_score`` writes it: 2PR/(P + R) in floating point can land on either side of
    a threshold that the fraction 2 * common / (m + n) meets exactly.
    """
    if not common:
        return 0.0
    precision, recall = common / n, common / m
    return 2 * precision * recall / (precision + recall)


class NoveltyIndex:
    """Texts with ids; answers which is most similar to a new one."""

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._letters: dict[str, str] = {}
        self._by_length: dict[int, tuple[list[int], list[str]]] = {}
        """Token count to (positions in the order added, texts as one character a token)."""

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, id: str, text: str) -> None:
        """Add a text.

        Raises:
            ValueError: Over a million different tokens: there is no character for the next one.
        """
        tokens = tokenise(text)
        for token in tokens:
            if token not in self._letters:
                self._letters[token] = _letter(len(self._letters))
        positions, texts = self._by_length.setdefault(len(tokens), ([], []))
        positions.append(len(self._ids))
        texts.append("".join(self._letters[token] for token in tokens))
        self._ids.append(id)

    def nearest(self, text: str) -> tuple[str, float]:
        """Id and ROUGE-L F of the most similar text, the first added among equals.

        An empty index answers ("", 0.0).
        """
        if not self._ids:
            return "", 0.0
        tokens = tokenise(text)
        query, n = "".join(self._letters.get(token, _UNKNOWN) for token in tokens), len(tokens)
        bounds = sorted(((rouge_l(min(m, n), m, n), m) for m in self._by_length), reverse=True)
        best, where = -1.0, 0
        for bound, m in bounds:
            if bound < best:
                break
            positions, texts = self._by_length[m]
            found = process.extractOne(
                query, texts, scorer=LCSseq.similarity, score_cutoff=_least_common(best, m, n)
            )
            if found is None:
                continue
            _, common, place = found
            score = rouge_l(int(common), m, n)
            if score > best or (score == best and positions[place] < where):
                best, where = score, positions[place]
        return self._ids[where], best


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

"""Tokens as ``rouge_score`` makes them, and its ROUGE-L F from the length of what is common."""

import re
from collections.abc import Callable
from functools import cache

_TOKEN = re.compile("[a-z0-9]+")
_STEMMED_FROM = 4
"""Letters; ``rouge_score`` leaves shorter tokens as they are."""


def tokenise(text: str, stem: bool = False) -> list[str]:
    """Lower-cased runs of letters and digits: ``rouge_score``'s tokens.

    With ``stem``, those that its ``use_stemmer=True`` makes of them.
    """
    tokens = _TOKEN.findall(text.lower())
    return [stemmed(token) for token in tokens] if stem else tokens


@cache
def stemmed(token: str) -> str:
    """A token's stem by NLTK's Porter stemmer, which is ``rouge_score``'s."""
    return token if len(token) < _STEMMED_FROM else _stemmer()(token)


@cache
def _stemmer() -> Callable[[str], str]:
    from nltk.stem.porter import PorterStemmer  # half a second that only stemming pays

    stem: Callable[[str], str] = PorterStemmer().stem
    return stem


def rouge_l(common: int, m: int, n: int) -> float:
    """ROUGE-L F of texts of m and n tokens with a common subsequence of so many.

    Written as ``rouge_score`` writes it: 2PR/(P + R) in floating point can land on either side of
    a threshold that the fraction 2 * common / (m + n) meets exactly.
    """
    if not common:
        return 0.0
    precision, recall = common / n, common / m
    return 2 * precision * recall / (precision + recall)

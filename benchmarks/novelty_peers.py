"""The novelty filter as others run it: which texts are kept, by four programs.

self_instruct   the published call: ``scorer.score`` of a candidate and every kept text, in a
                pool of processes made anew for each candidate
alpaca          the same with texts tokenised once, and ``_score_lcs``
rapidfuzz       blocks of candidates against all kept texts by ``cdist``, tokens as characters
"""

from collections.abc import Callable
from functools import partial
from multiprocessing import Pool
from typing import TypeVar

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import Indel, LCSseq
from rouge_score import rouge_scorer

from preceptor.synthesis.novelty import rouge_l, tokenise

T = TypeVar("T")

THRESHOLD = 0.7
BLOCK = 256
FIRST_LETTER = 0xE000
"""Characters from here on are no surrogates."""


def self_instruct(texts: list[str], processes: int) -> list[bool]:
    scorer = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)

    def scores(text: str, kept: list[str]) -> list[float]:
        with Pool(processes) as pool:
            found = pool.map(partial(scorer.score, text), kept)
        return [score["rougeL"].fmeasure for score in found]

    return _one_by_one(texts, scores)


def alpaca(texts: list[str], processes: int) -> list[bool]:
    scorer = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)

    def scores(tokens: list[str], kept: list[list[str]]) -> list[float]:
        with Pool(processes) as pool:
            found = pool.map(partial(rouge_scorer._score_lcs, tokens), kept)
        return [score.fmeasure for score in found]

    return _one_by_one([scorer._tokenizer.tokenize(text) for text in texts], scores)


def no_pool(texts: list[str]) -> list[bool]:
    def scores(tokens: list[str], kept: list[list[str]]) -> list[float]:
        return [rouge_scorer._score_lcs(tokens, other).fmeasure for other in kept]

    return _one_by_one([tokenise(text) for text in texts], scores)


def _one_by_one(texts: list[T], scores: Callable[[T, list[T]], list[float]]) -> list[bool]:
    kept: list[T] = []
    decisions = []
    for text in texts:
        is_novel = not kept or max(scores(text, kept)) <= THRESHOLD
        kept += [text] * is_novel
        decisions.append(is_novel)
    return decisions


def rapidfuzz(texts: list[str], workers: int) -> list[bool]:
    """``Indel.normalized_similarity`` is ROUGE-L F but for rounding: what comes close to the
    threshold is decided by ``rouge_score``'s own formula."""
    letters = as_letters(texts)
    kept: list[str] = []
    decisions = []
    for start in range(0, len(letters), BLOCK):
        block = letters[start : start + BLOCK]
        dropped = {i for i, _ in _above(block, kept, workers)}
        inside: dict[int, list[int]] = {}
        for i, j in _above(block, block, workers):
            if j < i:
                inside.setdefault(i, []).append(j)
        new: set[int] = set()
        for i in range(len(block)):
            if i not in dropped and new.isdisjoint(inside.get(i, ())):
                new.add(i)
            decisions.append(i in new)
        kept += [block[i] for i in sorted(new)]
    return decisions


def as_letters(texts: list[str]) -> list[str]:
    """Texts with a character for each token."""
    numbers: dict[str, int] = {}
    return [
        "".join(chr(FIRST_LETTER + numbers.setdefault(token, len(numbers))) for token in tokens)
        for tokens in map(tokenise, texts)
    ]


def _above(block: list[str], others: list[str], workers: int) -> list[tuple[int, int]]:
    """Pairs of a text of the block and another that are above the threshold."""
    if not others:
        return []
    near = process.cdist(
        block,
        others,
        scorer=Indel.normalized_similarity,
        score_cutoff=THRESHOLD - 0.001,
        workers=workers,
        dtype=np.float32,
    )
    found = []
    for i, j in zip(*np.nonzero(near), strict=True):
        a, b = block[i], others[j]
        if rouge_l(LCSseq.similarity(a, b), len(b), len(a)) > THRESHOLD:
            found.append((int(i), int(j)))
    return found

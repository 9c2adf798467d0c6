"""Pools that are large enough for the tokens to be put in a new order, and real text."""

import gzip
import json
import os
import random
from collections import Counter
from pathlib import Path

import pytest
from rouge_score import rouge_scorer

from preceptor.synthesis.novelty import NoveltyIndex, keep_novel, tokenise
from preceptor.synthesis.novelty.native import NativeTexts, library
from preceptor.synthesis.novelty.plain import PlainTexts

FILES = {
    "alpaca_5000": "instruction",
    "medquad_questions": "question",
    "questions": "question",
    "t0_prompts": "prompt",
}
compiled = pytest.mark.skipif(
    library() is None,
    reason="COMPILED INDEX NOT TESTED: nothing is compiled here; install with a C compiler",
)


def made_texts(count: int, seed: int) -> list[str]:
    """Texts of a few words that are often alike, some long, words with very unequal counts."""
    drawn = random.Random(seed)
    texts: list[str] = []
    for _ in range(count):
        if texts and drawn.random() < 0.4:
            words = drawn.choice(texts[-300:]).split()
            for _ in range(drawn.randrange(4)):
                words.insert(drawn.randrange(len(words) + 1), f"w{int(drawn.expovariate(0.02))}")
                del words[drawn.randrange(len(words))]
        else:
            length = drawn.choice([0, 1, 2, 5, 8, 10, 12, 20, 63, 64, 65, 130])
            words = [f"w{int(drawn.expovariate(0.02))}" for _ in range(length)]
        texts.append(" ".join(words))
    return texts


def real_texts(count: int) -> list[str]:
    root = Path(os.environ.get("PRECEPTOR_DATA", ""), "scale")
    if "PRECEPTOR_DATA" not in os.environ or not root.is_dir():
        pytest.skip("REAL TEXT NOT CHECKED: PRECEPTOR_DATA names no folder with scale/")
    texts: list[str] = []
    for name, field in FILES.items():
        with gzip.open(root / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            texts += [json.loads(line)[field] for line in lines]
    random.Random(7).shuffle(texts)
    return texts[:count]


@compiled
@pytest.mark.parametrize("seed", [1, 2])
def test_a_growing_pool_answers_the_same_compiled_and_in_python(seed: int) -> None:
    texts = made_texts(1_500, seed)
    native, plain = NativeTexts(False), PlainTexts(False)
    drawn = random.Random(seed)
    for text in texts:
        threshold = drawn.choice([0.7, 0.7, 0.7, 0.9, 0.31] if len(native) > 700 else [0.7])
        assert native.above(text, threshold) == plain.above(text, threshold)
        assert native.nearest(text) == plain.nearest(text)
        native.add(text)
        plain.add(text)
    assert len(native) == len(plain) == len(texts)


@compiled
@pytest.mark.parametrize("stem", [False, True])
def test_the_filter_of_real_text_is_the_same_compiled_and_in_python(stem: bool) -> None:
    texts = real_texts(4_800)
    expected = list(PlainTexts(stem).keep(texts, 0.7))
    assert keep_novel(texts, stem=stem) == expected
    assert 0 < sum(expected) < len(texts)


@compiled
def test_more_texts_than_are_read_at_a_time_are_kept_as_if_one_by_one() -> None:
    texts = made_texts(6_000, 3)
    index = NoveltyIndex()
    kept = []
    for number, text in enumerate(texts):
        kept.append(index.above(text, 0.7) is None)
        if kept[-1]:
            index.add(str(number), text)
    assert keep_novel(texts) == kept


@pytest.mark.parametrize("stem", [False, True])
def test_decisions_on_real_text_are_those_of_rouge_score(stem: bool) -> None:
    """rouge_score is asked about every pair that shares half of its tokens, in any order."""
    texts = real_texts(1_500)
    scorer = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=stem)
    index = NoveltyIndex(stem)
    kept: list[tuple[str, frozenset[tuple[str, int]], int]] = []
    dropped = 0
    for text in texts:
        tokens = tokenise(text, stem)
        bag, n = numbered(tokens), len(tokens)
        scores = {
            other: scorer.score(other, text)["rougeL"].fmeasure
            for other, shared, m in kept
            if 2 * len(bag & shared) > 0.5 * (m + n)
        }
        best = max(scores.values(), default=0.0)
        first = next((other for other, score in scores.items() if score == best), "")
        assert index.above(text, 0.7) == ((first, best) if best > 0.7 else None)
        assert keep_novel([text], stem=stem, against=scores) == [best <= 0.7]
        dropped += best > 0.7
        if best <= 0.7:
            index.add(text, text)
            kept.append((text, bag, n))
    assert dropped > 100


def numbered(tokens: list[str]) -> frozenset[tuple[str, int]]:
    return frozenset((word, i) for word, count in Counter(tokens).items() for i in range(count))


def test_a_large_pool_in_python_says_what_would_be_faster() -> None:
    texts = PlainTexts(False)
    for _ in range(4_999):
        texts.add("")
    with pytest.warns(RuntimeWarning, match="install a C compiler"):
        texts.add("")
    texts.add("")

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score import rouge_scorer

from preceptor.synthesis.novelty import NoveltyIndex, rouge_l, tokenise

SCORER = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)
WORDS = ["the", "a", "patient", "dose", "of", "drug", "HbA1c"]
FEW_WORDS = st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join)
TEXTS = st.one_of(FEW_WORDS, st.text(max_size=40))


def reference(a: str, b: str) -> float:
    return float(SCORER.score(b, a)["rougeL"].fmeasure)


def first_best(texts: list[str], query: str) -> tuple[str, float]:
    scores = [reference(query, text) for text in texts]
    best = max(range(len(texts)), key=lambda i: (scores[i], -i))
    return str(best), scores[best]


def index_of(texts: list[str]) -> NoveltyIndex:
    index = NoveltyIndex()
    for number, text in enumerate(texts):
        index.add(str(number), text)
    return index


def test_an_empty_index_has_no_nearest() -> None:
    assert NoveltyIndex().nearest("Name the bone.") == ("", 0.0)


def test_a_worked_example() -> None:
    index = index_of(["List the side effects of aspirin.", "Name two bones of the hand."])
    # Common: list the side effects of; 5 of 6 tokens on one side, 5 of 7 on the other.
    where, score = index.nearest("List the common side effects of ibuprofen")
    assert (where, score) == ("0", 2 * (5 / 6) * (5 / 7) / (5 / 6 + 5 / 7))


def test_the_first_added_wins_among_equals() -> None:
    assert index_of(["b c d", "a b c", "c b a"]).nearest("a b c d")[0] == "0"
    assert index_of(["x y", "x y z"]).nearest("nothing in common")[0] == "0"


@settings(deadline=None)
@given(st.text())
def test_tokens_are_those_of_rouge_score(text: str) -> None:
    assert tokenise(text) == SCORER._tokenizer.tokenize(text)


@settings(deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=8), TEXTS)
def test_nearest_and_score_are_those_of_rouge_score(texts: list[str], query: str) -> None:
    assert index_of(texts).nearest(query) == first_best(texts, query)


def test_the_score_is_rouge_scores_at_every_length() -> None:
    for m in range(1, 25):
        for n in range(1, 25):
            for common in range(min(m, n) + 1):
                a = " ".join(["w"] * common + [f"a{i}" for i in range(m - common)])
                b = " ".join(["w"] * common + [f"b{i}" for i in range(n - common)])
                assert rouge_l(common, m, n) == reference(b, a)


def test_tokens_beyond_the_basic_plane_stay_apart() -> None:
    index = NoveltyIndex()
    words = [f"t{i}" for i in range(70_000)]
    index.add("all", " ".join(words))
    index.add("late", "t55294 t55295 t55296 t57343 t65535 t69999")
    assert index.nearest("t55294 t55295 t55296 t57343 t65535 t69999") == ("late", 1.0)
    assert index.nearest("t0 t1 t2") == ("all", rouge_l(3, 70_000, 3))
    assert index.nearest("never seen before") == ("all", 0.0)


def test_decisions_on_real_instructions_are_those_of_rouge_score() -> None:
    root = os.environ.get("PRECEPTOR_DATA")
    if not root or not (Path(root) / "bioinstruct" / "test.jsonl").exists():
        pytest.skip("REAL ROWS NOT CHECKED: PRECEPTOR_DATA names no folder with bioinstruct")
    lines = (Path(root) / "bioinstruct" / "test.jsonl").read_text("utf-8").splitlines()
    texts = [json.loads(line)["instruction"] for line in lines][:120]
    index = NoveltyIndex()
    for number, text in enumerate(texts):
        if number:
            assert index.nearest(text) == first_best(texts[:number], text)
        index.add(str(number), text)

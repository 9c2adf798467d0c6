import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score import rouge_scorer

from preceptor.synthesis.novelty import NoveltyIndex, keep_novel, rouge_l, tokenise
from preceptor.synthesis.novelty import index as novelty_index
from preceptor.synthesis.novelty.native import NativeTexts, library
from preceptor.synthesis.novelty.plain import PlainTexts

SCORERS = {stem: rouge_scorer.RougeScorer(["rougeL"], use_stemmer=stem) for stem in (False, True)}
WORDS = ["the", "a", "patient", "patients", "dose", "dosing", "of", "drug", "HbA1c"]
FEW_WORDS = st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join)
MANY_WORDS = st.lists(st.sampled_from(WORDS), min_size=60, max_size=140).map(" ".join)
TEXTS = st.one_of(FEW_WORDS, FEW_WORDS, MANY_WORDS, st.text(max_size=40))
THRESHOLDS = st.sampled_from([-0.5, 0.0, 0.2, 0.3, 0.5, 2 / 3, 0.7, 0.8, 10 / 11, 1.0])
KINDS = ["compiled", "plain"]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both indexes; the one in Python is taken where nothing was compiled."""
    name: str = request.param
    if name == "plain":
        monkeypatch.setattr(novelty_index, "library", lambda: None)
    elif library() is None:
        pytest.skip(
            "COMPILED INDEX NOT TESTED: nothing is compiled here; install with a C compiler"
        )
    return name


def reference(a: str, b: str, stem: bool = False) -> float:
    return float(SCORERS[stem].score(b, a)["rougeL"].fmeasure)


def first_best(texts: list[str], query: str, stem: bool = False) -> tuple[str, float]:
    scores = [reference(query, text, stem) for text in texts]
    best = max(range(len(texts)), key=lambda i: (scores[i], -i))
    return str(best), scores[best]


def index_of(texts: list[str], stem: bool = False) -> NoveltyIndex:
    index = NoveltyIndex(stem)
    for number, text in enumerate(texts):
        index.add(str(number), text)
    return index


def for_each_kind(check: Callable[..., None]) -> Callable[..., None]:
    return pytest.mark.parametrize("made", [NativeTexts, PlainTexts], ids=KINDS)(check)


def texts_of(made: type[NativeTexts] | type[PlainTexts], stem: bool) -> NativeTexts | PlainTexts:
    if made is NativeTexts and library() is None:
        pytest.skip(
            "COMPILED INDEX NOT TESTED: nothing is compiled here; install with a C compiler"
        )
    return made(stem)


@pytest.mark.usefixtures("kind")
def test_an_empty_index_has_no_nearest() -> None:
    index = NoveltyIndex()
    assert index.nearest("Name the bone.") == ("", 0.0)
    assert index.above("Name the bone.", 0.0) is None
    assert len(index) == 0


@pytest.mark.usefixtures("kind")
def test_a_worked_example() -> None:
    index = index_of(["List the side effects of aspirin.", "Name two bones of the hand."])
    # Common: list the side effects of; 5 of 6 tokens on one side, 5 of 7 on the other.
    query = "List the common side effects of ibuprofen"
    found = ("0", 2 * (5 / 6) * (5 / 7) / (5 / 6 + 5 / 7))
    assert index.nearest(query) == found
    assert index.above(query, 0.7) == found
    assert index.above(query, 0.77) is None


@pytest.mark.usefixtures("kind")
def test_the_first_added_wins_among_equals() -> None:
    assert index_of(["b c d", "a b c", "c b a"]).nearest("a b c d")[0] == "0"
    assert index_of(["x y", "x y z"]).nearest("nothing in common")[0] == "0"
    assert index_of(["x", "b c d", "a b c"]).above("a b c d", 0.7) == ("1", rouge_l(3, 3, 4))


@pytest.mark.usefixtures("kind")
def test_a_score_that_is_the_threshold_is_not_above_it() -> None:
    seed = " ".join("abcdefghij")
    seven, eight = "a b c d e f g x y z", "a b c d e f g h y z"
    assert reference(seven, seed) == 0.7
    assert keep_novel([seven, eight], against=[seed]) == [True, False]
    assert index_of([seed]).above(seven, 0.7) is None
    assert index_of([seed]).above(seven, 0.6999) == ("0", 0.7)


@pytest.mark.usefixtures("kind")
def test_texts_without_tokens_are_like_nothing() -> None:
    assert keep_novel(["", "?!", "", "été \0 ß", "a\0b", "a b"]) == [
        True,
        True,
        True,
        True,
        True,
        False,
    ]
    index = index_of(["", "a", ""])
    assert index.nearest("") == ("0", 0.0)
    assert index.above("", 0.0) is None
    assert index.nearest("a") == ("1", 1.0)


@pytest.mark.usefixtures("kind")
def test_stems_are_compared_where_asked_for() -> None:
    texts = ["List the dosing schedules of patients", "Listing the doses schedule of patient"]
    assert keep_novel(texts) == [True, True]
    assert keep_novel(texts, stem=True) == [True, False]
    assert index_of(texts[:1], stem=True).nearest(texts[1]) == ("0", 1.0)
    long_word = "x" * 200
    assert index_of([long_word + "s"], stem=True).nearest(long_word) == ("0", 1.0)


@settings(deadline=None)
@given(st.text(), st.booleans())
def test_tokens_are_those_of_rouge_score(text: str, stem: bool) -> None:
    assert tokenise(text, stem) == SCORERS[stem]._tokenizer.tokenize(text)


@for_each_kind
@settings(deadline=None)
@given(
    texts=st.lists(TEXTS, min_size=1, max_size=8),
    query=TEXTS,
    thresholds=st.lists(THRESHOLDS, max_size=3),
    stem=st.booleans(),
)
def test_answers_are_those_of_rouge_score(
    made: type[NativeTexts] | type[PlainTexts],
    texts: list[str],
    query: str,
    thresholds: list[float],
    stem: bool,
) -> None:
    index = texts_of(made, stem)
    for text in texts:
        index.add(text)
    best, score = first_best(texts, query, stem)
    assert index.nearest(query) == (int(best), score)
    for threshold in thresholds:
        expected = (int(best), score) if score > threshold else None
        assert index.above(query, threshold) == expected


@for_each_kind
@settings(deadline=None, max_examples=50)
@given(texts=st.lists(TEXTS, max_size=12), threshold=THRESHOLDS, stem=st.booleans())
def test_the_filter_keeps_what_rouge_score_keeps(
    made: type[NativeTexts] | type[PlainTexts], texts: list[str], threshold: float, stem: bool
) -> None:
    kept: list[str] = []
    expected = []
    for text in texts:
        expected.append(all(reference(text, other, stem) <= threshold for other in kept))
        kept += [text] * expected[-1]
    index = texts_of(made, stem)
    assert list(index.keep(texts, threshold)) == expected
    assert len(index) == len(kept)


def test_the_score_is_rouge_scores_at_every_length() -> None:
    for m in range(1, 25):
        for n in range(1, 25):
            for common in range(min(m, n) + 1):
                a = " ".join(["w"] * common + [f"a{i}" for i in range(m - common)])
                b = " ".join(["w"] * common + [f"b{i}" for i in range(n - common)])
                assert rouge_l(common, m, n) == reference(b, a)


@pytest.mark.usefixtures("kind")
def test_tokens_beyond_the_basic_plane_stay_apart() -> None:
    index = NoveltyIndex()
    words = [f"t{i}" for i in range(70_000)]
    index.add("all", " ".join(words))
    index.add("late", "t55294 t55295 t55296 t57343 t65535 t69999")
    assert index.nearest("t55294 t55295 t55296 t57343 t65535 t69999") == ("late", 1.0)
    assert index.nearest("t0 t1 t2") == ("all", rouge_l(3, 70_000, 3))
    assert index.nearest("never seen before") == ("all", 0.0)
    found = index.above(" ".join(words[:-2_000]), 0.7)
    assert found == ("all", rouge_l(68_000, 70_000, 68_000))


def test_decisions_on_real_instructions_are_those_of_rouge_score(kind: str) -> None:
    root = os.environ.get("PRECEPTOR_DATA")
    if not root or not (Path(root) / "bioinstruct" / "test.jsonl").exists():
        pytest.skip("REAL ROWS NOT CHECKED: PRECEPTOR_DATA names no folder with bioinstruct")
    lines = (Path(root) / "bioinstruct" / "test.jsonl").read_text("utf-8").splitlines()
    texts = [json.loads(line)["instruction"] for line in lines][:120]
    index = NoveltyIndex()
    for number, text in enumerate(texts):
        if number:
            assert index.nearest(text) == first_best(texts[:number], text), kind
        index.add(str(number), text)

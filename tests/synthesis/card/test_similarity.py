import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from preceptor.synthesis.card import similarity as module
from preceptor.synthesis.card.similarity import similarity
from tests.synthesis.card.made import plain, real

SCORER = RougeScorer(["rougeL"])
WORDS = st.sampled_from(["list", "the", "causes", "of", "a", "fever", "in", "2", "\u03b2", "-"])
TEXTS = st.lists(st.lists(WORDS, max_size=9).map(" ".join), min_size=2, max_size=7)


def _highest(texts: list[str]) -> list[float]:
    """By the definition."""
    return [
        max(
            SCORER.score(other, one)["rougeL"].fmeasure
            for place, other in enumerate(texts)
            if place != here
        )
        for here, one in enumerate(texts)
    ]


@given(TEXTS)
def test_scores_are_those_of_rouge_score(texts: list[str]) -> None:
    found = similarity([plain(text) for text in texts], shown=len(texts))
    assert found is not None
    expected = _highest(texts)
    assert found.most == max(expected)
    assert found.mean == pytest.approx(sum(expected) / len(expected))
    for mark, n in found.above:
        assert n == sum(score > mark for score in expected)
    assert sum(one.count for one in found.histogram) == len(texts)


def test_scores_of_real_instructions_are_those_of_rouge_score() -> None:
    records = real("bioinstruct")[:60]
    found = similarity(records)
    assert found is not None
    expected = _highest([record.instruction for record in records])
    assert found.most == max(expected)
    assert found.mean == pytest.approx(sum(expected) / len(expected))


def test_a_score_of_exactly_the_mark_is_not_above_it() -> None:
    one = "a b c d e f g h i j"
    other = "a b c d e f g x y z"
    found = similarity([plain(one), plain(other)])
    assert found is not None
    above = dict(found.above)
    assert above[0.69] == 2
    assert above[0.7] == 2 * (SCORER.score(one, other)["rougeL"].fmeasure > 0.7)
    assert [(b.low, b.count) for b in found.histogram if b.count] == [(0.65, 2)]


def test_the_most_similar_pairs_are_shown_once_each() -> None:
    records = [plain(text) for text in ("sum up the text", "sum up a text", "draw a cat")]
    found = similarity(records)
    assert found is not None
    assert found.nearest[0] == ("sum up the text", "sum up a text", pytest.approx(0.75))
    assert len({frozenset(pair[:2]) for pair in found.nearest}) == len(found.nearest)


def test_of_very_many_a_sample_is_compared_with_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PAIRS", 10)
    monkeypatch.setattr(module, "LEAST_QUERIES", 3)
    monkeypatch.setattr(module, "PAIRS", 8)
    records = [plain(f"say {n} and {n + 1}") for n in range(12)]
    found = similarity(records, seed=1)
    assert found is not None
    assert found.compared == 3
    assert found == similarity(records, seed=1)


def test_one_instruction_has_no_other() -> None:
    assert similarity([plain("Do.")]) is None

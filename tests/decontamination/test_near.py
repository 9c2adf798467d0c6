from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from preceptor.decontamination.findings import check_many
from preceptor.decontamination.items import Item
from preceptor.decontamination.near import STRETCH, TELLING, score
from preceptor.decontamination.settings import Settings
from tests.decontamination.made import example, index, numbered

Run = tuple[int, ...]


def shingles(words: Sequence[int], k: int) -> set[Run]:
    return {tuple(words[i : i + k]) for i in range(len(words) - k + 1)}


def brute(part: list[int], text: list[int], k: int, stock: frozenset[Run]) -> float:
    """The definition, over every stretch."""
    own, most = shingles(part, k), STRETCH * len(part)
    telling = own - stock
    best = 0
    for low in range(len(text)):
        there = shingles(text[low : low + most], k) & own
        if len(there & telling) >= max(1, TELLING * len(telling)):
            best = max(best, len(there))
    return best / len(own)


NUMBERS = st.integers(1, 6)


@given(
    st.lists(NUMBERS, min_size=3, max_size=9),
    st.lists(st.integers(0, 6), max_size=40),
    st.integers(1, 3),
    st.sets(st.tuples(NUMBERS, NUMBERS), max_size=6),
)
def test_score_is_the_best_stretch(
    part: list[int], text: list[int], k: int, stock: set[Run]
) -> None:
    similarity, start, end = score(part, text, k, frozenset(stock))
    assert similarity == brute(part, text, k, frozenset(stock))
    assert end - start <= STRETCH * len(part)
    assert (
        len(shingles(text[start:end], k) & shingles(part, k))
        >= similarity * len(shingles(part, k)) - 1e-9
    )


# A few words only, so that near copies are frequent.
WORDS = st.lists(st.sampled_from([f"w{i}" for i in range(8)]), min_size=1, max_size=16)


@given(
    st.lists(WORDS, min_size=1, max_size=6),
    st.lists(WORDS, min_size=1, max_size=6),
    st.sampled_from([0.3, 0.5, 0.75, 0.8, 1.0]),
    st.integers(1, 3),
)
def test_near_copies_are_those_of_brute_force(
    questions: list[list[str]], texts: list[list[str]], threshold: float, k: int
) -> None:
    # Runs longer than any text, so that nothing is found but near copies.
    settings = Settings(n=17, least=k, near=threshold, shingle=k, stock_least=1000)
    parts = [[*words, *["end"] * (17 - len(words))] for words in questions]
    side = index(
        *(Item(f"exam/test/{i}", (" ".join(words),)) for i, words in enumerate(parts)),
        settings=settings,
    )
    numbers = side.parts.numbers
    for text, findings in zip(
        texts, check_many(side, [example(" ".join(text)) for text in texts]), strict=True
    ):
        there = [numbers.get(word, 0) for word in text]
        expected = {
            f"exam/test/{i}": brute([numbers[word] for word in part], there, k, frozenset())
            for i, part in enumerate(parts)
        }
        assert {one.item: one.similarity for one in findings} == {
            item: similarity for item, similarity in expected.items() if similarity >= threshold
        }


def test_a_question_with_some_words_changed_is_a_near_copy() -> None:
    asked = numbered(0, 22)
    side = index(Item("exam/test/0", (asked,)), settings=Settings())
    changed = asked.replace("w7 ", "other ").replace("w14 ", "another ")
    (one,) = check_many(side, [example(f"Some words before. {changed}. And after.")])[0]
    assert (one.kind, one.near, one.words) == ("question", True, 22)
    assert one.similarity == 17 / 21
    assert one.text.startswith("w0 w1")


def test_word_pairs_scattered_over_a_long_text_are_no_copy() -> None:
    asked = [f"w{i}" for i in range(20)]
    pairs = [f"{a} {b} {numbered(1000 + 50 * i, 30)}" for i, (a, b) in enumerate(pairwise(asked))]
    side = index(Item("exam/test/0", (" ".join(asked),)), settings=Settings())
    assert check_many(side, [example(" ".join(pairs))]) == [()]


def test_questions_of_one_pattern_about_different_things_are_no_copies() -> None:
    def asked(i: int) -> str:
        return (
            f"When should I seek urgent medical care if I think that I may have disease{i} again?"
        )

    side = index(*(Item(f"exam/test/{i}", (asked(i),)) for i in range(10)), settings=Settings())
    assert check_many(side, [example(asked(100))]) == [()]
    assert len(check_many(side, [example(asked(3))])[0]) == 1

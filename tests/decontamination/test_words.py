import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preceptor.decontamination.words import joined, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The U.S. isn't 3.5%, O_K!", ["the", "u", "s", "isn", "t", "3", "5", "o", "k"]),
        ("Straße STRASSE \ufb01ne \uff21\uff22", ["strasse", "strasse", "fine", "ab"]),
        ("“Caf\u00e9” — Cafe\u0301", ["café", "café"]),
        ("co\u00adop\u200berate", ["cooperate"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("我喜歡NLP。", ["我", "喜", "歡", "nlp"]),
        ("ไทย", ["ไ", "ท", "ย"]),
        ("Приве\u0301т, мир", ["приве\u0301т", "мир"]),
        ("…?!", []),
    ],
)
def test_what_a_word_is(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(st.text())
def test_case_and_composition_change_nothing(text: str) -> None:
    # ASCII only: other letters have cases that do not fold back, such as the Turkish dotless i.
    swapped = "".join(c.swapcase() if c.isascii() else c for c in text)
    assert words(swapped) == words(text)
    assert words(unicodedata.normalize("NFD", text)) == words(unicodedata.normalize("NFC", text))


@given(st.text(st.characters(max_codepoint=127)))
def test_text_with_one_foreign_letter_has_the_same_words_besides(text: str) -> None:
    assert words(text + " \u0939\u093f") == [*words(text), "\u0939\u093f"]
    assert words(text + " é") == [*words(text), "é"]


@given(
    st.lists(st.sampled_from("ab"), max_size=6),
    st.lists(st.sampled_from("ab"), min_size=1, max_size=3),
)
def test_a_run_of_words_is_a_substring_of_joined_words(whole: list[str], run: list[str]) -> None:
    places = range(len(whole) - len(run) + 1)
    assert (joined(run) in joined(whole)) == any(whole[i : i + len(run)] == run for i in places)

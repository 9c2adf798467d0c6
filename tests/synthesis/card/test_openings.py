from hypothesis import given
from hypothesis import strategies as st

from preceptor.synthesis.card.openings import openings
from tests.synthesis.card.made import plain


def test_first_words_are_counted_whatever_their_case() -> None:
    found = openings(
        [
            plain("Given a text, list it."),
            plain("Given a name, say it."),
            plain("given the name, say it."),
            plain("List it."),
            plain("Is it so?"),
        ]
    )
    assert found.first_word[0] == ("Given", 3)
    assert found.first_two_words[0] == ("Given a", 2)
    assert found.distinct_first_words == 3
    assert found.questions == 1
    assert found.odd_first_characters == 0


def test_punctuation_around_a_word_is_not_of_it() -> None:
    found = openings([plain('"Given" a text, list it.'), plain("Given a text."), plain("- do")])
    assert found.first_word == (("Given", 2),)
    assert found.odd_first_characters == 2


@given(st.lists(st.text(max_size=40), min_size=1, max_size=20))
def test_no_text_is_counted_twice(texts: list[str]) -> None:
    found = openings([plain(text) for text in texts])
    assert sum(n for _, n in found.first_word) <= len(texts)
    assert found.questions <= len(texts)

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preceptor.tasks import cleaning
from preceptor.tasks.expressions import evaluate


@pytest.mark.parametrize(
    ("expression", "text", "wanted"),
    [
        ("text | strip_tags", "Good.<br /><br />See it &amp; <i>weep</i>", "Good.\nSee it & weep"),
        ("text | strip_tags", "<file_photo> a < b", "a < b"),
        ("text | strip_brackets", "[header] Peel [title] it. [step] Now", "Peel it. Now"),
        ("text | unescape", r"One\nTwo \"three\" \\ four", 'One\nTwo "three" \\ four'),
        ("text | unescape", r'""Quoted"" once', '"Quoted" once'),
        ("text | unescape", r"saut\u00e9ed \up", "sautéed \\up"),
        ("text | byte_literal", r"b'Solve x = 4.\n'", "Solve x = 4."),
        ("text | byte_literal", " plain ", "plain"),
        ("text | slots", "name[The Eagle], food[French], area[city centre]",
         "name = The Eagle, food = French, area = city centre"),
        ("text | cut_dateline", "(CNN) -- It rained.", "It rained."),
        ("text | cut_dateline", "LONDON, England (Reuters) -- It rained.", "It rained."),
        ("text | cut_dateline", "A man -- tall -- spoke.", "A man -- tall -- spoke."),
        ("text | cut_dateline", "WASHINGTON - it said", "WASHINGTON - it said"),
        ("text | cut_highlights", "It rained.\n@highlight\n\nRain\n@highlight\nWet", "It rained."),
        ("text | wiki_title", "Beyonc%C3%A9_%28album%29", "Beyoncé (album)"),
        ("text | before('@x')", "a @x b @x c", "a "),
        ("text | after('@x')", "a @x b @x c", " b @x c"),
        ("text | before('@x')", "none", "none"),
        ("text | after('@x')", "none", ""),
        ("text | mark_span(2, 5, '<<', '>>')", "a bit on", "a <<bit>> on"),
        ("text | ending_in('?')", "who is it ??", "who is it?"),
        ("text | ending_in('?')", "who is it", "who is it?"),
        ("text | sentence_case", "mRNA rises", "MRNA rises"),
        ("text | no_punctuation", "Well, it's (mostly) fine.", "Well its mostly fine"),
        ("text | no_blanks", " a b\tc\n", "abc"),
        ("text | first_words(2)", " one  two three", "one  two"),
        ("text | first_words(9)", "one two", "one two"),
        ("text | first_words(0)", "one two", ""),
        ("text | join_triples", [["A_b", "is", "[T] C"], "d|e|f_g"], "A b | is | C; d | e | f g"),
        ("text | number_turns", ["who ?", " when"], "1. who ?\n2. when"),
    ],
)  # fmt: skip
def test_a_filter_does_its_one_thing(expression: str, text: object, wanted: str) -> None:
    assert evaluate(expression, {"text": text}) == wanted


@pytest.mark.parametrize("name", sorted(cleaning.FILTERS))
def test_a_filter_refuses_what_it_cannot_take(name: str) -> None:
    more = {"mark_span": (0, 1, "<", ">"), "first_words": (1,)}
    more |= dict.fromkeys(("before", "after", "ending_in"), ("x",))
    with pytest.raises(TypeError, match=name):
        cleaning.FILTERS[name](7, *more.get(name, ()))


@pytest.mark.parametrize("text", ["b'half", "b'a' + 1", "b''.decode()"])
def test_a_broken_literal_of_bytes_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no literal"):
        cleaning.byte_literal(text)


@given(st.text())
def test_nothing_is_left_of_what_is_taken_out(text: str) -> None:
    assert not set(cleaning.no_punctuation(text)) & set(string.punctuation)
    assert not re.search(r"\s", cleaning.no_blanks(text))
    assert not re.search(r"<br\s*/?>", cleaning.strip_tags(text + "<br>"))


@given(st.text(), st.text(min_size=1, max_size=2))
def test_before_and_after_part_a_text(text: str, mark: str) -> None:
    first, rest = cleaning.before(text, mark), cleaning.after(text, mark)
    assert text in (first + mark + rest, first)


@given(st.text(), st.integers(1, 5))
def test_first_words_are_a_beginning(text: str, count: int) -> None:
    found = cleaning.first_words(text, count)
    assert text.lstrip().startswith(found)
    assert found.split() == text.split()[:count]

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preceptor.synthesis.card.sunburst import NARROW, WIDE, sunburst
from preceptor.synthesis.card.verbs import Verbs

SVG = "{http://www.w3.org/2000/svg}"
Figure = tuple[tuple[str, int, tuple[tuple[str, int], ...]], ...]


def _verbs(figure: Figure) -> Verbs:
    total = sum(n for _, n, _ in figure)
    return Verbs("parser 1", total, 0, 0, total, len(figure), (), figure)


FIGURE: Figure = (
    ("write", 40, (("story", 20), ("list", 10))),
    ("list", 10, (("cause", 8), ("a<b>&c", 1))),
)


def _words(svg: str) -> list[str]:
    return [one.text or "" for one in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_every_verb_and_noun_is_a_piece_with_its_count() -> None:
    root = ElementTree.fromstring(sunburst(_verbs(FIGURE)))
    titles = [one.findtext(f"{SVG}title") for one in root.iter(f"{SVG}path")]
    assert titles == [
        *("write: 30", "write story: 20", "write list: 10"),
        *("list: 9", "list cause: 8", "list a<b>&c: 1"),
    ]
    assert "list" in _words(sunburst(_verbs(FIGURE)))
    assert "39" in _words(sunburst(_verbs(FIGURE)))


def test_a_narrow_figure_has_fewer_words_of_the_same_size() -> None:
    figure = tuple((f"verb{n}", 8, tuple((f"noun{m}", 4 - m) for m in range(4))) for n in range(20))
    wide, narrow = (sunburst(_verbs(figure), width) for width in (WIDE, NARROW))
    assert len(_words(narrow)) < len(_words(wide))
    for svg in (wide, narrow):
        sizes = [float(size) for size in re.findall(r'font-size="([\d.]+)"', svg)]
        assert min(sizes) >= 7


def test_a_word_that_is_too_long_is_cut_and_stays_in_the_figure() -> None:
    words = _words(sunburst(_verbs((("do", 5, (("x" * 60, 5),)),))))
    assert any(word.startswith("xxx") and word.endswith("\u2026") for word in words)


@given(
    st.lists(
        st.tuples(
            st.text(min_size=1, max_size=30),
            st.lists(st.tuples(st.text(min_size=1), st.integers(1, 999)), min_size=1, max_size=4),
        ),
        min_size=1,
        max_size=20,
    ),
    st.sampled_from([WIDE, NARROW]),
)
def test_any_words_make_a_figure(
    rows: list[tuple[str, list[tuple[str, int]]]], width: float
) -> None:
    figure = tuple((verb, sum(n for _, n in nouns), tuple(nouns)) for verb, nouns in rows)
    root = ElementTree.fromstring(sunburst(_verbs(figure), width))
    pieces = list(root.iter(f"{SVG}path"))
    assert len(pieces) == len(rows) + sum(len(nouns) for _, nouns in rows)


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_equal_counts_give_equal_bytes(width: float) -> None:
    assert sunburst(_verbs(FIGURE), width) == sunburst(_verbs(FIGURE), width)

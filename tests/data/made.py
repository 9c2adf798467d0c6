"""Conversations for the tests of this folder, made by Hypothesis."""

from typing import Any

from hypothesis import strategies as st

from preceptor.data.conversation import Conversation, Turn
from preceptor.data.no_input import normalise_input
from preceptor.data.turns import INPUT_AT

# Everything that a file in UTF-8 can hold, so no lone surrogates.
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
SAID = TEXT.filter(str.strip)
INPUT = TEXT.map(normalise_input)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
EXTRA = st.dictionaries(TEXT, TEXT | st.integers(-(2**53), 2**53) | JSON, max_size=3).filter(
    lambda extra: INPUT_AT not in extra
)


def conversation(draw: st.DrawFn, turns: tuple[Turn, ...], system: str) -> Conversation:
    return Conversation(turns, system, draw(TEXT), draw(TEXT), draw(EXTRA))


@st.composite
def single_exchanges(draw: st.DrawFn) -> Conversation:
    """What Alpaca can hold."""
    question = Turn("user", draw(SAID), draw(INPUT))
    return conversation(draw, (question, Turn("assistant", draw(TEXT))), "")


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    """What lists of turns can hold: sides in any order, questions with and without an input."""
    sides = draw(st.lists(st.sampled_from(("user", "assistant")), min_size=1, max_size=5))
    turns = tuple(
        Turn("user", draw(TEXT), draw(INPUT)) if side == "user" else Turn("assistant", draw(TEXT))
        for side in sides
    )
    return conversation(draw, turns, draw(TEXT))

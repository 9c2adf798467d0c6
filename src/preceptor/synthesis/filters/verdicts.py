"""What a filter is given and what it answers."""

from collections.abc import Callable
from dataclasses import dataclass

from preceptor.records import Seed
from preceptor.synthesis.filters.config import FilterConfig
from preceptor.synthesis.novelty import tokenise
from preceptor.synthesis.parse import Parsed

KEEP = "keep"
LEAK_WORDS = 6
"""A run of so many words of the prompt's own wording is a leak."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Why a task is dropped."""

    reason: str
    """One of a few, to be counted by."""
    detail: str = ""
    """What in this task it was."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a task is judged against, besides itself."""

    shown: tuple[Seed, ...]
    """The demonstrations of its request."""
    wording: frozenset[tuple[str, ...]]
    """Every run of ``LEAK_WORDS`` words in the prompt's own wording."""
    finished: bool = True
    """The reply that this output ends ended by itself; true for all but a cut reply's last."""
    unanswerable: bool = False
    """It was asked for as a task that its input cannot answer."""
    passage: str = ""
    """The passage that it was to be made from; empty where there is none."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """How far a task came."""

    verdicts: dict[str, str]
    """Filter name to 'keep' or the reason; filters behind the first drop are absent."""
    drop: Drop | None


Filter = Callable[[Parsed, Context, FilterConfig], Drop | None]


def runs_of_words(text: str) -> frozenset[tuple[str, ...]]:
    """Every run of ``LEAK_WORDS`` words."""
    words = tokenise(text)
    return frozenset(zip(*(words[i:] for i in range(LEAK_WORDS)), strict=False))

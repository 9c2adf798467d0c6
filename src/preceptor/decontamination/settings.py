"""What counts as contamination, and what is done about it."""

from dataclasses import dataclass
from typing import Literal, get_args

from preceptor.errors import InputError

Kind = Literal["question+answer", "question", "options", "fragment", "passage"]
"""What of an item a training example holds, the worst first."""
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Settings:
    """Named settings of a decontamination. All lengths are in words (``words.words``).

    Raises:
        InputError: A value is out of range; the message names it.
    """

    n: int = 13
    """Length of the runs looked for (GPT-3, arXiv 2005.14165, appendix C)."""
    least: int = 8
    """A part shorter than ``n`` is looked for as a whole when it has at least so many words; a
    shorter question only together with its passage, options or answer."""
    whole: float = 0.25
    """Shared runs that cover less than this share of a question are a fragment of it."""
    near: float = 0.8
    """A part of n words or more counts as nearly copied when at least this share of its shingles
    stands close together (``near``). 0 = off."""
    shingle: int = 2
    """Words in a shingle."""
    stock_share: float = 0.01
    """A run in the texts of more than this share of a benchmark's items is stock and ignored ..."""
    stock_least: int = 5
    """... when it is in more than so many."""
    remove: tuple[Kind, ...] = ("question+answer", "question", "options", "fragment")
    """Findings for which a training example is removed; others are only reported."""
    shown: int = 5
    """Pairs shown in the report for each benchmark."""

    def __post_init__(self) -> None:
        problems = {
            "n": (self.n < 2, "2 or more"),
            "least": (not 1 <= self.least <= self.n, "between 1 and n"),
            "whole": (not 0 <= self.whole <= 1, "between 0 and 1"),
            "near": (not 0 <= self.near <= 1, "between 0 and 1"),
            "shingle": (not 1 <= self.shingle <= self.least, "between 1 and least"),
            "stock_share": (not 0 <= self.stock_share <= 1, "between 0 and 1"),
            "stock_least": (self.stock_least < 1, "1 or more"),
            "remove": (not set(self.remove) <= set(KINDS), f"among {', '.join(KINDS)}"),
            "shown": (self.shown < 0, "0 or more"),
        }
        for name, (wrong, should) in problems.items():
            if wrong:
                raise InputError(
                    f"decontamination: {name} is {getattr(self, name)!r}; it should be {should}"
                )

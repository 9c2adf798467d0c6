"""Cards on a page: each placed below the shortest column so far."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from preceptor.tasks.figures.svg import Canvas

MARGIN, GAP = 16.0, 12.0

Draw = Callable[[Canvas, float, float, float], float]
"""Draws a card with its left and top edge at a place, as wide as told; returns its height."""


@dataclass(frozen=True, slots=True)
class Columns:
    """How a page is divided."""

    width: float
    """Of the page, in pixels."""
    number: int

    @property
    def inner(self) -> float:
        """Between the margins."""
        return self.width - 2 * MARGIN

    @property
    def column(self) -> float:
        """Of one column."""
        return (self.inner - GAP * (self.number - 1)) / self.number


def columns(width: float, least: float) -> Columns:
    """As many columns as fit, none narrower than ``least`` unless it is the only one."""
    number = int((width - 2 * MARGIN + GAP) // (least + GAP))
    return Columns(width, max(1, number))


def lay_out(canvas: Canvas, cards: Sequence[Draw], page: Columns, top: float) -> float:
    """Draw cards in columns; returns the bottom edge of the longest."""
    bottoms = [top] * page.number
    for card in cards:
        place = bottoms.index(min(bottoms))
        x = MARGIN + place * (page.column + GAP)
        bottoms[place] += card(canvas, x, bottoms[place], page.column) + GAP
    return max(bottoms) - GAP if cards else top

"""A part of the card under a heading."""

from dataclasses import dataclass

from preceptor.report.figures import Figure
from preceptor.report.tables import Table
from preceptor.synthesis.card.run import Rejected


@dataclass(frozen=True, slots=True)
class Section:
    """Sentences, figures and tables, in this order."""

    id: str
    title: str
    said: tuple[str, ...] = ()
    """Paragraphs."""
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    rejected: tuple[Rejected, ...] = ()


def filled(*found: Table) -> tuple[Table, ...]:
    """The tables that have rows."""
    return tuple(table for table in found if table.rows)

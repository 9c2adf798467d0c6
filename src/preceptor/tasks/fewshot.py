"""Few-shot prompts: worked exemplars of the same template before the question (FLAN, section 4.4).

FLAN's limit is 16 exemplars within a budget of tokens, cut from the first that does not fit. Its
published code could show neighbours of another template, and the query itself among its exemplars;
here neither happens.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from preceptor import draws
from preceptor.records import Example

MOST = 16
"""Exemplars at most (FLAN, section 4.4)."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What stands between the parts of a few-shot prompt. The papers' own marks belong to their
    models, so these are ours."""

    answer: str = "\n\n"
    """Between an exemplar's prompt and its target."""
    next: str = "\n\n\n"
    """Between an exemplar and what follows."""


PLAIN = Layout()


def chosen(rows: int, query: int | None, shots: int, seed: int, *what: draws.Key) -> list[int]:
    """Which rows serve as exemplars: ``shots`` keyed draws among the others.

    Args:
        rows: How many there are to choose from.
        query: The asked row's place among them; None when it is not one of them.
        shots: How many are wanted; fewer when there are fewer.
        seed: Of the draw, with ``what``.

    Raises:
        ValueError: More than ``MOST`` are wanted.
    """
    if not 0 <= shots <= MOST:
        raise ValueError(f"{shots} exemplars; 0 to {MOST} are possible")
    drawn = draws.sample(rows, min(rows, shots + 1), seed, "exemplars", *what)
    return [place for place in drawn if place != query][:shots]


def source_row(example: Example) -> str:
    """The source's row that an example was made from: items of one row (``each``) share it."""
    return example.row.rpartition("#")[0] or example.row


def with_exemplars(
    query: Example,
    exemplars: Iterable[Example],
    budget: int | None = None,
    count: Callable[[str], int] = len,
    layout: Layout = PLAIN,
) -> Example:
    """The query with exemplars before it, as many as fit.

    Args:
        query: What is asked.
        exemplars: Of the same task and template, in the order shown. Those of the query's own
            source row, and copies of the query, are passed over; from the first that does not fit
            on, none is used.
        budget: Most that the whole prompt may count; None for no limit.
        count: Tokens of a text. The sum over parts stands for the whole.
        layout: What stands between the parts.

    Raises:
        ValueError: An exemplar is of another task or template.
    """
    own = source_row(query)
    left = None if budget is None else budget - count(query.prompt)
    parts: list[str] = []
    for one in exemplars:
        if (one.task, one.template) != (query.task, query.template):
            raise ValueError(f"{one.id} is no exemplar for {query.id}: another task or template")
        if source_row(one) == own or one.prompt == query.prompt:
            continue
        part = f"{one.prompt}{layout.answer}{one.target}{layout.next}"
        if left is not None:
            left -= count(part)
            if left < 0:
                break
        parts.append(part)
    if not parts:
        return query
    return replace(
        query,
        id=f"{query.id}@{len(parts)}",
        prompt="".join((*parts, query.prompt)),
        shots=len(parts),
    )

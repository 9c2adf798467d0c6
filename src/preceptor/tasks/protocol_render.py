"""A row under a protocol: what a model is asked to continue, and with what.

Lengths and orders are the harness's: ``Rendered.requests`` are lm-eval's ``arguments`` of
``Instance``, few-shot contexts its ``fewshot_context``, drawn exemplars those of its samplers.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Never

from preceptor.errors import RowError
from preceptor.records import Row
from preceptor.tasks.expressions import ExpressionError
from preceptor.tasks.protocol import Protocol
from preceptor.tasks.protocol_language import evaluate, fill
from preceptor.tasks.task import FieldType

SEED = 1234
"""lm-eval's ``--seed`` of few-shot exemplars, unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """One item. Either one context and a continuation a choice, or a context a choice and one
    continuation."""

    contexts: tuple[str, ...]
    continuations: tuple[str, ...]
    """With the delimiter before each."""
    gold: tuple[int, ...]
    """Indices of the right choices."""
    choices: tuple[str, ...]
    """The choices without description, exemplars or delimiter: ``acc_norm`` divides by their
    lengths."""

    @property
    def requests(self) -> tuple[tuple[str, str], ...]:
        """Context and continuation whose log-likelihood is asked for, one pair a choice."""
        return tuple((c, t) for c in self.contexts for t in self.continuations)


@dataclass(frozen=True, slots=True)
class _Parts:
    """A row's own texts, as an item and as an exemplar."""

    contexts: tuple[str, ...]
    continuations: tuple[str, ...]
    choices: tuple[str, ...]
    gold: int

    @property
    def solved(self) -> tuple[str, str]:
        """The context and the continuation that are right."""
        several = len(self.contexts) > 1
        return (
            self.contexts[self.gold if several else 0],
            self.continuations[0 if several else self.gold],
        )


def render(protocol: Protocol, row: Row, exemplars: Sequence[Row] = ()) -> Rendered:
    """What the harness asks of a row, after exemplars with their answers where some are given.

    Raises:
        RowError: A row lacks a field or has one of another type, an expression fails, there are
            fewer than two choices, or the gold index is out of range.
    """
    shots = []
    for exemplar in exemplars:
        context, continuation = _parts(protocol, exemplar).solved
        shots.append(context + protocol.delimiter + continuation + protocol.separator)
    before = protocol.description + "".join(shots)
    parts = _parts(protocol, row)
    return Rendered(
        tuple(before + context for context in parts.contexts),
        tuple(protocol.delimiter + text for text in parts.continuations),
        (parts.gold,),
        parts.choices,
    )


def kept(protocol: Protocol, rows: Iterable[Row]) -> list[Row]:
    """The rows that are the protocol's, of a folder that may hold others beside them.

    Raises:
        RowError: ``source.keep`` fails on a row.
    """
    keep = protocol.source.keep
    return [
        row for row in rows if not keep or _value(protocol, row, "source.keep", keep, row.fields)
    ]


def draw_exemplars(
    protocol: Protocol, pool: Sequence[Row], items: Iterable[Row], shots: int, seed: int = SEED
) -> Iterator[list[Row]]:
    """The exemplars that lm-eval shows before each item.

    They depend on the pool's order and on all items before: to get lm-eval's own, pool and items
    are the hub's splits, whole and in their order, from the first item on.

    Args:
        protocol: Says how they are drawn. ``random_without_item`` draws one more than asked, and
            drops the item or the last: lm-eval does so where the item may be in the pool.
        pool: Rows to draw from.
        items: Rows that are scored.
        shots: How many for each item.
        seed: Of the draws.

    Raises:
        RowError: The pool is too small.
    """
    without = protocol.draw == "random_without_item"
    if len(pool) < shots + without:
        raise RowError(f"{protocol.name}: {shots} exemplars of a pool of {len(pool)} rows")
    random = Random(seed)
    for item in items:
        if protocol.draw == "first":
            yield list(pool[:shots])
        elif not without or not shots:
            yield random.sample(pool, shots)
        else:
            drawn = random.sample(pool, shots + 1)
            found = [row for row in drawn if row.fields != item.fields][:shots]
            if len(found) < shots:  # the item is in the pool more than once
                found = random.sample([r for r in pool if r.fields != item.fields], shots)
            yield found


def _parts(protocol: Protocol, row: Row) -> _Parts:
    contexts: tuple[str, ...]
    continuations: tuple[str, ...]
    scope = _fields(protocol, row)
    for name, text in protocol.values.items():
        scope[name] = _value(protocol, row, f"values.{name}", text, scope)
    gold = _value(protocol, row, "gold", protocol.gold, scope)
    if protocol.contexts:
        contexts = choices = _texts(protocol, row, "contexts", protocol.contexts, scope)
        continuations = (_filled(protocol, row, "continuation", protocol.continuation, scope),)
    else:
        contexts = (_filled(protocol, row, "prompt", protocol.prompt, scope),)
        given = protocol.choices
        if isinstance(given, str):
            given = _texts(protocol, row, "choices", given, scope)
        continuations = choices = given
    if isinstance(gold, bool) or not isinstance(gold, int) or not 0 <= gold < len(choices):
        _refuse(protocol, row, f"gold should be an index below {len(choices)}, found {gold!r:.60}")
    return _Parts(contexts, continuations, choices, gold)


_TYPES: Mapping[FieldType, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "list": (list,),
    "dict": (dict,),
}


def _fields(protocol: Protocol, row: Row) -> dict[str, object]:
    """The row's fields, made from those of another layout where it is in that."""
    scope: dict[str, object] = {}
    for name, kind in protocol.fields.items():
        adapt = protocol.source.adapt.get(name)
        if name in row.fields:
            value = row.fields[name]
        elif adapt:
            value = _value(protocol, row, f"source.adapt.{name}", adapt, row.fields)
        else:
            there = ", ".join(row.fields) or "none"
            _refuse(protocol, row, f"field {name!r} ({kind}) is missing; the row has {there}")
        # A bool is an int to Python, not to a protocol.
        wrong = isinstance(value, bool) and kind != "bool"
        if wrong or not isinstance(value, _TYPES[kind]):
            _refuse(protocol, row, f"field {name!r} should be {kind}, found {value!r:.60}")
        scope[name] = value
    return scope


def _texts(
    protocol: Protocol, row: Row, key: str, text: str, scope: Mapping[str, object]
) -> tuple[str, ...]:
    found = _value(protocol, row, key, text, scope)
    if not isinstance(found, list | tuple) or not all(isinstance(one, str) for one in found):
        _refuse(protocol, row, f"{key} should be a list of texts, found {found!r:.60}")
    if len(found) < 2:
        _refuse(protocol, row, f"{key} should be two texts or more, found {found!r:.60}")
    return tuple(found)


def _value(
    protocol: Protocol, row: Row, key: str, text: str, scope: Mapping[str, object]
) -> object:
    try:
        return evaluate(text, scope)
    except ExpressionError as error:
        _refuse(protocol, row, f"{key}: {error}")


def _filled(protocol: Protocol, row: Row, key: str, text: str, scope: Mapping[str, object]) -> str:
    try:
        return fill(text, scope)
    except ExpressionError as error:
        _refuse(protocol, row, f"{key} {error}")


def _refuse(protocol: Protocol, row: Row, what: str) -> Never:
    raise RowError(
        f"{row.dataset}/{row.split}, row {row.id}: {what}; the rows of protocol {protocol.name} "
        f"are those of {protocol.source.hub}"
    )

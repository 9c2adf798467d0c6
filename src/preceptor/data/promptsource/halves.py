"""A template cut at its |||: the prompt, the target, and which rows have both."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from preceptor.data.promptsource.rendering import SEPARATOR
from preceptor.data.promptsource.source_tree import (
    For,
    If,
    Node,
    Nodes,
    Set,
    Text,
    Untranslatable,
    cannot,
    emit,
    stripped,
)
from preceptor.tasks.expressions import ExpressionError, names_in_template


@dataclass(frozen=True, slots=True)
class Halves:
    """A template in two."""

    prompt: Nodes
    target: Nodes
    keep: str
    """Expression: rows for which it is false make no example. Empty: all do."""


def halves(nodes: Nodes) -> Halves:
    """Cut a template in two.

    promptsource splits what was rendered, so a separator may stand in a branch of an if: then rows
    that do not take such a branch make no example.

    Raises:
        Untranslatable: The separator is missing, there twice, or inside a loop.
    """
    before, after, condition = _cut(nodes)
    if condition is None:
        raise Untranslatable(f"it has no {SEPARATOR}, so no target")
    target, keep = _without_guard(stripped(_needed(after)), condition)
    return Halves(_unwrapped(before, condition), _unwrapped(target, condition), keep)


def _cut(nodes: Nodes) -> tuple[Nodes, Nodes, str | None]:
    """What stands before and after, and under what condition; None: there is no separator."""
    for place, node in enumerate(nodes):
        if not _has_separator(node):
            continue
        before, rest = nodes[:place], nodes[place + 1 :]
        if any(map(_has_separator, rest)):
            raise Untranslatable(f"it has {SEPARATOR} in several places")
        if isinstance(node, Text):
            left, _, right = node.text.partition(SEPARATOR)
            if SEPARATOR in right:
                raise Untranslatable(f"it has {SEPARATOR} twice")
            return (*before, Text(left)), (*_sets(before), Text(right), *rest), ""
        if isinstance(node, If):
            first, second, condition = _cut_branches(node)
            return (*before, first), (*_sets(before), second, *rest), condition
        raise Untranslatable(f"it has {SEPARATOR} inside a loop")
    return nodes, (), None


def _has_separator(node: Node) -> bool:
    match node:
        case Text(text):
            return SEPARATOR in text
        case If(branches):
            return any(_has_separator(inner) for _, body in branches for inner in body)
        case For(_, body, otherwise):
            return any(map(_has_separator, (*body, *otherwise)))
        case _:
            return False


def _cut_branches(node: If) -> tuple[If, If, str]:
    first, second = [], []
    ways: list[str | None] = []
    for condition, body in node.branches:
        before, after, inner = _cut(body)
        first.append((condition, before))
        second.append((condition, after))
        ways.append(inner)
    return If(tuple(first)), If(tuple(second)), _taken(node, ways)


def _taken(node: If, ways: Sequence[str | None]) -> str:
    """When a branch with a separator is taken; empty: always."""
    if node.has_else and all(way == "" for way in ways):
        return ""
    conditions = [condition for condition, _ in node.branches]
    if all(way == "" for way in ways):
        return either(conditions)
    found = []
    for number, way in enumerate(ways):
        if way is None:
            continue
        earlier = [f"not ({condition})" for condition in conditions[:number]]
        own = [f"({text})" for text in (conditions[number], way) if text]
        found.append(" and ".join([*earlier, *own]))
    return either(found)


def either(conditions: Sequence[str]) -> str:
    """An expression that is true when one of them is."""
    if len(conditions) == 1:
        return conditions[0]
    return " or ".join(f"({condition})" for condition in conditions)


def both(*conditions: str) -> str:
    """An expression that is true when all are; empty ones always are."""
    given = list(dict.fromkeys(condition for condition in conditions if condition))
    if len(given) < 2:
        return given[0] if given else ""
    return " and ".join(f"({condition})" for condition in given)


def _sets(nodes: Nodes) -> Nodes:
    """What the part before the separator defines: the part after may use it."""
    found: list[Node] = []
    for node in nodes:
        if isinstance(node, Set):
            found.append(node)
        elif isinstance(node, If):
            branches = tuple((condition, _sets(body)) for condition, body in node.branches)
            if any(body for _, body in branches):
                found.append(If(branches))
    return tuple(found)


def _needed(nodes: Nodes) -> Nodes:
    """Without definitions, where nothing uses them."""
    bare = _bare(nodes)
    defined = {
        name for code in _codes(nodes) for name in re.findall(r"\w+", code.partition("=")[0])[1:]
    }
    try:
        return nodes if names_in_template(emit(bare)) & defined else bare
    except ExpressionError as error:
        raise cannot(error) from error


def _codes(nodes: Nodes) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, Set):
            yield node.code
        elif isinstance(node, If):
            for _, body in node.branches:
                yield from _codes(body)


def _bare(nodes: Nodes) -> Nodes:
    found: list[Node] = []
    for node in nodes:
        if isinstance(node, If):
            found.append(If(tuple((condition, _bare(body)) for condition, body in node.branches)))
        elif not isinstance(node, Set):
            found.append(node)
    return tuple(found)


def _unwrapped(nodes: Nodes, condition: str) -> Nodes:
    """Without an if around the whole that ``keep`` has made needless."""
    inner = stripped(nodes)
    if len(inner) == 1 and isinstance(inner[0], If) and len(inner[0].branches) == 1:
        own, body = inner[0].branches[0]
        if own == condition:
            return _unwrapped(body, condition)
    return inner


def _without_guard(target: Nodes, keep: str) -> tuple[Nodes, str]:
    """A target that is there under a condition only: the condition moves into ``keep``."""
    inner = _unwrapped(target, keep)
    if len(inner) != 1 or not isinstance(inner[0], If) or inner[0].has_else:
        return inner, keep
    branches = inner[0].branches
    keep = both(keep, either([condition for condition, _ in branches]))
    if len(branches) == 1:
        return _without_guard(stripped(branches[0][1]), keep)
    last = ("", branches[-1][1])
    return stripped((If((*branches[:-1], last)),)), keep

"""A piece of a template as a Jinja expression: what ``answer`` and ``choices`` of a task need."""

import re

from preceptor.data.promptsource.rendering import SEPARATOR
from preceptor.data.promptsource.source_tree import (
    For,
    If,
    Node,
    Nodes,
    Output,
    Set,
    Text,
    Untranslatable,
    stripped,
)
from preceptor.data.taskyaml import quoted

_SIMPLE = re.compile(r"[A-Za-z_][\w.]*(?:\[[\w.\-]+\])*")
_JOINED = re.compile(
    r"(?P<list>.+?)\s*\|\s*join\(\s*(?P<mark>[\"'])\s*\|\|\|\s*(?P=mark)\s*\)", re.DOTALL
)


def as_expression(nodes: Nodes) -> str:
    """An expression for what the tree renders to. One output alone stays what it is.

    Raises:
        Untranslatable: It has a loop or a set.
    """
    parts = [_part(node, alone=len(nodes) == 1) for node in nodes]
    return " ~ ".join(parts) if parts else '""'


def _part(node: Node, alone: bool) -> str:
    match node:
        case Text(text):
            return quoted(text)
        case Output(code):
            return code if alone or _SIMPLE.fullmatch(code) else f"({code})"
        case If(branches):
            text = _conditional(list(branches))
            return text.removeprefix("(").removesuffix(")") if alone else text
        case For():
            raise Untranslatable("its target or choices have a loop")
        case Set():
            raise Untranslatable("its target or choices use a name that {% set %} defines")


def _conditional(branches: list[tuple[str, Nodes]]) -> str:
    if not branches:
        return '""'
    condition, body = branches[0]
    if not condition:
        return as_expression(body)
    return f"({as_expression(body)} if {condition} else {_conditional(branches[1:])})"


def choices_expression(nodes: Nodes) -> str:
    """An expression for the list of choices that ``a ||| b`` stands for.

    Raises:
        Untranslatable: It has a loop or a set.
    """
    if len(nodes) == 1 and isinstance(nodes[0], Output):
        joined = _JOINED.fullmatch(nodes[0].code)
        if joined and SEPARATOR not in joined["list"]:
            return f'{joined["list"]} | map("trim") | list'
    items: list[list[Node]] = [[]]
    for node in nodes:
        texts = node.text.split(SEPARATOR) if isinstance(node, Text) else None
        if texts is None:
            items[-1].append(node)
            continue
        items[-1].append(Text(texts[0]))
        items += [[Text(text)] for text in texts[1:]]
    if any(SEPARATOR in repr(node) for item in items for node in item):
        # A separator inside an output or an if: what was rendered is split, as promptsource does.
        return f'({as_expression(nodes)}).split("|||") | map("trim") | list'
    return f"[{', '.join(_choice(tuple(item)) for item in items)}]"


def _choice(nodes: Nodes) -> str:
    inner = stripped(nodes)
    if all(isinstance(node, Text) for node in inner):
        return quoted("".join(node.text for node in inner if isinstance(node, Text)).strip())
    return trimmed(as_expression(inner))


def trimmed(expression: str) -> str:
    """An expression for the text without white space at its ends."""
    return f"{expression if _SIMPLE.fullmatch(expression) else f'({expression})'} | trim"

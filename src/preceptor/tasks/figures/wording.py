"""A template's wording as pieces of text: what it says, and the slots where a row's values go."""

from collections.abc import Iterator, Sequence

from jinja2 import nodes

from preceptor.tasks.expressions import ENVIRONMENT
from preceptor.tasks.figures.svg import Piece
from preceptor.tasks.task import Task

SLOT = "b"
"""Style of a slot: ``b0``, ``b1``, ... for the task's values, in their order; ``banswer`` and
``boptions`` for the answer and the options."""
EITHER = "either"
"""Style of the marks around wordings of which a row has one."""


def pieces(text: str, task: Task) -> list[Piece]:
    """A template in pieces. A condition becomes its wordings, side by side in brackets."""
    styles = slot_styles(task)
    return [piece for node in ENVIRONMENT.parse(text).body for piece in _node(node, styles)]


def slot_styles(task: Task) -> dict[str, str]:
    """The style of each name that a template may use."""
    styles = {name: f"{SLOT}{place}" for place, name in enumerate(task.values)}
    return styles | {"answer": "banswer", "options": "boptions", "options_block": "boptions"}


def slots_used(task: Task) -> list[str]:
    """The values that its templates use, in the order of the file."""
    texts = [text for t in task.templates for text in (t.prompt, t.target)]
    used = {n.name for text in texts for n in ENVIRONMENT.parse(text).find_all(nodes.Name)}
    return [name for name in task.values if name in used]


def _node(node: nodes.Node, styles: dict[str, str]) -> Iterator[Piece]:
    if isinstance(node, nodes.Output):
        for part in node.nodes:
            yield from _expression(part, styles)
    elif isinstance(node, nodes.If):
        bodies = [node.body, *(one.body for one in node.elif_), node.else_]
        yield from _either([list(_nodes(body, styles)) for body in bodies if body])
    elif isinstance(node, nodes.For):
        yield from _nodes(node.body, styles)
        yield Piece("\u2026 ", EITHER)


def _nodes(body: Sequence[nodes.Node], styles: dict[str, str]) -> Iterator[Piece]:
    for node in body:
        yield from _node(node, styles)


def _expression(node: nodes.Node, styles: dict[str, str]) -> Iterator[Piece]:
    match node:
        case nodes.TemplateData():
            yield Piece(node.data)
        case nodes.Const(value=str(text)):
            yield Piece(text)
        case nodes.CondExpr():
            ways = [node.expr1, *([node.expr2] if node.expr2 else [])]
            yield from _either([list(_expression(way, styles)) for way in ways])
        case nodes.Concat():
            for part in node.nodes:
                yield from _expression(part, styles)
        case nodes.Add():
            yield from _expression(node.left, styles)
            yield from _expression(node.right, styles)
        case nodes.Filter() if node.node is not None:
            yield from _expression(node.node, styles)
        case nodes.Getitem(node=nodes.Dict() as table):
            yield from _either([list(_expression(pair.value, styles)) for pair in table.items])
        case _:
            yield from _slot(node, styles)


def _slot(node: nodes.Node, styles: dict[str, str]) -> Iterator[Piece]:
    names = [node] if isinstance(node, nodes.Name) else list(node.find_all(nodes.Name))
    for name in dict.fromkeys(one.name for one in names if one.name not in ("loop", "range")):
        shown = "options" if name == "options_block" else name
        yield Piece(f"<{shown}>", styles.get(name, SLOT))


def _either(ways: Sequence[list[Piece]]) -> Iterator[Piece]:
    """Wordings of which a row has one; a single one is there or not."""
    yield Piece("[", EITHER)
    for number, way in enumerate(ways):
        if number:
            yield Piece(" | ", EITHER)
        yield from way
    yield Piece("]", EITHER)

"""The source of a Jinja template as a small tree, so that it can be cut at its |||.

Only what promptsource's templates use is known: text, output, if, for and set. The code inside
``{{ }}`` and ``{% %}`` stays text.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import jinja2

from preceptor.data.taskyaml import verbatim
from preceptor.tasks.expressions import ENVIRONMENT, ExpressionError


class Untranslatable(Exception):
    """A template that a task file cannot hold; the message says why."""


def cannot(error: ExpressionError) -> Untranslatable:
    """What Jinja says of a template, in one line: it adds places in its own code."""
    first = str(error.__cause__ or error).split("\n")[0].rstrip(".")
    return Untranslatable(f"task files cannot do what it does ({first[:1].lower()}{first[1:]})")


@dataclass(frozen=True, slots=True)
class Text:
    """What is written as it stands."""

    text: str


@dataclass(frozen=True, slots=True)
class Output:
    """``{{ code }}``."""

    code: str


@dataclass(frozen=True, slots=True)
class Set:
    """``{% set name = value %}``."""

    code: str


@dataclass(frozen=True, slots=True)
class If:
    """Conditions with what follows from each; the last may be empty: else."""

    branches: tuple[tuple[str, "Nodes"], ...]

    @property
    def has_else(self) -> bool:
        """One branch is always taken."""
        return self.branches[-1][0] == ""


@dataclass(frozen=True, slots=True)
class For:
    """``{% for head %}``."""

    head: str
    body: "Nodes"
    otherwise: "Nodes"


Node = Text | Output | Set | If | For
Nodes = tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class _Piece:
    """One text, ``{{ }}`` or ``{% %}`` of the source."""

    kind: str
    """data, variable or block."""
    text: str


def parse(source: str, rename: Mapping[str, str]) -> Nodes:
    """The tree of a template.

    Args:
        source: Of the template.
        rename: Names of fields that are called otherwise in task files.

    Raises:
        Untranslatable: It is no template, or has a statement that is not known.
    """
    try:
        pieces = list(_pieces(source, rename))
    except jinja2.TemplateSyntaxError as error:
        raise Untranslatable(f"it is no Jinja template ({error})") from error
    nodes, end, place = _block(pieces, 0)
    if end:
        raise Untranslatable(f"{{% {end} %}} has no beginning")
    assert place == len(pieces)
    return nodes


def _pieces(source: str, rename: Mapping[str, str]) -> Iterator[_Piece]:
    inside: list[tuple[str, str]] = []
    kind = ""
    for _, token, value in ENVIRONMENT.lex(source):
        if token in ("variable_begin", "block_begin"):
            kind, inside = token.removesuffix("_begin"), []
        elif token in ("variable_end", "block_end"):
            yield _Piece(kind, _code(inside, rename, kind))
            kind = ""
        elif kind:
            inside.append((token, value))
        elif token == "data" and value:
            yield _Piece("data", value)
    if kind:
        raise Untranslatable("it is no Jinja template (a brace is not closed)")


def _code(tokens: Sequence[tuple[str, str]], rename: Mapping[str, str], kind: str) -> str:
    """The code between two marks, with fields under their new names."""
    solid = [place for place, (token, _) in enumerate(tokens) if token != "whitespace"]
    text = [value for _, value in tokens]
    for number, place in enumerate(solid):
        token, value = tokens[place]
        if token != "name" or value not in rename or (kind == "block" and number == 0):
            continue
        before = tokens[solid[number - 1]][1] if number else ""
        after = tokens[solid[number + 1]][1] if number + 1 < len(solid) else ""
        # Neither an attribute, a filter, a test nor a keyword argument.
        if before not in (".", "|", "is", "not") and after != "=":
            text[place] = rename[value]
    return "".join(text).strip()


def _block(pieces: Sequence[_Piece], place: int) -> tuple[Nodes, str, int]:
    """Nodes up to a statement that ends them, that statement, and the place of it."""
    nodes: list[Node] = []
    while place < len(pieces):
        piece = pieces[place]
        word, _, rest = piece.text.partition(" ") if piece.kind == "block" else ("", "", "")
        if piece.kind == "data":
            nodes.append(Text(piece.text))
        elif piece.kind == "variable":
            nodes.append(Output(piece.text))
        elif word in ("elif", "else", "endif", "endfor"):
            return tuple(nodes), piece.text, place
        elif word == "set" and "=" in rest:
            nodes.append(Set(piece.text))
        elif word == "if":
            node, place = _if(pieces, place, rest)
            nodes.append(node)
        elif word == "for":
            node, place = _for(pieces, place, rest)
            nodes.append(node)
        else:
            raise Untranslatable(f"it uses {{% {piece.text[:40]} %}}, which is not translated")
        place += 1
    return tuple(nodes), "", place


def _if(pieces: Sequence[_Piece], place: int, condition: str) -> tuple[Node, int]:
    branches: list[tuple[str, Nodes]] = []
    while True:
        body, end, place = _block(pieces, place + 1)
        branches.append((condition.strip(), body))
        word, _, rest = end.partition(" ")
        if word == "endif":
            return If(tuple(branches)), place
        if word not in ("elif", "else"):
            raise Untranslatable("an {% if %} has no end")
        condition = rest if word == "elif" else ""


def _for(pieces: Sequence[_Piece], place: int, head: str) -> tuple[Node, int]:
    body, end, place = _block(pieces, place + 1)
    otherwise: Nodes = ()
    if end == "else":
        otherwise, end, place = _block(pieces, place + 1)
    if end != "endfor":
        raise Untranslatable("a {% for %} has no end")
    return For(head.strip(), body, otherwise), place


def emit(nodes: Nodes) -> str:
    """A tree as a template's source."""
    return "".join(map(_emitted, nodes))


def _emitted(node: Node) -> str:
    match node:
        case Text(text):
            return verbatim(text)
        case Output(code):
            return f"{{{{ {code} }}}}"
        case Set(code):
            return f"{{% {code} %}}"
        case For(head, body, otherwise):
            other = f"{{% else %}}{emit(otherwise)}" if otherwise else ""
            return f"{{% for {head} %}}{emit(body)}{other}{{% endfor %}}"
        case If(branches):
            words = ["if", *["elif"] * (len(branches) - 1)]
            return (
                "".join(
                    f"{{% {f'{word} {condition}' if condition else 'else'} %}}{emit(body)}"
                    for word, (condition, body) in zip(words, branches, strict=True)
                )
                + "{% endif %}"
            )


def stripped(nodes: Nodes) -> Nodes:
    """The tree without white space at its ends; also inside an if that is all there is."""
    found = list(nodes)
    while found and isinstance(found[0], Text):
        text = found[0].text.lstrip()
        if text:
            found[0] = Text(text)
            break
        del found[0]
    while found and isinstance(found[-1], Text):
        text = found[-1].text.rstrip()
        if text:
            found[-1] = Text(text)
            break
        del found[-1]
    if len(found) == 1 and isinstance(found[0], If):
        only = found[0]
        branches = tuple((condition, stripped(body)) for condition, body in only.branches)
        return (replace(only, branches=branches),)
    return tuple(found)

"""The templates of a task, as FLAN's figure of natural language inference shows them
(arXiv 2109.01652, Figure 4): a row's values and answer above, and each wording on a card."""

from functools import partial

from preceptor.records import Row
from preceptor.tasks.clusters import CLUSTERS
from preceptor.tasks.figures.cards import GAP, MARGIN, Draw, columns, lay_out
from preceptor.tasks.figures.clusters import WIDTH, display_name
from preceptor.tasks.figures.svg import (
    INK,
    MUTED,
    PAPER,
    RULE,
    Canvas,
    Line,
    Piece,
    plain,
    text_height,
    wrap,
)
from preceptor.tasks.figures.wording import pieces, slot_styles, slots_used
from preceptor.tasks.task import ANSWER_TARGET, Prepared, Task, Template

COLUMN = 270.0
"""Width of a column at least."""
SIZE = 12.5
LINES = 6
"""Of a row's value, at most."""
# Dark enough to be read on white, and told apart by lightness as well as by hue.
SLOTS = ("#0067a5", "#a34f00", "#6a2c8f", "#8a1c3b", "#3d5a00", "#00766c")
ANSWER, OPTIONS = "#1a6b2d", "#57606a"
INVERTED = "#f4eef8"


def templates_figure(task: Task, row: tuple[Row, Prepared] | None, width: float = WIDTH) -> str:
    """SVG of a task's templates.

    Args:
        task: Whose templates.
        row: A row of it that the task keeps, shown as an example; None for names alone.
        width: In pixels; 380 suits a phone.
    """
    page = columns(width, COLUMN)
    canvas = Canvas()
    y = _heading(canvas, task, width)
    above: list[Draw] = [partial(_value, task, name, row) for name in slots_used(task)]
    above.append(partial(_answer, row))
    if options := _options(task, row):
        above.append(partial(_choice, options))
    y = lay_out(canvas, above, page, y) + GAP * 1.5
    y = canvas.text(MARGIN, y, [plain(_counted(task))], 16, "b") + 6
    cards: list[Draw] = [partial(_template, task, template) for template in task.templates]
    y = lay_out(canvas, cards, page, y)
    y = canvas.text(MARGIN, y + GAP, wrap(plain(_note(row)), page.inner, 12), 12, fill=MUTED)
    title = f"Templates of {task.title}"
    return canvas.document(width, y + MARGIN, title, _said(task), _styles(task))


def _heading(canvas: Canvas, task: Task, width: float) -> float:
    room = width - 2 * MARGIN
    y = canvas.text(MARGIN, MARGIN, wrap([Piece(task.title, "b")], room, 20), 20)
    group = task.cluster or task.category
    after = "" if group in CLUSTERS else ", BioInstruct's category"
    said = f"{task.about}\n{task.name} · {display_name(group)}{after} · {task.metric}"
    return canvas.text(MARGIN, y + 2, wrap(plain(said), room, SIZE), SIZE, fill=MUTED) + GAP


def _counted(task: Task) -> str:
    turned = sum(template.inverted for template in task.templates)
    said = f", {turned} of them inverted" if turned else ""
    return f"{len(task.templates)} templates{said}"


def _value(
    task: Task,
    name: str,
    row: tuple[Row, Prepared] | None,
    canvas: Canvas,
    x: float,
    y: float,
    width: float,
) -> float:
    """A value's name, and what it is in the row."""
    style = slot_styles(task)[name]
    heading = wrap([Piece(f"<{name}>", style)], width - 24, SIZE)
    lines: list[Line] = []
    if row is not None:
        shown = " ".join(_text(row[1].values[name]).split())
        said = [Piece(shown) if shown else Piece("(nothing here)", "muted")]
        lines = wrap(said, width - 24, SIZE, LINES)
    return _box(canvas, x, y, width, heading, lines)


def _text(value: object) -> str:
    """A value as a template would put it."""
    if isinstance(value, list | tuple):
        return "; ".join(map(_text, value))
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_text(item)}" for key, item in value.items())
    return str(value)


def _answer(
    row: tuple[Row, Prepared] | None, canvas: Canvas, x: float, y: float, width: float
) -> float:
    """What is to be answered."""
    lines: list[Line] = []
    if row is not None:
        lines = wrap(plain(" ".join(row[1].answer.split())), width - 24, SIZE, LINES)
    return _box(canvas, x, y, width, [[Piece("<answer>", "banswer")]], lines)


def _choice(options: list[list[Piece]], canvas: Canvas, x: float, y: float, width: float) -> float:
    """The options that an answer is one of."""
    room = width - 24
    if len(options) > LINES:
        listed = [piece for option in options for piece in (*option, Piece(" \u00b7 "))]
        lines = wrap(listed[:-1], room, SIZE)
    else:
        lines = [
            line
            for option in options
            for line in wrap([Piece("- "), *option], room, SIZE, LINES // 2)
        ]
    return _box(canvas, x, y, width, [[Piece("<options>", "boptions")]], lines)


def _options(task: Task, row: tuple[Row, Prepared] | None) -> list[list[Piece]]:
    """The words of each option, and its label's name where that says more."""
    if task.labels is None:
        return [plain(text) for text in row[1].options] if row is not None else []
    found = []
    for name, words in task.labels.words.items():
        said = name.replace("_", " ")
        more = [Piece(f" ({said})", "muted")] if said.casefold() != words.casefold() else []
        found.append([Piece(words), *more])
    return found


def _template(
    task: Task, template: Template, canvas: Canvas, x: float, y: float, width: float
) -> float:
    room = width - 24
    heading = [Piece(template.id, "b")]
    if template.inverted:
        heading.append(Piece(" inverted", "muted"))
    lines = wrap(pieces(template.prompt, task), room, SIZE)
    if template.target != ANSWER_TARGET:
        target = [Piece("\u21d2 ", "muted"), *pieces(template.target, task)]
        lines += [[], *wrap(target, room, SIZE)]
    fill = INVERTED if template.inverted else "#f6f8fa"
    return _box(canvas, x, y, width, wrap(heading, room, SIZE), lines, fill)


def _box(
    canvas: Canvas,
    x: float,
    y: float,
    width: float,
    heading: list[Line],
    lines: list[Line],
    fill: str = PAPER,
) -> float:
    """A card with a heading and what stands below it; returns its height."""
    below = text_height(len(heading), SIZE) + 4
    height = below + text_height(len(lines), SIZE) + 18
    canvas.box(x, y, width, height, fill, RULE)
    canvas.text(x + 12, y + 8, heading, SIZE, fill=INK)
    canvas.text(x + 12, y + 8 + below, lines, SIZE, fill=INK)
    return height


def _note(row: tuple[Row, Prepared] | None) -> str:
    said = "[a | b]: a row has one of the two."
    if row is None:
        return said
    kind = "a made-up row" if row[0].split == "sample" else f"row {row[0].id} of {row[0].split}"
    return f"Values: {kind}, cut where they are long. {said}"


def _styles(task: Task) -> str:
    slots = {name: SLOTS[i % len(SLOTS)] for i, name in enumerate(slots_used(task))}
    colours = {slot_styles(task)[name]: colour for name, colour in slots.items()}
    colours |= {"banswer": ANSWER, "boptions": OPTIONS}
    bold = [
        f".{style} {{ font-weight: bold; fill: {colour} }}" for style, colour in colours.items()
    ]
    return " ".join([".b { font-weight: bold }", f".muted, .either {{ fill: {MUTED} }}", *bold])


def _said(task: Task) -> str:
    """What the figure shows, for those who cannot see it."""
    shown = []
    for template in task.templates:
        prompt = " ".join("".join(piece.text for piece in pieces(template.prompt, task)).split())
        shown.append(f"{template.id}: {prompt}")
    return f"{task.about} {' / '.join(shown)}"

"""The library's clusters and their data sets, as FLAN's figure of clusters shows them
(arXiv 2109.01652, Figure 3), and what it has for each of BioInstruct's categories."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from preceptor.tasks.clusters import CATEGORIES, CLUSTERS
from preceptor.tasks.figures.cards import GAP, MARGIN, columns, lay_out
from preceptor.tasks.figures.svg import (
    INK,
    MUTED,
    PAPER,
    Canvas,
    Line,
    Piece,
    plain,
    text_height,
    text_width,
    wrap,
)
from preceptor.tasks.task import Task

GENERATION = ("struct_to_text", "translation", "summarization")
"""FLAN's clusters of generation tasks; the others ask for understanding (Figure 3)."""
NAMES = {
    "closed_book_qa": "Closed-book QA",
    "struct_to_text": "Struct to text",
    "qa": "Question answering",
    "ie": "Information extraction",
    "gen": "Generation",
    "other": "Other instructions",
}
WIDTH = 900.0
"""Pixels: three columns of cards, about the proportions of a sheet of paper."""
COLUMN = 270.0
"""Width of a column at least."""
SIZE, PILL_PAD, PILL_GAP = 13.0, 8.0, 6.0
SEPARATOR = "\u00a0\u00b7 "
MARK = "\u2020"


@dataclass(frozen=True, slots=True)
class Colours:
    """Of a card: its line and heading, and what fills it."""

    line: str
    fill: str


UNDERSTANDING = Colours("#0067a5", "#e3eff8")
TEXT = Colours("#00766c", "#dff2ee")
BIOMEDICAL = Colours("#a34f00", "#fbeadb")


@dataclass(frozen=True, slots=True)
class Pill:
    """A data set, or several with one name."""

    words: str
    tasks: tuple[str, ...]
    shipped: bool
    """Rows of its own are in the package."""


def clusters_figure(tasks: Iterable[Task], width: float = WIDTH) -> str:
    """SVG of all clusters, each a card with its data sets, and of the categories.

    Args:
        tasks: Of the library.
        width: In pixels. 380 suits a phone: one column of cards.
    """
    listed = list(tasks)
    by_cluster = {name: [t for t in listed if t.cluster == name] for name in CLUSTERS}
    by_category = {name: [t for t in listed if t.category == name] for name in CATEGORIES}
    page = columns(width, COLUMN)
    canvas = Canvas()
    y = _heading(canvas, listed, width)
    y = lay_out(
        canvas,
        [
            partial(_card, name, members, TEXT if name in GENERATION else UNDERSTANDING)
            for name, members in by_cluster.items()
            if members
        ],
        page,
        y,
    )
    biomedical = [
        partial(_card, name, members, BIOMEDICAL)
        for name, members in by_category.items()
        if members
    ]
    if biomedical:
        y = _subheading(canvas, by_category, width, y + GAP * 1.5)
        y = lay_out(canvas, biomedical, page, y)
    y = _notes(canvas, width, y + GAP)
    title = "Data sets of the library by task cluster"
    return canvas.document(width, y + MARGIN, title, _said(by_cluster, by_category), STYLES)


STYLES = ".b { font-weight: bold } .i { font-style: italic }"


def display_name(cluster: str) -> str:
    """A cluster's or category's name as it is read."""
    return NAMES.get(cluster) or cluster.replace("_", " ").capitalize()


def pills(tasks: Sequence[Task]) -> list[Pill]:
    """Data sets by name. A title's part before its comma is the name, unless that is all; what
    follows tells those of one name apart."""
    heads: dict[str, list[Task]] = {}
    for task in tasks:
        heads.setdefault(task.title.partition(", ")[0], []).append(task)
    found = []
    for head, members in heads.items():
        words = head + _mark(members[0])
        if len(members) > 1:
            tails = [_together(task.title.partition(", ")[2]) + _mark(task) for task in members]
            words = f"{head}: {SEPARATOR.join(tails)}"
        shipped = all(task.source.package for task in members)
        found.append(Pill(words, tuple(task.name for task in members), shipped))
    return found


def _together(words: str) -> str:
    """Words that are not to be parted at the end of a line, unless there are many."""
    return words.replace(" ", "\u00a0") if len(words) < 14 else words


def _mark(task: Task) -> str:
    return "" if task.source.access == "open" else f"\u00a0{MARK}"


def _heading(canvas: Canvas, tasks: Sequence[Task], width: float) -> float:
    y = canvas.text(MARGIN, MARGIN, [plain("Task clusters")], 20, "b")
    clusters = {task.cluster for task in tasks if task.cluster}
    in_clusters = sum(bool(task.cluster) for task in tasks)
    theirs = sum(task.collection == "flan" for task in tasks)
    said = f"{in_clusters} tasks in {len(clusters)} clusters"
    said += f", {theirs} of them from FLAN's data sets" if theirs else ""
    y = canvas.text(MARGIN, y, wrap(plain(said), width - 2 * MARGIN, SIZE), SIZE, fill=MUTED)
    return _legend(canvas, MARGIN, y + 8) + GAP


def _legend(canvas: Canvas, x: float, y: float) -> float:
    for words, colours in (("understanding", UNDERSTANDING), ("generation", TEXT)):
        canvas.box(x, y, 14, 14, colours.fill, colours.line, 3)
        canvas.text(x + 20, y + 0.5, [plain(words)], 12, fill=INK)
        x += 20 + text_width(words, 12) + 20
    return y + 14


def _subheading(
    canvas: Canvas, by_category: Mapping[str, Sequence[Task]], width: float, y: float
) -> float:
    y = canvas.text(MARGIN, y, [plain("Biomedical tasks and instructions")], 16, "b")
    every = [task for members in by_category.values() for task in members]
    both = sum(bool(task.cluster) for task in every)
    said = f"{len(every)} tasks in the categories of BioInstruct"
    said += f", {both} of them in a cluster as well" if both else ""
    return canvas.text(MARGIN, y, wrap(plain(said), width - 2 * MARGIN, SIZE), SIZE, fill=MUTED) + 8


def _card(
    name: str,
    members: Sequence[Task],
    colours: Colours,
    canvas: Canvas,
    x: float,
    y: float,
    width: float,
) -> float:
    number = str(len(members))
    room = width - 24 - text_width(number, 14, bold=True) - 8
    heading = wrap([Piece(display_name(name), "b")], room, 14)
    top = y + 10 + text_height(len(heading), 14) + 6
    # Drawn twice: the box needs the height of what stands on it.
    bottom = _pills(Canvas(), pills(members), x + 12, top, width - 24, colours)
    canvas.box(x, y, width, bottom + 12 - y, colours.fill, colours.line)
    canvas.text(x + 12, y + 10, heading, 14, fill=colours.line)
    canvas.text(x + width - 12, y + 10, [plain(number)], 14, "b", colours.line, end=True)
    _pills(canvas, pills(members), x + 12, top, width - 24, colours)
    return bottom + 12 - y


def _pills(
    canvas: Canvas, all_pills: Sequence[Pill], left: float, y: float, width: float, colours: Colours
) -> float:
    """Pills side by side, as many in a row as fit; returns the bottom edge."""
    x, row = left, 0.0
    for pill in all_pills:
        lines = wrap(plain(pill.words), width - 2 * PILL_PAD, SIZE)
        wide = min(width, _widest(lines) * 1.03 + 2 * PILL_PAD)
        high = text_height(len(lines), SIZE) + 6
        if x > left and x + wide > left + width:
            x, y, row = left, y + row + PILL_GAP, 0.0
        canvas.group(", ".join(pill.tasks))
        canvas.box(x, y, wide, high, PAPER, colours.line if not pill.shipped else "none", 5)
        canvas.text(x + PILL_PAD, y + 4.5, lines, SIZE, "i" if pill.shipped else "")
        canvas.end_group()
        x, row = x + wide + PILL_GAP, max(row, high)
    return y + row


def _widest(lines: Sequence[Line]) -> float:
    return max(sum(text_width(piece.text, SIZE) for piece in line) for line in lines)


def _notes(canvas: Canvas, width: float, y: float) -> float:
    for note in (
        [Piece("Italic", "i"), Piece(": written for this project, its rows are in the package.")],
        [Piece(f"{MARK}: rows that have to be asked for, or found elsewhere.")],
    ):
        lines = wrap(note, width - 2 * MARGIN, 12)
        y = canvas.text(MARGIN, y, lines, 12, fill=MUTED)
    return y


def _said(by_cluster: Mapping[str, list[Task]], by_category: Mapping[str, list[Task]]) -> str:
    """What the figure shows, for those who cannot see it."""
    return " ".join(
        f"{display_name(name)}: {'; '.join(pill.words for pill in pills(members))}."
        for name, members in (*by_cluster.items(), *by_category.items())
        if members
    )

"""A small hand for drawing cards in SVG: text that stays text, wrapped by estimated widths.

Text is set in Helvetica or what stands in for it (Arial, Liberation Sans), whose letters are all as
wide as Adobe's metrics say; where none of them is there, boxes have room for a tenth more.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from unicodedata import east_asian_width
from xml.sax.saxutils import escape, quoteattr

FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"
INK, MUTED, RULE, PAPER = "#1b1f23", "#57606a", "#c4ccd4", "#ffffff"

# Thousandths of the type size, from the blank to the tilde.
# fmt: off
_REGULAR = (
    278, 278, 355, 556, 556, 889, 667, 222, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 222, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
)
_BOLD = (
    278, 333, 474, 556, 556, 889, 722, 278, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667,
    611, 778, 722, 278, 556, 722, 611, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 333, 278, 333, 584, 556, 278, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556,
    278, 889, 611, 611, 611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584,
)
# fmt: on
_OTHERS = {
    **dict.fromkeys("\u00a0\u00b7\u00ed\u00ec\u00ee\u00ef\u0131", 278),
    **dict.fromkeys("\u2018\u2019\u201a", 222),
    **dict.fromkeys("\u201c\u201d\u201e\u2022", 350),
    **dict.fromkeys("\u2014\u2026\u2192\u21d2", 1000),
}
_OTHER, _WIDE = 556, 1000
_BLANKS = re.compile(r"([ \t\r\n]+)")  # where a line may break: not at a no-break space
# What XML 1.0 has no way to write.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text in one style."""

    text: str
    style: str = ""
    """A class of the style sheet; names that begin with ``b`` are set in bold."""


Line = list[Piece]


def text_width(text: str, size: float, bold: bool = False) -> float:
    """How wide a text is likely to be, in the unit of its size."""
    widths = _BOLD if bold else _REGULAR
    return sum(_letter(letter, widths) for letter in text) * size / 1000


def _letter(letter: str, widths: Sequence[int]) -> int:
    place = ord(letter) - 32
    if 0 <= place < len(widths):
        return widths[place]
    return _OTHERS.get(letter, _WIDE if east_asian_width(letter) in "WF" else _OTHER)


def wrap(pieces: Sequence[Piece], width: float, size: float, most: int = 0) -> list[Line]:
    """Text broken into lines, at blanks where possible and within words where not.

    Args:
        pieces: What is set; a line break in one of them stays one.
        width: Of a line.
        size: Of the type.
        most: Lines at most, the last of them ending in an ellipsis; 0 for all.
    """
    lines: list[Line] = [[]]
    room = width
    for word in _words(pieces, width, size):
        if word is None:
            lines.append([])
            room = width
            continue
        needed = sum(text_width(one.text, size, one.style[:1] == "b") for one in word)
        gap = text_width(" ", size) if lines[-1] else 0.0
        if gap and gap + needed > room:
            lines.append([])
            room, gap = width, 0.0
        if gap:
            lines[-1].append(Piece(" "))
        lines[-1] += word
        room -= gap + needed
    if most and len(lines) > most:
        lines = [*lines[: most - 1], _cut(lines[most - 1], width, size)]
    return lines


def _cut(line: Line, width: float, size: float) -> Line:
    """A line with an ellipsis after as many of its words as leave room for one."""
    end = Piece(" \u2026")
    while line and (
        not line[-1].text.strip() or sum(text_width(one.text, size) for one in (*line, end)) > width
    ):
        line = line[:-1]
    return [*line, end]


def _words(pieces: Sequence[Piece], width: float, size: float) -> Iterator[Line | None]:
    """Words, each of one piece or several that touch; None for a line break."""
    word: Line = []
    for piece in pieces:
        for part in _BLANKS.split(piece.text):
            if not part:
                continue
            if not _BLANKS.fullmatch(part):
                word += _short(part, piece.style, width, size)
                continue
            yield from _parted(word, width, size)
            word = []
            yield from [None] * part.count("\n")
    yield from _parted(word, width, size)


def _parted(word: Line, width: float, size: float) -> Iterator[Line]:
    """A word whole, or as its pieces where it is wider than a line."""
    if sum(text_width(one.text, size) for one in word) <= width:
        yield from [word] if word else []
    else:
        yield from ([one] for one in word)


def _short(word: str, style: str, width: float, size: float) -> Line:
    """A word in pieces that each fit into a line."""
    if text_width(word, size) <= width:
        return [Piece(word, style)]
    found, start = [], 0
    for end in range(1, len(word) + 1):
        if end == len(word) or text_width(word[start : end + 1], size) > width:
            found.append(Piece(word[start:end], style))
            start = end
    return found


def plain(text: str) -> list[Piece]:
    """A text in the style around it."""
    return [Piece(text)]


class Canvas:
    """Elements of a drawing, in the order in which they are painted."""

    def __init__(self) -> None:
        self._elements: list[str] = []

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: str = PAPER,
        line: str = "none",
        radius: float = 6,
        dashed: bool = False,
    ) -> None:
        """A rectangle with round corners."""
        dash = ' stroke-dasharray="3 2"' if dashed else ""
        self._elements.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
            f'rx="{radius:g}" fill="{fill}" stroke="{line}"{dash}/>'
        )

    def text(
        self,
        x: float,
        y: float,
        lines: Sequence[Line],
        size: float,
        style: str = "",
        fill: str = INK,
        leading: float = 1.35,
        end: bool = False,
    ) -> float:
        """Lines of text from a top edge down; returns the bottom edge."""
        kind = f' class="{style}"' if style else ""
        anchor = ' text-anchor="end"' if end else ""
        for number, line in enumerate(lines):
            if not line:
                continue
            base = y + number * size * leading + size
            said = "".join(map(_span, line))
            place = f'x="{x:.1f}" y="{base:.1f}" font-size="{size:g}" fill="{fill}"'
            self._elements.append(f"<text {place}{kind}{anchor}>{said}</text>")
        return y + text_height(len(lines), size, leading)

    def group(self, title: str) -> None:
        """Begin a group whose title shows where a pointer rests on it."""
        self._elements.append(f"<g><title>{written(title)}</title>")

    def end_group(self) -> None:
        """End the group that was begun last."""
        self._elements.append("</g>")

    def document(self, width: float, height: float, title: str, about: str, styles: str) -> str:
        """The drawing as an SVG file."""
        return "\n".join(
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:.0f}" '
                f'width="{width:g}" height="{height:.0f}" role="img" '
                f'aria-labelledby="title desc" font-family={quoteattr(FONT)}>',
                f'<title id="title">{written(title)}</title>',
                f'<desc id="desc">{written(about)}</desc>',
                f"<style>text {{ white-space: pre }} {styles}</style>",
                f'<rect width="100%" height="100%" fill="{PAPER}"/>',
                *self._elements,
                "</svg>\n",
            )
        )


def text_height(lines: int, size: float, leading: float = 1.35) -> float:
    """From the top of the first line to the bottom of the last."""
    return lines * size * leading


def _span(piece: Piece) -> str:
    said = written(piece.text)
    return f'<tspan class="{piece.style}">{said}</tspan>' if piece.style else said


def written(text: str) -> str:
    """A text as XML writes it."""
    return escape(_NOT_XML.sub("\ufffd", text))

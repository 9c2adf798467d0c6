"""The verbs and nouns of a set of instructions as two rings: the figure of Self-Instruct
(arXiv 2212.10560, Figure 3) and of BioInstruct (arXiv 2310.19975).

A ring's arc is as long as the instructions it stands for are many. Every word stands along its own
radius; a word whose arc is too short for it is left to the table beside the figure.
"""

import math
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import quoteattr

from preceptor.synthesis.card.verbs import Verbs
from preceptor.tasks.figures.svg import FONT, INK, MUTED, PAPER, text_width, written

WIDE, NARROW = 691.0, 380.0
"""Pixels: the report's column, and a phone's."""
HOLE, INNER = 0.19, 0.63
"""Radii of the verbs' ring, as shares of the nouns' outer radius."""
OUTSIDE, OUTSIDE_SHARE = 84.0, 0.33
"""Room for the nouns outside of the rings: pixels, but no more than this share of the radius."""
LARGEST, SMALLEST = 12.0, 7.5
"""Of type, in pixels."""
COLOURS = (
    *("#9ecae1", "#fdc58a", "#b5dea0", "#f5a8a6", "#cdb9dd"),
    *("#e2cba4", "#a3d9cf", "#f2c4df", "#cfd5da", "#e6dd8e"),
)
PALER = 0.5
"""How far a noun's colour is from its verb's to white."""
WIDER = 1.12
CUT = "\u2026"

Ring = tuple[float, float]
"""Radii, in pixels."""
Arc = tuple[float, float]
"""Angles clockwise from the top, in turns."""


def sunburst(verbs: Verbs, width: float = WIDE) -> str:
    """The figure as an SVG document.

    Args:
        verbs: With at least one noun in their figure.
        width: In pixels; type keeps its size, so a narrow figure has fewer words.
    """
    half, total = width / 2, verbs.drawn
    outer = half - min(OUTSIDE, OUTSIDE_SHARE * half)
    hole, inner = HOLE * outer, INNER * outer
    said = ", ".join(f"{verb} {_sum(nouns)}" for verb, _, nouns in verbs.figure)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {width:g}" '
        f'width="{width:g}" height="{width:g}" role="img" font-family={quoteattr(FONT)} '
        f'aria-label="Main verbs and their direct objects: {_attribute(said)}">',
        f'<rect width="100%" height="100%" fill="{PAPER}"/>',
        f'<g transform="translate({half:g} {half:g})">',
    ]
    done = 0
    for number, (verb, _, nouns) in enumerate(verbs.figure):
        colour = COLOURS[number % len(COLOURS)]
        arc = done / total, (done + _sum(nouns)) / total
        parts += _piece((hole, inner), arc, colour, f"{verb}: {_sum(nouns)}")
        parts += _within(verb, (hole, inner), arc)
        for noun, n in nouns:
            arc = done / total, (done + n) / total
            parts += _piece((inner, outer), arc, _paler(colour), f"{verb} {noun}: {n}")
            parts += _outside(noun, outer, half, arc)
            done += n
    parts += _middle(total, hole)
    return "\n".join([*parts, "</g>", "</svg>", ""])


def _sum(nouns: Sequence[tuple[str, int]]) -> int:
    return sum(n for _, n in nouns)


def _piece(ring: Ring, arc: Arc, colour: str, title: str) -> Iterator[str]:
    """A piece of a ring; its title shows where a pointer rests on it."""
    (near, far), (start, end) = ring, arc
    # An arc that ends where it starts is not drawn: a whole ring needs two.
    middle = (start + end) / 2
    path = (
        f"M{_at(far, start)} A{far:.1f} {far:.1f} 0 0 1 {_at(far, middle)} "
        f"A{far:.1f} {far:.1f} 0 0 1 {_at(far, end)} L{_at(near, end)} "
        f"A{near:.1f} {near:.1f} 0 0 0 {_at(near, middle)} "
        f"A{near:.1f} {near:.1f} 0 0 0 {_at(near, start)} Z"
    )
    yield (
        f'<path d="{path}" fill="{colour}" stroke="{PAPER}" stroke-width="1">'
        f"<title>{written(title)}</title></path>"
    )


def _within(word: str, ring: Ring, arc: Arc) -> Iterator[str]:
    """A verb, from the outer edge of its piece inwards, as large as both of its ends allow."""
    near, far = ring
    size = LARGEST
    while size >= SMALLEST:
        width = text_width(word, size, bold=True)
        if width <= far - near - 10 and _room(far - 5 - width, arc) >= size:
            yield _text(word, far - 5, arc, size, outwards=False, bold=True)
            return
        size -= 0.5


def _outside(word: str, outer: float, half: float, arc: Arc) -> Iterator[str]:
    """A noun, from the ring outwards; smaller, and then cut, where it would leave the figure."""
    # A page may set its own letters, which are wider than those measured.
    size, room = min(LARGEST - 1, _room(outer, arc) * 0.95), (half - outer - 6) / WIDER
    if size < SMALLEST:
        return
    while size > SMALLEST and text_width(word, size) > room:
        size = max(SMALLEST, size - 0.5)
    while text_width(word, size) > room and len(word) > 2:
        word = word.rstrip(CUT)[:-1] + CUT
    yield _text(word, outer + 4, arc, size, outwards=True, bold=False)


def _room(radius: float, arc: Arc) -> float:
    """Length of an arc, in pixels."""
    return 2 * math.pi * radius * (arc[1] - arc[0])


def _text(word: str, radius: float, arc: Arc, size: float, *, outwards: bool, bold: bool) -> str:
    """A word along the middle radius of an arc, never upside down."""
    turn = (arc[0] + arc[1]) / 2
    left = turn % 1 > 0.5
    angle = 360 * turn - 90 + (180 if left else 0)
    anchor = "start" if outwards != left else "end"
    weight = "bold" if bold else "normal"
    return (
        f'<text transform="rotate({angle:.2f})" x="{-radius if left else radius:.1f}" '
        f'y="{0.35 * size:.1f}" font-size="{size:.1f}" font-weight="{weight}" '
        f'text-anchor="{anchor}" fill="{INK}">{written(word)}</text>'
    )


def _middle(total: int, hole: float) -> Iterator[str]:
    number = f"{total:,}"
    size = min(hole * 0.5, 22)
    yield (
        f'<text y="{0.35 * size if hole * 0.26 < SMALLEST else 0:.1f}" '
        f'font-size="{size:.1f}" font-weight="bold" text-anchor="middle" '
        f'fill="{INK}">{number}</text>'
    )
    small = min(hole * 0.26, 11)
    if small >= SMALLEST:
        yield (
            f'<text y="{small * 1.4:.1f}" font-size="{small:.1f}" text-anchor="middle" '
            f'fill="{MUTED}">instructions</text>'
        )


def _attribute(text: str) -> str:
    return written(text).replace('"', "&quot;")


def _at(radius: float, turn: float) -> str:
    angle = 2 * math.pi * turn
    return f"{radius * math.sin(angle):.2f} {-radius * math.cos(angle):.2f}"


def _paler(colour: str) -> str:
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(part + (255 - part) * PALER):02x}" for part in parts)

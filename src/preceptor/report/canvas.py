"""Matplotlib to inline SVG: the same bytes for the same drawing, and text that stays text.

No pyplot and no state that outlives a call; a user's matplotlibrc has no say. Each drawing is made
in two widths and the page's style sheet shows the one that fits, so that type is never scaled.
"""

import io
import re
import textwrap
import warnings
from collections.abc import Callable

import matplotlib
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

WIDE_INCHES = 7.2
NARROW_INCHES = 3.4
INK, MUTED, RULE = "#1b1f23", "#57606a", "#d0d7de"
BASE, TUNED = "#b35900", "#0067a5"
"""Orange and blue, told apart with any colour vision; marker shapes differ as well."""

STYLE = {
    "svg.hashsalt": "preceptor",
    "svg.fonttype": "none",
    "text.parse_math": False,  # a task's title may hold dollar signs
    "font.size": 9.5,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "x",
    "grid.color": "#e7ebef",
    "grid.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": RULE,
    "xtick.labelcolor": MUTED,
    "ytick.color": RULE,
    "ytick.labelcolor": INK,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.handletextpad": 0.5,
    "legend.columnspacing": 1.4,
    "legend.borderpad": 0,
}
ON_WHITE = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))

Draw = Callable[[Figure, Axes, bool], None]
"""Draws on a figure with one axes; the flag says that it is the narrow one."""


def drawing(name: str, alt: str, height: Callable[[bool], float], draw: Draw) -> Markup:
    """Both widths of a drawing as SVG, in elements of class ``wide`` and ``narrow``.

    Args:
        name: Prefix of every id within, unique on the page.
        alt: What the drawing shows, for those who cannot see it.
        height: Inches, by whether it is the narrow one.
        draw: Makes the drawing.
    """
    parts = [
        Markup('<div class="{}">{}</div>').format(
            kind, _svg(f"{name}-{kind}", alt, (width, height(narrow)), draw, narrow)
        )
        for kind, width, narrow in (
            ("wide", WIDE_INCHES, False),
            ("narrow", NARROW_INCHES, True),
        )
    ]
    return Markup("").join(parts)


def label_rows(axes: Axes, labels: list[str], narrow: bool) -> None:
    """One label a row, from the top: beside the axis, or above its row when narrow."""
    axes.set_ylim(len(labels) - 0.5, -0.8 if narrow else -0.6)
    axes.set_yticks(range(len(labels)), ["" for _ in labels] if narrow else labels)
    if narrow:
        for row, label in enumerate(labels):
            where = axes.get_yaxis_transform()
            axes.text(0, row - 0.28, label, transform=where, va="bottom", bbox=ON_WHITE)


def row_heights(rows: int, extra: float) -> Callable[[bool], float]:
    """Inches for so many labelled rows and what stands around them."""
    return lambda narrow: extra + rows * (0.52 if narrow else 0.36)


def fitted(label: str, narrow: bool) -> str:
    """A label in at most two lines beside the axis, or one above its row when narrow."""
    columns, lines = (46, 1) if narrow else (32, 2)
    return textwrap.fill(label, columns, max_lines=lines, placeholder=" …")


def _svg(name: str, alt: str, size: tuple[float, float], draw: Draw, narrow: bool) -> Markup:
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(matplotlib.RcParams(STYLE))
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure, figure.add_subplot(), narrow)
        stream = io.StringIO()
        with warnings.catch_warnings():
            # Measuring text in a script that the bundled font lacks; the browser has its own font.
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            figure.savefig(stream, format="svg", transparent=True, metadata=NO_METADATA)
    return _inline(stream.getvalue(), name, alt)


def _inline(document: str, name: str, alt: str) -> Markup:
    """The <svg> element alone, with ids that no other drawing of the page has."""
    body = document[document.index("<svg") :]
    body = re.sub(r'\b(id|xlink:href)="(#?)', rf'\1="\2{name}-', body)
    body = body.replace("url(#", f"url(#{name}-")
    label = f'<svg role="img" aria-label="{escape(alt)}" '
    return Markup(body.replace("<svg ", label, 1))

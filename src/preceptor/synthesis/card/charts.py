"""The page's histograms and bars, drawn by the report's canvas."""

from collections.abc import Sequence

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from preceptor.report import formats
from preceptor.report.canvas import INK, MUTED, TUNED, drawing, fitted, label_rows, row_heights
from preceptor.synthesis.card.lengths import Bin
from preceptor.synthesis.card.sunburst import NARROW, WIDE, sunburst
from preceptor.synthesis.card.verbs import Verbs

OPEN = "#8fb8d3"
"""Fill of the bin that has no upper edge."""


def histogram(
    name: str, bins: Sequence[Bin], axis: str, unit: str, mark: tuple[float, str] | None = None
) -> Markup:
    """Bars as wide as their bins.

    Args:
        name: Prefix of ids, unique on the page.
        bins: Side by side; the last may be open, and is drawn paler and as wide as the others.
        axis: What the values are.
        unit: What is counted.
        mark: A value with its name, drawn as an upright line.
    """
    width = (bins[0].high or bins[0].low + 1) - bins[0].low

    def draw(_: Drawing, axes: Axes, narrow: bool) -> None:
        axes.grid(True, axis="y")
        axes.grid(False, axis="x")
        axes.bar(
            [one.low for one in bins],
            [one.count for one in bins],
            width=0.92 * width,
            align="edge",
            color=[TUNED if one.high is not None else OPEN for one in bins],
        )
        if bins[-1].high is None:
            axes.text(
                bins[-1].low + width / 2,
                bins[-1].count,
                "longer",
                ha="center",
                va="bottom",
                color=MUTED,
            )
        if mark is not None:
            axes.axvline(mark[0], color=INK, lw=1, ls=":")
            top = axes.get_ylim()[1]
            axes.text(mark[0], top, f" {mark[1]}", color=INK, va="top")
        axes.set_xlabel(axis)
        axes.set_ylabel(unit)

    return drawing(name, "Histogram; numbers follow.", lambda narrow: 2.3, draw)


def bars(name: str, values: Sequence[tuple[str, int]], axis: str) -> Markup:
    """One bar a name, in the order given."""

    def draw(_: Drawing, axes: Axes, narrow: bool) -> None:
        label_rows(axes, [fitted(label, narrow) for label, _ in values], narrow)
        drawn = axes.barh(
            range(len(values)),
            [n for _, n in values],
            height=0.34 if narrow else 0.56,
            color=TUNED,
        )
        axes.bar_label(drawn, labels=[formats.count(n) for _, n in values], padding=4, color=MUTED)
        axes.margins(x=0.14)
        axes.set_xlabel(axis)

    height = row_heights(len(values), 0.7)
    return drawing(
        name, "Bar chart; numbers follow.", lambda narrow: height(narrow) * _less(narrow), draw
    )


def rings(verbs: Verbs) -> Markup:
    """Both widths of the figure of verbs and nouns."""
    return Markup('<div class="wide">{}</div><div class="narrow">{}</div>').format(
        Markup(sunburst(verbs, WIDE)), Markup(sunburst(verbs, NARROW))
    )


def _less(narrow: bool) -> float:
    """Words are short: their rows need less height than those of tasks' titles."""
    return 1.0 if narrow else 0.8

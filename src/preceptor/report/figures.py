"""The page's figures: each a drawing, a sentence that says what it shows, and its numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from preceptor.report import formats, result_tables, tables
from preceptor.report.canvas import (
    BASE,
    INK,
    MUTED,
    TUNED,
    drawing,
    fitted,
    label_rows,
    row_heights,
)
from preceptor.report.facts import EvaluationFacts, MixtureFacts, ModelResult
from preceptor.report.tables import Table
from preceptor.report.verdict import Outcome, outcome
from preceptor.statistics.intervals import Interval
from preceptor.statistics.paired import Paired

LOSS_POINTS = 120
"""A longer loss curve is drawn as means of so many stretches of steps."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A <figure> of the page."""

    id: str
    label: str
    caption: str
    svg: Markup
    table: Table


def scores(evaluation: EvaluationFacts) -> Figure:
    """Base and tuned by task, with intervals and chance."""
    tasks = evaluation.tasks

    def draw(figure: Drawing, axes: Axes, narrow: bool) -> None:
        label_rows(axes, [fitted(task.title, narrow) for task in tasks], narrow)
        for row, task in enumerate(tasks):
            if task.chance is not None:
                axes.plot(
                    [100 * task.chance] * 2, [row - 0.26, row + 0.26], color=MUTED, lw=1.2, ls=":"
                )
            _whisker(axes, task.base.interval, row - 0.12, BASE, filled=False)
            _whisker(axes, task.tuned.interval, row + 0.12, TUNED, filled=True)
        axes.plot([], [], "o", color=BASE, mfc="white", label="base")
        axes.plot([], [], "o", color=TUNED, label="tuned")
        axes.plot([], [], ":", color=MUTED, label="chance")
        _points_axis(figure, axes)

    level = formats.coverage(evaluation.level)
    return Figure(
        "scores",
        "Score of each task, base and tuned",
        f"Mean score of each task before and after tuning, with {level} intervals over source "
        "rows. A dotted tick marks what guessing among the options would give.",
        drawing("scores", "Dot plot; numbers follow.", row_heights(len(tasks), 0.95), draw),
        result_tables.scores(evaluation),
    )


def differences(evaluation: EvaluationFacts) -> Figure:
    """Tuned minus base for each group and task."""
    compared: list[tuple[str, Paired, float, str]] = [
        *((group.name, group.paired, group.p_holm, "D") for group in evaluation.groups),
        *((task.title, task.paired, task.p_holm, "o") for task in evaluation.tasks),
    ]

    def draw(_: Drawing, axes: Axes, narrow: bool) -> None:
        label_rows(axes, [fitted(name, narrow) for name, *_ in compared], narrow)
        axes.axvline(0, color=INK, lw=1)
        for row, (_name, paired, p_holm, marker) in enumerate(compared):
            shown = outcome(paired, p_holm, evaluation.level) in (Outcome.RAISED, Outcome.LOWERED)
            if paired.determined:
                axes.plot([100 * paired.low, 100 * paired.high], [row] * 2, color=TUNED, lw=1.6)
            axes.plot(
                100 * paired.difference,
                row,
                marker if paired.determined else "x",
                color=TUNED,
                mfc=TUNED if shown else "white",
                ms=6,
            )
        reach = max([5.0, *(abs(x) for x in axes.get_xlim())])
        axes.set_xlim(-reach, reach)
        axes.set_xlabel("tuned minus base, points")

    level = formats.coverage(evaluation.level)
    return Figure(
        "differences",
        "Tuned minus base, on the same items",
        f"Paired difference with {level} interval; right of the line is better after tuning. "
        "Filled: a difference was shown. Open: none was, or it is not settled. Diamonds are groups "
        "of tasks; a cross has too few rows for an interval.",
        drawing(
            "differences", "Interval plot; numbers follow.", row_heights(len(compared), 0.7), draw
        ),
        result_tables.differences(evaluation),
    )


def templates(evaluation: EvaluationFacts) -> Figure:
    """A dot for each template's mean, by task and model."""
    tasks = evaluation.tasks

    def draw(figure: Drawing, axes: Axes, narrow: bool) -> None:
        label_rows(axes, [fitted(task.title, narrow) for task in tasks], narrow)
        for row, task in enumerate(tasks):
            _strip(axes, task.base, row - 0.12, BASE, filled=False)
            _strip(axes, task.tuned, row + 0.12, TUNED, filled=True)
        axes.plot([], [], "o", color=BASE, mfc="none", label="base")
        axes.plot([], [], "o", color=TUNED, label="tuned")
        axes.plot([], [], "|", color=INK, ms=10, label="mean")
        _points_axis(figure, axes)

    return Figure(
        "templates",
        "Spread over templates",
        "Each dot is a task's mean score under one template: how much the wording of the "
        "instruction matters. A tick marks the mean over templates.",
        drawing("templates", "Strip plot; numbers follow.", row_heights(len(tasks), 0.95), draw),
        result_tables.template_means(evaluation),
    )


def loss(losses: Sequence[tuple[int, float]]) -> Figure:
    """The loss curve, thinned to means of equal stretches when it is long."""
    width = -(-len(losses) // LOSS_POINTS)
    stretches = [losses[start : start + width] for start in range(0, len(losses), width)]
    means = [sum(value for _, value in part) / len(part) for part in stretches]
    middles = [(part[0][0] + part[-1][0]) / 2 for part in stretches]
    names = [
        f"{part[0][0]:,}" if len(part) == 1 else f"{part[0][0]:,} to {part[-1][0]:,}"
        for part in stretches
    ]

    def draw(_: Drawing, axes: Axes, narrow: bool) -> None:
        axes.grid(True, axis="y")
        axes.plot(middles, means, color=TUNED, lw=1.6, marker="o" if len(means) < 40 else "", ms=3)
        axes.set_ylim(0, max(means) * 1.08 or 1)
        axes.set_xlabel("step")
        axes.set_ylabel("loss, nats a target token")

    thinned = f" Each point is the mean of up to {width} steps." if width > 1 else ""
    return Figure(
        "loss",
        "Training loss",
        f"Mean cross-entropy over the target tokens of a step.{thinned}",
        drawing("loss", "Line plot; numbers follow.", lambda narrow: 2.6, draw),
        tables.losses(list(zip(names, means, strict=True))),
    )


def mixture(facts: MixtureFacts) -> Figure:
    """Share of the examples drawn, by task."""
    lines = [line for line in facts.lines if not line.held_out_reason]
    shares = {line.task: 100 * line.share for line in lines}
    return Figure(
        "mixture",
        "Shares of the training mixture",
        "Share of the training examples that came from each task.",
        _bars("mixture", shares, "% of examples", digits=1),
        tables.mixture(facts),
    )


def rejections(by_reason: Mapping[str, int]) -> Figure:
    """Why synthesised tasks were dropped."""
    named = {formats.words(reason): float(n) for reason, n in by_reason.items()}
    return Figure(
        "rejections",
        "Rejected tasks by reason",
        "Synthesised tasks that a filter dropped, by the reason it gave.",
        _bars("rejections", named, "tasks rejected", digits=0),
        tables.counts("Rejected tasks by reason", "Reason", by_reason),
    )


def _bars(name: str, values: Mapping[str, float], axis: str, digits: int) -> Markup:
    ordered = sorted(values.items(), key=lambda item: (-item[1], item[0]))

    def draw(_: Drawing, axes: Axes, narrow: bool) -> None:
        label_rows(axes, [fitted(label, narrow) for label, _ in ordered], narrow)
        drawn = axes.barh(
            range(len(ordered)),
            [value for _, value in ordered],
            height=0.34 if narrow else 0.56,
            color=TUNED,
        )
        labels = [formats.number(value, digits) for _, value in ordered]
        axes.bar_label(drawn, labels=labels, padding=4, color=MUTED)
        axes.margins(x=0.14)
        axes.set_xlabel(axis)

    return drawing(name, "Bar chart; numbers follow.", row_heights(len(ordered), 0.7), draw)


def _whisker(axes: Axes, interval: Interval, y: float, colour: str, *, filled: bool) -> None:
    if interval.determined:
        axes.plot([100 * interval.low, 100 * interval.high], [y, y], color=colour, lw=1.6)
    axes.plot(100 * interval.mean, y, "o", color=colour, mfc=colour if filled else "white", ms=5.5)


def _strip(axes: Axes, model: ModelResult, y: float, colour: str, *, filled: bool) -> None:
    means = [100 * mean for mean in model.template_means.values()]
    fill = colour if filled else "none"
    axes.plot(means, [y] * len(means), "o", color=colour, mfc=fill, ms=4.5, alpha=0.75)
    axes.plot(100 * model.templates.mean, y, "|", color=INK, ms=10, mew=1.6)


def _points_axis(figure: Drawing, axes: Axes) -> None:
    axes.set_xlim(-2, 102)
    axes.set_xticks(range(0, 101, 20))
    axes.set_xlabel("score, points out of 100")
    figure.legend(loc="outside upper left", ncols=3)

"""The HTML report: one file, no script, no request, the same bytes for the same facts."""

from collections.abc import Iterable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from preceptor.artifact import storage_errors, write_atomically
from preceptor.report import figures, formats, result_tables, tables
from preceptor.report.facts import EvaluationFacts, ReportFacts
from preceptor.report.tables import Table
from preceptor.report.verdict import verdict

HERE = Path(__file__).parent
CONTROL_PICTURES = {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n\r"}
"""Characters that HTML forbids to the pictures that Unicode has for them."""


def write_report(path: Path, facts: ReportFacts) -> None:
    """Write the page, whole or not at all.

    Raises:
        StorageError: The disk is full or the path may not be written.
    """
    with storage_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, render(facts).encode(errors="backslashreplace"))


def render(facts: ReportFacts) -> str:
    """The page as text."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_shown,
    )
    environment.filters.update(
        count=formats.count, number=formats.number, words=formats.words, several=formats.several
    )
    return environment.get_template("page.html.j2").render(
        facts=facts,
        style=Markup((HERE / "style.css").read_text(encoding="utf-8")),
        **_evaluation(facts.evaluation),
        **_making(facts),
        provenance=tables.stages(facts.stages),
        libraries=tables.libraries(facts.libraries),
    )


def _evaluation(evaluation: EvaluationFacts | None) -> dict[str, object]:
    """What the template shows of the evaluation."""
    if evaluation is None or not evaluation.tasks:
        return {"verdict": None}
    return {
        "verdict": verdict(evaluation),
        "coverage": formats.coverage(evaluation.level),
        "left_out": _filled(result_tables.left_out(evaluation)),
        "scores": figures.scores(evaluation),
        "differences": figures.differences(evaluation),
        "templates": figures.templates(evaluation),
        "template_spread": result_tables.template_spread(evaluation),
        "groups": _filled(result_tables.groups(evaluation)),
        "changes": (
            ("Better after tuning", evaluation.better),
            ("Worse after tuning", evaluation.worse),
        ),
        "one_value": _one_value(evaluation),
    }


def _making(facts: ReportFacts) -> dict[str, object]:
    """What the template shows of synthesis, mixture and tuning."""
    synthesis, mixture, tuning = facts.synthesis, facts.mixture, facts.tuning
    shown: dict[str, object] = {"kept_out": None, "rejections": None}
    if synthesis is not None:
        if synthesis.rejected_by_reason:
            shown["rejections"] = figures.rejections(synthesis.rejected_by_reason)
        kept = synthesis.kept_by_category
        shown["categories"] = _filled(tables.counts("Kept tasks by category", "Category", kept))
        shown["lengths"] = tables.lengths(synthesis)
    if mixture is not None:
        mixed = any(not line.held_out_reason for line in mixture.lines)
        shown["mixture"] = figures.mixture(mixture) if mixed else None
        shown["kept_out"] = _filled(tables.kept_out(mixture))
    if tuning is not None:
        shown["loss"] = figures.loss(tuning.losses) if tuning.losses else None
        shown["tuning"] = tables.tuning(tuning)
    return shown


def _one_value(evaluation: EvaluationFacts) -> str:
    """The tasks on which a model scored every item the same: their interval has no width."""
    flat: Iterable[str] = (
        task.title
        for task in evaluation.tasks
        for interval in (task.base.interval, task.tuned.interval)
        if interval.determined and interval.low == interval.high
    )
    return ", ".join(dict.fromkeys(flat))


def _filled(table: Table) -> Table | None:
    return table if table.rows else None


def _shown(value: object) -> object:
    """Text that a model wrote may hold characters that no page can."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return value.translate(CONTROL_PICTURES)
    return value

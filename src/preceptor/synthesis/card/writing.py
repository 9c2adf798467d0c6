"""The card on disk: ``README.md`` for the hub, ``card.html`` to look at, ``card.json`` to compute
with, and the figure of verbs and nouns, which the README shows.

Equal surveys give equal bytes. Nothing on the page is fetched from anywhere.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from preceptor import report
from preceptor.artifact import storage_errors, write_atomically
from preceptor.data import card_sections
from preceptor.data.card import CITATIONS
from preceptor.data.hub_terms import front_matter, task_categories
from preceptor.report.page import CONTROL_PICTURES
from preceptor.report.tables import Table
from preceptor.synthesis.card import tables
from preceptor.synthesis.card.section import Section
from preceptor.synthesis.card.sections import headline, sections
from preceptor.synthesis.card.sunburst import sunburst
from preceptor.synthesis.card.survey import Survey

README, PAGE, NUMBERS, FIGURE = "README.md", "card.html", "card.json", "verbs.svg"
LIMITS = (
    "Texts are as a language model or their source wrote them. Nothing was checked by a clinician "
    "for this card, and nothing here is for clinical use.",
    "Rules and parsers err: read a sample before you act on a count.",
    "Terms of the model that wrote the records may hold for them.",
)


def write_card(survey: Survey, folder: Path) -> tuple[Path, ...]:
    """Write the card's files; files of these names are replaced, others are left alone.

    Returns:
        What was written.

    Raises:
        StorageError: The disk is full or may not be written.
    """
    numbers = json.dumps(survey.to_json(), indent=2, ensure_ascii=False) + "\n"
    shown = sections(survey)
    made = {README: readme(survey, shown), PAGE: page(survey, shown), NUMBERS: numbers}
    if _drawn(survey) and survey.verbs is not None:
        made[FIGURE] = sunburst(survey.verbs)
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in made.items():
            # Half a surrogate pair becomes its escape, which JSON reads as what it was.
            write_atomically(folder / name, text.encode(errors="backslashreplace"))
        if FIGURE not in made:
            (folder / FIGURE).unlink(missing_ok=True)  # of an earlier card of this folder
    return tuple(folder / name for name in made)


def page(survey: Survey, shown: Sequence[Section]) -> str:
    """The HTML page with these sections."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_shown,
    )
    style = (Path(report.__file__).parent / "style.css").read_text(encoding="utf-8")
    return environment.get_template("card.html.j2").render(
        survey=survey,
        style=Markup(style),
        headline=headline(survey),
        glance=tables.glance(survey),
        sections=shown,
        limits=LIMITS,
    )


def readme(survey: Survey, shown: Sequence[Section]) -> str:
    """The data set card with these sections."""
    head = front_matter(
        title=survey.title,
        language=["en"],
        licences=survey.licences,
        categories=task_categories(survey.groups.categories.counts),
        records=survey.records,
        tags=["instruction-tuning", "synthetic", "preceptor"],
        data_files={},
        info={},
    )
    text = yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=10**9)
    parts = [f"# {survey.title}"]
    if survey.about:
        parts.append(survey.about)
    parts += [headline(survey), _markdown(tables.glance(survey))]
    for section in shown:
        parts += [f"## {section.title}", *_body(section)]
    said = ", ".join(survey.licences) or "unstated"
    parts += [
        f"## Licence\n\nSaid of the whole: {said}.",
        "## Known limits\n\n" + "\n".join(f"- {limit}" for limit in LIMITS),
        f"## Citation\n\nThe methods are those of two papers.\n\n{CITATIONS}",
        f"Counted by Preceptor {survey.version}. The page {PAGE} has the figures, {NUMBERS} the "
        "numbers.",
    ]
    return f"---\n{text}---\n\n" + "\n\n".join(parts) + "\n"


def _body(section: Section) -> Iterator[str]:
    yield from section.said
    for figure in section.figures:
        if figure.id == "verbs":
            yield f"![{figure.label}]({FIGURE})"
            yield figure.caption
    for table in (*(figure.table for figure in section.figures), *section.tables):
        yield f"{table.caption}:\n\n{_markdown(table)}"
    if section.rejected:
        yield "Some of the rejected tasks:"
        yield card_sections.table(
            ("reason", "what it was", "instruction"),
            [(one.reason, one.detail, one.instruction) for one in section.rejected],
        )


def _markdown(table: Table) -> str:
    return card_sections.table(table.head, table.rows)


def _drawn(survey: Survey) -> bool:
    return survey.verbs is not None and survey.verbs.drawn > 0


def _shown(value: object) -> object:
    """Text that a model wrote may hold characters that no page can."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return value.translate(CONTROL_PICTURES)
    return value

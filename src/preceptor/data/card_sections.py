"""The parts of a data set card, each a function from what is known to Markdown."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from preceptor import __version__
from preceptor.data.facts import Facts, spread
from preceptor.mixture.tables import Line
from preceptor.tasks.task import Task

COLUMNS = {
    "instruction": "what is asked",
    "input": "what it is asked about; empty where the instruction has it all",
    "output": "the answer",
    "messages": "the turns: role (system, user, assistant) and content",
    "conversations": "the turns: from (system, human, gpt) and value",
    "prompt": "what a model reads",
    "target": "what it should write",
    "id": "of the record; task/split/row/template for a rendered one",
    "source": "the data set that the record comes from",
    "metadata": "what else its source says of it, as JSON",
    "task": "the task, one of Preceptor's task files",
    "cluster": "FLAN's cluster; empty where there is none",
    "category": "BioInstruct's category (qa, ie, gen, other); empty where there is none",
    "template": "the wording that was used",
    "inverted": "the task is turned around: what is asked for is a field, not the answer",
    "options": "the possible answers, verbatim; empty for free text",
    "gold": "index of the right option; -1 where there are none",
    "references": "every text that counts as right; empty where that is the answer alone",
    "shots": "worked exemplars in the prompt",
    "options_shown": "the prompt lists the options",
    "row": "data set, split and row that it was made from",
    "licence": "of the source's rows",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a card is about, besides what is counted."""

    title: str
    what: str
    """One sentence: what it is."""
    columns: Sequence[str]
    manifest: Mapping[str, Any] = field(default_factory=dict)
    """Of the mixture; empty for other sources."""
    certificate: Mapping[str, Any] = field(default_factory=dict)
    """Of the mixture's decontamination; empty where there was none."""
    table: Sequence[Line] = ()
    library: Mapping[str, Task] = field(default_factory=dict)
    data_files: Mapping[str, str] = field(default_factory=dict)
    """Split to path, as the hub reads them."""
    info: Mapping[str, Any] = field(default_factory=dict)
    """``dataset_info``: features, splits and sizes."""
    how: str = ""
    """How it was made, where there is no manifest."""
    licences: Sequence[str] = ()
    """Said by the user, where the records say nothing."""


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of Markdown; numbers stand to the right."""
    body = [[_cell(value) for value in row] for row in rows]
    if not body:
        return ""
    right = [all(_is_number(row[place]) for row in body) for place in range(len(head))]
    rule = ["---:" if to_right else "---" for to_right in right]
    return "\n".join(f"| {' | '.join(line)} |" for line in ([*head], rule, *body))


def _cell(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        return " ".join(str(value).split()).replace("|", "\\|") or "-"
    return f"{value:,}"


def _is_number(text: str) -> bool:
    return text.replace(",", "").replace(".", "").replace("%", "").isdigit()


def fields(columns: Sequence[str]) -> str:
    return table(("column", "what it holds"), [(name, COLUMNS.get(name, "")) for name in columns])


_MIXTURE: tuple[tuple[str, Callable[[Line], object], Callable[[Line], object]], ...] = (
    ("cluster or category", lambda _: True, lambda line: line.cluster or line.category),
    ("rows", lambda _: True, lambda line: line.rows),
    ("overlapping, left out", lambda line: line.contaminated, lambda line: line.contaminated),
    ("usable", lambda _: True, lambda line: line.usable),
    ("rate", lambda line: line.rate, lambda line: f"{line.rate:,.0f}"),
    ("share", lambda _: True, lambda line: f"{line.share:.1%}"),
    ("examples", lambda _: True, lambda line: line.examples),
    ("epochs", lambda _: True, lambda line: f"{line.epochs:.2f}"),
    ("tokens", lambda line: line.tokens, lambda line: line.tokens),
    ("of tokens", lambda line: line.tokens, lambda line: f"{line.token_share:.1%}"),
    ("templates", lambda _: True, lambda line: line.templates),
)
"""Columns of the mixture's table: name, whether a line needs it, what it shows."""


def made(subject: Subject) -> str:
    manifest = subject.manifest
    if not manifest:
        return subject.how or f"Written by Preceptor {__version__}."
    config = manifest.get("config", {})
    commit = manifest.get("commit") or "none recorded"
    facts = [
        ("Preceptor", f"{manifest.get('version', '')}, commit {commit}"),
        ("artifact", f"mixture-{manifest.get('key', '')}"),
        ("content digest", manifest.get("digest", "")),
        *((name, _setting(value)) for name, value in config.items()),
    ]
    kept = [line for line in subject.table if not line.held_out_reason]
    columns = [column for column in _MIXTURE if any(column[1](line) for line in kept)]
    lines = [[line.task, *(shown(line) for _, _, shown in columns)] for line in kept]
    return "\n\n".join(
        part
        for part in (
            "Rows of the tasks below were rendered under their templates and mixed by the rates in "
            "the table (FLAN, section 2.4), one template drawn for each example. Which row and "
            "template example *i* is, follows from the seed and *i* alone.",
            table(("setting", "value"), facts),
            table(["task", *(name for name, _, _ in columns)], lines),
            subject.how,
        )
        if part
    )


def _setting(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "not set" if value is None else json.dumps(value, ensure_ascii=False).strip('"')


def held_out(manifest: Mapping[str, Any]) -> str:
    held = manifest.get("counts", {}).get("held_out") or {}
    if not held.get("asked"):
        return "Nothing was held out." if manifest else ""
    checked = held.get("examples_checked", 0)
    left = held.get("left_out", {})
    excluded = held.get("excluded", {})
    return "\n\n".join(
        part
        for part in (
            f"Held out: {', '.join(held['asked'])}. Each of {checked:,} examples was checked when "
            "it was made: none is of a held-out task, cluster, category, data set or provenance.",
            "\n".join(f"- {reason}" for reason in excluded.values()),
            table(("left out", "because"), left.items()),
            f"Data sets that must not occur: {', '.join(held.get('data_sets', [])) or 'none'}.",
        )
        if part
    )


def compared(manifest: Mapping[str, Any], certificate: Mapping[str, Any]) -> str:
    """What the certificate says: against which evaluation sets, and what was removed."""
    against = certificate.get("against") or []
    if not against:
        return ""
    rows = int(manifest.get("counts", {}).get("rows_contaminated", 0))
    examples = int(certificate.get("removed", {}).get("examples", 0))
    checked = int(certificate.get("training", {}).get("examples", 0))
    sets = [(f"{one['task']}/{one['split']}", int(one["items"])) for one in against]
    return (
        f"Compared with {sum(n for _, n in sets):,} items of the evaluation sets below, for texts "
        f"that both have. Rows left out because they overlap with them: {rows:,}. Examples then "
        f"removed: {examples:,} of {checked:,}. The mixture's certificate.json has the settings "
        "and digests.\n\n" + table(("evaluation set", "items"), sets)
    )


def licences(facts: Facts, subject: Subject) -> str:
    if not facts.sources:
        said = ", ".join(subject.licences) or "unstated"
        return f"The file says nothing of each record. Said of the whole: {said}."
    rows = [
        (licence, data_set, task, _hub(subject.library.get(task)), n)
        for (task, data_set, licence), n in sorted(
            facts.sources.items(), key=lambda entry: (entry[0][2], entry[0])
        )
    ]
    return (
        "Every record is under the licence of its source, which the column `licence` names. The "
        "strictest of them holds for whoever uses the whole.\n\n"
        + table(("licence", "data set", "task", "on the hub", "records"), rows)
    )


def _hub(task: Task | None) -> str:
    return " ".join((task.source.hub, task.source.config)).strip() if task is not None else ""


def counts(facts: Facts) -> str:
    parts = [
        table((name, "records"), counter.most_common())
        for name, counter in (
            ("task", facts.tasks),
            ("cluster", facts.clusters),
            ("category", facts.categories),
        )
    ]
    more: list[tuple[str, int]] = [
        ("turned around (inverted)", facts.inverted),
        ("options listed in the prompt", facts.options_shown),
        ("conversations of several exchanges", facts.several_turns),
        ("with a system's message", facts.with_system),
        *((f"{n} worked exemplars", count) for n, count in sorted(facts.shots.items()) if n),
    ]
    parts.append(table(("of them", "records"), [(name, n) for name, n in more if n]))
    return "\n\n".join(part for part in parts if part) or f"{facts.records:,} records."


def lengths(facts: Facts) -> str:
    rows = [
        ("prompt", *spread(facts.prompt_words)),
        ("answer", *spread(facts.answer_words)),
    ]
    return "In words set apart by white space.\n\n" + table(
        ("", "least", "5%", "median", "95%", "most"), rows
    )


def limits(facts: Facts, licences: Sequence[str]) -> str:
    limits = [
        "Texts are as their sources have them: errors, bias and personal names in a source are "
        "here too. Nothing was checked by people for this card.",
    ]
    if facts.tasks:
        limits.append(
            "A row can occur several times, under different templates or in several epochs: the "
            "column `row` tells which records share one. Split by it, never by record."
        )
        limits.append(
            "Rows of public data sets may be in the training data of a model that is tuned or "
            "tested on this."
        )
    if "synthesised" in facts.tasks:
        limits.append(
            "Records of the task `synthesised` were written by a language model. Terms of that "
            "model may hold for them, and what they say of medicine was not checked by a clinician."
        )
    if facts.categories:
        limits.append("Not for clinical use: it is material for research on language models.")
    if "unstated" in licences or not licences:
        limits.append("Some sources state no licence: ask them before you pass their rows on.")
    return "\n".join(f"- {limit}" for limit in limits)

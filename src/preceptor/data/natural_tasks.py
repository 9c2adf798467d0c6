"""A task of Natural Instructions as rows and a task file of ours.

The definition is in the templates, because it is the same for every row. Super-NaturalInstructions'
own encoding, the definition with two positive examples, is one of the templates.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from preceptor.data.files import writing
from preceptor.data.instructions import Wanted
from preceptor.data.natural import NaturalTask, data_sets, own_data_sets
from preceptor.data.place import as_names, new_folder, rows_or_task
from preceptor.data.survey import new_tokens
from preceptor.data.taskyaml import TaskText, TemplateText, quoted, write_task
from preceptor.data.wordings import NATURAL
from preceptor.tasks.expressions import names_in_template
from preceptor.tasks.lint import TEMPLATES
from preceptor.tasks.task import Task

SHOWN = 2
"""Positive examples in a prompt (Super-NaturalInstructions, arXiv 2204.07705)."""
_SCHEMA = pa.schema(
    [("id", pa.string()), ("input", pa.string()), ("output", pa.list_(pa.string()))]
)
_CLUSTERS = {
    "textual entailment": "natural_language_inference",
    "entailment": "natural_language_inference",
    "sentiment analysis": "sentiment",
    "paraphrasing": "paraphrase",
    "paraphrase": "paraphrase",
    "summarization": "summarization",
    "title generation": "summarization",
    "translation": "translation",
    "coreference resolution": "coreference",
    "data to text": "struct_to_text",
    "commonsense classification": "commonsense",
    "cause effect classification": "commonsense",
}
"""Categories of Super-NaturalInstructions that are a cluster of FLAN's."""
UNKNOWN_CLUSTER = "miscellaneous"


def import_natural(
    task: NaturalTask, wanted: Wanted, library: Mapping[str, Task], root: Path, overwrite: bool
) -> tuple[Path, TaskText]:
    """Write ``root/<name>/train.<store>`` and ``<name>.yaml`` beside it.

    Raises:
        TaskError: What was said of it makes no task file.
        ArtifactError: The folder is there already.
        StorageError: The disk is full or may not be written.
    """
    text = task_file(task, wanted, library)
    with new_folder(root / wanted.name, overwrite, rows_or_task) as folder:
        with writing(folder / f"train.{wanted.store}", _SCHEMA) as put:
            for instance in task.instances:
                put(instance)
        (folder / f"{wanted.name}.yaml").write_text(text.text, encoding="utf-8")
    return root / wanted.name, text


def task_file(task: NaturalTask, wanted: Wanted, library: Mapping[str, Task]) -> TaskText:
    """The task file: labels where every answer is one of a few, else free text with references.

    Raises:
        TaskError: What was said of it makes no task file.
    """
    labels = task.closed
    cluster = wanted.cluster or ("" if wanted.category else cluster_of(task))
    keys = {
        "task": wanted.name,
        "title": wanted.title or task.title.split("\n")[0] or wanted.name.replace("_", " "),
        "cluster": cluster,
        "category": wanted.category,
        "licence": wanted.licence,
        "about": wanted.about or _about(task),
        "source": {"folder": wanted.name, "splits": {"train": "train"}},
        "provenance": list(wanted.provenance or _named(wanted.name, made_of(task, library))),
        "fields": {"id": "str", "input": "str", "output": "list"},
        "values": {"input": "input"},
        **(_labels(labels) if labels else _free_text(task)),
    }
    templates = _templates(task)
    used = {name for one in templates for name in names_in_template(one.keys["prompt"])}
    keys["values"] |= {name: quoted(text) for name, text in _said(task).items() if name in used}
    remarks = [f"{key}: {said[:300]}" for key, said in (task.remarks or {}).items()]
    remark = "\n".join([f"Made by preceptor data import from {task.name}.json.", *remarks])
    return write_task(keys, templates, remark, f"the task file of {wanted.name}")


def cluster_of(task: NaturalTask) -> str:
    """FLAN's cluster by the task's categories; miscellaneous where none of them is one."""
    said = (task.remarks or {}).get("Categories", "").lower()
    parts = [part.strip() for entry in said.split(";") for part in entry.split("->")]
    return next((_CLUSTERS[part] for part in parts if part in _CLUSTERS), UNKNOWN_CLUSTER)


def made_of(task: NaturalTask, library: Mapping[str, Task]) -> tuple[str, ...]:
    """Data sets that the task is made of, which it is held out with.

    The library's by the library's name, others as the file calls them, in snake_case. A data set
    that stands in the name of a file without a ``Source`` is looked for only where the library
    has none of it: ``super_glue_rte`` is not of a data set ``super``.
    """
    names = [name for one in library.values() for name in (*one.provenance, one.source.dataset)]
    known = {_bare(name): name for name in names if len(_bare(name)) > 2}
    found = data_sets(task, known)
    if found and "Source" not in (task.remarks or {}):
        return found
    others = [name for name in own_data_sets(task) if _bare(name) not in known]
    return tuple(dict.fromkeys((*found, *as_names(others))))


def _named(name: str, others: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((name, *others)))


def _bare(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _about(task: NaturalTask) -> str:
    first = " ".join(task.definition.split())
    return f"Natural Instructions: {first[:200]}{'…' if len(first) > 200 else ''}"


def _labels(labels: tuple[str, ...]) -> dict[str, Any]:
    names = {label: label for label in labels}
    return {
        "labels": {"field": "output | first", "names": names, "words": names},
        "metric": "accuracy",
    }


def _free_text(task: NaturalTask) -> dict[str, Any]:
    words = Counter(
        max(len(text.split()) for text in instance["output"]) for instance in task.instances
    )
    return {
        "answer": "output | first",
        "references": "output",
        "metric": "rouge_l",
        "max_new_tokens": new_tokens(words),
    }


def _templates(task: NaturalTask) -> list[TemplateText]:
    """The first ten wordings that need nothing which the file does not say."""
    said = _said(task)
    labels = bool(task.closed)
    found = []
    for id, frame in NATURAL.items():
        inverted = "target" in frame
        if not all(name in said for name in frame.get("needs", ())) or (inverted and labels):
            continue
        answer = "\n\n{{ options_block }}" if labels else frame.get("end", "")
        keys = {"inverted": True} if inverted else {}
        prompt = frame["prompt"] + ("" if inverted else answer)
        target = {"target": frame["target"]} if inverted else {}
        found.append(TemplateText({"id": id, **keys, "prompt": prompt, **target}))
    return found[:TEMPLATES]


def _said(task: NaturalTask) -> dict[str, str]:
    """What the file says of the task, under the names that templates use."""
    shown = "\n\n".join(
        f"Example {number}\nInput: {one.input}\nOutput: {one.output}"
        for number, one in enumerate(task.examples[:SHOWN], start=1)
    )
    notes = "\n".join(text for text in (task.avoid, task.caution) if text)
    found = {
        "definition": task.definition,
        "request": task.prompt,
        "notes": notes,
        "examples": shown,
    }
    return {name: text for name, text in found.items() if text}

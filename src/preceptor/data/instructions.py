"""An instruction set in: a file of any format to a folder of rows and the task file for them."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from preceptor.data.conversation import Conversation, exchanges
from preceptor.data.fields import METADATA, for_parquet
from preceptor.data.files import writing
from preceptor.data.formats import read_conversations
from preceptor.data.place import as_names, new_folder, rows_or_task
from preceptor.data.survey import Survey, check_usable, survey
from preceptor.data.tally import Tally
from preceptor.data.taskyaml import TaskText, TemplateText, write_task
from preceptor.data.wordings import CONVERSATIONS, EARLIER, INSTRUCTIONS, SYSTEM

MOST_SOURCES = 200
"""Of records, in the provenance of a task file."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user says of an instruction set."""

    name: str
    title: str = ""
    licence: str = "unstated"
    about: str = ""
    cluster: str = ""
    category: str = ""
    provenance: tuple[str, ...] = ()
    store: str = "jsonl"
    """The rows' file: jsonl or parquet."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What was made."""

    folder: Path
    rows: int
    survey: Survey
    task: TaskText


def import_instructions(
    path: Path, form: str, wanted: Wanted, root: Path, overwrite: bool, tally: Tally
) -> Imported:
    """Write ``root/<name>/train.jsonl`` and ``<name>.yaml`` beside it.

    The file is read twice: once to see what is in it, once to write.

    Raises:
        RowError: The file cannot be read, or a record is bad and ``tally`` does not skip.
        TaskError: What was said of it makes no task file.
        ArtifactError: The folder is there already.
        StorageError: The disk is full or may not be written.
    """
    found = survey(read_conversations(path, form, tally, check_usable))
    task = task_file(wanted, found, f"{found.conversations:,} conversations of {path.name}", form)
    with new_folder(root / wanted.name, overwrite, rows_or_task) as folder:
        again = read_conversations(path, form, Tally(skip=True), check_usable)
        rows = _rows(again, wanted.name, found)
        count = _write(folder / f"train.{wanted.store}", _schema(found), rows)
        (folder / f"{wanted.name}.yaml").write_text(task.text, encoding="utf-8")
    return Imported(root / wanted.name, count, found, task)


def _write(path: Path, schema: pa.Schema, rows: Iterator[dict[str, Any]]) -> int:
    written = 0
    with writing(path, schema) as put:
        for row in rows:
            put(for_parquet(row) if path.suffix == ".parquet" else row)
            written += 1
    return written


def _schema(found: Survey) -> pa.Schema:
    text = pa.string()
    exchange = [(name, text) for name in ("instruction", "input", "output")]
    own = [("turns", pa.list_(pa.struct(exchange)))] if found.several else exchange
    system = [("system", text)] if found.with_system else []
    return pa.schema([("id", text), *system, *own, ("source", text), (METADATA, text)])


def _rows(
    conversations: Iterator[Conversation], name: str, found: Survey
) -> Iterator[dict[str, Any]]:
    """One row a conversation, in one layout for the whole file."""
    for number, conversation in enumerate(conversations):
        pairs = [
            {"instruction": one.instruction, "input": one.input, "output": one.output}
            for one in exchanges(conversation)
        ]
        extra: Mapping[str, Any] = conversation.extra
        if not found.own_ids and conversation.id:
            extra = {**extra, "id": conversation.id}
        more = {"source": conversation.source, METADATA: dict(extra)}
        yield {
            "id": conversation.id if found.own_ids else f"{name}-{number:06d}",
            **({"system": conversation.system} if found.with_system else {}),
            **({"turns": pairs} if found.several else pairs[0]),
            **{key: value for key, value in more.items() if value},
        }


def provenance_of(found: Survey) -> tuple[str, ...]:
    """The sources that records name, in snake_case and sorted; of very many the most frequent."""
    counted = Counter(found.sources)
    return tuple(sorted(as_names(name for name, _ in counted.most_common())[:MOST_SOURCES]))


def task_file(wanted: Wanted, found: Survey, what: str, form: str) -> TaskText:
    """The task of an imported instruction set: free text, under ten wordings.

    Conversations of several exchanges are one row each on disk, and one row an exchange to the
    task: what was said before stands in the prompt.
    """
    where = "item." if found.several else ""
    values = {"instruction": f"{where}instruction", "input": f"{where}input"}
    fields = {"id": "str", **dict.fromkeys(("instruction", "input", "output"), "str")}
    prefix = ""
    if found.several:
        fields = {"id": "str", "turns": "list"}
        values["earlier"] = "turns[:item_number]"
        prefix = EARLIER
    if found.with_system:
        fields["system"] = "str"
        values["system"] = "system"
        prefix = SYSTEM + prefix
    keys = {
        "task": wanted.name,
        "title": wanted.title or wanted.name.replace("_", " ").capitalize(),
        "cluster": wanted.cluster,
        "category": wanted.category or ("" if wanted.cluster else "other"),
        "licence": wanted.licence,
        "about": wanted.about or f"Instructions with answers: {what}.",
        "source": {"folder": wanted.name, "splits": {"train": "train"}},
        "provenance": list(
            wanted.provenance or dict.fromkeys((wanted.name, *provenance_of(found)))
        ),
        "fields": fields,
        "keep": f"{where}output | trim != ''" if found.without_output else "",
        "each": "turns" if found.several else "",
        "values": values,
        "answer": f"{where}output",
        "metric": "rouge_l",
        "max_new_tokens": found.max_new_tokens,
    }
    wordings = CONVERSATIONS if found.several else INSTRUCTIONS
    templates = [TemplateText({"id": id, "prompt": prefix + text}) for id, text in wordings.items()]
    remark = f"Made by preceptor data import from {form}: {what}. Change what you like."
    return write_task(keys, templates, remark, f"the task file of {wanted.name}")

"""What can be exported: a mixture, a task of the library, or a file of conversations."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from preceptor.data.card_sections import Subject
from preceptor.data.conversation import Conversation
from preceptor.data.files import ENDINGS, check_readable, read_records
from preceptor.data.formats import format_of, read_conversations
from preceptor.data.hub import dataset_info
from preceptor.data.library import Library
from preceptor.data.mixtures import (
    Mixture,
    as_conversation,
    find_mixture,
    licence_of,
    read_examples,
    render_task,
)
from preceptor.data.tally import Tally
from preceptor.errors import RowError, TaskError
from preceptor.records import Example
from preceptor.tasks.names import did_you_mean
from preceptor.tasks.task import Task

WHOLE_MIXTURE = "A mixture of data sets and instructions for instruction tuning, made by Preceptor."


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user says of an export."""

    title: str = ""
    licences: tuple[str, ...] = ()
    split: str = ""
    every_template: bool = False
    seed: int = 0
    form: str = ""
    """Of a file of conversations; empty to recognise it."""


@dataclass(frozen=True, slots=True)
class Source:
    """Something to export."""

    split: str
    rendered: bool
    """Its records are examples with their provenance."""
    conversations: Callable[[Tally], Iterator[Conversation]]
    """Its records, from the first one at each call."""
    subject: Subject
    file: Path | None = None
    """The one file that it is."""


def find_source(
    name: str, asked: Asked, tasks_folders: Sequence[Path], root: Callable[[], Path | None]
) -> Source:
    """What a name stands for: a path where one is there, else a task.

    Raises:
        RowError: It is neither; or the file cannot be read.
        ArtifactError: A folder has no mixture, or several.
        TaskError: The task's split is unknown, or a mixture's task is not in the library.
    """
    path = Path(name).expanduser()
    mixture = find_mixture(path)
    if mixture is not None:
        return _mixture(mixture, asked, Library(tasks_folders))
    if path.is_file() or path.suffix in ENDINGS or len(path.parts) > 1:
        check_readable(path)
        return _file(path, asked)
    library = Library(tasks_folders)
    if name not in library:
        raise RowError(
            f"{name!r} is no file, no folder and no task{did_you_mean(name, library)} "
            "Name a mixture's folder, a file, or a task of preceptor tasks list"
        )
    return _task(library[name], asked, library, root)


def _mixture(mixture: Mixture, asked: Asked, library: Mapping[str, Task]) -> Source:
    split = str(mixture.manifest.get("config", {}).get("split", "train"))
    key = mixture.manifest.get("key")
    return Source(
        split=asked.split or split,
        rendered=True,
        conversations=lambda tally: _carried(read_examples(mixture.examples), library),
        subject=Subject(
            title=asked.title or (f"Instruction mixture {key}" if key else "Instruction mixture"),
            what=WHOLE_MIXTURE,
            columns=(),
            manifest=mixture.manifest,
            certificate=mixture.certificate,
            table=mixture.table,
            library=library,
            how="" if mixture.manifest else "From a file of examples without its manifest.",
        ),
        file=mixture.examples,
    )


def _task(
    task: Task, asked: Asked, library: Mapping[str, Task], root: Callable[[], Path | None]
) -> Source:
    split = asked.split or next(iter(task.source.splits))
    if split not in task.source.splits:
        raise TaskError(
            f"{task.name} has no split {split!r}{did_you_mean(split, task.source.splits)}"
        )
    every = asked.every_template
    which = "under every template" if every else f"under one template drawn with seed {asked.seed}"

    def conversations(tally: Tally) -> Iterator[Conversation]:
        return _carried(render_task(task, split, root(), every, asked.seed), library)

    return Source(
        split=split,
        rendered=True,
        conversations=conversations,
        subject=Subject(
            title=asked.title or task.title,
            what=f"{task.about.rstrip('.')}. Rows of the split {split}, each {which}.",
            columns=(),
            library=library,
            how=f"Rows of {task.source.dataset}/{split} were rendered by Preceptor as the task "
            f"{task.name} (task file {task.digest[:12]}), each {which}.",
        ),
    )


def _carried(examples: Iterator[Example], library: Mapping[str, Task]) -> Iterator[Conversation]:
    return (as_conversation(one, licence_of(one.task, library)) for one in examples)


def _file(path: Path, asked: Asked) -> Source:
    form = asked.form or format_of(path)
    return Source(
        split=asked.split or "train",
        rendered=False,
        conversations=lambda tally: read_conversations(path, form, tally),
        subject=Subject(
            title=asked.title or path.stem.replace("_", " "),
            what=f"Instruction data from {path.name}, in the format {form}.",
            columns=(),
            licences=asked.licences,
            how=f"Read from {path.name} ({form}) and written by Preceptor; spellings of 'no input' "
            "were made one.",
        ),
        file=path,
    )


def with_own_columns(source: Source) -> Subject:
    """The subject of a card for the file as it is, without an export."""
    path = source.file
    if path is None:
        return replace(source.subject, columns=("prompt", "target"))
    split = {source.split: path.name}
    if path.suffix != ".parquet":
        first = next(read_records(path, Tally()))[1]
        return replace(source.subject, columns=tuple(first), data_files=split)
    try:
        metadata = pq.read_metadata(path)
        schema = pq.read_schema(path)
    except (OSError, pa.ArrowException) as error:
        raise RowError(f"{path} is no Parquet file ({error})") from error
    size = sum(metadata.row_group(n).total_byte_size for n in range(metadata.num_row_groups))
    info = dataset_info(schema, source.split, metadata.num_rows, size, path.stat().st_size)
    return replace(source.subject, columns=tuple(schema.names), data_files=split, info=info)

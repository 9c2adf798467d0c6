"""Where examples are exported from: a mixture's artifact, its file alone, or a task of the library.

An example becomes a conversation of one exchange that carries its provenance.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from preceptor import draws
from preceptor.artifact import MANIFEST, read_json
from preceptor.data.conversation import Conversation, single
from preceptor.data.files import ROW_GROUP
from preceptor.errors import ArtifactError, RowError, TaskError
from preceptor.mixture.tables import SCHEMA, Line, read_table
from preceptor.records import Example
from preceptor.tasks.names import did_you_mean
from preceptor.tasks.source import read_rows
from preceptor.tasks.task import Task, prepare
from preceptor.tasks.template import render

EXAMPLES, TABLE, CERTIFICATE = "examples.parquet", "table.json", "certificate.json"
SYNTHESISED = "synthesised"
"""The task of examples that a teacher wrote."""
PROVENANCE = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in ("task", "cluster", "category", "template")),
        pa.field("inverted", pa.bool_()),
        pa.field("options", pa.list_(pa.string())),
        pa.field("gold", pa.int32()),
        pa.field("references", pa.list_(pa.string())),
        pa.field("shots", pa.int32()),
        pa.field("options_shown", pa.bool_()),
        pa.field("row", pa.string()),
        pa.field("licence", pa.string()),
    ]
)
"""What an exported example says of itself."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """A mixture on disk."""

    examples: Path
    manifest: Mapping[str, Any] = field(default_factory=dict)
    """Empty for a file alone."""
    table: tuple[Line, ...] = ()
    certificate: Mapping[str, Any] = field(default_factory=dict)
    """Of its decontamination; empty where there was none."""


def find_mixture(path: Path) -> Mixture | None:
    """The mixture that a path names: its folder, a run's folder with one, or its examples.

    None when the path is no folder and no file of examples.

    Raises:
        ArtifactError: A folder has no mixture, or several.
    """
    if path.is_dir():
        inside = [path] if (path / EXAMPLES).is_file() else sorted(path.glob("mixture-*"))
        found = [folder for folder in inside if (folder / EXAMPLES).is_file()]
        if len(found) != 1:
            names = ", ".join(folder.name for folder in found) or "none"
            raise ArtifactError(
                f"{path} has no single mixture ({names}); name the folder mixture-… of a run"
            )
        return _of_folder(found[0])
    if path.suffix != ".parquet" or not path.is_file():
        return None
    try:
        columns = set(pq.read_schema(path).names)
    except (OSError, pa.ArrowException):
        return None  # whoever reads it as a file of conversations says what is wrong
    if not {"prompt", "target", "task", "template"} <= columns:
        return None
    return _of_folder(path.parent) if path.name == EXAMPLES else Mixture(path)


def _of_folder(folder: Path) -> Mixture:
    manifest, certificate = _object(folder / MANIFEST), _object(folder / CERTIFICATE)
    table = tuple(read_table(folder / TABLE)) if (folder / TABLE).is_file() else ()
    return Mixture(folder / EXAMPLES, manifest, table, certificate)


def _object(path: Path) -> dict[str, Any]:
    """A file's JSON object; empty where there is no file or something else in it."""
    if not path.is_file():
        return {}
    try:
        found: Any = read_json(path)
    except ValueError as error:
        raise ArtifactError(f"{path} is not JSON; make the mixture again") from error
    return found if isinstance(found, dict) else {}


def read_examples(path: Path) -> Iterator[Example]:
    """The examples of a mixture's file, a row group at a time.

    Raises:
        ArtifactError: The file cannot be read or has other columns.
    """
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(ROW_GROUP, columns=SCHEMA.names):
                for row in pa.Table.from_batches([batch]).cast(SCHEMA).to_pylist():
                    lists = {name: tuple(row[name]) for name in ("options", "references")}
                    yield Example(**{**row, **lists})
    except (OSError, pa.ArrowException, ValueError, TypeError) as error:
        raise ArtifactError(
            f"{path} is not a file of examples ({' '.join(str(error).split())}); "
            "name the examples.parquet of a mixture, or make it again"
        ) from error


def render_task(
    task: Task, split: str, root: Path | None, every_template: bool, seed: int
) -> Iterator[Example]:
    """A task's rows as examples: each under one template drawn for it, or under every one.

    Raises:
        RowError: The rows cannot be read, or none is kept.
    """
    made = 0
    for row in read_rows(task, split, root):
        prepared = prepare(task, row)
        if prepared is None:
            continue
        drawn = draws.choose(task.templates, seed, "export", task.name, row.id)
        for template in task.templates if every_template else (drawn,):
            made += 1
            yield render(task, template, prepared, row)
    if not made:
        raise RowError(f"{task.name} keeps no row of {split}; see its keep")


def licence_of(task: str, library: Mapping[str, Task]) -> str:
    """The licence of a task's rows.

    Raises:
        TaskError: The library has no such task: a licence is not guessed.
    """
    if task == SYNTHESISED:
        return "unstated"
    if task not in library:
        raise TaskError(
            f"the examples are of a task {task!r} that is not in the library, so their licence is "
            f"not known{did_you_mean(task, library) if library else ''}; name the folder of your "
            "tasks with --tasks-folder"
        )
    return library[task].licence


def as_conversation(example: Example, licence: str) -> Conversation:
    """An example with everything that is known of it."""
    fields = asdict(example)
    known = {name: fields[name] for name in PROVENANCE.names if name != "licence"}
    known["options"], known["references"] = list(example.options), list(example.references)
    dataset = example.row.split("/")[0]
    return single(
        example.prompt,
        "",
        example.target,
        id=example.id,
        source=dataset,
        extra={**known, "licence": licence},
    )

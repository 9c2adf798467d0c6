"""What a file to import is, and the import of each kind."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from preceptor.artifact import storage_errors, write_atomically
from preceptor.data.files import check_readable
from preceptor.data.formats import FORMATS, format_of
from preceptor.data.instructions import Wanted, import_instructions, provenance_of
from preceptor.data.natural import is_natural, read_natural
from preceptor.data.natural_tasks import UNKNOWN_CLUSTER, import_natural
from preceptor.data.outcome import Outcome, several
from preceptor.data.place import check_free, check_name, check_outside, snake_case
from preceptor.data.promptsource.importing import import_prompts
from preceptor.data.promptsource.reading import read_prompts
from preceptor.data.promptsource.rows import SPLITS, read_rows
from preceptor.data.survey import Survey
from preceptor.data.tally import Tally
from preceptor.data.taskyaml import TaskText
from preceptor.errors import RowError, TaskError
from preceptor.tasks.source import DATA_ROOT_VARIABLE
from preceptor.tasks.task import Task

PROMPTSOURCE, NATURAL = "promptsource", "natural-instructions"
KINDS = (*FORMATS, PROMPTSOURCE, NATURAL)
SHOWN = 12
"""Sources that are said; the task file has all."""


def kind_of(path: Path) -> str:
    """What a file is, by its ending and its first record.

    Raises:
        RowError: It cannot be read, or is none of ``KINDS``.
    """
    if path.suffix in (".yaml", ".yml") and path.is_file():
        return PROMPTSOURCE
    check_readable(path)
    if path.suffix == ".json" and _whole(path):
        return NATURAL
    return format_of(path)


def _whole(path: Path) -> bool:
    """Whether a file is one JSON object of Natural Instructions, and not lines or an array."""
    with path.open("rb") as stream:
        head = stream.read(1 << 16).removeprefix(b"\xef\xbb\xbf").lstrip()
    if not head.startswith(b"{"):
        return False
    if b'"Definition"' in head or b'"Instances"' in head:
        return True
    try:
        return is_natural(json.loads(head.split(b"\n")[0]))  # one record a line
    except (ValueError, RecursionError):
        pass
    try:
        return is_natural(json.loads(path.read_bytes()))
    except (ValueError, RecursionError):
        return False  # broken: read as lines, the place of the fault is named


def import_file(
    path: Path,
    kind: str,
    wanted: Wanted,
    root: Path | None,
    rows: str,
    tasks_folder: Path | None,
    library: Mapping[str, Task],
    overwrite: bool,
    tally: Tally,
) -> Outcome:
    """Import one file.

    Args:
        path: Of the file; it is only read.
        kind: One of ``KINDS``.
        wanted: What the user says of it; the name may be empty, then it follows from the file's.
        root: The data root.
        rows: For promptsource: the folder of the data root that the templates are for.
        tasks_folder: Where task files go; beside the rows without one.
        library: Known tasks, for data sets to hold out together.
        overwrite: Replace what an earlier import made.
        tally: Counts bad records, and says whether they stop the work.

    Raises:
        InputError: What is given cannot be used; nothing was changed.
    """
    if root is None:
        raise RowError(
            f"no data root is set: name the folder of data sets with --data, or set "
            f"{DATA_ROOT_VARIABLE}"
        )
    named = None if _is_set(root) else root
    if wanted.name:
        check_name(wanted.name)
    if kind == PROMPTSOURCE:
        made_prompts = _prompts(path, wanted, root, rows, tasks_folder, library, overwrite)
        return replace(made_prompts, root=named)
    if rows:
        raise RowError("--rows is for promptsource's templates; other files bring their rows")
    # train.jsonl is a name for rows and not for a task: that is its folder's.
    stem = path.resolve().parent.name if path.stem in SPLITS else path.stem
    wanted = replace(wanted, name=wanted.name or snake_case(stem))
    _check_new(wanted.name, library, overwrite)
    check_outside(path, root / wanted.name)
    target = tasks_folder / f"{wanted.name}.yaml" if tasks_folder is not None else None
    if target is not None:
        check_free(target, overwrite)
    if kind == NATURAL:
        outcome = _natural(path, wanted, root, library, overwrite, tally)
    else:
        made = import_instructions(path, kind, wanted, root, overwrite, tally)
        outcome = Outcome(
            kind,
            made.rows,
            made.folder,
            (),
            (made.task.task,),
            tally,
            remarks=_said(made.survey, wanted),
        )
    beside = root / wanted.name / f"{wanted.name}.yaml"
    if target is None:
        return replace(outcome, task_files=(beside,), root=named)
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, beside.read_bytes())
        beside.unlink()  # two files with one task's name could not be loaded together
    return replace(outcome, task_files=(target,), root=named)


def _is_set(root: Path) -> bool:
    """Whether commands find the data root without being told."""
    said = os.environ.get(DATA_ROOT_VARIABLE)
    return bool(said) and Path(str(said)).expanduser().resolve() == root.resolve()


def _check_new(name: str, library: Mapping[str, Task], overwrite: bool) -> None:
    if name in library and not overwrite:
        raise TaskError(f"there is a task {name!r} already; say another name with --name")


def _said(found: Survey, wanted: Wanted) -> tuple[str, ...]:
    said = []
    if found.sources and not wanted.provenance:
        kept = provenance_of(found)
        more = len(found.sources) - len(kept)
        shown = f"{', '.join(kept[:SHOWN])}{', ...' if len(kept) > SHOWN else ''}" or "none of them"
        said.append(
            f"its records name {several(len(found.sources), 'source')}; in its provenance, so that "
            f"it is held out with them: {shown}"
            + (f" ({len(kept):,} names in all)" if more else "")
        )
    if found.several:
        said.append(
            f"{found.several:,} of {found.conversations:,} conversations have several exchanges; "
            "each exchange is an example, with what was said before in its prompt"
        )
    if found.without_output:
        said.append(
            f"{found.without_output:,} answers are empty: their rows are there, and the task's "
            "keep leaves them out"
        )
    if not found.own_ids:
        said.append("ids were made: not every record has one that no other has")
    return tuple(said)


def _natural(
    path: Path,
    wanted: Wanted,
    root: Path,
    library: Mapping[str, Task],
    overwrite: bool,
    tally: Tally,
) -> Outcome:
    task = read_natural(path, tally)
    folder, text = import_natural(task, wanted, library, root, overwrite)
    remarks = []
    if not (wanted.cluster or wanted.category) and text.task.cluster == UNKNOWN_CLUSTER:
        remarks.append(
            f"its categories are no cluster of FLAN's, so it is in {UNKNOWN_CLUSTER}; say another "
            "with --cluster, or a category with --category"
        )
    if task.closed:
        remarks.append(f"every answer is one of {', '.join(task.closed)}: labels, with options")
    if not wanted.provenance and text.task.provenance[1:]:
        remarks.append(f"held out together with {', '.join(text.task.provenance[1:])}")
    return Outcome(
        NATURAL, len(task.instances), folder, (), (text.task,), tally, remarks=tuple(remarks)
    )


def _prompts(
    path: Path,
    wanted: Wanted,
    root: Path,
    rows: str,
    tasks_folder: Path | None,
    library: Mapping[str, Task],
    overwrite: bool,
) -> Outcome:
    prompts = read_prompts(path)
    if not rows:
        raise TaskError(
            "promptsource's templates need the rows that they are for: name their folder in the "
            f"data root with --rows, such as --rows {prompts.subset or prompts.dataset or 'rte'}"
        )
    if tasks_folder is None:
        raise TaskError("say with --tasks where the task files go: a folder of your own tasks")
    named = " ".join((prompts.dataset, prompts.subset, "promptsource"))
    wanted = replace(wanted, name=wanted.name or snake_case(named))
    _check_new(wanted.name, library, overwrite)
    kin = [task for task in library.values() if task.source.folder == rows]
    wanted = _like_kin(wanted, kin, rows)
    if not (wanted.cluster or wanted.category):
        raise TaskError(
            f"no task of the library has the rows {rows!r}, so say with --cluster or --category "
            "where the templates belong"
        )
    made = import_prompts(prompts, read_rows(root, rows), wanted)
    files = _write(made.tasks, tasks_folder, overwrite)
    remarks = [f"cluster, licence and provenance are those of {kin[0].name}"] if kin else []
    return Outcome(
        PROMPTSOURCE,
        0,
        None,
        files,
        tuple(text.task for text in made.tasks),
        Tally(),
        made.left,
        made.notes,
        tuple(remarks),
    )


def _like_kin(wanted: Wanted, kin: Sequence[Task], rows: str) -> Wanted:
    """What the user does not say is as for the library's task on the same rows."""
    if not kin:
        return replace(wanted, provenance=wanted.provenance or (rows,))
    first = kin[0]
    own = bool(wanted.cluster or wanted.category)
    return replace(
        wanted,
        cluster=wanted.cluster if own else first.cluster,
        category=wanted.category if own else first.category,
        licence=first.licence if wanted.licence == "unstated" else wanted.licence,
        provenance=wanted.provenance or first.provenance,
    )


def _write(texts: Sequence[TaskText], folder: Path, overwrite: bool) -> tuple[Path, ...]:
    paths = [folder / f"{text.task.name}.yaml" for text in texts]
    for path in paths:
        check_free(path, overwrite)
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in zip(paths, texts, strict=True):
            write_atomically(path, text.text.encode())
    return tuple(paths)

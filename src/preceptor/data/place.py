"""Where output goes: folders and files that are there whole or not at all, and never by mistake."""

import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from preceptor.artifact import storage_errors
from preceptor.errors import ArtifactError, TaskError

_NAME = re.compile(r"[a-z][a-z0-9_]*")


def snake_case(text: str) -> str:
    """A text as a task's name: small letters, digits and underscores, a letter first."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return name if _NAME.fullmatch(name) else f"n_{name}".rstrip("_")


def as_names(texts: Iterable[str]) -> tuple[str, ...]:
    """Texts in snake_case, each once, in order; without those that have no letter for it."""
    names = (snake_case(text) for text in texts if re.search("[a-z0-9]", text.lower()))
    return tuple(dict.fromkeys(names))


def check_name(name: str) -> None:
    """Refuse a name that no task can have.

    Raises:
        TaskError: It is not snake_case.
    """
    if not _NAME.fullmatch(name):
        raise TaskError(f"--name {name!r} is not snake_case; {snake_case(name)!r} would be")


def check_free(path: Path, overwrite: bool = False) -> None:
    """Refuse to write over something.

    Raises:
        ArtifactError: It is there already and ``overwrite`` was not asked for.
    """
    if path.exists() and not overwrite:
        raise ArtifactError(
            f"{path} is there already; choose another place, or say --overwrite to replace it"
        )


@contextmanager
def new_folder(path: Path, overwrite: bool, ours: Callable[[Path], bool]) -> Iterator[Path]:
    """A folder to fill, in its place when the block ends without error.

    Args:
        path: Of the folder.
        overwrite: Replace one that is there and holds nothing but what is ``ours``.
        ours: Whether a file of it, named from the folder, is one that we may have written.

    Raises:
        ArtifactError: It is there and may not be replaced.
        StorageError: The disk is full or may not be written.
    """
    check_free(path, overwrite)
    _check_ours(path, ours)
    aside = path.with_name(f".{path.name}.aside")
    with storage_errors(path):
        shutil.rmtree(aside, ignore_errors=True)  # what a killed attempt left
        aside.mkdir(parents=True)
        try:
            yield aside
            if path.is_dir():
                shutil.rmtree(path)
            aside.rename(path)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def _check_ours(path: Path, ours: Callable[[Path], bool]) -> None:
    if path.exists() and not path.is_dir():
        raise ArtifactError(f"{path} is a file; name a folder")
    for inside in sorted(path.rglob("*")) if path.is_dir() else ():
        if not inside.is_dir() and not ours(inside.relative_to(path)):
            raise ArtifactError(
                f"{path} holds {inside.relative_to(path)}, which preceptor data did not write; "
                "choose another place, nothing was changed"
            )


def check_outside(file: Path, folder: Path) -> None:
    """Refuse to replace a folder that what is read lies in.

    Raises:
        ArtifactError: It does.
    """
    if file.resolve().is_relative_to(folder.resolve()):
        raise ArtifactError(
            f"{file} is read and lies in {folder}, which would be replaced; choose another place"
        )


def rows_or_task(file: Path) -> bool:
    """Whether a file is what an import writes into its folder."""
    return (
        len(file.parts) == 1
        and file.suffix in (".jsonl", ".parquet", ".yaml")
        and (file.stem == "train" or file.suffix == ".yaml")
    )

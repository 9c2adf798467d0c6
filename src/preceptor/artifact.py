"""A stage's output on disk: content-addressed, published at once, skipped if done, resumed if cut.

    root/
      mixture-3f2a…/            published: manifest.json, timings.json and the stage's files
      .work/mixture-3f2a…/      being made: files/ (published by rename) and journal/ (for resuming)

The name ends in the hash of what decides the content: the stage's config, the digests of its inputs
and our version. Everything in a published folder but ``timings.json`` is a function of that, so a
run that was killed and resumed leaves the same bytes as one that was not.
"""

import errno
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from preceptor import __version__
from preceptor.errors import ArtifactError, StorageError

MANIFEST = "manifest.json"
TIMINGS = "timings.json"
LIBRARIES = ("torch", "transformers", "tokenizers", "safetensors", "numpy", "pyarrow", "rapidfuzz")


@dataclass(frozen=True, slots=True)
class Artifact:
    """A published folder."""

    path: Path
    manifest: Mapping[str, Any]
    fresh: bool
    """Made by this call, not found."""

    @property
    def digest(self) -> str:
        """SHA-256 over the names and contents of its files."""
        return str(self.manifest["digest"])

    @property
    def counts(self) -> Mapping[str, Any]:
        """What the stage counted."""
        counts: Mapping[str, Any] = self.manifest["counts"]
        return counts

    def file(self, name: str) -> Path:
        """Path of one of its files."""
        return self.path / name

    def timings(self) -> dict[str, Any]:
        """What the making took; empty when the file is gone."""
        return read_json(self.path / TIMINGS) if (self.path / TIMINGS).exists() else {}


class Work:
    """Where a stage builds: ``files`` will be published, ``journal`` is for resuming only."""

    def __init__(self, path: Path) -> None:
        self.files, self.journal = path / "files", path / "journal"
        self.timings: dict[str, Any] = {}
        """Anything that differs from run to run (seconds, rates, memory) goes here."""
        shutil.rmtree(self.files, ignore_errors=True)  # what a killed attempt left half written
        self.files.mkdir(parents=True)
        self.journal.mkdir(exist_ok=True)


def produce(
    root: Path,
    stage: str,
    config: Mapping[str, Any],
    inputs: Mapping[str, str],
    build: Callable[[Work], Mapping[str, Any]],
) -> Artifact:
    """The artifact of a stage: found when it is there, resumed when it was begun, else made.

    Args:
        root: The run's folder.
        config: What the stage was asked for, as JSON would write it.
        inputs: Name of each input to its digest.
        build: Makes the files in ``Work.files`` and returns counts that depend on nothing else.

    Raises:
        ArtifactError: A published folder of that name has no readable manifest, or lost a file.
        StorageError: The disk is full or may not be written.
    """
    key = content_key(stage, config, inputs)
    target = root / f"{stage}-{key}"
    with storage_errors(root):
        scratch = root / ".work" / target.name
        if target.exists():
            shutil.rmtree(scratch, ignore_errors=True)  # killed between publishing and cleaning up
            return Artifact(target, _checked(target), fresh=False)
        work = Work(scratch)
        started = time.monotonic()
        counts = build(work)
        work.timings["seconds"] = round(time.monotonic() - started, 3)
        files = {
            path.relative_to(work.files).as_posix(): {
                "sha256": file_digest(path),
                "bytes": path.stat().st_size,
            }
            for path in sorted(work.files.rglob("*"))
            if path.is_file()
        }
        manifest = {
            "stage": stage,
            "key": key,
            "version": __version__,
            "commit": source_commit(),
            "libraries": library_versions(),
            "config": config,
            "inputs": dict(inputs),
            "counts": dict(counts),
            "files": files,
            "digest": digest(files),
        }
        write_json(work.files / TIMINGS, work.timings)
        write_json(work.files / MANIFEST, manifest)
        _publish(work.files, target)
        shutil.rmtree(scratch, ignore_errors=True)
    return Artifact(target, read_json(target / MANIFEST), fresh=True)


def _publish(source: Path, target: Path) -> None:
    for path in source.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
    os.rename(source, target)
    folder = os.open(target.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def _checked(target: Path) -> dict[str, Any]:
    advice = f"delete the folder {target} and run again"
    try:
        manifest: dict[str, Any] = read_json(target / MANIFEST)
        files = manifest["files"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{target} has no readable {MANIFEST} ({error}); {advice}") from error
    for name, entry in files.items():
        path = target / name
        if not path.is_file() or file_digest(path) != entry["sha256"]:
            raise ArtifactError(f"{path} is missing or was changed; {advice}")
    return manifest


def content_key(stage: str, config: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
    """Twelve hex digits of the hash of what decides a stage's content."""
    decides = {"stage": stage, "version": __version__, "config": config, "inputs": dict(inputs)}
    return digest(decides)[:12]


def digest(value: Any) -> str:
    """SHA-256 of a value as canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_json(path: Path) -> Any:
    """A JSON file's value."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write a file of readable JSON so that it is there whole or not at all."""
    write_atomically(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def write_atomically(path: Path, content: bytes) -> None:
    """Write aside, flush to the disk, rename."""
    aside = path.with_name(f".{path.name}.aside")
    try:
        with aside.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def storage_errors(where: Path) -> Iterator[None]:
    """Turn a full or read-only disk into one clear line."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageError(
                f"no space is left on the disk of {where}; what was there is unchanged. "
                "Free some space and run the same command again"
            ) from error
        if error.errno in (errno.ENOTDIR, errno.EEXIST):
            raise StorageError(
                f"{error.filename or where} lies below a file; choose another output folder"
            ) from error
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            raise StorageError(
                f"{error.filename or where} may not be written; choose another output folder"
            ) from error
        if error.errno in (errno.EFBIG, errno.EIO, errno.EINVAL, errno.ENAMETOOLONG, errno.ELOOP):
            raise StorageError(
                f"{error.filename or where} cannot be written ({error.strerror}); choose another "
                "place"
            ) from error
        raise


@contextmanager
def claimed(root: Path, owner: str) -> Iterator[None]:
    """Hold a run's folder for one recipe and one process.

    Raises:
        ArtifactError: The folder belongs to another recipe, is not a run's folder at all, or
            another process is at work in it.
    """
    with storage_errors(root):
        marker = root / "run.json"
        if root.exists() and not root.is_dir():
            raise ArtifactError(f"{root} is a file; name a folder for the output")
        if marker.exists():
            try:
                there = read_json(marker)["recipe"]
            except (ValueError, KeyError, TypeError) as error:
                raise ArtifactError(f"{marker} cannot be read; choose another output") from error
            if there != owner:
                raise ArtifactError(
                    f"{root} belongs to the recipe {there!r}, not to {owner!r}; "
                    "choose another output folder"
                )
        elif root.exists() and any(
            p.name not in ("run.lock", ".run.json.aside") for p in root.iterdir()
        ):
            raise ArtifactError(
                f"{root} holds files that no recipe wrote; choose an empty or new output folder"
            )
        root.mkdir(parents=True, exist_ok=True)
        with (root / "run.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise ArtifactError(
                    f"another process is at work in {root}; wait for it or choose another output"
                ) from error
            if not marker.exists():
                write_json(marker, {"recipe": owner, "version": __version__})
            yield


@cache
def library_versions() -> dict[str, str]:
    """Versions of the libraries that can change a result."""
    return {name: metadata.version(name) for name in LIBRARIES}


@cache
def source_commit() -> str:
    """Our git commit ('+' when the tree was changed), or empty outside a checkout."""
    here = Path(__file__).parent
    command = ["git", "-C", str(here), "describe", "--always", "--abbrev=40", "--dirty=+"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""

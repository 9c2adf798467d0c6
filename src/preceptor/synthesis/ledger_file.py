"""A ledger's file: made, opened, checked, and its errors in plain words."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from preceptor.errors import ArtifactError, StorageError

APPLICATION_ID = 0x50524C31
"""In the header of every ledger."""
VERSION = 3
"""Of the tables: SQLite's ``user_version``."""
HEADER_BYTES = 100
"""Of any SQLite file."""

_SCHEMA = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
CREATE TABLE calls (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    role TEXT NOT NULL,
    model TEXT NOT NULL,
    messages TEXT NOT NULL,
    prompt_sha256 TEXT NOT NULL,
    sampling TEXT NOT NULL,
    seed INTEGER NOT NULL,
    note TEXT NOT NULL,
    asked_at REAL NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('asked', 'answered', 'failed')),
    answered_at REAL,
    reply TEXT,
    prompt_tokens INTEGER,
    reply_tokens INTEGER,
    finished INTEGER,
    cost REAL,
    answered_by TEXT,
    error TEXT,
    open_tokens INTEGER NOT NULL,
    open_dollars REAL NOT NULL,
    CHECK ((state = 'answered') = (reply IS NOT NULL)),
    CHECK ((state = 'failed') = (error IS NOT NULL))
) WITHOUT ROWID;
CREATE TABLE charges (
    call TEXT NOT NULL,
    at REAL NOT NULL,
    what TEXT NOT NULL,
    tokens INTEGER NOT NULL,
    dollars REAL NOT NULL
);
CREATE TABLE verdicts (
    course TEXT NOT NULL,
    task TEXT NOT NULL,
    call TEXT NOT NULL,
    position INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    detail TEXT NOT NULL,
    nearest TEXT NOT NULL,
    nearest_rouge_l REAL,
    PRIMARY KEY (course, task)
) WITHOUT ROWID;
"""
_DISK_FULL = (sqlite3.SQLITE_FULL,)
_NOT_WRITABLE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
_IN_USE = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def create(path: Path) -> None:
    """Make an empty ledger aside and rename it: an empty file is always a damaged one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.aside")
    aside.unlink(missing_ok=True)
    connection = sqlite3.connect(aside)
    try:
        connection.executescript(_SCHEMA)
    finally:
        connection.close()
    os.replace(aside, path)


def open_checked(path: Path) -> sqlite3.Connection:
    """A connection for writing, from any thread.

    Raises:
        ArtifactError: The file is no ledger, is damaged, or is of another version.
    """
    size = path.stat().st_size
    if size < HEADER_BYTES:  # SQLite takes an empty file for a new database
        raise ArtifactError(_damaged(path, f"it has {size} bytes"))
    connection = sqlite3.connect(path, check_same_thread=False)
    try:
        (application_id,) = connection.execute("PRAGMA application_id").fetchone()
        if application_id != APPLICATION_ID:
            raise ArtifactError(f"{path} is not a synthesis ledger; name another file")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != VERSION:
            raise ArtifactError(
                f"the synthesis ledger {path} is of version {version}, and this Preceptor reads "
                f"version {VERSION}; keep it with the version that wrote it, and choose another "
                "output folder"
            )
        (state,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if state != "ok":
            raise ArtifactError(_damaged(path, state))
        # Readers do not wait for writers, and a write is one flush of the disk instead of several.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def _damaged(path: Path, how: str) -> str:
    return (
        f"the synthesis ledger {path} is damaged ({' '.join(how.split())}); put a copy of it back, "
        "or delete it to ask the teacher again"
    )


@contextmanager
def clear_errors(path: Path) -> Iterator[None]:
    """Say of an SQLite error which file it is about and what to do."""
    try:
        yield
    except sqlite3.Error as error:
        # Errors of the Python layer (a closed connection) carry no code.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
        if code in _DISK_FULL:
            raise StorageError(
                f"no space is left on the disk of {path}; the replies in it are safe. "
                "Free some space and run the same command again"
            ) from error
        if code in _NOT_WRITABLE:
            raise StorageError(
                f"{path} may not be written ({error}); change its permissions or choose "
                "another output folder"
            ) from error
        if code in _IN_USE:
            raise ArtifactError(f"another process is writing to {path}; wait for it") from error
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise ArtifactError(_damaged(path, str(error))) from error
        raise

"""What was asked of teachers and what they answered: one SQLite file that outlives the artifacts.

A batch is written before it is sent and its replies when they arrive, each in one transaction that
has reached the disk before the work goes on. A run that stops in between asks that batch again; a
run with other filters, or more requests, asks nothing twice. Verdicts are not kept here: they
follow from the replies.
"""

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from preceptor.errors import ArtifactError, StorageError
from preceptor.records import Reply
from preceptor.synthesis.requests import Request

APPLICATION_ID = 0x50524C31
"""In the header of every ledger."""
HEADER_BYTES = 100
"""Of any SQLite file."""

_SCHEMA = f"""
PRAGMA application_id = {APPLICATION_ID};
CREATE TABLE requests (
    id TEXT PRIMARY KEY,
    prompt TEXT NOT NULL,
    prompt_sha256 TEXT NOT NULL,
    seed_ids TEXT NOT NULL,
    teacher TEXT NOT NULL,
    sampling TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('asked', 'answered')),
    reply TEXT,
    prompt_tokens INTEGER,
    reply_tokens INTEGER,
    finished INTEGER,
    CHECK ((state = 'answered') = (reply IS NOT NULL))
);
"""
_DISK_FULL = (sqlite3.SQLITE_FULL,)
_NOT_WRITABLE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
_IN_USE = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class Ledger:
    """A ledger's file, open: use it as a context manager.

    Raises:
        ArtifactError: The file is no ledger, is damaged, or another process is writing to it.
        StorageError: The disk is full, or the file may not be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with _clear_errors(path):
            if not path.exists():
                _create(path)
            self._connection = _open_checked(path)

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def replies(self, requests: Sequence[Request]) -> list[Reply] | None:
        """The replies of a batch, in order; None unless every one is there."""
        replies = []
        with _clear_errors(self.path):
            for request in requests:
                row = self._connection.execute(
                    "SELECT reply, prompt_tokens, reply_tokens, finished FROM requests "
                    "WHERE id = ? AND state = 'answered'",
                    (request.id,),
                ).fetchone()
                if row is None:
                    return None
                replies.append(Reply(row[0], row[1], row[2], bool(row[3])))
        return replies

    def ask(
        self, requests: Sequence[Request], teacher: str, sampling: Mapping[str, float | int | str]
    ) -> None:
        """Write down a batch that is about to be sent."""
        rows = [
            (r.id, r.prompt, r.prompt_sha256, json.dumps(r.seed_ids), teacher, _json(sampling))
            for r in requests
        ]
        with _clear_errors(self.path), self._connection:
            self._connection.executemany(
                "INSERT OR IGNORE INTO requests "
                "(id, prompt, prompt_sha256, seed_ids, teacher, sampling, state) "
                "VALUES (?, ?, ?, ?, ?, ?, 'asked')",
                rows,
            )

    def answer(self, requests: Sequence[Request], replies: Sequence[Reply]) -> None:
        """Write down the replies to a batch, all or none."""
        rows = [
            (reply.text, reply.prompt_tokens, reply.reply_tokens, reply.finished, request.id)
            for request, reply in zip(requests, replies, strict=True)
        ]
        with _clear_errors(self.path), self._connection:
            self._connection.executemany(
                "UPDATE requests SET state = 'answered', reply = ?, prompt_tokens = ?, "
                "reply_tokens = ?, finished = ? WHERE id = ?",
                rows,
            )


def _create(path: Path) -> None:
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


def _open_checked(path: Path) -> sqlite3.Connection:
    size = path.stat().st_size
    if size < HEADER_BYTES:  # SQLite takes an empty file for a new database
        raise ArtifactError(_damaged(path, f"it has {size} bytes"))
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA synchronous = FULL")
        (application_id,) = connection.execute("PRAGMA application_id").fetchone()
        if application_id != APPLICATION_ID:
            raise ArtifactError(f"{path} is not a synthesis ledger; name another file")
        (state,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if state != "ok":
            raise ArtifactError(_damaged(path, state))
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
def _clear_errors(path: Path) -> Iterator[None]:
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


def _json(value: Mapping[str, float | int | str]) -> str:
    return json.dumps(value, sort_keys=True)

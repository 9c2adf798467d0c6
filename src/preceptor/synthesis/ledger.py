"""What was asked of models and what they answered: one SQLite file that outlives the artifacts.

A call is written before it is sent, its reply when it arrives, verdicts when they fall; nothing
counts as written before it has reached the disk. A call that is cut off in between is asked again;
other filters, other seeds or more requests ask nothing twice, because a call's id is the hash of
what decides its reply. Money that an attempt may have cost without a reply is written down too.
"""

import json
import math
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from preceptor.errors import ArtifactError, StorageError
from preceptor.records import Reply
from preceptor.teachers.calls import Call

APPLICATION_ID = 0x50524C31
"""In the header of every ledger."""
VERSION = 2
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
_ASK = (
    "INSERT INTO calls (id, kind, role, model, messages, prompt_sha256, sampling, seed, note, "
    "asked_at, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'asked') "
    "ON CONFLICT (id) DO UPDATE SET state = 'asked', error = NULL WHERE state = 'failed'"
)
_ANSWER = (
    "UPDATE calls SET state = 'answered', answered_at = ?, reply = ?, prompt_tokens = ?, "
    "reply_tokens = ?, finished = ?, cost = ?, answered_by = ?, error = NULL WHERE id = ?"
)
_FAIL = "UPDATE calls SET state = 'failed', answered_at = ?, error = ? WHERE id = ?"
_CHARGE = "INSERT INTO charges (call, at, what, tokens, dollars) VALUES (?, ?, ?, ?, ?)"
_JUDGE = (
    "INSERT OR REPLACE INTO verdicts (course, task, call, position, verdict, detail, nearest, "
    "nearest_rouge_l) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_DISK_FULL = (sqlite3.SQLITE_FULL,)
_NOT_WRITABLE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
_IN_USE = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row to be written: which statement, and its values."""

    statement: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a task: 'kept', or the reason why not."""

    task: str
    call: str
    position: int
    verdict: str
    detail: str
    nearest: str
    nearest_rouge_l: float | None


@dataclass(frozen=True, slots=True)
class Totals:
    """All that was paid for so far, lost attempts included."""

    dollars: float
    tokens: int
    calls: int


@dataclass(frozen=True, slots=True)
class Observed:
    """What a ledger has of a model's replies to requests for tasks."""

    replies: int
    mean: float
    """Tokens of a reply."""
    low: float
    high: float
    """Two standard errors around the mean."""
    judged: int
    """Requests of the course that judged most."""
    kept: int
    """Tasks that it kept."""


def asking(call: Call, model: str) -> Entry:
    """That a call is about to be sent to a model."""
    messages = json.dumps([[m.role, m.content] for m in call.messages], ensure_ascii=False)
    return Entry(
        _ASK,
        (
            *(call.id, call.kind, call.role, model, messages, call.prompt_sha256),
            *(json.dumps(call.sampling.to_json()), call.seed, _json(call.note), time.time()),
        ),
    )


def answering(call: Call, reply: Reply) -> Entry:
    """That a reply arrived."""
    tokens = (reply.prompt_tokens, reply.reply_tokens)
    return Entry(
        _ANSWER,
        (time.time(), reply.text, *tokens, reply.finished, reply.cost, reply.model, call.id),
    )


def failing(call: Call, why: str) -> Entry:
    """That a model will not answer a call."""
    return Entry(_FAIL, (time.time(), why, call.id))


def charging(call_id: str, what: str, tokens: int, dollars: float) -> Entry:
    """That an attempt may have been billed and brought no reply."""
    return Entry(_CHARGE, (call_id, time.time(), what, tokens, dollars))


def judging(course: str, verdict: Verdict) -> Entry:
    """What became of a task in a course: a synthesis under one set of settings."""
    v = verdict
    return Entry(
        _JUDGE,
        (course, v.task, v.call, v.position, v.verdict, v.detail, v.nearest, v.nearest_rouge_l),
    )


class Ledger:
    """A ledger's file, open: use it as a context manager. Any thread may use it: they take turns.

    Raises:
        ArtifactError: The file is no ledger, is damaged, is of another version, or another process
            is writing to it.
        StorageError: The disk is full, or the file may not be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with _clear_errors(path):
            if not path.exists():
                _create(path)
            self._writes = _open_checked(path)
            self._reads = sqlite3.connect(path, check_same_thread=False)
        self._lock = threading.Lock()

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._reads.close()
        self._writes.close()

    def write(self, entries: Iterable[Entry]) -> None:
        """Write all of some entries or none; they are on the disk when this returns."""
        with self._lock, _clear_errors(self.path), self._writes:
            for statement, rows in _grouped(entries):
                self._writes.executemany(statement, rows)

    def outcome(self, call_id: str) -> Reply | str | None:
        """A call's reply; why it failed; None when it is still to be asked."""
        row = self._row(
            "SELECT state, reply, prompt_tokens, reply_tokens, finished, cost, answered_by, error "
            "FROM calls WHERE id = ?",
            call_id,
        )
        if row is None or row[0] == "asked":
            return None
        if row[0] == "failed":
            return str(row[7])
        return Reply(row[1], row[2], row[3], bool(row[4]), row[5], row[6])

    def totals(self) -> Totals:
        """What was paid for so far, over every run that wrote here."""
        row = self._row(
            "SELECT COALESCE(SUM(cost), 0), COALESCE(SUM(prompt_tokens + reply_tokens), 0), "
            "COUNT(*) FROM calls WHERE state = 'answered'"
        )
        lost = self._row(
            "SELECT COALESCE(SUM(dollars), 0), COALESCE(SUM(tokens), 0), COUNT(*) FROM charges"
        )
        assert row is not None
        assert lost is not None
        return Totals(row[0] + lost[0], row[1] + lost[1], row[2] + lost[2])

    def observed(self, model: str) -> Observed:
        """Length and yield of the replies that a model gave to requests for tasks."""
        asked = "FROM calls WHERE kind = 'task' AND state = 'answered' AND model = ?"
        row = self._row(
            f"SELECT COUNT(*), AVG(reply_tokens), AVG(reply_tokens * reply_tokens) {asked}", model
        )
        replies, mean, square = row[0], row[1] or 0.0, row[2] or 0.0
        error = 2 * math.sqrt(max(square - mean * mean, 0.0) / replies) if replies else 0.0
        found = self._row(
            "SELECT COUNT(DISTINCT verdicts.call), SUM(verdict = 'kept') FROM verdicts "
            "JOIN calls ON calls.id = verdicts.call WHERE calls.model = ? "
            "GROUP BY course ORDER BY 1 DESC LIMIT 1",
            model,
        )
        judged, kept = found or (0, 0)
        return Observed(replies, mean, max(mean - error, 0.0), mean + error, judged, kept)

    def call(self, call_id: str) -> dict[str, Any] | None:
        """All that is known of a call, with its JSON read; None when there is none."""
        return self._dict("SELECT * FROM calls WHERE id = ?", call_id)

    def verdict(self, task_id: str) -> list[dict[str, Any]]:
        """What became of a task, in each course that judged it."""
        with _clear_errors(self.path):
            cursor = self._reads.execute("SELECT * FROM verdicts WHERE task = ?", (task_id,))
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def calls_about(self, task_id: str) -> list[dict[str, Any]]:
        """The calls that were made for one task, after the one that wrote it."""
        with _clear_errors(self.path):
            found = self._reads.execute(
                "SELECT id FROM calls WHERE json_extract(note, '$.task') = ? ORDER BY asked_at",
                (task_id,),
            ).fetchall()
        return [call for (id_,) in found if (call := self.call(id_)) is not None]

    def _row(self, query: str, *values: object) -> Any:
        with self._lock, _clear_errors(self.path):
            return self._reads.execute(query, values).fetchone()

    def _dict(self, query: str, *values: object) -> dict[str, Any] | None:
        with self._lock, _clear_errors(self.path):
            cursor = self._reads.execute(query, values)
            row = cursor.fetchone()
            names = [column[0] for column in cursor.description]
        if row is None:
            return None
        found = dict(zip(names, row, strict=True))
        for name in ("messages", "sampling", "note"):
            found[name] = json.loads(found[name])
        return found


def _grouped(entries: Iterable[Entry]) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    """Entries as runs of one statement, in their order."""
    run: list[tuple[Any, ...]] = []
    statement = ""
    for entry in entries:
        if entry.statement != statement and run:
            yield statement, run
            run = []
        statement = entry.statement
        run.append(entry.values)
    if run:
        yield statement, run


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


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)

"""What was asked of models and what they answered: one SQLite file that outlives the artifacts.

A call is written before it is sent, its reply when it arrives, verdicts when they fall; nothing
counts as written before it has reached the disk. A call that is cut off in between is asked again;
other filters, other seeds or more requests ask nothing twice, because a call's id is the hash of
what decides its reply. Money that an attempt may have cost without a reply is written down too.
"""

import json
import math
import sqlite3
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from preceptor.records import Reply
from preceptor.synthesis.ledger_entries import Entry, charging, closing, grouped
from preceptor.synthesis.ledger_file import clear_errors, create, open_checked


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
    """Tokens of a reply for each task that was asked for."""
    low: float
    high: float
    """Two standard errors around the mean."""
    judged: int
    """Requests of the course that judged most."""
    kept: int
    """Tasks that it kept."""


class Ledger:
    """A ledger's file, open: use it as a context manager. Any thread may use it: they take turns.

    Raises:
        ArtifactError: The file is no ledger, is damaged, is of another version, or another process
            is writing to it.
        StorageError: The disk is full, or the file may not be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with clear_errors(path):
            if not path.exists():
                create(path)
            self._writes = open_checked(path)
            self._reads = sqlite3.connect(path, check_same_thread=False)
        self._lock, self._reading = threading.Lock(), threading.Lock()

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
        with self._lock, clear_errors(self.path), self._writes:
            for statement, rows in grouped(entries):
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

    def charge_what_was_cut(self) -> int:
        """Charge the calls that were on their way when a run was killed: each may have been billed.

        Returns:
            How many they were.
        """
        with self._reading, clear_errors(self.path):
            cut = self._reads.execute(
                "SELECT id, open_tokens, open_dollars FROM calls WHERE state = 'asked' "
                "AND open_tokens > 0"
            ).fetchall()
        self.write(
            entry
            for id_, tokens, dollars in cut
            for entry in (charging(id_, "cut off by a kill", tokens, dollars), closing(id_))
        )
        return len(cut)

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
            "SELECT COUNT(*), AVG(one), AVG(one * one) FROM (SELECT reply_tokens * 1.0 / "
            f"json_extract(note, '$.tasks') AS one {asked})",
            model,
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
        with clear_errors(self.path):
            cursor = self._reads.execute("SELECT * FROM verdicts WHERE task = ?", (task_id,))
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def calls_about(self, task_id: str) -> list[dict[str, Any]]:
        """The calls that were made for one task, after the one that wrote it."""
        with clear_errors(self.path):
            found = self._reads.execute(
                "SELECT id FROM calls WHERE json_extract(note, '$.task') = ? ORDER BY asked_at",
                (task_id,),
            ).fetchall()
        return [call for (id_,) in found if (call := self.call(id_)) is not None]

    def _row(self, query: str, *values: object) -> Any:
        with self._reading, clear_errors(self.path):
            return self._reads.execute(query, values).fetchone()

    def _dict(self, query: str, *values: object) -> dict[str, Any] | None:
        with self._reading, clear_errors(self.path):
            cursor = self._reads.execute(query, values)
            row = cursor.fetchone()
            names = [column[0] for column in cursor.description]
        if row is None:
            return None
        found = dict(zip(names, row, strict=True))
        for name in ("messages", "sampling", "note"):
            found[name] = json.loads(found[name])
        return found

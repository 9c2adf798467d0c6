"""What is written into a ledger: calls that are asked, replies, failures, charges, verdicts."""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from preceptor.records import Reply
from preceptor.teachers.calls import Call

_ASK = (
    "INSERT INTO calls (id, kind, role, model, messages, prompt_sha256, sampling, seed, note, "
    "asked_at, state, open_tokens, open_dollars) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'asked', ?, ?) "
    "ON CONFLICT (id) DO UPDATE SET state = 'asked', error = NULL, asked_at = excluded.asked_at, "
    "open_tokens = excluded.open_tokens, open_dollars = excluded.open_dollars "
    "WHERE state <> 'answered'"
)
_ANSWER = (
    "UPDATE calls SET state = 'answered', answered_at = ?, reply = ?, prompt_tokens = ?, "
    "reply_tokens = ?, finished = ?, cost = ?, answered_by = ?, error = NULL, open_tokens = 0, "
    "open_dollars = 0 WHERE id = ?"
)
_FAIL = (
    "UPDATE calls SET state = 'failed', answered_at = ?, error = ?, open_tokens = 0, "
    "open_dollars = 0 WHERE id = ?"
)
_CLOSE = "UPDATE calls SET open_tokens = 0, open_dollars = 0 WHERE id = ?"
_CHARGE = "INSERT INTO charges (call, at, what, tokens, dollars) VALUES (?, ?, ?, ?, ?)"
_JUDGE = (
    "INSERT OR REPLACE INTO verdicts (course, task, call, position, verdict, detail, nearest, "
    "nearest_rouge_l) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)


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


def asking(call: Call, model: str, tokens: int = 0, dollars: float = 0.0) -> Entry:
    """That a call is about to be sent to a model.

    Args:
        tokens: That it may be billed for, should nothing more be heard of it.
        dollars: Likewise.
    """
    messages = json.dumps([[m.role, m.content] for m in call.messages], ensure_ascii=False)
    return Entry(
        _ASK,
        (
            *(call.id, call.kind, call.role, model, messages, call.prompt_sha256),
            *(json.dumps(call.sampling.to_json()), call.seed, _json(call.note), time.time()),
            *(tokens, dollars),
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


def closing(call_id: str) -> Entry:
    """That a call is not on its way any more."""
    return Entry(_CLOSE, (call_id,))


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


def grouped(entries: Iterable[Entry]) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
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


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)

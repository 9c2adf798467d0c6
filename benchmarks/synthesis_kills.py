"""One synthesis, killed again and again, beside one that was left alone.

After each kill the ledger is copied and read. What it holds as answered then must not reach the
endpoint afterwards. An answer on its way at the moment of a kill is lost to any client: those are
counted, and are never more than were in flight.
"""

import random
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthesis_run import Log, Ours, Served, kill, served

WAIT_FOR_START = 0.25
"""Share of kills that may fall before the first request of their attempt."""
POLL = 0.005

Asked = tuple[str, int]
"""A call as endpoint and ledger both know it: hash of its messages, and its seed."""


@dataclass(frozen=True)
class Kill:
    """A moment, and what was safe by then."""

    at: float
    """Seconds since the epoch."""
    answered: frozenset[Asked]
    kept: frozenset[str]
    """Ids of tasks whose verdict 'kept' was written down."""


def killed(
    make: Callable[[str], Ours], folder: Path, kills: int, seed: int, *options: str
) -> dict[str, Any]:
    """Kill one run so many times, let it end, and compare it with one that nobody killed."""
    draw = random.Random(seed)
    run, alone = make("killed"), make("alone")
    moments: list[Kill] = []
    with served(folder / "killed.jsonl", *options) as endpoint:
        while len(moments) < kills:
            process = run.start(endpoint.url)
            if not _wait(process, endpoint, draw):
                break
            kill(process)
            moments.append(Kill(time.time(), *_safe(run.ledger, folder / "copy")))
        run.run(endpoint.url)
        log = endpoint.log()
    with served(folder / "alone.jsonl", *options, port=endpoint.port) as endpoint:
        alone.run(endpoint.url)
        undisturbed = endpoint.log()
    return {
        "kills": len(moments),
        "answered when killed": [len(moment.answered) for moment in moments],
        "kept when killed": [len(moment.kept) for moment in moments],
        **_compared(run, alone, log, moments),
        "requests": len(log.requests),
        "requests of the run left alone": len(undisturbed.requests),
        "asked again by the run left alone": undisturbed.again,
    }


def _compared(run: Ours, alone: Ours, log: Log, moments: list[Kill]) -> dict[str, Any]:
    kept, expected = run.kept(), alone.kept()
    ids = [row["id"] for row in kept]
    again = sum(
        one["asked"] > moment.at and _of(one) in moment.answered
        for moment in moments
        for one in log.requests
    )
    fresh = [_lost(log, before, moment) for before, moment in _pairs(moments)]
    return {
        "kept": len(kept),
        "answered and asked again": again,
        "kept unlike the run left alone": _unlike(kept, expected),
        "same bytes": run.instructions.read_bytes() == alone.instructions.read_bytes(),
        "ids doubled": len(ids) - len(set(ids)),
        "kept once and lost": len(frozenset().union(*(m.kept for m in moments)) - set(ids)),
        "answers lost on their way": fresh,
        "calls failed": _failed(run.ledger),
    }


def _pairs(moments: list[Kill]) -> list[tuple[float, Kill]]:
    begun = [0.0, *(moment.at for moment in moments)]
    return list(zip(begun, moments, strict=False))


def _lost(log: Log, since: float, moment: Kill) -> int:
    """Answers that were sent in an attempt and are not in the ledger that it left."""
    sent = [one for one in log.answered if since < one["ended"] <= moment.at]
    return sum(_of(one) not in moment.answered for one in sent)


def _unlike(kept: list[dict[str, Any]], expected: list[dict[str, Any]]) -> int:
    """Rows that only one of two runs has, or has elsewhere or otherwise."""
    different = sum(a != b for a, b in zip(kept, expected, strict=False))
    return different + abs(len(kept) - len(expected))


def _of(request: dict[str, Any]) -> Asked:
    return request["messages"], request["seed"]


def _wait(process: "subprocess.Popen[bytes]", endpoint: Served, draw: random.Random) -> bool:
    """Wait for the moment to kill; false when the run has ended by itself."""
    before = endpoint.log_path.stat().st_size
    if draw.random() < WAIT_FOR_START:
        return _sleep(process, draw.uniform(0.0, 5.0))
    while endpoint.log_path.stat().st_size == before:
        if not _sleep(process, POLL):
            return False
    return _sleep(process, draw.uniform(0.0, 1.5))


def _sleep(process: "subprocess.Popen[bytes]", seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


def _safe(ledger: Path, copy: Path) -> tuple[frozenset[Asked], frozenset[str]]:
    """What a killed run's ledger holds: its copy is read, so that nothing is mended in place."""
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    if not ledger.exists():
        return frozenset(), frozenset()
    for path in ledger.parent.glob(f"{ledger.name}*"):
        shutil.copy(path, copy)
    database = sqlite3.connect(copy / ledger.name)
    try:
        answered = "SELECT prompt_sha256, seed FROM calls WHERE state = 'answered'"
        kept = "SELECT task FROM verdicts WHERE verdict = 'kept'"
        return (
            frozenset((row[0], row[1]) for row in database.execute(answered)),
            frozenset(row[0] for row in database.execute(kept)),
        )
    except sqlite3.OperationalError:  # killed before its tables were made
        return frozenset(), frozenset()
    finally:
        database.close()


def _failed(ledger: Path) -> int:
    database = sqlite3.connect(ledger)
    try:
        (count,) = database.execute("SELECT count(*) FROM calls WHERE state = 'failed'").fetchone()
    finally:
        database.close()
    return int(count)

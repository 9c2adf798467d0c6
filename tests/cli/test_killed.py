"""Killed with -9 at any moment and run again, a run leaves the bytes of one that was not."""

import os
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from preceptor.artifact import read_json
from tests.cli.recipes import RECIPE, STAGES, Place, published, stages

Moment = tuple[str, Callable[[Path], bool]]
"""The stage that must not be published yet, and whether the moment to kill has come."""


def _answered(folder: Path) -> int:
    """Replies in the ledger; -1 before there is one."""
    if not (folder / "ledger.sqlite").exists():
        return -1
    with closing(sqlite3.connect(f"file:{folder}/ledger.sqlite?mode=ro", uri=True)) as ledger:
        (count,) = ledger.execute("SELECT count(reply) FROM calls").fetchone()
    return int(count)


def _journal(stage: str, pattern: str) -> Callable[[Path], bool]:
    return lambda folder: any(folder.glob(f".work/{stage}-*/journal/{pattern}"))


def _published(stage: str) -> Callable[[Path], bool]:
    return lambda folder: any(folder.glob(f"{stage}-*"))


MOMENTS: dict[str, Moment] = {
    "teacher asked for the first batch": ("synthesis", lambda folder: _answered(folder) == 0),
    "half the replies there": ("synthesis", lambda folder: _answered(folder) == 2),
    "first checkpoint of the tuning": ("adapter", _journal("adapter", "checkpoint.safetensors")),
    "adapter published": ("scores-base", _published("adapter")),
    "some scores of the base": ("scores-base", _journal("scores-base", "*.parquet")),
    "some scores of the tuned": ("scores-tuned", _journal("scores-tuned", "*.parquet")),
    "scores of the tuned published": ("report", _published("scores-tuned")),
}
ALL_IN_TURN = [
    "half the replies there",
    "first checkpoint of the tuning",
    "some scores of the base",
    "some scores of the tuned",
    "scores of the tuned published",
]


def _kill_at(place: Place, folder: Path, name: str) -> None:
    stage, has_come = MOMENTS[name]
    with place.start("run", RECIPE, "-o", str(folder)) as process:
        try:
            while not has_come(folder):
                assert process.poll() is None, f"it ended before: {name}"
                time.sleep(0.002)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not _published(stage)(folder), (
        f"{stage} was published before the kill; give it more work"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "moments",
    [
        ALL_IN_TURN,
        ["teacher asked for the first batch"],
        ["adapter published"],
    ],
    ids=["in turn", "first batch", "between stages"],
)
def test_a_killed_run_goes_on_to_the_same_bytes(
    place: Place, finished: Path, tmp_path: Path, moments: Sequence[str]
) -> None:
    folder = tmp_path / "run"
    for moment in moments:
        _kill_at(place, folder, moment)
    done = place.run("run", RECIPE, "-o", str(folder), "--json")
    assert done.code == 0, done.err
    assert published(folder) == published(finished)
    assert _ledger(folder) == _ledger(finished)
    assert not any((folder / ".work").iterdir())
    if moments is ALL_IN_TURN:
        timings = {name: read_json(path / "timings.json") for name, path in stages(folder).items()}
        assert timings["synthesis"]["requests_asked"] == 2
        assert "tokens_per_second" not in timings["adapter"]  # known of unbroken tuning only


@pytest.mark.parametrize("stage", STAGES)
def test_killed_with_everything_written_and_nothing_published_it_goes_on(
    place: Place, finished: Path, tmp_path: Path, stage: str
) -> None:
    """The moment before the rename, which is too short to hit with a signal."""
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    made = stages(folder)[stage]
    (folder / ".work" / made.name).mkdir()
    made.rename(folder / ".work" / made.name / "files")
    done = place.call("run", RECIPE, "-o", str(folder), "--json")
    assert done.code == 0, done.err
    assert [name for name, one in done.json["artifacts"].items() if one["fresh"]] == [stage]
    assert published(folder) == published(finished)


def _ledger(folder: Path) -> list[tuple[object, ...]]:
    """All that it holds but for when it was written."""
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as ledger:
        columns = [row[1] for row in ledger.execute("PRAGMA table_info(calls)")]
        lasting = ", ".join(name for name in columns if not name.endswith("_at"))
        return [
            *ledger.execute(f"SELECT {lasting} FROM calls ORDER BY id"),
            *ledger.execute("SELECT * FROM verdicts ORDER BY course, task"),
            *ledger.execute("SELECT call, what, tokens, dollars FROM charges"),
        ]

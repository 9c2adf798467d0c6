"""distilabel at the recorded endpoint, from outside: its speed, what it loses, what it asks again.

Its own cache is on, as its documentation has it for a run that is to go on after a crash. What
counts for it is the rows that it writes: where one request of a batch fails for good (a body that
is no whole JSON is not asked again), the whole batch becomes empty rows, however much was answered.
"""

import json
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthesis_load import prompts
from synthesis_replies import load_tasks
from synthesis_run import HERE, kill, read_log, served

PYTHON = HERE.parent / ".distilabel-venv" / "bin" / "python"
INSTALL = "make bench-env"
POLL = 0.05
PATIENCE = 60.0
"""Seconds without a request or an end after which it is taken to hang."""


@dataclass(frozen=True)
class Peer:
    """distilabel with a set of prompts."""

    folder: Path
    requests: int
    timeout: float
    """Seconds without a byte after which it gives a request up."""

    def start(self, url: str, batch: int, cache: str) -> "subprocess.Popen[str]":
        """Its process, leading a group of its own; the last line that it prints is JSON."""
        asked = self.folder / "prompts.jsonl"
        if not asked.exists():
            tasks = load_tasks(Path(os.environ["PRECEPTOR_DATA"]) / "scale")
            texts = prompts(tasks, self.requests, 7)
            asked.write_text("".join(json.dumps(text) + "\n" for text in texts))
        place = self.folder / cache
        place.mkdir(parents=True, exist_ok=True)
        given: dict[str, object] = {"url": url, "prompts": str(asked), "folder": str(place)}
        given |= {"batch": batch, "timeout": self.timeout}
        with (place / "said.txt").open("a") as said:
            return subprocess.Popen(
                [str(PYTHON), str(HERE / "synthesis_peer.py"), json.dumps(given)],
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                start_new_session=True,
            )

    def run(self, name: str, batch: int, options: Sequence[str]) -> dict[str, Any]:
        """One whole run at an endpoint of its own; ``batch`` requests are under way at once."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with served(self.folder / f"{name}.jsonl", *options) as endpoint:
            found = _ended(self.start(endpoint.url, batch, name))
            log = endpoint.log()
        whole = found.get("rows", 0) - found.get("empty", 0)
        return {
            **found,
            "answered": len(log.answered),
            "answers a second": round(log.throughput, 2),
            "rows a second": round(log.throughput * whole / len(log.answered), 2),
            "outcomes": log.outcomes,
        }

    def killed(self, name: str, batch: int, share: float, options: Sequence[str]) -> dict[str, Any]:
        """Kill it when so much is answered, start it again, and count what it asks twice."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{name}.jsonl"
        with served(path, *options) as endpoint:
            process = self.start(endpoint.url, batch, name)
            while process.poll() is None and len(endpoint.log().answered) < self.requests * share:
                time.sleep(POLL)
            kill(process)
            at = time.time()
            answered = {one["body"] for one in endpoint.log().answered if one["ended"] <= at}
            found = _watched(self.start(endpoint.url, batch, name), path)
        later = [one for one in read_log(path).requests if one["asked"] > at]
        return {
            **found,
            "answered when killed": len(answered),
            "of these asked again": len({one["body"] for one in later} & answered),
            "asked after the kill": len(later),
        }


def _watched(process: "subprocess.Popen[str]", log: Path) -> dict[str, Any]:
    """What it found, or that it hangs: then it is killed."""
    size, since = 0, time.monotonic()
    while process.poll() is None:
        time.sleep(POLL)
        if (grown := log.stat().st_size) > size:
            size, since = grown, time.monotonic()
        if time.monotonic() - since > PATIENCE:
            kill(process)
            return {"hangs": f"asked nothing for {PATIENCE:g} seconds"}
    return _ended(process)


def _ended(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """What it found; where it fell over, the exit status."""
    said, _ = process.communicate()
    lines = [line for line in said.splitlines() if line.startswith('{"rows"')]
    found: dict[str, Any] = json.loads(lines[-1]) if lines else {"exit status": process.returncode}
    return found

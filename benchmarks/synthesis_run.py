"""Both sides of the synthesis benchmark, as processes: the recorded endpoint, and what asks it.

An endpoint is started anew for every measurement, so that all clients meet the same draws, and its
log says what each client was answered and when.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

from synthesis_load import throughput

HERE = Path(__file__).parent
COMMAND = [str(Path(sys.executable).with_name("preceptor")), "synthesize"]
MODEL = "recorded"


@dataclass(frozen=True)
class Log:
    """What an endpoint wrote down."""

    requests: list[dict[str, Any]]
    """In the order received, each with its outcome where it has one."""

    @cached_property
    def answered(self) -> list[dict[str, Any]]:
        return [one for one in self.requests if one.get("outcome") == "answered"]

    @property
    def throughput(self) -> float:
        """Answers a second, from the first request on (see ``synthesis_load.throughput``)."""
        times = [one["ended"] for one in self.answered]
        return throughput(times, self.requests[0]["asked"])

    @property
    def outcomes(self) -> dict[str, int]:
        return dict(Counter(one.get("outcome", "open") for one in self.requests).most_common())

    @property
    def again(self) -> int:
        """Requests that came after an answer to the very same one."""
        done: dict[str, float] = {}
        for one in self.answered:
            done[one["body"]] = min(one["ended"], done.get(one["body"], one["ended"]))
        return sum(one["asked"] > done.get(one["body"], one["asked"]) for one in self.requests)


def read_log(path: Path) -> Log:
    """A log, also of an endpoint that is still running."""
    requests: dict[int, dict[str, Any]] = {}
    with path.open() as lines:
        for text in lines:
            if not text.endswith("\n"):
                break
            line = json.loads(text)
            requests.setdefault(line["n"], {}).update(line)
    return Log(list(requests.values()))


@dataclass(frozen=True)
class Served:
    """A running endpoint."""

    url: str
    port: int
    log_path: Path

    def log(self) -> Log:
        return read_log(self.log_path)


@contextmanager
def served(log: Path, *options: str, port: int = 0) -> Iterator[Served]:
    """An endpoint in a process of its own, for as long as the block runs."""
    command = [sys.executable, str(HERE / "endpoint.py"), "--log", str(log), "--port", str(port)]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            word, _, found = process.stdout.readline().strip().partition(" ")
            if word != "port":
                raise RuntimeError("the recorded endpoint did not start")
            yield Served(f"http://127.0.0.1:{found}/v1", int(found), log)
        finally:
            process.terminate()


def plain_load(url: str, requests: int, concurrency: int, stall: float) -> dict[str, Any]:
    """What the load generator says of itself."""
    command = [sys.executable, str(HERE / "endpoint.py"), "load", "--url", url]
    command += ["--requests", str(requests), "--concurrency", str(concurrency)]
    command += ["--stall", str(stall)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@dataclass(frozen=True)
class Used:
    """What a process took."""

    seconds: float
    processor_seconds: float
    memory: int
    """Bytes at its peak."""


@dataclass(frozen=True)
class Ours:
    """A synthesis by ``preceptor synthesize``, in a folder of its own."""

    folder: Path
    synthesis: Mapping[str, Any]
    """The recipe's section but for the teacher."""
    teacher: Mapping[str, Any]

    def start(self, url: str) -> "subprocess.Popen[bytes]":
        """The command, leading a group of its own; what it says goes to a file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        teacher = {"model": MODEL, "endpoint": url, **self.teacher}
        content = {
            "name": "recorded",
            "seed": 2023,
            "output": str(self.folder / "run"),
            "synthesis": {**self.synthesis, "teacher": teacher},
        }
        recipe = self.folder / "recipe.yaml"
        recipe.write_text(yaml.safe_dump(content))
        with (self.folder / "said.txt").open("ab") as said:
            return subprocess.Popen(
                [*COMMAND, str(recipe), "--json"],
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    def run(self, url: str) -> Used:
        """A whole run.

        Raises:
            RuntimeError: It failed; with what it said last.
        """
        began = time.perf_counter()
        process = self.start(url)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said = (self.folder / "said.txt").read_text(errors="replace")
            raise RuntimeError(
                f"preceptor synthesize ended with {process.returncode}: {said[-800:]}"
            )
        took = time.perf_counter() - began
        return Used(took, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)

    @property
    def ledger(self) -> Path:
        return self.folder / "run" / "ledger.sqlite"

    @property
    def counts(self) -> dict[str, Any]:
        """What the finished run counted."""
        (path,) = (self.folder / "run").glob("synthesis-*/manifest.json")
        found: dict[str, Any] = json.loads(path.read_text())["counts"]
        return found

    @property
    def instructions(self) -> Path:
        """The finished run's file of kept tasks."""
        (path,) = (self.folder / "run").glob("synthesis-*/instructions.parquet")
        return path

    def kept(self) -> list[dict[str, Any]]:
        """The finished run's kept tasks, in order."""
        rows: list[dict[str, Any]] = pq.read_table(self.instructions).to_pylist()
        return rows


def kill(process: "subprocess.Popen[Any]") -> None:
    """SIGKILL to a process and all that it started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()

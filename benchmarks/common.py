"""The form of a benchmark: figures with goals, versions, hardware, one JSON line at the end."""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import NoReturn

RESULTS = Path(__file__).parent / "results"
LIBRARIES = ("preceptor", "torch", "transformers", "tokenizers")


@dataclass(frozen=True)
class Figure:
    """One number, what it should reach, and whether it does."""

    value: float
    unit: str
    goal: str
    holds: bool


def at_least(value: float, unit: str, goal: float) -> Figure:
    return Figure(round(value, 4), unit, f">= {goal:g}", value >= goal)


def at_most(value: float, unit: str, goal: float) -> Figure:
    return Figure(value, unit, f"<= {goal:g}", value <= goal)


def side_by_side(runs: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median seconds of each, taken in turn (A B C A B C ...) so that drift hits all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - started)
    return {name: median(taken) for name, taken in seconds.items()}


def cannot_run(why: str) -> NoReturn:
    print(f"cannot run: {why}", file=sys.stderr)
    sys.exit(2)


def hardware() -> str:
    """Processor, cores and threads used."""
    name = platform.processor() or platform.machine()
    cpu_info = Path("/proc/cpuinfo")
    if cpu_info.exists():
        lines = [
            line for line in cpu_info.read_text().splitlines() if line.startswith("model name")
        ]
        flags = "avx512_bf16" if "avx512_bf16" in cpu_info.read_text() else "no avx512_bf16"
        name = f"{lines[0].partition(':')[2].strip()} ({flags})" if lines else name
    return f"{name}, {os.cpu_count()} cores"


def commit() -> str:
    done = subprocess.run(
        ["git", "-C", str(RESULTS.parent), "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


def finish(benchmark: str, figures: dict[str, Figure], details: object, quick: bool) -> NoReturn:
    """Print the line, write a full run to ``results/``, exit 0 when every goal holds, else 1."""
    line = {
        "benchmark": benchmark,
        "figures": {name: asdict(figure) for name, figure in figures.items()},
        "versions": {name: metadata.version(name) for name in LIBRARIES},
        "hardware": hardware(),
    }
    if not quick:
        day = datetime.now(UTC).date().isoformat()
        RESULTS.mkdir(exist_ok=True)
        full = {**line, "date": day, "commit": commit(), "details": details}
        path = RESULTS / f"{benchmark}-{day}.json"
        path.write_text(json.dumps(full, indent=2) + "\n")
    print(json.dumps(line))
    sys.exit(0 if all(figure.holds for figure in figures.values()) else 1)

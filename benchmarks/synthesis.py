"""Synthesis at an endpoint that is slow and faulty: speed, memory, kills, and a peer beside it.

The endpoint (``endpoint.py``) answers from real text. With faults, 15% of its attempts are errors,
5% malformed, 2% a 429 with Retry-After, and 1% stall. Its log says who was answered what, and when.

    throughput    ``preceptor synthesize``, distilabel and a plain load generator in turn, the
                  same number of requests and as many at once: answers a second until 95% are in
    memory        runs to 5,000 and to 25,005 kept tasks, one task a reply, against a run to 50
    kills         a run killed twenty times at random moments, against one left alone
    distilabel    what it loses under the same faults, and what becomes of it after a kill

    python benchmarks/synthesis.py [--quick]
"""

import json
import os
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

from common import Figure, at_least, at_most, cannot_run, finish
from synthesis_beside import INSTALL, PYTHON, Peer
from synthesis_kills import killed
from synthesis_run import Ours, plain_load, served

CONCURRENCY = 64
STALL = 10.0
"""Seconds without a byte after which every client gives a request up."""
TEACHER = {"concurrency": CONCURRENCY, "stall": STALL, "timeout": 60, "attempts": 20}
ENDLESS = {"floor": {"rate": 0}}
FAST = ("--delay", "0.05", "--retry-after", "0.1")
FAST_TEACHER = {**TEACHER, "stall": 1}
WAYS = {"without faults": ("--no-faults",), "with faults": ()}
GIB = 2**30
SEED = 2023


def main() -> None:
    quick = "--quick" in sys.argv[1:]
    if not os.environ.get("PRECEPTOR_DATA"):
        cannot_run("set PRECEPTOR_DATA to the folder of data sets")
    if not PYTHON.exists():
        cannot_run(f"distilabel is not in {PYTHON.parents[1]}; run '{INSTALL}'")
    figures: dict[str, Figure] = {}
    details: dict[str, object] = {"aiohttp": metadata.version("aiohttp")}
    details["processes that wanted to run"] = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        for name, part in (("kills", kills), ("memory", memory), ("throughput", speed)):
            found, details[name] = part(Path(folder) / name, quick)
            figures |= found
            print(name, json.dumps(details[name]), file=sys.stderr)
        details["distilabel after a kill"] = after_a_kill(Path(folder) / "after", quick)
        print(json.dumps(details["distilabel after a kill"]), file=sys.stderr)
    finish("synthesis", figures, details, quick)


def speed(folder: Path, quick: bool) -> tuple[dict[str, Figure], dict[str, Any]]:
    """Every client in turn, with and without faults, each at an endpoint of its own."""
    requests, repeats, beside = (640, 1, 640) if quick else (6_000, 2, 1_920)
    # A run begins with few calls at once; of a short one that is a large part.
    goal = 0.75 if quick else 0.95
    figures: dict[str, Figure] = {}
    details: dict[str, Any] = {"requests": requests, "of distilabel": beside}
    for way, options in WAYS.items():
        place = folder / way.replace(" ", "-")
        place.mkdir(parents=True)
        load, ours = [], []
        for i in range(repeats):
            with served(place / f"load-{i}.jsonl", *options) as endpoint:
                plain_load(endpoint.url, requests, CONCURRENCY, STALL)
                load.append(endpoint.log())
            run = Ours(place / f"ours-{i}", {"requests": requests, **ENDLESS}, TEACHER)
            with served(place / f"ours-{i}.jsonl", *options) as endpoint:
                used = run.run(endpoint.url)
                ours.append(endpoint.log())
        peer = Peer(place / "peer", beside, STALL)
        peers = {f"{n} at once": peer.run(f"{n}", n, options) for n in (CONCURRENCY, 256)}
        ratios = [a.throughput / b.throughput for a, b in zip(ours, load, strict=True)]
        best = max(found["rows a second"] for found in peers.values())
        figures[f"throughput {way}"] = at_least(median(ratios), "of the load generator's", goal)
        # Not a ratio: under faults it may write no row at all.
        figures[f"more a second than distilabel {way}"] = at_least(
            median(log.throughput for log in ours) - best, "rows", 0.0
        )
        figures[f"requests lost {way}"] = at_most(run.counts["calls_failed"], "requests", 0)
        figures[f"answered and asked again {way}"] = at_most(
            max(log.again for log in ours), "requests", 0
        )
        details[way] = {
            "answers a second": {
                "load": [round(log.throughput, 2) for log in load],
                "ours": [round(log.throughput, 2) for log in ours],
            },
            "outcomes of ours": ours[-1].outcomes,
            "processor seconds of ours": round(used.processor_seconds, 1),
            "distilabel": peers,
        }
    return figures, details


def memory(folder: Path, quick: bool) -> tuple[dict[str, Figure], dict[str, Any]]:
    """The most memory of runs of three sizes, with faults and short delays."""
    sizes = (50, 300, 1_500) if quick else (50, 5_000, 25_005)
    folder.mkdir()
    details: dict[str, Any] = {}
    most: list[int] = []
    for size in sizes:
        run = Ours(folder / f"{size}", {"target": size, **ENDLESS}, FAST_TEACHER)
        with served(folder / f"{size}.jsonl", *FAST) as endpoint:
            used = run.run(endpoint.url)
            log = endpoint.log()
        most.append(used.memory)
        details[f"{size:,}"] = {
            "kept": run.counts["kept"],
            "requests": run.counts["requests"],
            "calls failed": run.counts["calls_failed"],
            "MiB": round(used.memory / 2**20),
            "seconds": round(used.seconds, 1),
            "processor seconds": round(used.processor_seconds, 1),
            "answers a second": round(log.throughput, 1),
        }
    figures = {
        "kept beside the target": at_most(abs(run.counts["kept"] - sizes[-1]), "tasks", 0),
        f"peak memory at {sizes[-1]:,}": at_most(round(most[-1] / GIB, 3), "GiB", 1.5),
    }
    if not quick:
        grown = (most[2] - most[0]) / max(most[1] - most[0], 1)
        figures["memory of 25,005 against 5,000, each less that of 50"] = at_most(
            round(grown, 2), "times", 5.0
        )
    return figures, details


def kills(folder: Path, quick: bool) -> tuple[dict[str, Figure], dict[str, Any]]:
    """One run killed at random moments, and one left alone."""
    count, target = (4, 250) if quick else (20, 1_200)
    folder.mkdir()
    synthesis = {"target": target, **ENDLESS}
    teacher = {**FAST_TEACHER, "concurrency": 16}

    def make(name: str) -> Ours:
        return Ours(folder / name, synthesis, teacher)

    found = killed(make, folder, count, SEED, "--slots", "16", "--delay", "0.1", *FAST[2:])
    figures = {
        "kills": at_least(found["kills"], "kills", count),
        "answered and asked again after a kill": at_most(
            found["answered and asked again"], "requests", 0
        ),
        "kept unlike a run left alone": at_most(
            found["kept unlike the run left alone"], "tasks", 0
        ),
        "ids doubled after kills": at_most(found["ids doubled"], "ids", 0),
        "kept before a kill and lost": at_most(found["kept once and lost"], "tasks", 0),
        "answers lost on their way at a kill": at_most(
            max(found["answers lost on their way"], default=0), "requests", 16
        ),
    }
    return figures, found


def after_a_kill(folder: Path, quick: bool) -> dict[str, Any]:
    """What becomes of distilabel, killed within a batch and at another moment."""
    peer = Peer(folder, 320 if quick else 1_280, STALL)
    return {
        f"killed at {share:.0%}": peer.killed(f"{share}", CONCURRENCY, share, ("--no-faults",))
        for share in ((0.5,) if quick else (0.3, 0.55, 0.8))
    }


if __name__ == "__main__":
    main()

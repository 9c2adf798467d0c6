"""The novelty filter: ours against Self-Instruct's and Alpaca's calls and rapidfuzz's ``cdist``.

Real instructions, questions and prompts under $PRECEPTOR_DATA/scale, in one shuffled order; beyond
them derived ones: real texts in which words are exchanged for words of others, one in ten in a
quarter of the texts, one in two in the rest. All sides begin with strings and end with decisions,
at ROUGE-L F > 0.7 against every text that was kept before.

    few       a number of texts at which the published calls can be waited for
    more      rapidfuzz and ours
    growth    ours from 10,000 texts on, each number in a process of its own whose memory is read
    loop      ours with one text at a time, as in a running synthesis

    python benchmarks/novelty.py [--quick]
"""

import gzip
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from statistics import median

from common import Figure, at_least, at_most, cannot_run, finish
from novelty_peers import THRESHOLD, alpaca, no_pool, rapidfuzz, self_instruct
from preceptor.synthesis.novelty import NoveltyIndex, keep_novel
from preceptor.synthesis.novelty.native import library

FILES = {
    "alpaca_5000": "instruction",
    "medquad_questions": "question",
    "questions": "question",
    "t0_prompts": "prompt",
}
SEED = 2023
CORES = 2
GIB = 2**30
POOL = 25_000
"""Texts in the index of the loop."""
QUERIES = 2_000


def main() -> None:
    if sys.argv[1:2] == ["--ours"]:
        print(json.dumps(ours_alone(int(sys.argv[2]), sys.argv[3] == "stem")))
        return
    quick = "--quick" in sys.argv[1:]
    if not os.environ.get("PRECEPTOR_DATA"):
        cannot_run("set PRECEPTOR_DATA to the folder of data sets")
    if library() is None:
        cannot_run("the novelty index is not compiled: install Preceptor with a C compiler there")
    texts = real()
    details: dict[str, object] = {
        "texts": len(texts),
        "libraries": {
            name: metadata.version(name) for name in ("rouge_score", "rapidfuzz", "nltk")
        },
        "load_before": os.getloadavg(),
    }
    figures = compared(texts, quick, details) | grown(quick, details) | looped(texts, details)
    details["load_after"] = os.getloadavg()
    print(json.dumps(details), file=sys.stderr)
    finish("novelty", figures, details, quick)


def real() -> list[str]:
    """All texts, shuffled."""
    root = Path(os.environ["PRECEPTOR_DATA"]) / "scale"
    texts = []
    for name, field in FILES.items():
        with gzip.open(root / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            texts += [json.loads(line)[field] for line in lines]
    random.Random(SEED).shuffle(texts)
    return texts


def real_and_derived(count: int) -> list[str]:
    texts = real()
    words = [word for text in texts for word in text.split()]
    drawn, sources = random.Random(SEED), len(texts)
    while len(texts) < count:
        share = 0.1 if drawn.random() < 0.25 else 0.5
        source = texts[drawn.randrange(sources)].split()
        texts.append(
            " ".join(drawn.choice(words) if drawn.random() < share else word for word in source)
        )
    return texts[:count]


def compared(texts: list[str], quick: bool, details: dict[str, object]) -> dict[str, Figure]:
    """Every program on the same texts, in the same minutes; which decisions differ."""
    few, most = (150, 5_000) if quick else (600, 100_000)
    middle = 2_000 if quick else POOL
    ways: dict[str, Callable[[list[str]], list[bool]]] = {
        "ours": keep_novel,
        "rapidfuzz": lambda some: rapidfuzz(some, 1),
        "rapidfuzz, two threads": lambda some: rapidfuzz(some, CORES),
        "Alpaca": lambda some: alpaca(some, CORES),
        "Alpaca, no pool": no_pool,
        "Self-Instruct": lambda some: self_instruct(some, CORES),
    }
    runs: dict[int, dict[str, float]] = {}
    different = 0
    for count, names in ((few, [*ways]), (middle, [*ways][:3]), (most, [*ways][:3:2])):
        seconds, decisions = {}, {}
        for name in names:
            taken = []
            for _ in range(3 if name == "ours" else 1):
                began = time.perf_counter()
                decisions[name] = ways[name](texts[:count])
                taken.append(time.perf_counter() - began)
            seconds[name] = median(taken)
            pairs = zip(decisions[name], decisions["ours"], strict=True)
            different += sum(a != b for a, b in pairs)
        runs[count] = seconds
        ratios = {name: round(one / seconds["ours"], 1) for name, one in seconds.items()}
        line = {"seconds": seconds, "ratios": ratios, "kept": sum(decisions["ours"])}
        details[f"side by side, {count:,}"] = line
        print(f"{count:,}: {json.dumps(line)}", file=sys.stderr)
    at_few, at_middle = runs[few], runs[middle]
    best = min(at_middle["rapidfuzz"], at_middle["rapidfuzz, two threads"])
    return {
        "decisions unlike ours": at_most(different, "texts", 0),
        f"against Self-Instruct, {few:,}": at_least(
            at_few["Self-Instruct"] / at_few["ours"], "times", 1_000
        ),
        f"against Alpaca, {few:,}": at_least(at_few["Alpaca"] / at_few["ours"], "times", 1_000),
        f"against Alpaca, no pool, {few:,}": at_least(
            at_few["Alpaca, no pool"] / at_few["ours"], "times", 1_000
        ),
        f"against rapidfuzz at its best, {middle:,}": at_least(
            best / at_middle["ours"], "times", 5 if quick else 20
        ),
    }


def grown(quick: bool, details: dict[str, object]) -> dict[str, Figure]:
    goals = {10_000: 0.2, 25_000: 0.5} if quick else {25_000: 0.5, 100_000: 4.0, 1_000_000: 600.0}
    counts = [10_000, 25_000] if quick else [10_000, 25_000, 50_000, 100_000, 300_000, 1_000_000]
    runs = {}
    for count in counts:
        runs[f"{count:,}"] = alone(count, "plain words")
        print(f"ours, {count:,}: {json.dumps(runs[f'{count:,}'])}", file=sys.stderr)
    stemmed = {f"{count:,}": alone(count, "stem") for count in counts if count <= 100_000}
    details["growth"], details["growth, stemmed"] = runs, stemmed
    figures = {
        f"{count:,} texts": at_most(round(runs[f"{count:,}"]["seconds"], 4), "seconds", goal)
        for count, goal in goals.items()
    }
    most = runs[f"{counts[-1]:,}"]["memory"]
    return {**figures, f"memory, {counts[-1]:,}": at_most(round(most / GIB, 3), "GiB", 4.0)}


def alone(count: int, how: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--ours", str(count), how]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        cannot_run(f"filtering {count:,} texts ended with {done.returncode}: {done.stderr[-500:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def ours_alone(count: int, stem: bool) -> dict[str, float]:
    """In a process of its own: seconds of the whole filter; memory with the texts in it."""
    texts = real_and_derived(count)
    before, taken = peak_memory(), []
    for _ in range(1 if count > 100_000 else 3):
        began = time.perf_counter()
        kept = keep_novel(texts, THRESHOLD, stem)
        taken.append(time.perf_counter() - began)
    return {
        "seconds": median(taken),
        "first": taken[0],
        "kept": sum(kept),
        "memory": peak_memory(),
        "memory_before": before,
    }


def peak_memory() -> int:
    """Bytes of this process at most, from its start on."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def looped(texts: list[str], details: dict[str, object]) -> dict[str, Figure]:
    """One text at a time into an index, then questions about others."""
    index = NoveltyIndex()
    began = time.perf_counter()
    for number, text in enumerate(texts[:POOL]):
        index.above(text, THRESHOLD)
        index.add(str(number), text)
    seconds = {"asked and added, all": time.perf_counter() - began}
    questions = texts[POOL : POOL + QUERIES]
    for name, ask in (
        ("nearest", index.nearest),
        ("above", lambda text: index.above(text, THRESHOLD)),
    ):
        taken = []
        for text in questions:
            began = time.perf_counter()
            ask(text)
            taken.append(time.perf_counter() - began)
        taken.sort()
        seconds |= {
            f"{name}, median": median(taken),
            f"{name}, 99th of 100": taken[-len(taken) // 100],
        }
    details["loop"] = seconds
    print(f"loop: {json.dumps(seconds)}", file=sys.stderr)
    return {
        f"nearest of {POOL:,}, median": at_most(
            round(1000 * seconds["nearest, median"], 4), "milliseconds", 1.0
        )
    }


if __name__ == "__main__":
    main()

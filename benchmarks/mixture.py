"""A mixture of FLAN's size: 62 sets of 30,000 rows, mixed with tokens at three sizes.

Rows are real ones with some words exchanged (``flan_sized``), in the tokens of the embedded
SmolLM2-135M. Each size is mixed by a process of its own, which is watched from outside. The
smallest is also made in memory, in the plainest way, of sets of 200 rows, and compared example by
example and id by id.

    python benchmarks/mixture.py [--quick]
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal

from common import Figure, at_most, cannot_run, finish
from flan_sized import ROWS, SETS, Set, sets, write
from preceptor import draws
from preceptor.artifact import Work
from preceptor.errors import ModelError
from preceptor.mixture.config import MixtureConfig
from preceptor.mixture.rates import apportion
from preceptor.mixture.stage import EXAMPLES, TOKENS, Needs, mix, prepare_mixture, read_examples
from preceptor.mixture.tokens import read_tokens
from preceptor.mixture.workers import cores
from preceptor.model.batch import BatchEncoder
from preceptor.model.formats import encode_prompt, encode_target
from preceptor.model.loading import load_tokenizer
from preceptor.records import Example
from preceptor.tasks.catalogue import load_tasks
from preceptor.tasks.source import read_rows
from preceptor.tasks.task import prepare
from preceptor.tasks.template import render

SEED = 2023
MODEL = "embedded:smollm2-135m"
GIB = 2**30
DRAWS = 4_000
"""Examples drawn at random places to time one."""
SMALL_ROWS = 200


@dataclass(frozen=True)
class Ask:
    """What a process of its own is to mix."""

    folder: str
    name: str
    count: int
    rows: int
    examples: int
    seed: int = SEED
    rates: Literal["proportional", "tokens"] = "proportional"


def main() -> None:
    if sys.argv[1:2] == ["--mix"]:
        print(json.dumps(mixed(Ask(**json.loads(sys.argv[2])))))
        return
    quick = "--quick" in sys.argv[1:]
    if not os.environ.get("PRECEPTOR_DATA"):
        cannot_run("set PRECEPTOR_DATA to the folder of data sets")
    try:
        load_tokenizer(MODEL)
    except ModelError as error:
        cannot_run(str(error))
    with tempfile.TemporaryDirectory() as folder:
        figures, details = measured(Path(folder), quick)
    print(json.dumps(details), file=sys.stderr)
    finish("mixture", figures, details, quick)


def measured(folder: Path, quick: bool) -> tuple[dict[str, Figure], dict[str, object]]:
    count, rows = (16, 2_000) if quick else (SETS, ROWS)
    small, middle, large = (1_000, 5_000, 30_000) if quick else (10_000, 100_000, 1_800_000)
    details: dict[str, object] = {"sets": count, "rows of a set": rows}
    different = compared(folder / "small", count, small)
    started = time.perf_counter()
    size = write(made_sets(count, rows), folder / "data", cores())
    details["rows written"] = {"seconds": round(time.perf_counter() - started, 1), "bytes": size}
    runs: dict[str, dict[str, float]] = {}

    def run(name: str, examples: int, **changes: Any) -> dict[str, float]:
        runs[name] = watched(Ask(str(folder), name, count, rows, examples, **changes))
        print(f"{name}: {json.dumps(runs[name])}", file=sys.stderr)
        return runs[name]

    run("rows prepared", 1)
    one = run(f"{small:,}", small)
    run(f"{middle:,}", middle)
    most = run(f"{large:,}", large)
    again = run(f"{middle:,}, other rates", middle, rates="tokens")
    run(f"{middle:,}, another seed", middle, seed=SEED + 1)
    details["runs"] = runs
    figures = {
        "examples unlike a plain construction": at_most(different, "examples", 0),
        "peak memory": at_most(round(most["memory"] / GIB, 3), "GiB", 2.0),
        "a draw of the largest against one of the smallest": at_most(
            round(most["draw"] / one["draw"], 3), "times", 1.5
        ),
        "texts tokenised again under other rates": at_most(
            round(again["texts_tokenised"] / middle, 4), "of all", 0.05
        ),
    }
    if not quick:
        figures["mixing 1.8 million"] = at_most(most["seconds"] / 60, "minutes", 10.0)
    return figures, details


def made_sets(count: int, rows: int) -> list[Set]:
    return sets(load_tasks(), Path(os.environ["PRECEPTOR_DATA"]), count, rows)


def mixed(ask: Ask) -> dict[str, float]:
    """In a process of its own: seconds of preparing, of a draw, and of mixing."""
    folder = Path(ask.folder)
    tasks = {one.task.name: one.task for one in made_sets(ask.count, ask.rows)}
    encoder = BatchEncoder(load_tokenizer(MODEL), "auto")
    config = MixtureConfig(
        tasks=tuple(tasks),
        examples=ask.examples,
        rates=ask.rates,
        shared_rows="each",
    )
    needs = Needs(folder / "data", encoder, 1024, folder / "cache")
    started = time.perf_counter()
    chosen = list(tasks.values())
    mixture, _, _ = prepare_mixture(config, chosen, tasks, [], needs, ask.seed)
    prepared = time.perf_counter()
    draw = random.Random(0)
    taken = []
    for _ in range(DRAWS):
        place = draw.randrange(len(mixture))
        began = time.perf_counter()
        mixture[place]
        taken.append(time.perf_counter() - began)
    work = Work(folder / "mixed" / ask.name)
    began = time.perf_counter()
    counts = mix(config, chosen, tasks, [], needs, ask.seed, work)
    seconds = time.perf_counter() - began
    return {
        "prepared": round(prepared - started, 2),
        "draw": median(taken),
        "seconds": round(seconds, 2),
        "examples_per_second": round(ask.examples / seconds),
        "tokens": float(str(counts["tokens"])),
        "texts_tokenised": work.timings["texts_tokenised"],
    }


def watched(ask: Ask) -> dict[str, float]:
    """What the process says, and the most memory that it and its workers had together."""
    command = [sys.executable, __file__, "--mix", json.dumps(asdict(ask))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    most = 0
    ended = threading.Event()

    def watch() -> None:
        nonlocal most
        while not ended.wait(0.2):
            most = max(most, sum(map(proportional, family(process.pid))))

    watcher = threading.Thread(target=watch)
    watcher.start()
    out, _ = process.communicate()
    ended.set()
    watcher.join()
    if process.returncode:
        cannot_run(f"mixing {ask.name} ended with {process.returncode}")
    found: dict[str, float] = json.loads(out.splitlines()[-1])
    return {**found, "memory": most}


def family(process: int) -> list[int]:
    """A process and those that it started."""
    path = Path(f"/proc/{process}/task/{process}/children")
    try:
        children = [int(one) for one in path.read_text().split()]
    except OSError:
        return []
    return [process, *(one for child in children for one in family(child))]


def proportional(process: int) -> int:
    """Bytes of a process; what several share counts once between them."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def compared(folder: Path, count: int, examples: int) -> int:
    """How many examples or ids differ from those of a plain construction in memory."""
    made = made_sets(count, SMALL_ROWS)
    write(made, folder / "data", cores())
    tasks = {one.task.name: one.task for one in made}
    tokenizer = load_tokenizer(MODEL)
    config = MixtureConfig(tasks=tuple(tasks), examples=examples, shared_rows="each")
    needs = Needs(folder / "data", BatchEncoder(tokenizer, "auto"), 1024, folder / "cache")
    work = Work(folder / "mixed")
    mix(config, list(tasks.values()), tasks, [], needs, SEED, work)
    expected = plain(made, folder / "data", examples)
    found = read_examples(work.files / EXAMPLES)
    different = sum(a != b for a, b in zip(expected, found, strict=True))
    pairs = zip(expected, read_tokens(work.files / TOKENS), strict=True)
    for example, (prompt, target) in pairs:
        wanted = encode_prompt(tokenizer, "auto", example.prompt)
        answer = encode_target(tokenizer, "auto", example.target)
        different += (prompt.tolist(), target.tolist()) != (wanted, answer)
    return different


def plain(made: list[Set], root: Path, count: int) -> list[Example]:
    """FLAN's mixture (section 2.4) with every row in a list."""
    rows = {}
    for one in sorted(made, key=lambda one: one.task.name):
        pairs = [(row, prepare(one.task, row)) for row in read_rows(one.task, "train", root)]
        rows[one.task.name] = [(row, prepared) for row, prepared in pairs if prepared is not None]
    tasks = {one.task.name: one.task for one in made}
    counts = apportion([min(len(kept), 3_000) for kept in rows.values()], count)
    places = [(name, k) for name, n in zip(rows, counts, strict=True) for k in range(n)]
    examples = []
    for i in range(count):
        name, number = places[draws.permuted(i, count, SEED, "place")]
        n = len(rows[name])
        epoch, k = divmod(number, n)
        row, prepared = rows[name][draws.permuted(k, n, SEED, "row", name, epoch)]
        template = draws.choose(tasks[name].templates, SEED, "template", name, row.id, epoch)
        assert prepared is not None
        examples.append(render(tasks[name], template, prepared, row))
    return examples


if __name__ == "__main__":
    main()

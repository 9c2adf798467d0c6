"""Real rows to token ids: ours against ``datasets.map`` with plain Jinja, the same templates.

Rows of $PRECEPTOR_DATA that the library's tasks take, in FLAN's prompt format with the tokenizer of
the embedded SmolLM2-135M. Both sides begin with a row's JSON text and end with token ids in a file;
ours checks every row besides. One data set holds the rows of all tasks, so the peer pays for one
call of ``map`` and not for one a task.

    one template    every row, under a template drawn for it
    ten templates   up to 100 rows of a split, each under all ten; both sides evaluate a row once
    peer            an example at a time; batches of 1,000; batches of 1,000 in two processes
    ours            two processes, nothing known beforehand: no prepared row, no ids, no word
    words met       the same with the words of these texts known, as they come to be in a long run
    remix           a mixture of the same tasks made again, from the rows and ids that are on disk

    python benchmarks/render.py [--quick]
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from statistics import median
from typing import Any

import datasets
import numpy as np
import numpy.typing as npt
from transformers import PreTrainedTokenizerBase

from common import Figure, at_least, at_most, cannot_run, finish
from preceptor import artifact, draws
from preceptor.errors import ModelError
from preceptor.mixture.config import MixtureConfig
from preceptor.mixture.stage import Needs, mix
from preceptor.mixture.workers import in_order
from preceptor.model.batch import BatchEncoder
from preceptor.model.loading import load_tokenizer
from preceptor.records import Row
from preceptor.tasks.catalogue import load_tasks
from preceptor.tasks.source import read_rows, splits_here
from preceptor.tasks.task import Prepared, Task, prepare
from preceptor.tasks.template import render
from render_peer import MODES, Peer, mapped

FORMAT = "flan"
SEED = 2023
CORES = 2
GROUP = 512
"""Examples that one of our processes does at a time."""


@dataclass(frozen=True)
class Work:
    """A row and the template that it is rendered under."""

    task: Task
    template: int
    row: Row
    text: str
    """The row's fields as JSON; ``row`` has none."""


@dataclass(frozen=True)
class Ids:
    """Token ids of all prompts, or of all targets, end to end."""

    flat: npt.NDArray[np.uint32]
    lengths: npt.NDArray[np.int64]

    def differences(self, other: "Ids") -> npt.NDArray[np.int64]:
        """Numbers of the examples whose ids are not the same."""
        if np.array_equal(self.lengths, other.lengths) and np.array_equal(self.flat, other.flat):
            return np.empty(0, np.int64)
        ours, theirs = (np.split(one.flat, np.cumsum(one.lengths)[:-1]) for one in (self, other))
        pairs = enumerate(zip(ours, theirs, strict=True))
        return np.array([i for i, (a, b) in pairs if not np.array_equal(a, b)], np.int64)


def main() -> None:
    quick = "--quick" in sys.argv[1:]
    root = os.environ.get("PRECEPTOR_DATA")
    if not root:
        cannot_run("set PRECEPTOR_DATA to the folder of data sets")
    try:
        tokenizer = load_tokenizer("embedded:smollm2-135m")
    except ModelError as error:
        cannot_run(str(error))
    tasks, where = load_tasks(), Path(root)
    datasets.disable_progress_bars()
    figures: dict[str, Figure] = {}
    details: dict[str, object] = {"datasets": datasets.__version__}
    for name, all_templates, rows, repeats in (
        ("one template", False, 100 if quick else None, 1 if quick else 3),
        ("ten templates", True, 20 if quick else 100, 1),
    ):
        work = listed(tasks, where, rows, all_templates)
        with tempfile.TemporaryDirectory() as folder:
            found, details[name] = compare(work, tasks, tokenizer, Path(folder), repeats)
        figures |= {f"{name}: {what}": figure for what, figure in found.items()}
        print(name, json.dumps(details[name]), file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        details["remix"] = remixed(
            tasks, where, tokenizer, Path(folder), 10_000 if quick else 50_000
        )
    print("remix", json.dumps(details["remix"]), file=sys.stderr)
    finish("render", figures, details, quick)


def listed(
    tasks: Mapping[str, Task], root: Path, most: int | None, all_templates: bool
) -> list[Work]:
    """Rows that their task keeps, at most so many of a split, under one drawn template or all."""
    work = []
    for task in tasks.values():
        for split in splits_here(task, root):
            for row in read_rows(task, split, root)[:most]:
                if prepare(task, row) is None:
                    continue
                key = ("template", task.name, split, row.id)
                drawn = draws.integer(len(task.templates), SEED, *key)
                text = json.dumps(dict(row.fields), ensure_ascii=False)
                bare = Row(row.dataset, split, row.id, {}, row.layout)
                numbers = range(len(task.templates)) if all_templates else [drawn]
                work += [Work(task, number, bare, text) for number in numbers]
    return work


def compare(
    work: list[Work],
    tasks: Mapping[str, Task],
    tokenizer: PreTrainedTokenizerBase,
    folder: Path,
    repeats: int,
) -> tuple[dict[str, Figure], dict[str, object]]:
    """Every way in turn, so that drift hits all alike."""
    rows = {
        "task": [one.task.name for one in work],
        "template": [one.template for one in work],
        "row": [one.text for one in work],
    }
    datasets.Dataset.from_dict(rows).save_to_disk(folder / "rows")
    data = datasets.load_from_disk(folder / "rows")
    peer = Peer(tasks, tokenizer)
    met = BatchEncoder(tokenizer, FORMAT)
    met.pairs(texts(work))
    ways: dict[str, Callable[[], Any]] = {
        "ours": lambda: ours(work, BatchEncoder(tokenizer, FORMAT), folder),
        "words met": lambda: ours(work, met, folder),
    }
    for mode in MODES:
        ways[mode] = partial(mapped, peer, data, folder / "mapped", mode)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    processor: dict[str, list[float]] = {name: [] for name in ways}
    found: dict[str, tuple[Ids, Ids]] = {}
    for _ in range(repeats):
        for name, way in ways.items():
            began, worked = time.perf_counter(), processor_seconds()
            made = way()
            seconds[name].append(time.perf_counter() - began)
            processor[name].append(processor_seconds() - worked)
            found[name] = from_arrow(made) if name in MODES else made
    wrong: set[int] = set()
    for name in ("words met", *MODES):
        for mine, theirs in zip(found["ours"], found[name], strict=True):
            wrong |= set(mine.differences(theirs).tolist())
    middle = {name: median(taken) for name, taken in seconds.items()}
    ratios = {mode: middle[mode] / middle["ours"] for mode in MODES}
    best = min(middle[mode] for mode in MODES)
    figures = {
        "examples with other ids": at_most(len(wrong), "examples", 0),
        "against map": at_least(ratios["map"], "times", 3.0),
        "against the best mode of map": at_least(best / middle["ours"], "times", 1.0),
        "words met, against the best mode": at_least(best / middle["words met"], "times", 3.0),
    }
    details = {
        "examples": len(work),
        "tokens": int(sum(ids.lengths.sum() for ids in found["ours"])),
        "examples_per_second": {name: round(len(work) / taken) for name, taken in middle.items()},
        "ratios": {mode: round(ratio, 2) for mode, ratio in ratios.items()},
        "seconds": {name: [round(one, 2) for one in all] for name, all in seconds.items()},
        "processor_seconds": {n: [round(one, 2) for one in all] for n, all in processor.items()},
    }
    return figures, details


def ours(work: list[Work], encoder: BatchEncoder, folder: Path) -> tuple[Ids, Ids]:
    """Ids of prompts and of targets, read back from the file that they were written to."""
    encoder.pairs([("", "")])  # what is decided once, before the processes are forked

    def made(start: int) -> tuple[bytes, list[tuple[int, int]]]:
        pairs = encoder.pairs(texts(work[start : start + GROUP]))
        ids = b"".join(ids.tobytes() for pair in pairs for ids in pair)
        return ids, [(len(prompt), len(target)) for prompt, target in pairs]

    lengths: list[tuple[int, int]] = []
    with (folder / "ids.bin").open("wb") as file:
        for ids, found in in_order(made, range(0, len(work), GROUP), CORES):
            file.write(ids)
            lengths += found
    return split(np.fromfile(folder / "ids.bin", np.uint32), np.array(lengths, np.int64))


def texts(group: list[Work]) -> list[tuple[str, str]]:
    """Prompts and targets. A row is prepared once, however many templates follow."""
    found = []
    last: tuple[Row, Row, Prepared] | None = None
    for one in group:
        if last is None or one.row is not last[0]:
            row = replace(one.row, fields=json.loads(one.text))
            prepared = prepare(one.task, row)
            assert prepared is not None
            last = one.row, row, prepared
        example = render(one.task, one.task.templates[one.template], last[2], last[1])
        found.append((example.prompt, example.target))
    return found


def remixed(
    tasks: Mapping[str, Task],
    root: Path,
    tokenizer: PreTrainedTokenizerBase,
    folder: Path,
    examples: int,
) -> dict[str, float]:
    """Examples a second of a mixture that is made twice, files and all."""
    chosen = [task for task in tasks.values() if "train" in splits_here(task, root)]
    config = MixtureConfig(tasks=tuple(task.name for task in chosen), examples=examples)
    found: dict[str, float] = {"examples": examples}
    for name in ("first", "again"):
        needs = Needs(root, BatchEncoder(tokenizer, FORMAT), None, folder / "cache")
        began = time.perf_counter()
        mix(config, chosen, tasks, [], needs, SEED, artifact.Work(folder / name))
        found[name] = round(examples / (time.perf_counter() - began))
    return found


def split(flat: npt.NDArray[np.uint32], lengths: npt.NDArray[np.int64]) -> tuple[Ids, Ids]:
    """Prompts and targets apart, which stand in turn."""
    is_target = np.repeat(np.arange(lengths.size) % 2 == 1, lengths.reshape(-1))
    return Ids(flat[~is_target], lengths[:, 0]), Ids(flat[is_target], lengths[:, 1])


def from_arrow(made: datasets.Dataset) -> tuple[Ids, Ids]:
    prompt, target = (made.data.column(name).combine_chunks() for name in ("prompt", "target"))
    return (
        Ids(prompt.flatten().to_numpy(), np.diff(prompt.offsets.to_numpy()).astype(np.int64)),
        Ids(target.flatten().to_numpy(), np.diff(target.offsets.to_numpy()).astype(np.int64)),
    )


def processor_seconds() -> float:
    """Of this process and of those that it waited for."""
    used = [getrusage(who) for who in (RUSAGE_SELF, RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    main()

"""Mixing: tasks and instructions in, one ordered set of examples out (FLAN, arXiv 2109.01652).

    tasks ─ hold-out ─ rows ─ decontamination ─ amounts ─ plan ─▶ examples, tokens, certificate

Rows stay on disk and examples are written as they are drawn, so the memory that it takes does not
grow with the data.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from itertools import compress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from preceptor import progress
from preceptor.artifact import Work, write_json
from preceptor.cache import rows_folder, tokens_folder
from preceptor.decontamination.certificate import certify
from preceptor.decontamination.index import Index
from preceptor.decontamination.passes import Pass
from preceptor.errors import RecipeError
from preceptor.mixture.amounts import amounts
from preceptor.mixture.clean import clean_instructions, clean_pools
from preceptor.mixture.config import MixtureConfig
from preceptor.mixture.groups import drawn
from preceptor.mixture.holdout import HoldOut, hold_out
from preceptor.mixture.mixture import Mixture
from preceptor.mixture.plan import Plan, Portion
from preceptor.mixture.pools import (
    SYNTHESISED,
    Pool,
    TaskPool,
    characters,
    instruction_pool,
    pool_of,
    rows_of,
)
from preceptor.mixture.tables import (
    ExamplesWriter,
    Line,
    as_examples,
    print_table,
    read_examples,
    read_table,
    stream_examples,
    write_table,
)
from preceptor.mixture.tokens import Encoder, Writer, open_cache, read_tokens
from preceptor.mixture.workers import cores, in_order
from preceptor.records import Instruction
from preceptor.tasks.rowstore import RowStore
from preceptor.tasks.source import splits_here, splits_of
from preceptor.tasks.task import Task

__all__ = ["EXAMPLES", "TABLE", "Line", "mix", "print_table", "read_examples", "read_table"]

EXAMPLES = "examples.parquet"
TABLE = "table.json"
TOKENS = "tokens"
CERTIFICATE = "certificate.json"
OVERLAPS = "overlaps.json"


@dataclass(frozen=True, slots=True)
class Needs:
    """What a mixture is made with, besides what it is made of."""

    data_root: Path | None = None
    """The folder of data sets; None when every task's rows are in the package."""
    encoder: Encoder | None = None
    """Tokenises the examples; without it there are no tokens in the table and the artifact."""
    max_length: int | None = None
    """Tokens of an example beyond which tuning leaves it out."""
    cache: Path | None = None
    """Folder of prepared rows and token ids; the user's cache unless told otherwise."""
    index: Index | None = None
    """Of what is evaluated: rows that overlap with it are left out."""


def mix(
    config: MixtureConfig,
    tasks: Sequence[Task],
    all_tasks: Mapping[str, Task],
    instructions: Sequence[Instruction],
    needs: Needs,
    seed: int,
    work: Work,
) -> dict[str, object]:
    """Write the mixture's examples, in the order they are trained on, its table and its tokens.

    A task that is held out is left out with the reason in the table, and so is one without the
    split unless it is named itself. Instructions fill ``config.instructions`` of the examples, but
    each is used three times at most; tasks fill the rest. The order of the tasks changes nothing.

    Args:
        config: What to ask for.
        tasks: What ``config.tasks`` names.
        all_tasks: The whole library, by name.
        instructions: Of a synthesis; may be none.
        needs: Where rows are, and the tokenizer.
        seed: Of every draw.
        work: Gets the files.

    Returns:
        Counts: examples, in all and by task, cluster and category; how many are inverted, few-shot
        and list options; rows left out by their tasks; the share of instructions asked for and
        reached; tokens; what was held out and why.

    Raises:
        TaskError: ``config.hold_out`` has a name that nothing has.
        RecipeError: No task is left, a task has no template left or the name of the instructions.
        RowError: Rows of a task cannot be used; the message names the task.
        StageError: An example of something held out was made.
    """
    mixture, lines, held = prepare_mixture(config, tasks, all_tasks, instructions, needs, seed)
    counted = _Counted()
    done = Pass(needs.index) if needs.index else None
    with ExitStack() as files:
        examples = files.enter_context(ExamplesWriter(work.files / EXAMPLES))
        cache = tokens = None
        if needs.encoder is not None:
            cache = open_cache(
                needs.cache / "tokens" if needs.cache else tokens_folder(), needs.encoder
            )
            tokens = files.enter_context(Writer(work.files / TOKENS, cache))
        for group in drawn(mixture, held, cache):
            if done is not None:
                answers = done.check(as_examples(group.examples))
                group = group.only(np.array([kept for kept, _ in answers], bool))
            counted.add(group.examples)
            examples.write(group.examples)
            if tokens is not None and group.tokens is not None:
                tokens.write(group.tokens)
        if tokens is not None:
            work.timings["texts_tokenised"] = tokens.close()
    if tokens is not None:
        lines = _with_tokens(lines, counted, work.files / TOKENS, needs.max_length)
    lines = [counted.on(line) for line in lines]
    write_table(work.files / TABLE, lines)
    if done is not None:
        certificate = certify(done, stream_examples(work.files / EXAMPLES))
        write_json(work.files / CERTIFICATE, certificate)
        write_json(work.files / OVERLAPS, asdict(done.report()))
    kept = [line for line in lines if not line.held_out_reason]
    return {
        **counted.totals(),
        "rows_left_out": sum(line.left_out for line in kept if line.task != SYNTHESISED),
        "rows_contaminated": sum(line.contaminated for line in kept),
        "instructions_share_asked": config.instructions,
        "instructions_share": sum((n.share for n in kept if n.task == SYNTHESISED), 0.0),
        "tokens": sum(line.tokens for line in kept),
        "too_long": sum(line.too_long for line in kept),
        "encoder": needs.encoder.digest if needs.encoder else "",
        "held_out": _held_out(held, lines, len(mixture)),
    }


def prepare_mixture(
    config: MixtureConfig,
    tasks: Sequence[Task],
    all_tasks: Mapping[str, Task],
    instructions: Sequence[Instruction],
    needs: Needs,
    seed: int,
) -> tuple[Mixture, list[Line], HoldOut]:
    """The mixture as a function of an example's number, and its table before it is drawn.

    Raises:
        TaskError, RecipeError, RowError: As for ``mix``.
    """
    held = hold_out(config.hold_out, all_tasks, config.exclusions)
    ordered = sorted(tasks, key=lambda task: task.name)
    reasons = left_out(config, ordered, all_tasks, needs.data_root)
    used = [task for task in ordered if not reasons[task.name]]
    written = instruction_pool(instructions, held.categories)
    if not used and (config.tasks or not written):
        why = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
        raise RecipeError(
            f"no task is left to mix ({why or 'no instruction is there'}); hold out less, or name "
            "other tasks"
        )
    found = _read(config, used, needs, seed)
    if needs.index is not None:
        found = clean_pools(found, needs.index)
        written = clean_instructions(written, needs.index)
    for pool in found:
        if not len(pool):
            raise RecipeError(
                f"every row of {pool.task.name} overlaps with what is evaluated; leave the task "
                "out, or set mixture.decontaminate: false"
            )
    names = {task.name for task in ordered}
    lines = amounts(config, found, written, needs.encoder, seed, names)
    plan = Plan([Portion(line.task, line.usable, line.examples) for line in lines], seed)
    pools: dict[str, Pool] = {**{pool.task.name: pool for pool in found}, SYNTHESISED: written}
    left = [
        Line(task.name, task.cluster, task.category, held_out_reason=reasons[task.name])
        for task in ordered
        if reasons[task.name]
    ]
    return Mixture(plan, pools, seed), [*lines, *left], held


def left_out(
    config: MixtureConfig,
    tasks: Sequence[Task],
    all_tasks: Mapping[str, Task],
    data_root: Path | None,
) -> dict[str, str]:
    """Why each task is not mixed, by name; empty for one that is.

    Raises:
        TaskError: ``config.hold_out`` has a name that nothing has.
        RecipeError: A task has the name of the instructions.
    """
    held = hold_out(config.hold_out, all_tasks, config.exclusions)
    return {task.name: _reason(task, config, held, data_root) for task in tasks}


def _reason(task: Task, config: MixtureConfig, held: HoldOut, data_root: Path | None) -> str:
    """Why a task is not mixed; empty when it is.

    Raises:
        RecipeError: Its name is that of the instructions.
    """
    if task.name == SYNTHESISED:
        raise RecipeError(
            f"a task is called {SYNTHESISED!r}, the name of examples made from instructions; "
            "give the task another name"
        )
    reason = held.reason(task)
    # FLAN's WSC273 is such a task: part of a cluster, and for evaluation only.
    if not reason and config.split not in splits_of(task) and task.name not in config.tasks:
        return f"it has no split {config.split}, only {', '.join(splits_of(task))}"
    spared = not reason and config.missing == "leave_out"
    if spared and config.split not in splits_here(task, data_root):
        return f"its rows are not here (access: {task.source.access})"
    return reason


def _read(config: MixtureConfig, tasks: Sequence[Task], needs: Needs, seed: int) -> list[TaskPool]:
    cache = needs.cache / "rows" if needs.cache else rows_folder()
    count = needs.encoder.count if needs.encoder else characters

    def rows(number: int) -> RowStore:
        return rows_of(tasks[number], config, needs.data_root, seed, cache)

    found = []
    with progress.bar("read tasks", len(tasks)) as bar:
        stores = in_order(rows, range(len(tasks)), cores() if len(tasks) > 1 else 1)
        for task, store in zip(tasks, stores, strict=True):
            found.append(pool_of(task, config, store, count))
            bar.advance(note=task.name)
    return found


class _Counted:
    """What was drawn, counted as it passes."""

    def __init__(self) -> None:
        self.by: dict[str, Counter[str]] = {
            name: Counter() for name in ("task", "cluster", "category")
        }
        self.flags: dict[str, Counter[str]] = {
            name: Counter() for name in ("inverted", "few_shot", "options_shown")
        }
        self.numbers: dict[str, int] = {}
        """A number for each task that was drawn."""
        self.order = array("I")
        """The number of each example's task."""

    def add(self, examples: pa.Table) -> None:
        """The next examples."""
        for name, counter in self.by.items():
            counter.update(examples.column(name).to_pylist())
        tasks = examples.column("task").to_pylist()
        numbers = self.numbers
        self.order.extend([numbers.setdefault(task, len(numbers)) for task in tasks])
        flags = {
            "inverted": examples.column("inverted"),
            "few_shot": pc.greater(examples.column("shots"), 0),
            "options_shown": examples.column("options_shown"),
        }
        for name, column in flags.items():
            self.flags[name].update(compress(tasks, column.to_pylist()))

    def on(self, line: Line) -> Line:
        """A line with what was drawn of its task."""
        found = {name: flags[line.task] for name, flags in self.flags.items()}
        return replace(
            line,
            examples=self.by["task"][line.task],
            inverted=found["inverted"],
            few_shot=found["few_shot"],
            options_shown=found["options_shown"],
        )

    def totals(self) -> dict[str, object]:
        """Those without a cluster or category are not in that count."""
        named = {
            name: {value: n for value, n in sorted(counter.items()) if value}
            for name, counter in self.by.items()
        }
        return {
            "examples": self.by["task"].total(),
            **{name: counter.total() for name, counter in self.flags.items()},
            "tasks": named["task"],
            "clusters": named["cluster"],
            "categories": named["category"],
        }


def _with_tokens(
    lines: Sequence[Line], counted: "_Counted", folder: Path, max_length: int | None
) -> list[Line]:
    """The table with the tokens of what was drawn."""
    lengths = read_tokens(folder).lengths
    order = np.asarray(counted.order, np.uint32)
    whole = lengths.sum(axis=1)
    long = whole > max_length if max_length else np.zeros(len(whole), bool)
    found = []
    for line in lines:
        own = order == counted.numbers.get(line.task, -1)
        tokens = int(whole[own].sum())
        found.append(
            replace(
                line,
                tokens=tokens,
                token_share=tokens / int(whole.sum()) if len(whole) else 0.0,
                target_tokens=int(lengths[own, 1].sum()),
                too_long=int(long[own].sum()),
            )
        )
    return found


def _held_out(held: HoldOut, lines: Iterable[Line], checked: int) -> dict[str, object]:
    """What was held out and why, for the manifest. ``checked`` examples were found free of it."""
    return {
        "asked": list(held.asked),
        "exclusions": held.exclusions,
        "clusters": sorted(held.clusters),
        "excluded": dict(held.excluded),
        "data_sets": sorted(held.datasets),
        "left_out": {line.task: line.held_out_reason for line in lines if line.held_out_reason},
        "examples_checked": checked,
    }

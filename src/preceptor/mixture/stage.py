"""Mixing: tasks and instructions in, one ordered set of examples out (FLAN, arXiv 2109.01652)."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from preceptor import progress
from preceptor.artifact import Work
from preceptor.errors import RecipeError
from preceptor.mixture.config import MixtureConfig
from preceptor.mixture.holdout import HoldOut, hold_out
from preceptor.mixture.plan import Plan, Portion
from preceptor.mixture.pools import (
    INSTRUCTION_EPOCHS,
    SYNTHESISED,
    InstructionPool,
    Pool,
    TaskPool,
    instruction_pool,
    task_pool,
)
from preceptor.mixture.rates import apportion, mixing_rates
from preceptor.mixture.tables import (
    Line,
    print_table,
    read_examples,
    read_table,
    tally,
    write_examples,
    write_table,
)
from preceptor.records import Example, Instruction
from preceptor.tasks.task import Task

__all__ = ["EXAMPLES", "TABLE", "Line", "mix", "print_table", "read_examples", "read_table"]

EXAMPLES = "examples.parquet"
TABLE = "table.json"


def mix(
    config: MixtureConfig,
    tasks: Sequence[Task],
    all_tasks: Mapping[str, Task],
    instructions: Sequence[Instruction],
    data_root: Path | None,
    seed: int,
    work: Work,
) -> dict[str, object]:
    """Write the mixture's examples, in the order they are trained on, and its table.

    A task that is held out is left out with the reason in the table, and so is one without the
    split unless it is named itself. Instructions fill ``config.instructions`` of the examples, but
    each is used three times at most; tasks fill the rest. The order of the tasks changes nothing.

    Args:
        config: What to ask for.
        tasks: What ``config.tasks`` names.
        all_tasks: The whole library, by name.
        instructions: Of a synthesis; may be none.
        data_root: The folder of data sets; None when every task's rows are in the package.
        seed: Of every draw.
        work: Gets the files.

    Returns:
        Counts: examples, in all and by task, cluster and category; how many are inverted; rows
        left out by their tasks; the share of instructions asked for and reached; what was held
        out and why.

    Raises:
        TaskError: ``config.hold_out`` has a name that nothing has.
        RecipeError: No task is left, a task has no template left or the name of the instructions.
        RowError: Rows of a task cannot be used; the message names the task.
        StageError: An example of something held out was made.
    """
    held = hold_out(config.hold_out, all_tasks)
    ordered = sorted(tasks, key=lambda task: task.name)
    reasons = left_out(config, ordered, all_tasks)
    used = [task for task in ordered if not reasons[task.name]]
    if not used:
        why = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
        raise RecipeError(f"no task is left to mix ({why}); hold out less, or name other tasks")
    found = _read(config, used, data_root, seed)
    written = instruction_pool(instructions, held.categories)
    lines = _lines(config, found, written)
    plan = Plan([Portion(line.task, line.usable, line.examples) for line in lines], seed)
    sources: dict[str, Pool] = {**{pool.task.name: pool for pool in found}, SYNTHESISED: written}
    write_examples(work.files / EXAMPLES, _examples(plan, sources, held, seed))
    left = [
        Line(task.name, task.cluster, task.category, held_out_reason=reasons[task.name])
        for task in ordered
        if reasons[task.name]
    ]
    write_table(work.files / TABLE, [*lines, *left])
    return {
        **_counts(work.files / EXAMPLES, found),
        "instructions_share_asked": config.instructions,
        "instructions_share": sum((n.share for n in lines if n.task == SYNTHESISED), 0.0),
        "held_out": _held_out(held, left, len(plan)),
    }


def left_out(
    config: MixtureConfig, tasks: Sequence[Task], all_tasks: Mapping[str, Task]
) -> dict[str, str]:
    """Why each task is not mixed, by name; empty for one that is.

    Raises:
        TaskError: ``config.hold_out`` has a name that nothing has.
        RecipeError: A task has the name of the instructions.
    """
    held = hold_out(config.hold_out, all_tasks)
    return {task.name: _reason(task, config, held) for task in tasks}


def _reason(task: Task, config: MixtureConfig, held: HoldOut) -> str:
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
    if not reason and config.split not in task.source.splits and task.name not in config.tasks:
        return f"it has no split {config.split}, only {', '.join(task.source.splits)}"
    return reason


def _read(
    config: MixtureConfig, tasks: Sequence[Task], data_root: Path | None, seed: int
) -> list[TaskPool]:
    found = []
    with progress.bar("read tasks", len(tasks)) as bar:
        for task in tasks:
            found.append(task_pool(task, config, data_root, seed))
            bar.advance(note=task.name)
    return found


def _lines(
    config: MixtureConfig, found: Sequence[TaskPool], written: InstructionPool
) -> list[Line]:
    """How much each source gives: tasks by their rates, instructions by their share."""
    asked = round(config.instructions * config.examples)
    instructions = min(asked, INSTRUCTION_EPOCHS * len(written.rows))
    rest = config.examples - instructions
    rates = mixing_rates({pool.task.name: len(pool.rows) for pool in found}, config.rate_maximum)
    counts = apportion([rate.rate for rate in rates], rest)
    lines = [
        Line(
            task=pool.task.name,
            cluster=pool.task.cluster,
            category=pool.task.category,
            rows=pool.found,
            cap=config.rows_cap,
            left_out=pool.left_out,
            usable=rate.rows,
            rate=rate.rate,
            probability=rate.probability * rest / config.examples,
            examples=count,
            share=count / config.examples,
            epochs=count / rate.rows,
            templates=len(pool.templates),
        )
        for pool, rate, count in zip(found, rates, counts, strict=True)
    ]
    return [*lines, _instruction_line(config, written, instructions)] if asked else lines


def _instruction_line(config: MixtureConfig, written: InstructionPool, count: int) -> Line:
    usable = len(written.rows)
    share = count / config.examples
    return Line(
        task=SYNTHESISED,
        cluster="",
        category="",
        rows=written.found,
        cap=written.found,
        left_out=written.found - usable,
        usable=usable,
        probability=share,
        examples=count,
        share=share,
        epochs=count / usable if usable else 0.0,
        templates=1,
    )


def _examples(
    plan: Plan, sources: Mapping[str, Pool], held: HoldOut, seed: int
) -> Iterator[Example]:
    """The examples in order, each checked against the hold-out."""
    with progress.bar("mix", len(plan)) as bar:
        for i in range(len(plan)):
            draw = plan.draw(i)
            pool = sources[draw.source]
            example = pool.example(draw.row, draw.epoch, seed)
            held.check(example, pool.task if isinstance(pool, TaskPool) else None)
            yield example
            bar.advance()


def _counts(path: Path, found: Sequence[TaskPool]) -> dict[str, object]:
    """What the written file has."""
    counted = tally(path)
    return {
        "examples": sum(counted["task"].values()),
        "inverted": counted["inverted"].get("True", 0),
        "rows_left_out": sum(pool.left_out for pool in found),
        "tasks": counted["task"],
        "clusters": counted["cluster"],
        "categories": counted["category"],
    }


def _held_out(held: HoldOut, left: Sequence[Line], checked: int) -> dict[str, object]:
    """What was held out and why, for the manifest. ``checked`` examples were found free of it."""
    return {
        "asked": list(held.asked),
        "clusters": sorted(held.clusters),
        "excluded": dict(held.excluded),
        "data_sets": sorted(held.datasets),
        "left_out": {line.task: line.held_out_reason for line in left},
        "examples_checked": checked,
    }

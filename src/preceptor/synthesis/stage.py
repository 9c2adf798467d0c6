"""Synthesis: seed tasks in, new instructions out (BioInstruct, arXiv 2310.19975, and kin).

The course says what to ask and what follows; models answer; the ledger has both before anything is
made of them. What is written is a function of the settings and of the replies, in the order of the
requests' numbers.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preceptor import progress
from preceptor.artifact import Work
from preceptor.decontamination.index import Index
from preceptor.records import Instruction, Reply, Seed
from preceptor.synthesis import tables
from preceptor.synthesis.commits import Commits
from preceptor.synthesis.config import SynthesisConfig
from preceptor.synthesis.course import Course, Sink
from preceptor.synthesis.drive import Driver
from preceptor.synthesis.drive_here import Effort, drive_here
from preceptor.synthesis.emission import Files, Tally, verdict_of, verdict_of_kept
from preceptor.synthesis.ledger import Ledger
from preceptor.synthesis.ledger_entries import Verdict, charging, closing, judging
from preceptor.synthesis.models import Models
from preceptor.synthesis.passages import Passage
from preceptor.synthesis.protocols import protocol
from preceptor.synthesis.requests import Caller
from preceptor.synthesis.selection import Selection
from preceptor.synthesis.slots import Rejection
from preceptor.synthesis.wishes import Wishes
from preceptor.teachers.budget import Budget, Spent
from preceptor.teachers.calls import Call, Endpoint
from preceptor.teachers.open import open_endpoint

if TYPE_CHECKING:  # it imports torch
    from preceptor.synthesis.semantic import SemanticIndex

INSTRUCTIONS = "instructions.parquet"
REJECTIONS = "rejections.parquet"
REQUESTS = "requests.parquet"


@dataclass(frozen=True, slots=True)
class Sources:
    """What a synthesis is made from, besides its settings."""

    seeds: Sequence[Seed]
    passages: Sequence[Passage] = ()
    benchmarks: Index | None = None
    """What nothing kept may overlap with."""
    questions: Sequence[tuple[str, str]] = ()
    """Of the same evaluation sets, with their items' ids: no instruction may be as similar to one
    as to a kept instruction."""
    semantic: "SemanticIndex | None" = None
    """Empty; for the second novelty filter, where it is asked for."""


def synthesise(
    config: SynthesisConfig,
    sources: Sources,
    models: Models,
    ledger_path: Path,
    work: Work,
    seed: int = 0,
    course: str = "",
    label: str = "synthesise",
) -> dict[str, Any]:
    """Ask, select and write ``instructions``, ``rejections`` and ``requests`` as Parquet.

    Only what the ledger lacks is asked. That nothing is kept is a result, not an error.

    Args:
        config: What to ask for.
        ledger_path: Made when it is not there; may serve many courses and models.
        work: Gets the files, and in its timings how many calls had to be asked.
        seed: Of all draws.
        course: Under which verdicts stand in the ledger.
        label: Of the progress bar.

    Returns:
        Counts: requests and calls sent, replies that ended by themselves, whole tasks parsed, kept,
        rejected by reason, kept by category, tokens, dollars, and why it ended.

    Raises:
        BudgetReachedError: What was paid for is in the ledger; the same command goes on.
        TeacherError: An endpoint cannot be used.
        StageError: A teacher answered another number of calls than it was asked.
        ArtifactError: The ledger is damaged.
        StorageError: The disk is full.
    """
    paths = (work.files / name for name in (INSTRUCTIONS, REJECTIONS, REQUESTS))
    with Ledger(ledger_path) as ledger, tables.tables(*paths) as made:
        effort = Effort()
        files = Files(*made, course, effort.waiting.append)
        ended = run_course(config, sources, models, ledger, files, seed, effort, label)
        work.timings |= {
            "requests_asked": effort.asked,
            "teacher_seconds": round(effort.seconds, 3),
            "faults": dict(effort.faults),
            "notes": dict(effort.notes),
            "paid": _paid(ledger),
        }
    return {**files.tally.to_json(), "ended": ended}


@dataclass(slots=True)
class Preview:
    """A sink that holds the few records of a preview."""

    ended: str = ""
    kept_records: list[Instruction] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)

    def call(self, call: Call, reply: Reply | None, why: str) -> None:
        """As ``Sink``."""
        self.tally.call(call, reply)

    def kept(self, instruction: Instruction) -> None:
        """As ``Sink``."""
        self.tally.keep(instruction)
        self.kept_records.append(instruction)

    def rejected(self, rejection: Rejection) -> None:
        """As ``Sink``."""
        self.tally.rejected[rejection.reason] += 1
        self.rejections.append(rejection)

    def verdicts(self) -> list[Verdict]:
        """For the ledger: what an estimate of the whole run measures by."""
        return [*map(verdict_of_kept, self.kept_records), *map(verdict_of, self.rejections)]

    def to_json(self) -> dict[str, Any]:
        """As JSON writes it."""
        return {
            "ended": self.ended,
            "counts": self.tally.to_json(),
            "kept": [asdict(one) for one in self.kept_records],
            "rejected": [asdict(one) for one in self.rejections],
        }


def preview(
    config: SynthesisConfig,
    sources: Sources,
    models: Models,
    ledger_path: Path,
    seed: int,
    count: int,
) -> Preview:
    """Make a few instructions as the whole run would make its first; raises as ``synthesise``.

    Returns:
        The first ``count`` that are kept, and what was not kept before them.
    """
    made = Preview()
    with Ledger(ledger_path) as ledger:
        made.ended = run_course(
            config, sources, models, ledger, made, seed, Effort(), "preview", count
        )
        ledger.write(judging("preview", verdict) for verdict in made.verdicts())
    return made


def run_course(
    config: SynthesisConfig,
    sources: Sources,
    models: Models,
    ledger: Ledger,
    sink: Sink,
    seed: int,
    effort: Effort,
    label: str,
    few: int | None = None,
) -> str:
    """Drive a course to its end; returns why it ended. Raises as ``synthesise``.

    Args:
        few: End when so many are kept.
    """
    way = protocol(config.protocol, config.domain)
    wishes = Wishes(config, way.defaults, sources.seeds, sources.passages, seed)
    selection = Selection(
        *(config, sources.seeds, sources.benchmarks, sources.questions, sources.semantic)
    )
    caller = Caller(config, way, models.names, seed)
    course = Course(config, way, wishes, selection, caller, sink, few)
    ledger.charge_what_was_cut()
    paid = ledger.totals()
    budget = Budget(config.budget, Spent(paid.dollars, paid.tokens, paid.calls))
    target = few or config.target
    total = target or config.most_requests or 0
    with progress.bar(label, total) as bar:

        def tell() -> None:
            done = course.kept if target else course.emitted
            spent = f", ${budget.spent.dollars:,.2f}" if budget.spent.dollars else ""
            note = f"{course.kept:,} kept of {course.emitted:,} requests{spent}"
            if not effort.asked:  # all of it was in the ledger
                bar.resume(done - bar.done)
            bar.advance(done - bar.done, note)

        settings = config.teachers()
        remote = [role for role in caller.roles if role not in models.here]
        batch = {role: settings[role].batch for role in models.here}
        if remote:
            asyncio.run(_drive(config, course, ledger, models, remote, budget, effort, tell))
        else:
            drive_here(course, ledger, models.here, batch, effort, tell, budget, models.names)
    return course.ended


async def _drive(
    config: SynthesisConfig,
    course: Course,
    ledger: Ledger,
    models: Models,
    remote: Sequence[str],
    budget: Budget,
    effort: Effort,
    tell: Callable[[], None],
) -> None:
    settings = config.teachers()
    commits = Commits(ledger)

    def charge(call: str, what: str, tokens: int, dollars: float) -> None:
        commits.later(charging(call, what, tokens, dollars))
        commits.later(closing(call))

    budget.on_charge = charge
    try:
        async with AsyncExitStack() as stack:
            endpoints: dict[str, tuple[Endpoint, int]] = {}
            opened = []
            for role in remote:
                endpoint = await stack.enter_async_context(open_endpoint(settings[role], budget))
                endpoints[role] = (endpoint, settings[role].concurrency)
                opened.append(endpoint)
            here = {role: (model, settings[role].batch) for role, model in models.here.items()}
            driver = Driver(course, ledger, commits, effort, tell, models.names)
            try:
                await driver.run(endpoints, here, budget)
            finally:
                for endpoint in opened:
                    effort.faults.update(endpoint.faults)
                    effort.notes.update(endpoint.notes)
    finally:
        commits.close()


def _paid(ledger: Ledger) -> dict[str, float | int]:
    totals = ledger.totals()
    return {"dollars": round(totals.dollars, 6), "tokens": totals.tokens, "calls": totals.calls}

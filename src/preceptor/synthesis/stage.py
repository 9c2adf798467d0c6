"""Synthesis: seed tasks in, new instructions out (BioInstruct, arXiv 2310.19975).

One pass: a prompt shows three random seeds and asks for a task with its input and its output; the
reply is parsed, filtered, and compared by ROUGE-L with the seeds and everything kept so far. The
teacher's own tasks are never shown to it.
"""

import time
from collections.abc import Sequence
from pathlib import Path

from preceptor import progress
from preceptor.artifact import Work
from preceptor.errors import StageError
from preceptor.records import Reply, Seed
from preceptor.synthesis import tables
from preceptor.synthesis.config import SynthesisConfig
from preceptor.synthesis.ledger import Ledger
from preceptor.synthesis.requests import Batch, Request, batches
from preceptor.synthesis.selection import Selection
from preceptor.synthesis.teacher import Teacher

INSTRUCTIONS = "instructions.parquet"
REJECTIONS = "rejections.parquet"
REQUESTS = "requests.parquet"


def synthesise(
    config: SynthesisConfig,
    seeds: Sequence[Seed],
    teacher: Teacher,
    ledger_path: Path,
    work: Work,
    seed: int = 0,
    label: str = "synthesise",
) -> dict[str, int | dict[str, int]]:
    """Ask, select and write ``instructions``, ``rejections`` and ``requests`` as Parquet.

    Only what the ledger lacks is asked, a batch at a time. With a target the number kept is looked
    at after each batch, so a few more may be kept. That nothing is kept is a result, not an error.

    Args:
        config: What to ask for.
        seeds: At least ``config.demonstrations``.
        teacher: Samples as ``config.teacher`` says.
        ledger_path: Made when it is not there; may serve many stages and teachers.
        work: Gets the files, and in its timings how many requests had to be asked.
        seed: Of the draws of demonstrations and of the teacher's sampling.
        label: Of the progress bar.

    Returns:
        Counts: requests sent, replies that ended by themselves, whole tasks parsed, kept, rejected
        by reason, kept by category, prompt and reply tokens.

    Raises:
        StageError: The teacher answered another number of prompts than it was asked.
        ArtifactError: The ledger is damaged.
        StorageError: The disk is full.
    """
    by = f"{teacher.name}@{teacher.fingerprint}"
    selection = Selection(config, seeds, by)
    answered: list[tuple[Request, Reply]] = []
    work.timings |= {"requests_asked": 0, "teacher_seconds": 0.0}
    with Ledger(ledger_path) as ledger, progress.bar(label, config.requests) as bar:
        for batch in batches(config, seeds, teacher, seed):
            known = ledger.replies(batch.requests)
            replies = known or _ask(config, batch, teacher, ledger, by, work)
            for request, reply in zip(batch.requests, replies, strict=True):
                selection.consider(request, reply)
                answered.append((request, reply))
            (bar.resume if known else bar.advance)(len(replies))
            bar.advance(0, note=f"{len(selection.kept)} kept")
            if config.target is not None and len(selection.kept) >= config.target:
                break
    tables.write_instructions(work.files / INSTRUCTIONS, selection.kept)
    tables.write_rejections(work.files / REJECTIONS, selection.rejected)
    tables.write_requests(work.files / REQUESTS, answered)
    return _counts([reply for _, reply in answered], selection)


def _ask(
    config: SynthesisConfig, batch: Batch, teacher: Teacher, ledger: Ledger, by: str, work: Work
) -> list[Reply]:
    """Send a batch, with the ledger told before and after."""
    ledger.ask(batch.requests, by, config.teacher.sampling())
    started = time.monotonic()
    answers = teacher.complete([request.prompt for request in batch.requests], batch.seed)
    work.timings["teacher_seconds"] += round(time.monotonic() - started, 3)
    work.timings["requests_asked"] += len(answers)
    replies = [Reply(a.text, a.prompt_tokens, a.reply_tokens, a.finished) for a in answers]
    if len(replies) != len(batch.requests):
        raise StageError(
            f"the teacher {teacher.name} gave {len(replies)} replies to {len(batch.requests)} "
            "prompts; a teacher must answer each prompt once"
        )
    ledger.answer(batch.requests, replies)
    return replies


def _counts(replies: Sequence[Reply], selection: Selection) -> dict[str, int | dict[str, int]]:
    return {
        "requests": len(replies),
        "replies_finished": sum(reply.finished for reply in replies),
        **selection.counts(),
        "prompt_tokens": sum(reply.prompt_tokens for reply in replies),
        "reply_tokens": sum(reply.reply_tokens for reply in replies),
    }

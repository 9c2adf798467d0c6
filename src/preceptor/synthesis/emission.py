"""What a course emits, put where it belongs: rows into tables, verdicts into the ledger, counts."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from preceptor.records import Instruction, Reply
from preceptor.synthesis.ledger_entries import Entry, Verdict, judging
from preceptor.synthesis.slots import Rejection
from preceptor.synthesis.tables import Table, instruction_row, rejection_row, request_row
from preceptor.teachers.calls import Call

KEPT = "kept"
NO_TASK = frozenset({"no task", "no instruction", "no output", "cut off", "call failed"})
"""Reasons that say there was no whole task to judge."""


class Tally:
    """Counts of what came by: a function of the order, like the files."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        self.categories: Counter[str] = Counter()
        self.flags: Counter[str] = Counter()
        self.finished = self.failed = self.prompt_tokens = self.reply_tokens = self.kept = 0
        self.outvoted = self.unanswerable = 0
        self.dollars = 0.0

    def call(self, call: Call, reply: Reply | None) -> None:
        """A call with its reply."""
        self.calls[call.kind] += 1
        if reply is None:
            self.failed += 1
            return
        self.finished += reply.finished
        self.prompt_tokens += reply.prompt_tokens
        self.reply_tokens += reply.reply_tokens
        self.dollars += reply.cost

    def keep(self, instruction: Instruction) -> None:
        """A kept task."""
        self.kept += 1
        self.categories[instruction.category] += 1
        self.flags.update(list(instruction.flags))
        self.unanswerable += instruction.unanswerable
        votes = instruction.category_vote.split(", ") if instruction.category_vote else []
        self.outvoted += bool(votes) and Counter(votes).most_common(1)[0][0] not in (
            instruction.category,
            "unclear",
        )

    def to_json(self) -> dict[str, Any]:
        """As the manifest holds it. Kept and rejected add up to all that was found."""
        judged = sum(n for reason, n in self.rejected.items() if reason not in NO_TASK)
        return {
            "requests": self.calls["task"],
            "calls": dict(sorted(self.calls.items())),
            "replies_finished": self.finished,
            "calls_failed": self.failed,
            "tasks_parsed": self.kept + judged,
            "kept": self.kept,
            "rejected": dict(sorted(self.rejected.items())),
            "kept_by_category": dict(sorted(self.categories.items())),
            "against_votes": self.outvoted,
            "kept_unanswerable": self.unanswerable,
            "flags": dict(sorted(self.flags.items())),
            "prompt_tokens": self.prompt_tokens,
            "reply_tokens": self.reply_tokens,
            "dollars": round(self.dollars, 6),
        }


class Files:
    """A course's sink: three tables, the ledger's verdicts, and a tally."""

    def __init__(
        self,
        instructions: Table,
        rejections: Table,
        requests: Table,
        course: str,
        write: Callable[[Entry], None],
    ) -> None:
        """Into open tables.

        Args:
            course: Under which verdicts stand in the ledger.
            write: Takes each verdict's entry, to be written soon.
        """
        self._instructions, self._rejections, self._requests = instructions, rejections, requests
        self._course, self._write = course, write
        self.tally = Tally()

    def call(self, call: Call, reply: Reply | None, why: str) -> None:
        """A call and its reply, or why there is none."""
        self.tally.call(call, reply)
        self._requests.add(request_row(call, reply, why))

    def kept(self, instruction: Instruction) -> None:
        """A task that is kept."""
        self.tally.keep(instruction)
        self._instructions.add(instruction_row(instruction))
        self._judge(verdict_of_kept(instruction))

    def rejected(self, rejection: Rejection) -> None:
        """A task that is not."""
        self.tally.rejected[rejection.reason] += 1
        self._rejections.add(rejection_row(rejection))
        self._judge(verdict_of(rejection))

    def _judge(self, verdict: Verdict) -> None:
        self._write(judging(self._course, verdict))


def verdict_of_kept(one: Instruction) -> Verdict:
    """As the ledger has it."""
    place = (one.id, one.request_id, one.position)
    return Verdict(*place, KEPT, "", one.nearest, one.nearest_rouge_l)


def verdict_of(one: Rejection) -> Verdict:
    """As the ledger has it."""
    place = (one.task, one.request_id, one.position)
    return Verdict(*place, one.reason, one.detail, one.nearest, one.nearest_rouge_l)

"""What a course holds of a request: a slot, the tasks accepted from it, the records to be.

A slot is one request. An item is an accepted task with everything that is still open of it. Its
parts are the records it becomes: one, or several instances of one instruction (Self-Instruct,
arXiv 2212.10560).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from preceptor.records import Reply, Seed
from preceptor.synthesis.filters import Context, Drop
from preceptor.synthesis.parse import Parsed
from preceptor.synthesis.protocols.base import Draft, Wanted
from preceptor.synthesis.selection import Accepted
from preceptor.teachers.calls import Call

CALL_FAILED = "call failed"
Made = tuple[Call, Reply | None, str]
"""A call, its reply, or why there is none."""
Place = tuple[int, int, int]
"""Of a call among those of its item: stage, part, which of several."""
PROTOCOL, ANSWER, VOTE = 0, 1, 2
"""Stages of an item, in their order."""


@dataclass(slots=True)
class Part:
    """One record to be: a task with its output, on its way."""

    task: Parsed
    drop: Drop | None = None
    verdicts: Mapping[str, str] = field(default_factory=dict)
    voted: dict[int, str] = field(default_factory=dict)
    """By the number of the vote, for they may arrive in any order."""

    @property
    def votes(self) -> list[str]:
        """In the order asked; empty strings are unclear."""
        return [self.voted[turn] for turn in sorted(self.voted)]


@dataclass(slots=True)
class Item:
    """An accepted task."""

    id: str
    task: Parsed
    accepted: Accepted
    context: Context
    draft: Draft
    parts: list[Part] = field(default_factory=list)
    made: dict[Place, Made] = field(default_factory=dict)
    waiting: dict[str, Place] = field(default_factory=dict)
    """Calls without a reply."""

    @property
    def done(self) -> bool:
        """Nothing of it is open."""
        return not self.waiting and bool(self.parts)

    def part_id(self, number: int) -> str:
        """The id of one of its parts: its own, where it is the only one."""
        return self.id if len(self.parts) == 1 else f"{self.id}-{number}"

    @property
    def calls(self) -> list[Made]:
        """Its calls after the first, in a fixed order."""
        return [self.made[place] for place in sorted(self.made)]


@dataclass(slots=True)
class Slot:
    """One request and what came of it."""

    index: int
    call: Call
    shown: tuple[Seed, ...]
    """Its demonstrations, in the order shown."""
    wanted: Wanted
    reply: Reply | None = None
    why: str = ""
    """Why there is no reply."""
    replied: bool = False
    settled: bool = False
    found: int = 0
    """Tasks in the reply, whole or not."""
    rejections: list["Rejection"] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Rejection:
    """A task that was not kept, or a call that brought none."""

    task: str
    """Its id."""
    request_id: str
    position: int
    reason: str
    instruction: str
    input: str
    output: str
    detail: str
    nearest: str = ""
    """Of an accepted task that fell later: as ``Instruction``'s."""
    nearest_rouge_l: float | None = None

"""What a protocol is: which prompts it sends, how it reads the replies, what it asks next.

A protocol knows wording and order. It knows nothing of models, budgets, filters or the pool: the
run (``synthesis.course``) hands it demonstrations and wishes, and gets back what to send.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from preceptor.records import Seed
from preceptor.synthesis.parse import Parsed
from preceptor.synthesis.passages import Passage
from preceptor.teachers.calls import Message, Sampling


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one request asks for; an empty field asks for nothing in particular."""

    category: str = ""
    """qa, ie, gen or other."""
    topic: str = ""
    view: str = ""
    kind: str = ""
    difficulty: int = 0
    """1 to 5."""
    unanswerable: bool = False
    """The task's input must lack what its instruction asks for, and the output must say so."""
    passage: Passage | None = None
    """The text that the task must be about."""
    passage_as_input: bool = False
    """The passage itself is the input: the task is only to be written around it."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One prompt, ready to be sent."""

    kind: str
    """'task', 'classify', 'instance' or 'answer'."""
    messages: tuple[Message, ...]
    schema: Mapping[str, Any] | None = None
    """JSON schema of the reply; only where ``structured`` was asked for."""
    opening: str = ""
    """How a small model in the process had best begin its reply; empty with a schema."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A task on its way, after its first call."""

    task: Parsed
    """As the first call gave it; its output may be missing where a later call writes it."""
    wanted: Wanted
    classification: bool | None = None
    """Whether its output is one of a few labels; None before anybody asked."""
    tasks: tuple[Parsed, ...] = ()
    """Finished: one, or several instances of one instruction."""
    fault: str = ""
    """Why nothing came of it: no instance could be read, ..."""
    structured: bool = False
    """Replies to further calls are to be JSON."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """A protocol's own numbers: the reference's where it has them."""

    demonstrations: int
    """Hand-written seeds in a prompt."""
    machine_demonstrations: int
    """Of the teacher's own accepted tasks in a prompt: bootstrapping; 0 is none."""
    tasks_per_request: int
    separate_answers: bool
    """The output is written by a call of its own."""
    sampling: Mapping[str, Sampling] = field(default_factory=dict)
    """By the kind of call; 'task' is always there."""


class TaskProtocol(Protocol):
    """BioInstruct's, Alpaca's, Self-Instruct's or MedInstruct's way."""

    name: str
    defaults: Defaults

    def ask(
        self,
        shown: Sequence[Seed],
        wanted: Wanted,
        tasks: int,
        structured: bool,
        with_output: bool,
    ) -> Ask:
        """The prompt that asks for so many new tasks.

        Args:
            shown: Demonstrations in the order shown; machine-made ones have category ''.
            structured: The reply is to be JSON that follows ``Ask.schema``.
            with_output: False where another call writes the outputs.
        """

    def read(self, text: str, finished: bool, shown: Sequence[Seed], tasks: int) -> list[Parsed]:
        """The tasks of a reply, never empty; JSON is tried whether or not it was asked for."""

    def next(self, draft: Draft) -> Ask | None:
        """What to ask next of a task on its way; None once ``draft.tasks`` or ``fault`` is set."""

    def absorb(self, draft: Draft, kind: str, text: str, finished: bool) -> Draft:
        """The draft after the reply to ``next``."""

    def wording(self) -> str:
        """All fixed text of its prompts: what a leak is looked for against, and what its digest
        is over."""

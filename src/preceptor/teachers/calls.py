"""One call to a language model, and what can come of it.

A call is a value: its id is the hash of all that decides the answer, so that the same call is
recognised in the ledger whatever else is asked for.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from preceptor.artifact import digest
from preceptor.records import Reply

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """A turn of the conversation that a model is shown."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a reply is drawn."""

    temperature: float = 1.0
    """0 is greedy."""
    top_p: float = 1.0
    presence_penalty: float = 0.0
    max_new_tokens: int = 512
    stop: tuple[str, ...] = ()
    """Texts that end a reply. Never a number: it would also stop at a dose."""

    def to_json(self) -> dict[str, Any]:
        """As manifests and the ledger hold it: what is not at its default."""
        found: dict[str, Any] = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_new_tokens": self.max_new_tokens,
        }
        if self.presence_penalty:
            found["presence_penalty"] = self.presence_penalty
        if self.stop:
            found["stop"] = list(self.stop)
        return found


@dataclass(frozen=True, slots=True)
class Call:
    """What a model is asked."""

    id: str
    """Hash of all that decides the reply: see ``make_call``."""
    kind: str
    """What it is for: 'task', 'classify', 'instance', 'answer' or 'vote'."""
    role: str
    """Which of a run's models answers it: 'teacher', 'answers' or 'votes'."""
    messages: tuple[Message, ...]
    sampling: Sampling
    seed: int
    """For a sampler that takes one, in [0, 2**63)."""
    schema: Mapping[str, Any] | None = None
    """JSON schema of the reply, where a model can be held to one."""
    opening: str = ""
    """How a model in the process begins its reply."""
    note: Mapping[str, Any] = field(default_factory=dict)
    """What the caller wants to find again beside the call: seeds shown, passage, labels."""

    @property
    def prompt_sha256(self) -> str:
        """Of the messages."""
        return digest([[m.role, m.content] for m in self.messages])


def make_call(
    model: str,
    kind: str,
    role: str,
    messages: Sequence[Message],
    sampling: Sampling,
    seed: int,
    schema: Mapping[str, Any] | None = None,
    opening: str = "",
    note: Mapping[str, Any] | None = None,
) -> Call:
    """A call with the id that its content gives it.

    Args:
        model: Which model, with its version: name and fingerprint.
        note: Not part of the id.
    """
    decides = {
        "model": model,
        "kind": kind,
        "messages": [[m.role, m.content] for m in messages],
        "sampling": sampling.to_json(),
        "seed": seed,
        "schema": schema,
        "opening": opening,
    }
    return Call(
        digest(decides)[:20],
        kind,
        role,
        tuple(messages),
        sampling,
        seed,
        schema,
        opening,
        dict(note or {}),
    )


class CallFailedError(Exception):
    """A model will not answer this call, however often it is asked: a refused or over-long prompt,
    or every attempt at it failed. The run goes on without it."""


class Endpoint(Protocol):
    """A model that answers calls one by one, many at a time."""

    sending: set[str]
    """Ids of the calls that are on their way."""
    closing: bool
    """Set by whoever ends a run: no call is sent again then."""
    faults: Counter[str]
    """Failed attempts by kind."""
    notes: Counter[str]
    """What a reader of the replies should know, and how often it was so."""

    async def complete(self, call: Call) -> Reply:
        """Answer one call; waits for its turn, tries again where that can help.

        Raises:
            CallFailedError: See there.
            BudgetReachedError: Asking could exceed the budget.
            TeacherError: It cannot be reached or used at all: no call will be answered.
            asyncio.CancelledError: It would be sent again, and the endpoint is closing.
        """


class BatchModel(Protocol):
    """A model in the process, which answers calls together."""

    name: str
    fingerprint: str

    def check(self, call: Call) -> None:
        """Whether a call can be answered.

        Raises:
            CallFailedError: Its prompt and reply do not fit into the model's context.
        """

    def complete(self, calls: Sequence[Call]) -> list[Reply]:
        """One reply a call, in order; each a function of its call (up to rounding)."""

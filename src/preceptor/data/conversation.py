"""What travels between formats: a conversation, of one exchange or of many.

An Alpaca record is a conversation of one exchange whose user's turn has an input of its own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["user", "assistant"]
SEAM = "\n\n"
"""What stands between an instruction and its input where a format has one text for both."""


class RecordProblem(Exception):
    """A record cannot be used, or not held by a format; whoever knows where adds that."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side says at once."""

    role: Role
    content: str
    """For a user's turn with an input: the instruction alone."""
    input: str = ""
    """Of an Alpaca record; empty when there is none."""

    @property
    def text(self) -> str:
        """Everything that is said."""
        return f"{self.content}{SEAM}{self.input}" if self.input else self.content


@dataclass(frozen=True, slots=True)
class Conversation:
    """One record of an instruction set."""

    turns: tuple[Turn, ...]
    system: str = ""
    """What is said to the model before the conversation; empty for nothing."""
    id: str = ""
    source: str = ""
    """Where it comes from, in the words of its file."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Everything else that its file says of it, as JSON would hold it."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question with its answer, and what was said before."""

    instruction: str
    input: str
    output: str
    before: tuple[Turn, ...]


def exchanges(conversation: Conversation) -> Iterator[Exchange]:
    """The conversation's questions and answers, in order.

    Raises:
        RecordProblem: User and assistant do not take turns, or the last question has no answer.
    """
    turns = conversation.turns
    for place, turn in enumerate(turns):
        expected = "assistant" if place % 2 else "user"
        if turn.role != expected:
            what = "begins with the assistant" if place == 0 else f"has two {turn.role}'s turns"
            raise RecordProblem(f"the conversation {what}{'' if place == 0 else ' in a row'}")
    if len(turns) % 2:
        raise RecordProblem("the conversation ends in a question without an answer")
    for place in range(0, len(turns), 2):
        question, answer = turns[place], turns[place + 1]
        yield Exchange(question.content, question.input, answer.content, turns[:place])


def single(instruction: str, input: str, output: str, **more: Any) -> Conversation:
    """A conversation of one exchange."""
    turns = (Turn("user", instruction, input), Turn("assistant", output))
    return Conversation(turns, **more)

"""What the stage needs of a teacher; the models themselves live elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Reply:
    """What a teacher answered to one prompt."""

    text: str
    prompt_tokens: int
    reply_tokens: int
    finished: bool
    """It ended by itself: false when it was cut by the length limit."""


class Answer(Protocol):
    """What of a teacher's own reply type is read: the fields of ``Reply``."""

    @property
    def text(self) -> str: ...
    @property
    def prompt_tokens(self) -> int: ...
    @property
    def reply_tokens(self) -> int: ...
    @property
    def finished(self) -> bool: ...


class Teacher(Protocol):
    """A model that writes tasks. Its constructor got the sampling settings."""

    @property
    def name(self) -> str:
        """What the recipe calls it."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of its weights."""

    def complete(self, prompts: Sequence[str], seed: int) -> Sequence[Answer]:
        """Answer one batch of user messages, in order: a function of (prompts, seed).

        ``seed`` is in [0, 2**63).
        """

"""What the stage needs of a teacher; the models themselves live elsewhere."""

from collections.abc import Sequence
from typing import Protocol

from preceptor.records import Reply


class Teacher(Protocol):
    """A model that writes tasks. Its constructor got the sampling settings."""

    @property
    def name(self) -> str:
        """What the recipe calls it."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of its weights."""

    def complete(self, prompts: Sequence[str], seed: int) -> Sequence[Reply]:
        """Answer one batch of user messages, in order: a function of (prompts, seed).

        ``seed`` is in [0, 2**63).
        """

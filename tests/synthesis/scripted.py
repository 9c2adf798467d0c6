"""A teacher that answers from a script: no model, and it remembers what it was asked."""

from collections.abc import Callable, Sequence

from preceptor import draws
from preceptor.records import Reply
from preceptor.synthesis.parse import format_task

Script = Callable[[str, int], Reply]

VERBS = ("Describe", "Extract", "Summarise", "Rank", "Compare", "Outline", "Quote", "Count")
NOUNS = ("kidney", "aspirin", "KRAS", "sepsis", "asthma", "insulin", "anaemia", "stroke", "gout")


def reply(text: str, finished: bool = True) -> Reply:
    return Reply(text, prompt_tokens=10, reply_tokens=len(text.split()), finished=finished)


def invented(prompt: str, bits: int) -> Reply:
    """Any of what a small model does, decided by the prompt and the bits."""
    verb = draws.choose(VERBS, bits, "verb", prompt)
    words = [draws.choose(NOUNS, bits, "noun", i, prompt) for i in range(3)]
    whole = format_task(f"{verb} {' '.join(words)} for the ward.", "N/A", f"Some {words[0]} text.")
    forms = (
        reply(whole),
        reply(whole.replace("Instruction:", "**instruction**:")),
        reply(f"{whole}\n\n{format_task('Draw the whole human heart.', '', 'A heart.')}"),
        reply(f"{whole}\n\nInstruction: And then", finished=False),
        reply(whole, finished=False),
        reply("I cannot think of any."),
        reply(""),
    )
    return draws.choose(forms, bits, "form", prompt)


class ScriptedTeacher:
    """Answers by its script, as a function of the whole batch.

    Raises ``error`` in place of the batch with the number ``fails_at``, from 0.
    """

    def __init__(
        self,
        script: Script = invented,
        fails_at: int = -1,
        error: BaseException | None = None,
        fingerprint: str = "f" * 64,
    ) -> None:
        self.name, self.fingerprint = "scripted", fingerprint
        self.calls: list[tuple[tuple[str, ...], int]] = []
        self._script, self._fails_at, self._error = script, fails_at, error

    def complete(self, prompts: Sequence[str], seed: int) -> list[Reply]:
        if self._error is not None and len(self.calls) == self._fails_at:
            raise self._error
        self.calls.append((tuple(prompts), seed))
        return [
            self._script(prompt, draws.bits(seed, "reply", place, len(prompts)))
            for place, prompt in enumerate(prompts)
        ]

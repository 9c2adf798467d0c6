"""A teacher that answers from a script: no model, and it remembers what it was asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from preceptor import draws
from preceptor.records import Instruction, Reply, Seed
from preceptor.synthesis.config import SynthesisConfig
from preceptor.synthesis.course import Course
from preceptor.synthesis.models import Models
from preceptor.synthesis.parse import format_task
from preceptor.synthesis.protocols import protocol
from preceptor.synthesis.requests import Caller
from preceptor.synthesis.seedbank import load_seeds
from preceptor.synthesis.selection import Selection
from preceptor.synthesis.slots import Rejection
from preceptor.synthesis.wishes import Wishes
from preceptor.teachers.calls import Call, CallFailedError

Script = Callable[[Call], Reply]

SEEDS = load_seeds("biomedical")
VERBS = ("Describe", "Extract", "Summarise", "Rank", "Compare", "Outline", "Quote", "Count")
WORDS = sorted({word.strip(".,?") for one in SEEDS for word in one.instruction.split()})
NAME = "scripted@" + "f" * 64


def reply(text: str, finished: bool = True) -> Reply:
    return Reply(text, prompt_tokens=10, reply_tokens=len(text.split()), finished=finished)


def invented(call: Call) -> Reply:
    """Any of what a small model does, decided by the call."""
    if call.kind != "task":
        return later(call)
    verb = draws.choose(VERBS, call.seed, "verb", call.id)
    words = [draws.choose(WORDS, call.seed, "word", i, call.id) for i in range(5)]
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
    return draws.choose(forms, call.seed, "form", call.id)


def later(call: Call) -> Reply:
    """Replies to further calls: now and then of no use."""
    place = draws.integer(6, call.seed, "later", call.id)
    texts = {
        "classify": ("Yes", "No", "no", "Is it classification? Yes", "perhaps", "No."),
        "vote": ("qa", '{"category": "ie"}', "gen", "other", "It is QA.", "none of these"),
        "answer": ("Rest and fluids.", "About four weeks.", "The kidney.", "", "Refer.", "Yes."),
        "instance": (
            "Input: A man of 40.\nOutput: Gout.",
            "Example 1\nInput: A woman of 30.\nOutput: Asthma.\n\n"
            "Example 2\nInput: A child of 3.\nOutput: Croup.",
            "Output: It is treated with rest.",
            "Class label: gout\nInput: A swollen toe.\n\n"
            "Class label: croup\nInput: A barking cough.",
            "",
            "Input: A man of 40.\nOutput: Gout.\n\nInput: A man of 40.\nOutput: Sepsis.",
        ),
    }
    return reply(texts[call.kind][place])


class ScriptedModel:
    """A model in the process that answers by its script.

    Raises ``error`` in place of the batch with the number ``fails_at``, from 0.
    """

    def __init__(
        self,
        script: Script = invented,
        fails_at: int = -1,
        error: BaseException | None = None,
    ) -> None:
        self.name, self.fingerprint = "scripted", "f" * 64
        self.batches: list[list[Call]] = []
        self._script, self._fails_at, self._error = script, fails_at, error

    def check(self, call: Call) -> None:
        if "too long" in call.messages[-1].content:
            raise CallFailedError("the prompt does not fit into the context")

    def complete(self, calls: Sequence[Call]) -> list[Reply]:
        if self._error is not None and len(self.batches) == self._fails_at:
            raise self._error
        self.batches.append(list(calls))
        return [self._script(call) for call in calls]


def models(model: ScriptedModel, *roles: str) -> Models:
    named = ("teacher", *roles)
    return Models(dict.fromkeys(named, NAME), dict.fromkeys(named, model))


@dataclass
class Listing:
    """A sink that keeps everything in its order."""

    events: list[tuple[str, Any]] = field(default_factory=list)

    def call(self, call: Call, reply: Reply | None, why: str) -> None:
        self.events.append(("call", (call.id, reply, why)))

    def kept(self, instruction: Instruction) -> None:
        self.events.append(("kept", instruction))

    def rejected(self, rejection: Rejection) -> None:
        self.events.append(("rejected", rejection))

    @property
    def instructions(self) -> list[Instruction]:
        return [value for kind, value in self.events if kind == "kept"]

    @property
    def reasons(self) -> list[str]:
        return [value.reason for kind, value in self.events if kind == "rejected"]


def course_of(
    config: SynthesisConfig,
    sink: Listing,
    seed: int = 0,
    seeds: Sequence[Seed] = SEEDS,
    few: int | None = None,
) -> Course:
    way = protocol(config.protocol, config.domain)
    wishes = Wishes(config, way.defaults, seeds, (), seed)
    names = dict.fromkeys(config.teachers(), NAME)
    caller = Caller(config, way, names, seed)
    return Course(config, way, wishes, Selection(config, seeds), caller, sink, few)

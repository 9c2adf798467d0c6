"""What makes a task unfit: each filter answers keep, or drop with a reason.

First Alpaca's rules on the instruction, then Self-Instruct's on the instance; BioInstruct's
released records (arXiv 2310.19975) are consistent with the former. The rest catch what a small
teacher does wrong: copying, stand-ins, talking about the prompt, refusing. Whether an instruction
is new is asked after all of these: see ``novelty``.
"""

import re
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from preceptor.records import Seed
from preceptor.synthesis.novelty import tokenise
from preceptor.synthesis.parse import Parsed

KEEP = "keep"
MIN_WORDS, MAX_WORDS = 4, 150
BANNED = (
    *("image", "images", "graph", "graphs", "picture", "pictures", "file", "files", "map", "maps"),
    *("draw", "plot", "go to", "video", "audio", "music", "flowchart", "diagram"),
)
"""Words of tasks that a text model cannot do: Alpaca's eighteen."""
LEAK_WORDS = 6
"""A run of so many words of the prompt's own wording is a leak."""
COPY_WORDS = 4
"""An output of at least so many words, equal to a demonstration's, is a copy."""

_BANNED = re.compile(rf"\b(?:{'|'.join(BANNED)})\b", re.IGNORECASE)
_LINKS = re.compile(r"<?(?:(?:https?|ftp)://|www\.)\S+", re.IGNORECASE)
_STAND_IN = re.compile(
    r"[\[<{]\s*(?:insert|enter|add|your|the|a|an|patient|person|name|age|sex|gender|date|drug"
    r"|medication|medicine|dose|disease|condition|diagnosis|symptom|text|number|value|list|topic)"
    r"(?:'?s)?(?:[ _/,-][a-z' _/,-]*)?\s*[\]>}]"
    r"|\[\s*(?:\.{2,}|…|_+|x+)\s*\]|_{3,}|\bx{3,}\b|\blorem ipsum\b"
    r"|^(?:please )?(?:insert|enter|paste|provide|attach|upload)\b",
    re.IGNORECASE,
)
_CHAT_MARKS = re.compile(
    r"<\|\w*|\[/?INST\]|<</?SYS>>|</?s>|instruction[- ](?:response|output) pair"
    r"|^\W*(?:user|assistant|system)\s*:?\s*$",
    re.IGNORECASE | re.MULTILINE,
)
_REFUSAL = re.compile(
    r"\A\W*(?:i'?m|i am)(?: (?:very|so|really))? sorry\b"
    r"|\A\W*(?:sorry[,.]? (?:but )?)?i "
    r"(?:can ?not|can't|could not|am unable|am not able|don't have)\b"
    r"|\bas an ai\b|\bi(?: a|')m (?:just |only )?an? (?:ai|language model)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Drop:
    """Why a task is dropped."""

    reason: str
    """One of a few, to be counted by."""
    detail: str = ""
    """What in this task it was."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a task is judged against, besides itself."""

    shown: tuple[Seed, ...]
    """The demonstrations of its request."""
    wording: frozenset[tuple[str, ...]]
    """Every run of ``LEAK_WORDS`` words in the prompt's own wording."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """How far a task came."""

    verdicts: dict[str, str]
    """Filter name to 'keep' or the reason; filters behind the first drop are absent."""
    drop: Drop | None


def runs_of_words(text: str) -> frozenset[tuple[str, ...]]:
    """Every run of ``LEAK_WORDS`` words."""
    words = tokenise(text)
    return frozenset(zip(*(words[i:] for i in range(LEAK_WORDS)), strict=False))


def instruction_length(task: Parsed, _: Context) -> Drop | None:
    """Alpaca: three words or fewer say too little, more than 150 are no instruction."""
    words = len(task.instruction.split())
    if words < MIN_WORDS:
        return Drop("instruction too short", f"{words} words")
    return Drop("instruction too long", f"{words} words") if words > MAX_WORDS else None


def banned_words(task: Parsed, _: Context) -> Drop | None:
    """Alpaca: the instruction asks for what text cannot show."""
    found = _BANNED.search(task.instruction)
    return Drop("banned word", found[0].lower()) if found else None


def write_a_program(task: Parsed, _: Context) -> Drop | None:
    """Alpaca: unclear whether the program or its result is wanted."""
    return Drop("asks for a program") if task.instruction.startswith("Write a program") else None


def first_character(task: Parsed, _: Context) -> Drop | None:
    """Alpaca: the instruction starts with punctuation or outside ASCII."""
    first = task.instruction[:1]
    if first in string.punctuation or not first.isascii():
        return Drop("odd first character", first)
    return None


def empty_output(task: Parsed, _: Context) -> Drop | None:
    """Self-Instruct: nothing is answered."""
    return None if task.output else Drop("empty output")


def repeated_as_output(task: Parsed, _: Context) -> Drop | None:
    """Self-Instruct: the output is the input again (or, here, the instruction)."""
    output = tokenise(task.output)
    for field, text in (("input", task.input), ("instruction", task.instruction)):
        if task.output == text or (output and output == tokenise(text)):
            return Drop(f"output repeats the {field}")
    return None


def ends_in_colon(task: Parsed, _: Context) -> Drop | None:
    """Self-Instruct: a text that ends in a colon was going on."""
    for field, text in (("input", task.input), ("output", task.output)):
        if text.endswith(":"):
            return Drop(f"{field} ends in a colon")
    return None


def bare_link(task: Parsed, _: Context) -> Drop | None:
    """The input is nothing but web addresses: the answer could not have used it."""
    links = _LINKS.findall(task.input)
    if links and not tokenise(_LINKS.sub(" ", task.input)):
        return Drop("input is a bare link", links[0])
    return None


def copied_demonstration(task: Parsed, context: Context) -> Drop | None:
    """A demonstration of the same request comes back: its instruction, or its whole output."""
    instruction, output = tokenise(task.instruction), tokenise(task.output)
    for seed in context.shown:
        same_output = len(output) >= COPY_WORDS and output == tokenise(seed.output)
        if same_output or instruction == tokenise(seed.instruction):
            return Drop("copied demonstration", seed.id)
    return None


def placeholder_input(task: Parsed, _: Context) -> Drop | None:
    """The input leaves something to fill in."""
    found = _STAND_IN.search(task.input)
    return Drop("placeholder in the input", found[0]) if found else None


def leaked_prompt(task: Parsed, context: Context) -> Drop | None:
    """The task carries chat markup or the wording of our own prompt."""
    for text in (task.instruction, task.input, task.output):
        if marks := _CHAT_MARKS.search(text):
            return Drop("leaked prompt text", marks[0].strip())
        if leaked := runs_of_words(text) & context.wording:
            return Drop("leaked prompt text", " ".join(min(leaked)))
    return None


def refusal(task: Parsed, _: Context) -> Drop | None:
    """The output declines or speaks of being a model."""
    found = _REFUSAL.search(task.output)
    return Drop("refusal", found[0].strip()) if found else None


FILTERS: Sequence[Callable[[Parsed, Context], Drop | None]] = (
    instruction_length,
    banned_words,
    write_a_program,
    first_character,
    empty_output,
    repeated_as_output,
    ends_in_colon,
    bare_link,
    copied_demonstration,
    placeholder_input,
    leaked_prompt,
    refusal,
)
"""In the order in which they judge."""


def judge(task: Parsed, context: Context) -> Judgement:
    """Ask the filters in order, up to the first that drops the task."""
    verdicts: dict[str, str] = {}
    for filter_ in FILTERS:
        drop = filter_(task, context)
        verdicts[filter_.__name__] = drop.reason if drop else KEEP
        if drop:
            return Judgement(verdicts, drop)
    return Judgement(verdicts, None)

"""A task's output by a call of its own: AlpaCare's second stage (MedInstruct, arXiv 2310.14558)."""

import re

from preceptor.synthesis.protocols.base import Ask, Wanted
from preceptor.synthesis.protocols.templates import render
from preceptor.teachers.calls import Message

TEMPLATES = ("answer",)

_FENCED = re.compile(r"\A```[\w-]*[ \t]*\n(?P<inside>(?:(?!```).)*?)\n?```\Z", re.DOTALL)
_LABEL = re.compile(r"\A[*_#> \t]*(?:output|answer|response)[*_]*:[*_]*\s*", re.IGNORECASE)


def ask_answer(instruction: str, input: str, wanted: Wanted, kind: str = "answer") -> Ask:
    """The prompt that asks for the output of a task.

    Args:
        instruction: Of the task.
        input: Of the task; empty where it has none.
        wanted: Its passage is shown, unless it is the input already. Where the task was to be
            unanswerable, the prompt says so, and the passage, which may hold the answer, stays out.
        kind: Which call it is.
    """
    hidden = wanted.passage_as_input or wanted.unanswerable
    passage = wanted.passage.text if wanted.passage and not hidden else ""
    text = render(
        "answer",
        instruction=instruction,
        input=input,
        passage=passage,
        unanswerable=wanted.unanswerable,
    )
    return Ask(kind, (Message("user", text),))


def read_answer(text: str, finished: bool) -> tuple[str, str]:
    """The output, and why it is none: 'no output' or 'cut off'; no text makes it raise.

    A fence around the whole and a label in front ("Output:", "Answer:") are taken off.
    """
    output = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    output = _LABEL.sub("", output, count=1).strip()
    if fenced := _FENCED.match(output):
        output = fenced["inside"].strip()
    if not output:
        return "", "no output"
    return output, "" if finished else "cut off"

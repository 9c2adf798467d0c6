"""Labelled fields, written and read: how a demonstration looks, and what a reply is taken for.

A reply comes from a language model, so little is certain about it. A line that begins with
"Instruction:", "Input:" or "Output:" opens a field, whatever its case, numbering or markdown; other
names (Task, Response, ...) are taken for them only where the label itself is absent. Nothing here
judges a task: see ``filters``. Replies of other shapes: ``parse_json``, ``parse_numbered``,
``parse_list``, ``parse_instances``.
"""

import re
from dataclasses import dataclass, replace
from itertools import pairwise

from preceptor.data import no_input

NO_INPUT = "none"
"""How a prompt shows that a task needs no input."""

ALIASES = {
    "instruction": "instruction",
    "task": "instruction",
    "question": "instruction",
    "input": "input",
    "context": "input",
    "output": "output",
    "response": "output",
    "answer": "output",
    "expected output": "output",
}
LABELS = frozenset(ALIASES.values())

# Possessive quantifiers: a line of thousands of asterisks must not be tried in every split.
_LABEL = re.compile(
    r"(?P<markup>[ \t>*_#•-]*+)(?:\(?\d{1,3}[.):]\s*+)?+(?P<bold>[*_]*+)"
    rf"(?P<label>{'|'.join(sorted(ALIASES, key=len, reverse=True))})s?"
    r"(?:\s?#?\d{1,3}|\s?\([^()]{1,30}\))?+[*_]*+[ \t]*+(?P<colon>[:：]?+)[*_]*+(?P<rest>.*)",  # noqa: RUF001 (both colons are meant)
    re.IGNORECASE,
)
_INLINE = re.compile(r"(?<=\S)[ \t]+(?=(?:Instruction|Input|Output|Answer|Response):)")
_FENCE = re.compile(r"\s*```\w*\s*")
_RULE = re.compile(r"[\s*_#>=~`-]*+")
_HEADING = re.compile(
    r"[\s*_#>=~`-]*+(?:(?:new|next|biomedical|example|task)\s*+)++#?\d{0,3}[.):]?[\s*_#=~`-]*+",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Parsed:
    """One task of a reply, or what was left of one."""

    position: int
    """Which of the reply's tasks it is, from 0."""
    instruction: str
    """On one line."""
    input: str
    """Empty when there is none: the one spelling of 'no input'."""
    output: str
    fault: str
    """Why it is no whole task: 'no task', 'no instruction', 'no output', 'cut off'; else empty."""
    topic: str = ""
    """What the teacher says that it is about; empty where it was not asked."""
    view: str = ""
    """Whose it is, as the teacher says: an expert's, a student's, a patient's."""
    kind: str = ""
    """Its form, as the teacher says: summarisation, multiple choice, ..."""
    difficulty: int = 0
    """1 to 5, as the teacher says; 0 where it does not."""
    repaired: str = ""
    """What had to be mended to read it ('json', 'numbering'); empty where nothing had."""

    @property
    def complete(self) -> bool:
        """All its fields were there, and nothing was cut."""
        return not self.fault


@dataclass(frozen=True, slots=True)
class _Mark:
    line: int
    field: str
    own_name: bool
    """The label itself, not an alias."""
    rest: str


def format_task(instruction: str, input: str, output: str) -> str:
    """A task as labelled fields, which ``parse`` reads back."""
    return f"Instruction: {instruction}\nInput: {input or NO_INPUT}\nOutput: {output}"


def parse(text: str, finished: bool) -> list[Parsed]:
    """The tasks of a reply, in its order; never empty, and no text makes it raise.

    Args:
        text: The reply.
        finished: It ended by itself. Otherwise its last task was cut somewhere, and says so.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    marks = _marks(lines)
    if not any(mark.field == "output" for mark in marks):
        lines = "\n".join(_INLINE.sub("\n", line) for line in lines).split("\n")
        marks = _marks(lines)
    tasks = [_task(position, part) for position, part in enumerate(_parts(lines, marks))]
    return closed(tasks, finished)


def closed(tasks: list[Parsed], finished: bool) -> list[Parsed]:
    """The tasks of a reply as every parser gives them back.

    Never empty; positions count from 0; the last task of a reply that did not end by itself is
    'cut off'.
    """
    tasks = [replace(task, position=position) for position, task in enumerate(tasks)]
    tasks = tasks or [Parsed(0, "", "", "", "no task")]
    return tasks if finished else [*tasks[:-1], replace(tasks[-1], fault="cut off")]


def labels_in(text: str) -> list[tuple[int, str]]:
    """(line from 0, field) of every line that may open a field; aliases count."""
    return [(mark.line, mark.field) for mark in _marks(text.split("\n"))]


def one_line(text: str) -> str:
    """An instruction as ``Parsed`` holds it: on one line, without marks around the whole."""
    return _unwrapped(" ".join(text.split()))


def normalise_input(text: str) -> str:
    """The input without outer white space; empty for each way of saying that there is none."""
    return no_input.normalise_input(text.strip())


def _marks(lines: list[str]) -> list[_Mark]:
    """Every line that may open a field."""
    marks = []
    for number, line in enumerate(lines):
        found = _LABEL.fullmatch(line)
        if found is None:
            continue
        heading = bool(found["markup"].strip() or found["bold"]) and not found["rest"].strip()
        if found["colon"] or heading:
            label = found["label"].lower()
            marks.append(_Mark(number, ALIASES[label], label in LABELS, found["rest"]))
    return marks


def _parts(lines: list[str], marks: list[_Mark]) -> list[dict[str, str]]:
    """Field name to raw text, for each task: an instruction and all up to the next one."""
    heads = _preferred(marks, "instruction")
    bounds = [-1, *(head.line for head in heads), len(lines)]
    parts: list[dict[str, str]] = []
    for start, stop in pairwise(bounds):
        inside = [mark for mark in marks if start <= mark.line < stop]
        chosen = [
            *(head for head in heads if head.line == start),
            *_preferred(inside, "input"),
            *_preferred(inside, "output"),
        ]
        parts += _split(lines, sorted(chosen, key=lambda mark: mark.line), stop)
    return parts


def _split(lines: list[str], marks: list[_Mark], stop: int) -> list[dict[str, str]]:
    """The fields behind the marks; one that comes a second time begins another task."""
    parts: list[dict[str, str]] = []
    for mark, end in zip(marks, [*(mark.line for mark in marks[1:]), stop], strict=False):
        if not parts or parts[-1].get(mark.field, "").strip():
            parts.append({})
        parts[-1][mark.field] = "\n".join([mark.rest, *lines[mark.line + 1 : end]])
    return parts


def _preferred(marks: list[_Mark], field: str) -> list[_Mark]:
    """A field's marks: aliases only where the label itself never occurs."""
    of_field = [mark for mark in marks if mark.field == field]
    return [mark for mark in of_field if mark.own_name] or of_field


def _task(position: int, part: dict[str, str]) -> Parsed:
    instruction = one_line(_value(part.get("instruction", "")))
    output = _value(part.get("output", ""))
    fault = ""
    if not instruction:
        fault = "no instruction"
    elif "output" not in part:
        fault = "no output"
    return Parsed(
        position, instruction, normalise_input(_value(part.get("input", ""))), output, fault
    )


def _value(raw: str) -> str:
    """A field's text without blank lines, fences and headings around it."""
    lines = [line.rstrip() for line in raw.strip().split("\n")]
    if _FENCE.fullmatch(lines[0]):
        lines = lines[1:]
    while lines and (_RULE.fullmatch(lines[-1]) or (lines[1:] and _HEADING.fullmatch(lines[-1]))):
        lines.pop()
    return "\n".join(lines).strip()


def _unwrapped(text: str) -> str:
    """An instruction without the quotation marks or asterisks around the whole of it."""
    for left, right in (("**", "**"), ('"', '"'), ("“", "”")):
        inner = text.removeprefix(left).removesuffix(right)
        if len(inner) == len(text) - len(left) - len(right) and not {left, right} & set(inner):
            return inner.strip()
    return text

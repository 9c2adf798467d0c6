"""Self-Instruct's later stages: is it a classification, and instances of an instruction.

Instances come input first, or, for a classification, label first: asked for an input, a model
favours one label (arXiv 2212.10560, section 2.2).
"""

import re
from collections.abc import Sequence

from preceptor.synthesis.parse import normalise_input

_EXAMPLE = re.compile(
    r"^[ \t>*_#]*(?:example|instance)s?[ \t]*#?\d{0,3}[ \t]*[.:)]?[*_]*[ \t]*$"
    r"|^[ \t>*_#]*(?:example|instance)[ \t]+#?\d{1,3}[ \t]*[.:)][*_]*[ \t]*",
    re.IGNORECASE | re.MULTILINE,
)
_INPUT = re.compile(
    r"^[ \t>*_#]*input(?:[ \t]?#?\d{1,3})?[*_]*:[*_]*", re.IGNORECASE | re.MULTILINE
)
_OUTPUT = re.compile(
    r"^[ \t>*_#]*output(?:[ \t]?#?\d{1,3})?[*_]*:[*_]*", re.IGNORECASE | re.MULTILINE
)
_CLASS = re.compile(
    r"^[ \t>*_#]*(?:class[ \t]+)?label(?:[ \t]?#?\d{1,3})?[*_]*:[*_]*", re.IGNORECASE | re.MULTILINE
)
_NEXT_TASK = re.compile(r"^[ \t>*_#]*(?:task|instruction)[*_]*:", re.IGNORECASE | re.MULTILINE)


def parse_instances(text: str, finished: bool, classification: bool) -> list[tuple[str, str]]:
    """(input, output) of each instance, in order; empty where there is none. Never raises.

    Input first: "Example 1", "Input: ...", "Output: ...", repeated; an example without heads is
    an output that needs no input. Label first: "Class label: ..." and its input on the lines
    below. What follows a line "Task:" belongs to another task and is left out.

    Args:
        text: The reply.
        finished: It ended by itself. Otherwise its last instance was cut, and is left out.
        classification: Label first was asked for; a reply without a label is read input first.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    following = _NEXT_TASK.search(text, 1)
    if following:
        text, finished = text[: following.start()], True
    by_label = classification and bool(_CLASS.search(text))
    instances = _label_first(text) if by_label else _input_first(text)
    if not finished:
        instances = instances[:-1]
    return [(normalise_input(input), output) for input, output in instances if output]


def parse_label(text: str, labels: Sequence[str]) -> str:
    """The label that a reply names first, in the caller's spelling; empty where that is unclear.

    Clear is: the reply begins with it, or says "answer: ..." (label, category, class), or names no
    other label. Two labels side by side ("yes or no", "qa/ie") are a repeated question. Never
    raises.
    """
    spelling = {label.lower(): label for label in labels}
    if not spelling:
        return ""
    either = "|".join(re.escape(label) for label in sorted(spelling, key=len, reverse=True))
    word = rf"(?<![\w-])(?P<label>{either})(?![\w-])(?!\s*(?:/|\||,|or\b)\s*(?:{either})(?![\w-]))"
    openings = (
        rf"\A\W*{word}",
        rf"\b(?:answer|label|category|class)(?:\s+is)?\s*[:=]?\W*{word}",
    )
    for opening in openings:
        if found := re.search(opening, text, re.IGNORECASE):
            return spelling[found["label"].lower()]
    plain = rf"(?<![\w-])(?:{either})(?![\w-])"
    named = {found[0].lower() for found in re.finditer(plain, text, re.IGNORECASE)}
    return spelling[named.pop()] if len(named) == 1 else ""


def _label_first(text: str) -> list[tuple[str, str]]:
    """The label is the rest of its line; all up to the next label is the input."""
    instances = []
    for part in _CLASS.split(_EXAMPLE.sub("", text))[1:]:
        label, _, input = part.strip().partition("\n")
        instances.append((_INPUT.sub("", input.strip(), count=1), label.strip()))
    return instances


def _input_first(text: str) -> list[tuple[str, str]]:
    """Every example, cut at its heads."""
    instances: list[tuple[str, str]] = []
    for part in _EXAMPLE.split(text):
        if part.strip():
            instances += _heads(part)
    return instances


def _heads(part: str) -> list[tuple[str, str]]:
    """The instances of one example: one, or several that stand under no heading of their own."""
    if not _OUTPUT.search(part):
        bare = not _INPUT.search(part)
        return [("", part.strip() if bare else "")]
    instances = []
    rest = part
    while found := _OUTPUT.search(rest):
        behind = rest[found.end() :]
        end = _INPUT.search(behind) or _OUTPUT.search(behind)
        output = behind[: end.start()] if end else behind
        input = _INPUT.sub("", rest[: found.start()].strip(), count=1)
        instances.append((input.strip(), output.strip()))
        rest = behind[end.start() :] if end else ""
    if rest.strip():  # an input whose output never came
        instances.append(("", ""))
    return instances

"""Alpaca's shape: tasks between lines of "###", each with numbered heads.

    ###
    4. Instruction: Name the class of the drug.
    4. Input: Atenolol
    4. Output: A β-blocker.

The prompt ends in the first of these heads, so a completion begins with its instruction and a chat
model repeats the head. Alpaca's reader wants exactly three heads with the number that it counts
itself; here numbers may repeat, jump or be missing, and so may the head "Instruction".
"""

import re
from dataclasses import replace

from preceptor.synthesis.parse import NO_INPUT, Parsed, closed, labels_in, parse

REPAIRED = "numbering"
_SEPARATOR = re.compile(r"^[ \t]*#{3,}[ \t]*$|[ \t]#{3,}[ \t]*$|^#{3,}[ \t]*(?=\d)", re.MULTILINE)
_BARE = re.compile(
    r"^(?P<number>\d{1,3}[.)])[ \t]+(?!(?:instruction|input|output)\b)(?P<text>\S.*)$"
    r"(?=\n+(?P=number)[ \t]*input[ \t]*:)",
    re.IGNORECASE | re.MULTILINE,
)
"""A numbered line without a head, directly before the input of the same number."""
_NUMBER = re.compile(r"\s*(\d{1,3})[.)]\s*")


def format_numbered(number: int, instruction: str, input: str, output: str) -> str:
    """A task with numbered heads, which ``parse_numbered`` reads back."""
    return (
        f"{number}. Instruction: {instruction}\n{number}. Input: {input or NO_INPUT}\n"
        f"{number}. Output: {output}"
    )


def parse_numbered(text: str, finished: bool, first: int) -> list[Parsed]:
    """The tasks of a reply, in its order; never empty, and no text makes it raise.

    Where the head "Instruction" had to be supplied, the tasks of that section say
    ``repaired="numbering"``; not for the reply's first task, whose head ends the prompt.

    Args:
        text: The reply.
        finished: It ended by itself. Otherwise its last task was cut somewhere, and says so.
        first: The number that the prompt gave to the reply's first task. An instruction without a
            head may begin with a number: one that the numbering from here cannot have reached is
            part of the instruction.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    sections = [part for part in _SEPARATOR.split(text) if part.strip()]
    tasks: list[Parsed] = []
    for index, section in enumerate(sections):
        headed = _headed(section, first + len(sections))
        whole = _BARE.sub(r"\g<number> Instruction: \g<text>", headed)
        found = parse(whole, finished=True)
        if whole != headed or (headed != section and index):
            found = [replace(task, repaired=REPAIRED) for task in found]
        tasks += found
    whole_tasks = [task for task in tasks if task.fault != "no task"]  # drops closing remarks
    return closed(whole_tasks, finished)


def _headed(section: str, most: int) -> str:
    """The section with its head "Instruction", where text stands before the first other head."""
    labels = labels_in(section)
    if not labels or labels[0][1] == "instruction":
        return section
    lead = "\n".join(section.split("\n")[: labels[0][0]])
    if not lead.strip():
        return section
    number = _NUMBER.match(section)
    start = number.end() if number and int(number[1]) <= most else 0
    return f"Instruction: {section[start:].lstrip()}"

"""MedInstruct's labelled fields: topic, view, type and difficulty before each task, written and
read."""

import re
from collections.abc import Sequence
from dataclasses import replace

from preceptor.records import Seed
from preceptor.synthesis.parse import Parsed, closed, parse
from preceptor.synthesis.protocols.demonstrations import labelled_task, trait_values

LABELS = {"topic": "Topic", "view": "View", "kind": "Type", "difficulty": "Difficulty"}
LEAST_LINES = 2
"""One such line alone may belong to an input ("View: lateral")."""

_LINE = re.compile(
    r"[ \t>*_#•-]*+(?:\(?\d{1,3}[.):]\s*+)?+[*_]*+"
    r"(?P<label>topic|view|point of view|type|kind|difficulty)[*_]*+[ \t]*+:[*_]*+(?P<rest>.*)",
    re.IGNORECASE,
)
_NAMES = {"type": "kind", "point of view": "view"}
_LEVEL = re.compile(r"\s*([1-5])(?!\d)")

Traits = dict[str, str]


def labelled_with_traits(seeds: Sequence[Seed], with_output: bool) -> str:
    """Tasks as labelled fields, what is known of their traits first."""
    return "\n\n".join(_shown(seed, with_output) for seed in seeds)


def parse_with_traits(text: str, finished: bool) -> list[Parsed]:
    """The tasks of a reply, in its order; never empty, and no text makes it raise.

    A block of at least two lines that begin with "Topic:", "View:", "Type:" or "Difficulty:" opens
    a task; the rest is read by ``parse``. A block without a task behind it is nothing.

    Args:
        text: The reply.
        finished: It ended by itself. Otherwise its last task was cut somewhere, and says so.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    tasks: list[Parsed] = []
    for traits, rest in _sections(lines):
        found = [
            task
            for task in parse("\n".join(rest), True)
            if task.instruction or (traits and task.fault != "no task")
        ]  # before the first block, "Task 1" is a heading
        tasks += [_with(task, traits) for task in found[:1]] + found[1:]
    return closed(tasks, finished)


def _shown(seed: Seed, with_output: bool) -> str:
    known = trait_values(seed)
    lines = [f"{LABELS[name]}: {value}" for name, value in known.items()]
    return "\n".join([*lines, labelled_task(seed, with_output)])


def _sections(lines: list[str]) -> list[tuple[Traits, list[str]]]:
    """Each block's traits with the lines up to the next block; first, what stands before any."""
    sections: list[tuple[Traits, list[str]]] = [({}, [])]
    place = 0
    while place < len(lines):
        traits, end = _block(lines, place)
        if len(traits) >= LEAST_LINES:
            sections.append((traits, []))
            place = end
        else:
            sections[-1][1].append(lines[place])
            place += 1
    return sections


def _block(lines: list[str], start: int) -> tuple[Traits, int]:
    """The traits of the lines from ``start`` on, and where they end; blank lines may be between."""
    traits: Traits = {}
    end = start
    for place in range(start, len(lines)):
        found = _LINE.fullmatch(lines[place])
        if found is None:
            if lines[place].strip():
                break
            continue
        label = found["label"].lower()
        name = _NAMES.get(label, label)
        if name in traits:
            break
        traits[name] = found["rest"].strip(" \t*_")
        end = place + 1
    return traits, end


def _with(task: Parsed, traits: Traits) -> Parsed:
    level = _LEVEL.match(traits.get("difficulty", ""))
    return replace(
        task,
        topic=traits.get("topic", ""),
        view=traits.get("view", ""),
        kind=traits.get("kind", ""),
        difficulty=int(level[1]) if level else 0,
    )

"""Natural Instructions in: one JSON file a task, of version 1 or of Super-NaturalInstructions.

| version 1                          | Super-NaturalInstructions (v2)             |
| ---------------------------------- | ------------------------------------------ |
| Title, Prompt, Definition          | Definition (text, or a list of texts)      |
| Things to Avoid, Emphasis & Caution | Categories, Domains, Source, Reasoning, ... |
| Examples: {Positive Examples, ...} | Positive Examples, Negative Examples       |
| Instances: input, output (a list)  | Instances: id, input, output (a list)      |
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preceptor.data.tally import Tally
from preceptor.errors import RowError

_NONE = ("", "-", "none", "n/a", "na")
_ABOUT = ("Categories", "Domains", "Reasoning", "Source", "URL", "Contributors", "Input_language")
_ABOUT_LATER = ("Output_language", "Instruction_language", "Instance License")


@dataclass(frozen=True, slots=True)
class Shown:
    """An example that belongs to a definition."""

    input: str
    output: str


@dataclass(frozen=True, slots=True)
class NaturalTask:
    """One file's content."""

    name: str
    """The file's, without its ending."""
    definition: str
    prompt: str = ""
    avoid: str = ""
    caution: str = ""
    title: str = ""
    examples: tuple[Shown, ...] = ()
    """The positive ones."""
    instances: tuple[Mapping[str, Any], ...] = ()
    """id, input, and output: a list of texts, all of them right."""
    remarks: Mapping[str, str] | None = None
    """What else the file says of the task, by its own key."""

    @property
    def closed(self) -> tuple[str, ...]:
        """The labels, where every answer is one of a few; else none.

        Few: ten at most, each text on one line, and on average five instances a label.
        """
        outputs = [instance["output"] for instance in self.instances]
        labels = tuple(sorted({text for texts in outputs for text in texts}))
        single = all(len(texts) == 1 for texts in outputs)
        tidy = all(label == " ".join(label.split()) for label in labels)
        few = 2 <= len(labels) <= 10 and len(outputs) >= 5 * len(labels)
        return labels if single and tidy and few else ()


def is_natural(value: Any) -> bool:
    """Whether a JSON value looks like a task of Natural Instructions."""
    return isinstance(value, dict) and {"Definition", "Instances"} <= value.keys()


def read_natural(path: Path, tally: Tally) -> NaturalTask:
    """A file's task.

    Raises:
        RowError: It is no such file, or an instance is bad and ``tally`` does not skip.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise RowError(f"{path} cannot be read as JSON ({' '.join(str(error).split())})") from error
    if not is_natural(value):
        there = ", ".join(list(value)[:12]) if isinstance(value, dict) else type(value).__name__
        raise RowError(
            f"{path} is no task of Natural Instructions: Definition and Instances are "
            f"needed, found {there}"
        )
    definition = _said(value["Definition"])
    if not definition:
        raise RowError(f"{path}: Definition is empty; an instruction is what the file is for")
    nested = value.get("Examples")
    shown = nested.get("Positive Examples") if isinstance(nested, dict) else None
    found = NaturalTask(
        name=path.stem,
        definition=definition,
        prompt=_said(value.get("Prompt")),
        avoid=_said(value.get("Things to Avoid")),
        caution=_said(value.get("Emphasis & Caution")),
        title=_said(value.get("Title")),
        examples=_examples(value.get("Positive Examples") or shown),
        instances=_instances(value["Instances"], path, tally),
        remarks={
            key: said for key in (*_ABOUT, *_ABOUT_LATER) if (said := _listed(value.get(key)))
        },
    )
    if not found.instances:
        raise RowError(f"{path} has no instance that can be used; {'; '.join(tally.lines())}")
    return found


def _said(value: Any) -> str:
    """A text, or the texts of a list; the files' own signs for nothing become nothing."""
    texts = value if isinstance(value, list) else [value]
    told = [text.strip() for text in texts if isinstance(text, str)]
    return "\n".join(text for text in told if text.lower() not in _NONE)


def _listed(value: Any) -> str:
    texts = value if isinstance(value, list) else [value]
    told = [" ".join(text.split()) for text in texts if isinstance(text, str)]
    return "; ".join(text for text in told if text)


def _examples(given: Any) -> tuple[Shown, ...]:
    found = []
    for example in given if isinstance(given, list) else []:
        if isinstance(example, dict):
            input, output = _text(example.get("input")), _texts(example.get("output"))
            if input is not None and output:
                found.append(Shown(input, output[0]))
    return tuple(found)


def _instances(given: Any, path: Path, tally: Tally) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(given, list):
        raise RowError(f"{path}: Instances is no list")
    found: list[Mapping[str, Any]] = []
    seen: set[str] = set()
    for number, instance in enumerate(given):
        where = f"{path}, instance {number + 1}"
        if not isinstance(instance, dict):
            tally.refuse(where, f"an instance is an object, found {type(instance).__name__}")
            continue
        input, outputs = _text(instance.get("input")), _texts(instance.get("output"))
        if input is None:
            tally.refuse(where, "input is no text")
        elif not outputs:
            tally.refuse(where, "output has no text")
        else:
            id = _text(instance.get("id")) or f"{path.stem}-{number}"
            if id in seen:
                tally.notes["an id that another instance has made anew"] += 1
                id = f"{id}-{number}"
            seen.add(id)
            tally.records += 1
            found.append({"id": id, "input": input, "output": outputs})
    return tuple(found)


def _text(value: Any) -> str | None:
    return value.strip() if isinstance(value, str) else None


def _texts(value: Any) -> list[str]:
    texts = value if isinstance(value, list) else [value]
    told = [text.strip() for text in texts if isinstance(text, str) and text.strip()]
    return list(dict.fromkeys(told))


_WORD = re.compile(r"[A-Za-z0-9]+")
_NUMBERED = re.compile(r"(?:sub)?task\d+_([a-z0-9]+)_[a-z0-9]", re.IGNORECASE)
_NO_DATA_SET = (*_NONE, "synthetic", "other", "unknown")


def own_data_sets(task: NaturalTask) -> tuple[str, ...]:
    """Data sets as the file calls them: its Source, else what stands after its name's number."""
    source = (task.remarks or {}).get("Source", "")
    named = [part.strip() for part in source.split(";")]
    found = [part for part in named if part.lower() not in _NO_DATA_SET]
    if source or not (numbered := _NUMBERED.match(task.name)):
        return tuple(found)
    return (numbered[1],)


def data_sets(task: NaturalTask, known: Mapping[str, str]) -> tuple[str, ...]:
    """Data sets that a task's rows come from, by its name and its Source.

    Args:
        task: As read.
        known: Names of data sets without marks and capitals, to the names that the library uses.

    Returns:
        The library's names, in order; for hold-outs, which go by these names.
    """
    source = (task.remarks or {}).get("Source", "")
    found: dict[str, None] = {}
    for text in (task.name, source):
        words = [word.lower() for word in _WORD.findall(text)]
        for size in (3, 2, 1):
            for start in range(len(words) - size + 1):
                name = known.get("".join(words[start : start + size]))
                if name is not None:
                    found[name] = None
    return tuple(found)

"""A reply in JSON: one object, several, a list, or a list under a key such as "tasks".

Strict JSON is tried first, also within prose and code fences. What that cannot read (single quotes,
trailing commas, an end that is missing) goes to ``json_repair``, and every task so read says
``repaired="json"``. A reply without a JSON task in it is read as labelled fields.
"""

import json
import re
from collections.abc import Iterator, Mapping

import json_repair

from preceptor.synthesis.parse import ALIASES, Parsed, closed, normalise_input, one_line, parse

REPAIRED = "json"
MOST_CHARACTERS = 50_000
"""A longer text is not mended: the time that this takes can grow with its square."""
_DEPTH = 4
"""How far down a list of tasks is looked for."""

_FENCE = re.compile(r"^[ \t]*```[ \t]*\w*[ \t]*$", re.MULTILINE)
_OPENING = re.compile(
    r"\{\s*+(?:['\"“‘]|(?:instruction|task|question|input|output)s?\s*:)|\[\s*+\{",  # noqa: RUF001
    re.IGNORECASE,
)
"""Where JSON may begin: braces and brackets in prose have no key behind them."""
_PROSE = re.compile(r"(?<=[}\]])[ \t]*,?\s*\n[^\s{}\[\]\"',][^\n]*(?=\n\s*[{\[])")
_GAP = re.compile(r"[ \t]{20,}")
"""Over these the mender takes the longest."""
_DECODER = json.JSONDecoder()
_FIELDS = {"type": "kind", "kind": "kind", "topic": "topic", "view": "view"}
_LEVEL = re.compile(r"\s*([1-5])(?:\.0)?\s*(?:/\s*5\s*|out of 5\s*)?")


def parse_json(text: str, finished: bool) -> list[Parsed]:
    """The tasks of a reply, in its order; never empty, and no text makes it raise.

    Keys are read whatever their case: instruction, input, output (or an alias of ``parse``, where
    the key itself is absent), topic, view, type or kind, difficulty. A value that is no text
    becomes one: a list of plain values has a line for each, anything deeper stays JSON.

    Args:
        text: The reply.
        finished: It ended by itself. Otherwise its last task was cut somewhere, and says so.
    """
    strict, broken = _strictly(_FENCE.sub("", text))
    tasks = [_task(found, "") for found in strict]
    tasks += [_task(found, REPAIRED) for found in _mended(broken)]
    return closed(tasks, finished) if tasks else parse(text, finished)


def _strictly(text: str) -> tuple[list[Mapping[str, object]], str]:
    """The tasks of the JSON values in a text, up to one that is broken, and the text from there."""
    found: list[Mapping[str, object]] = []
    place = 0
    while opening := _OPENING.search(text, place):
        try:
            value, place = _DECODER.raw_decode(text, opening.start())
        except (ValueError, RecursionError):
            return found, text[opening.start() :]
        found += _objects(value)
    return found, ""


def _mended(broken: str) -> list[Mapping[str, object]]:
    """The tasks that the mender makes of a text.

    It is given a list that never ends, without the lines of prose between its values: of values
    that only follow each other it keeps the last, and prose swallows what stands behind it.
    """
    broken = _GAP.sub(" ", broken.strip())
    if not broken or len(broken) > MOST_CHARACTERS:
        return []
    try:
        return list(_objects(json_repair.loads("[" + _PROSE.sub("", broken))))
    except (ValueError, RecursionError, IndexError, KeyError, TypeError, AttributeError):
        return []  # it may fail on any text: then that is not JSON


def _objects(value: object, depth: int = 0) -> Iterator[Mapping[str, object]]:
    """Every object that is a task, at most ``_DEPTH`` down."""
    if depth > _DEPTH:
        return
    if isinstance(value, dict):
        fields = {str(key).strip().lower(): item for key, item in value.items()}
        if {"instruction", "output"} & {ALIASES.get(key) for key in fields} and not any(
            isinstance(fields.get(key), dict | list) for key in ("instruction", "task")
        ):
            yield fields
            return
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _objects(item, depth + 1)


def _task(fields: Mapping[str, object], repaired: str) -> Parsed:
    texts = {name: _text(value) for name, value in _named(fields).items()}
    instruction = one_line(texts.get("instruction", ""))
    fault = ""
    if not instruction:
        fault = "no instruction"
    elif "output" not in texts:
        fault = "no output"
    said = {_FIELDS[key]: " ".join(_text(fields[key]).split()) for key in _FIELDS if key in fields}
    level = _LEVEL.fullmatch(_text(fields.get("difficulty")))
    return Parsed(
        position=0,
        instruction=instruction,
        input=normalise_input(texts.get("input", "")),
        output=texts.get("output", ""),
        fault=fault,
        difficulty=int(level[1]) if level else 0,
        repaired=repaired,
        **said,
    )


def _named(fields: Mapping[str, object]) -> dict[str, object]:
    """The three fields by their labels: an alias counts only where the label is absent."""
    named = {ALIASES[key]: value for key, value in fields.items() if key in ALIASES}
    return named | {label: fields[label] for label in set(ALIASES.values()) & set(fields)}


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().strip()  # half a pair of surrogates
    if isinstance(value, list) and not any(isinstance(item, dict | list) for item in value):
        return "\n".join(_text(item) for item in value)
    try:
        return json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):  # a number of thousands of digits
        return ""

"""What every protocol does with a reply: is it JSON, and if not, whose shape is it."""

import re
from collections.abc import Callable

from preceptor.synthesis.parse import ALIASES, Parsed, labels_in
from preceptor.synthesis.parse_json import parse_json

_OBJECT = re.compile(
    rf"\{{\s*+[\"'“](?:tasks|instances|topic|{'|'.join(ALIASES)})s?[\"'”]\s*+:",
    re.IGNORECASE,
)


def is_json(text: str) -> bool:
    """An object with a key of a task stands before every labelled line.

    A labelled task may hold JSON in its output, and is not taken for JSON then.
    """
    found = _OBJECT.search(text)
    if found is None:
        return False
    labels = labels_in(text)
    return not labels or text.count("\n", 0, found.start()) < labels[0][0]


def tasks_of(
    text: str, finished: bool, otherwise: Callable[[str, bool], list[Parsed]]
) -> list[Parsed]:
    """The tasks of a reply, never empty: JSON where it is JSON, else as ``otherwise`` reads it."""
    return parse_json(text, finished) if is_json(text) else otherwise(text, finished)

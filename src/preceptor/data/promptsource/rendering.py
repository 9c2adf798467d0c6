"""What promptsource itself makes of a row: the measure for every translated template.

As its ``Template.apply`` does without truncation: Jinja with lenient names over the row and
``answer_choices``, then split at |||, each part stripped. The row's own |||, in fields that are
text, are no separators.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from preceptor.data.promptsource.reading import PromptTemplate

SEPARATOR = "|||"
_GUARD = "3ed2dface8203c4c9dfb1a5dc58e41e0"
"""Stands for a separator that belongs to the row. promptsource's own: some templates name it."""


def _most_frequent(items: Sequence[Any]) -> list[Any] | None:
    counted = Counter(items).most_common()
    return [item for item, n in counted if n == counted[0][1]] if counted else None


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment()
    environment.globals.update(zip=zip, enumerate=enumerate)
    environment.filters["most_frequent"] = _most_frequent
    return environment


_ENVIRONMENT = _environment()


@cache
def _compiled(text: str) -> jinja2.Template:
    return _ENVIRONMENT.from_string(text)


def apply(template: PromptTemplate, fields: Mapping[str, Any]) -> list[str]:
    """The parts of a rendered template: two for a row that it makes an example of.

    Raises:
        Exception: Whatever the template's own code raises.
    """
    names = {
        name: value.replace(SEPARATOR, _GUARD) if isinstance(value, str) else value
        for name, value in fields.items()
    }
    names["answer_choices"] = choices_of(template, fields)
    return _parts(_compiled(template.jinja).render(names))


def choices_of(template: PromptTemplate, fields: Mapping[str, Any]) -> list[str] | None:
    """The choices for a row; None for an open answer.

    Raises:
        Exception: Whatever the template's own code raises.
    """
    choices = template.answer_choices
    if choices is None or isinstance(choices, tuple):
        return None if choices is None else list(choices)
    names = {
        name: value.replace(SEPARATOR, _GUARD) if isinstance(value, str) else value
        for name, value in fields.items()
    }
    return _parts(_compiled(choices).render(names))


def _parts(text: str) -> list[str]:
    return [part.replace(_GUARD, SEPARATOR).strip() for part in text.split(SEPARATOR)]

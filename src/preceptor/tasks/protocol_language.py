"""The language of protocols: that of task files, with nothing cut and filters of their own.

Task files strip what a template gives. A protocol must not: a blank at the end of another harness's
prompt is part of the number.
"""

import re
from collections.abc import Mapping
from functools import cache

import jinja2
from jinja2 import meta
from jinja2.environment import TemplateExpression

from preceptor.tasks import expressions
from preceptor.tasks.expressions import ExpressionError

_BRACKETED = re.compile(r"\[.*?\]")


def wikihow(text: str) -> str:
    """HellaSwag's WikiHow texts as lm-eval shows them: titles end a sentence, other marks go.

    ``strip_brackets`` of task files is not the same: it folds blanks, and keeps "[2]".
    """
    return _BRACKETED.sub("", text.strip().replace(" [title]", ". ")).replace("  ", " ")


def _environment() -> jinja2.Environment:
    environment = expressions.ENVIRONMENT.overlay()
    # An overlay shares its filters: task files must not get these.
    environment.filters = {**environment.filters, "wikihow": wikihow}
    return environment


_ENVIRONMENT = _environment()


def names_in_expression(text: str) -> set[str]:
    """The names that an expression takes from outside.

    Raises:
        ExpressionError: It is no expression, or uses an unknown filter.
    """
    try:
        _expression(text)
    except jinja2.TemplateError as error:
        raise ExpressionError(f"{text!r} is no expression ({_said(error)})") from error
    return names_in_template("{{ " + text + " }}")


def names_in_template(text: str) -> set[str]:
    """The names that a template takes from outside.

    Raises:
        ExpressionError: It is no template, or uses an unknown filter.
    """
    try:
        found = meta.find_undeclared_variables(_ENVIRONMENT.parse(text))
    except jinja2.TemplateError as error:
        raise ExpressionError(f"no template ({_said(error)})") from error
    return found - set(_ENVIRONMENT.globals)


def evaluate(text: str, names: Mapping[str, object]) -> object:
    """The value of an expression.

    Raises:
        ExpressionError: It failed, or came to nothing (undefined or null).
    """
    try:
        value: object = _expression(text)(dict(names))
    except Exception as error:  # a file's own code: anything may come out of it
        raise ExpressionError(
            f"{text!r} failed ({type(error).__name__}: {_said(error)})"
        ) from error
    if value is None or isinstance(value, jinja2.Undefined):
        raise ExpressionError(f"{text!r} has no value")
    return value


def fill(text: str, names: Mapping[str, object]) -> str:
    """A template filled in, as it is.

    Raises:
        ExpressionError: It failed.
    """
    try:
        return _template(text).render(dict(names))
    except Exception as error:  # as above
        raise ExpressionError(f"failed ({type(error).__name__}: {_said(error)})") from error


@cache
def _template(text: str) -> jinja2.Template:
    return _ENVIRONMENT.from_string(text)


@cache
def _expression(text: str) -> TemplateExpression:
    return _ENVIRONMENT.compile_expression(text, undefined_to_none=False)


def _said(error: Exception) -> str:
    """In one line: Jinja adds the place on lines of its own."""
    return " ".join(str(error).split())

"""The language of task files: Jinja in its sandbox, with strict names and nothing random."""

from collections.abc import Mapping
from functools import cache

import jinja2
from jinja2 import meta
from jinja2.environment import TemplateExpression
from jinja2.sandbox import ImmutableSandboxedEnvironment

from preceptor.tasks import cleaning, transforms


class ExpressionError(Exception):
    """An expression or template is wrong, or failed on a row; whoever knows where adds that."""


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined, autoescape=False)
    # Jinja's other globals are of no use to a prompt, and lipsum and the filter random differ
    # from call to call.
    environment.globals = {"range": environment.globals["range"]}
    del environment.filters["random"]
    environment.filters.update(
        tidy=transforms.tidy,
        lines=transforms.lines,
        detokenise=transforms.detokenise,
        entities=transforms.entities,
        **cleaning.FILTERS,
    )
    return environment


ENVIRONMENT = _environment()


def names_in_expression(text: str) -> set[str]:
    """The names that an expression takes from outside.

    Raises:
        ExpressionError: It is no expression.
    """
    try:
        _expression(text)
    except jinja2.TemplateError as error:
        raise ExpressionError(f"{text!r} is no expression ({error})") from error
    return names_in_template("{{ " + text + " }}")


def names_in_template(text: str) -> set[str]:
    """The names that a template takes from outside.

    Raises:
        ExpressionError: It is no template, or uses an unknown filter.
    """
    try:
        return meta.find_undeclared_variables(ENVIRONMENT.parse(text)) - set(ENVIRONMENT.globals)
    except jinja2.TemplateError as error:
        where = f", line {error.lineno}" if isinstance(error, jinja2.TemplateSyntaxError) else ""
        said = " ".join(str(error).split())
        raise ExpressionError(f"no template{where} ({said})") from error


def evaluate(text: str, names: Mapping[str, object]) -> object:
    """The value of an expression.

    Raises:
        ExpressionError: It failed, or came to nothing (undefined or null).
    """
    try:
        value: object = _expression(text)(dict(names))
    except Exception as error:  # a task file's own code: anything may come out of it
        raise ExpressionError(f"{text!r} failed ({_said(error)})") from error
    if value is None or isinstance(value, jinja2.Undefined):
        raise ExpressionError(f"{text!r} has no value")
    return value


def fill(text: str, names: Mapping[str, object]) -> str:
    """A template filled in, its ends stripped.

    Raises:
        ExpressionError: It failed.
    """
    try:
        return _template(text).render(dict(names)).strip()
    except Exception as error:  # as above
        raise ExpressionError(f"failed ({_said(error)})") from error


# By text and for the whole process: a task stays a plain frozen record that can be pickled, and
# its templates are compiled once.
@cache
def _template(text: str) -> jinja2.Template:
    return ENVIRONMENT.from_string(text)


@cache
def _expression(text: str) -> TemplateExpression:
    return ENVIRONMENT.compile_expression(text, undefined_to_none=False)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"

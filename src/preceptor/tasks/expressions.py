"""The language of task files: Jinja in its sandbox, with strict names and nothing random."""

from collections import deque
from collections.abc import Callable, Mapping
from functools import cache, cached_property, lru_cache, wraps

import jinja2
from jinja2 import meta, nodes
from jinja2.environment import TemplateExpression
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from preceptor.tasks import cleaning, transforms

REMEMBERED = 16
"""Texts of which a filter remembers what it made."""
SHORT = 200
"""Characters up to which a text is cleaned at once."""


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
        lines=_remembering(transforms.lines),
        detokenise=_remembering(transforms.detokenise),
        entities=transforms.entities,
        **{name: _remembering(filter) for name, filter in cleaning.FILTERS.items()},
    )
    return environment


def _remembering(filter: Callable[..., object]) -> Callable[..., object]:
    """The filter, which does not clean a long text again that it had a few rows before: a passage
    comes with several questions, in rows of their own."""
    remembered = lru_cache(maxsize=REMEMBERED)(filter)

    @wraps(filter)
    def call(text: object, *arguments: object, **named: object) -> object:
        if arguments or named or type(text) is not str or len(text) <= SHORT:
            return filter(text, *arguments, **named)
        return remembered(text)

    return call


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


class Together:
    """Expressions evaluated in one call, each with the values before it in reach.

    One template of assignments: ``evaluate`` for each in turn gives the same, and takes a context
    for each.
    """

    def __init__(self, values: Mapping[str, str], results: Mapping[str, str], condition: str):
        """Decide the names; compiling waits for the first call.

        Args:
            values: By name; a value hides a field of its name from what comes after it.
            results: By any key; no other expression sees them.
            condition: Where it is false, nothing else is evaluated. Empty for none.
        """
        own = "_"  # begins the names of what no expression may see
        while any(
            own in text for text in (*values, *values.values(), *results.values(), condition)
        ):
            own += "_"
        self._values = tuple(values)
        self._results = {key: f"{own}{number}" for number, key in enumerate(results)}
        self._condition = own if condition else ""
        self._texts = [
            *values.items(),
            *((self._results[key], text) for key, text in results.items()),
        ]
        self._test = condition

    @cached_property
    def _template(self) -> jinja2.Template:
        body = [_assign(name, text) for name, text in self._texts]
        if self._condition:
            test = nodes.Name(self._condition, "load")
            body = [
                _assign(self._condition, self._test),
                nodes.If(test, body, [], [], lineno=1),
            ]
        return ENVIRONMENT.from_string(nodes.Template(body, lineno=1))

    def __call__(
        self, names: Mapping[str, object]
    ) -> tuple[dict[str, object], dict[str, object]] | None:
        """Values and results, none of both where the condition is false.

        None where anything failed or came to nothing: ``evaluate``, one by one, says what.
        """
        try:
            context = _context(names)
            deque(self._template.root_render_func(context), maxlen=0)
        except Exception:  # a task file's own code: anything may come out of it
            return None
        found = context.vars
        for value in found.values():
            if value is None or isinstance(value, jinja2.Undefined):
                return None
        if self._condition and not found[self._condition]:
            return {}, {}
        return (
            {name: found[name] for name in self._values},
            {key: found[name] for key, name in self._results.items()},
        )


def fill(text: str, names: Mapping[str, object]) -> str:
    """A template filled in, its ends stripped.

    Raises:
        ExpressionError: It failed.
    """
    try:
        return "".join(_template(text).root_render_func(_context(names))).strip()
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


def _context(names: Mapping[str, object]) -> Context:
    """As ``Template.new_context``, which goes through the globals twice for every row."""
    return ENVIRONMENT.context_class(ENVIRONMENT, {**ENVIRONMENT.globals, **names}, None, {})


def _assign(name: str, text: str) -> nodes.Node:
    expression = Parser(ENVIRONMENT, text, state="variable").parse_expression()
    expression.set_environment(ENVIRONMENT)
    return nodes.Assign(nodes.Name(name, "store"), expression, lineno=1)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"

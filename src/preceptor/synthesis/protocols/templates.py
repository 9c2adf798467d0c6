"""The text of all prompts: Jinja files beside this module, one for each kind of prompt.

They are rendered in a sandbox, and what comes from seeds, passages or replies goes in as values:
braces and Jinja syntax in it are text. An undefined name in a template is an error.
"""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import FunctionLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from preceptor.synthesis.parse import NO_INPUT


def render(name: str, **values: Any) -> str:
    """A prompt from its template; ``no_input`` is the word for 'no input' in all of them."""
    return _environment().get_template(name).render(no_input=NO_INPUT, **values).strip()


def sources(names: Sequence[str]) -> str:
    """Templates as they are written, one after the other."""
    return "\n".join(_source(name) for name in names)


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        loader=FunctionLoader(_source),
        undefined=StrictUndefined,
        autoescape=False,  # prompts are no HTML
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _source(name: str) -> str:
    path = files("preceptor.synthesis.protocols") / "prompts" / f"{name}.txt"
    return path.read_text(encoding="utf-8")

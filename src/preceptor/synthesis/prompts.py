"""The user message: demonstrations drawn from the seeds, and the request for new tasks.

Three demonstrations, human-written only, drawn at random for each request (BioInstruct, arXiv
2310.19975). The paper's wording is not published; ours follows what is common to its public
relatives (Alpaca's and AlpaCare's requirement lists), cut down to what a small model can heed.
"""

from collections.abc import Sequence
from importlib.resources import files

from jinja2 import StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment

from preceptor import draws
from preceptor.records import Seed
from preceptor.synthesis.parse import NO_INPUT, format_task

OPENING = "Instruction:"
"""How a teacher in the process begins its reply: a small model else repeats the request."""


def template_text(protocol: str) -> str:
    """The text of a protocol's packaged prompt."""
    return (files("preceptor.synthesis") / "prompts" / f"{protocol}.txt").read_text("utf-8")


def load_template(protocol: str) -> Template:
    """The packaged prompt of a protocol."""
    text = template_text(protocol)
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    return environment.from_string(text)


def draw_demonstrations(seeds: Sequence[Seed], k: int, seed: int, index: int) -> tuple[Seed, ...]:
    """The k distinct seeds shown in request ``index``, in the order shown."""
    return tuple(seeds[i] for i in draws.sample(len(seeds), k, seed, "demonstrations", index))


def render(template: Template, demonstrations: Sequence[Seed], tasks: int) -> str:
    """The user message that shows the demonstrations and asks for so many new tasks."""
    return template.render(
        demonstrations=[format_task(d.instruction, d.input, d.output) for d in demonstrations],
        tasks=tasks,
        no_input=NO_INPUT,
    )

"""All fixed text of a protocol's prompts."""

from collections.abc import Sequence
from itertools import product

from preceptor.synthesis.protocols import answers, wants
from preceptor.synthesis.protocols.base import TaskProtocol, Wanted
from preceptor.synthesis.protocols.templates import sources


def fixed_text(protocol: TaskProtocol, templates: Sequence[str]) -> str:
    """The templates as written, and the first prompt as it reads without demonstrations.

    Both are needed: a sentence that is put together from parts reads whole only in the second, and
    what only some prompts say stands only in the first.

    Args:
        templates: The protocol's own; those that all protocols share are added.
    """
    counts = {1, protocol.defaults.tasks_per_request}
    read = [
        protocol.ask((), Wanted(), tasks, structured, with_output).messages[0].content
        for tasks, structured, with_output in product(sorted(counts), (False, True), (False, True))
    ]
    return "\n".join([sources((*templates, *wants.TEMPLATES, *answers.TEMPLATES)), *read])

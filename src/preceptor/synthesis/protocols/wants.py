"""What a request asks for, in sentences: the same in every protocol's prompt.

None of it is in the published prompts: quotas, tasks that cannot be answered and passages are ours.
"""

from preceptor.synthesis.protocols.base import Wanted
from preceptor.synthesis.protocols.templates import render

TEMPLATES = ("wants", "wishes", "request")
STAGES = ("task", "instruction", "instance")
"""A prompt writes whole tasks, instructions alone, or inputs and outputs of an instruction."""

_OF_INSTANCES = ("unanswerable", "passage", "passage_as_input")


def wishes(wanted: Wanted, stage: str = "task", with_output: bool = True) -> list[str]:
    """One text for each wish, in a fixed order, each on one line; empty where there is none.

    Args:
        wanted: Topic, view and kind may hold any text; white space in it is folded.
        stage: One of ``STAGES``. Labels are not repeated where the instruction already stands.
        with_output: The same prompt writes the output.
    """
    if stage == "instance":
        kept = {name: getattr(wanted, name) for name in _OF_INSTANCES}
        wanted = Wanted(**kept)
    lines = render("wishes", wanted=_on_one_line(wanted), stage=stage, with_output=with_output)
    return [line for line in lines.split("\n") if line]


def _on_one_line(wanted: Wanted) -> dict[str, object]:
    labels = {
        name: " ".join(getattr(wanted, name).split())
        for name in ("category", "topic", "view", "kind")
    }
    return {
        **labels,
        "difficulty": wanted.difficulty,
        **{name: getattr(wanted, name) for name in _OF_INSTANCES},
    }

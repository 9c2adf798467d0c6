"""The instances of one instruction against each other: Self-Instruct's last filter.

arXiv 2212.10560, ``prepare_for_finetuning.py``.
"""

from collections.abc import Sequence

from preceptor.synthesis.filters.config import FilterConfig
from preceptor.synthesis.filters.verdicts import Drop
from preceptor.synthesis.parse import Parsed


def judge_group(tasks: Sequence[Parsed], config: FilterConfig | None = None) -> dict[int, Drop]:
    """The instances to be dropped, as their place in ``tasks`` and why.

    ``same_input_other_output``: one input with two outputs leaves open which is right, so the whole
    task goes; without an input many outputs may be right. ``repeated_instance``: of equal instances
    the first stays, and the order is kept (the reference puts them through a set).

    Args:
        tasks: All with the same instruction.
        config: Either filter may be off, by its name.
    """
    off = config.off if config else ()
    outputs: dict[str, set[str]] = {}
    for task in (task for task in tasks if task.input):
        outputs.setdefault(task.input, set()).add(task.output)
    unclear = [input for input, found in outputs.items() if len(found) > 1]
    if unclear and "same_input_other_output" not in off:
        drop = Drop("same input, other output", unclear[0])
        return dict.fromkeys(range(len(tasks)), drop)
    if "repeated_instance" in off:
        return {}
    seen: dict[tuple[str, str], int] = {}
    dropped: dict[int, Drop] = {}
    for place, task in enumerate(tasks):
        first = seen.setdefault((task.input, task.output), place)
        if first != place:
            dropped[place] = Drop("repeated instance", f"of instance {first}")
    return dropped

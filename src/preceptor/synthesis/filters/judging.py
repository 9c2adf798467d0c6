"""All filters in their order, and the judging of a task by them."""

from collections.abc import Mapping

from preceptor.synthesis.filters.config import NAMES, FilterConfig
from preceptor.synthesis.filters.grounding import missing_material, not_unanswerable, off_passage
from preceptor.synthesis.filters.language import language
from preceptor.synthesis.filters.personal_data import personal_data
from preceptor.synthesis.filters.published import (
    banned_words,
    empty_output,
    ends_in_colon,
    first_character,
    input_length,
    instruction_length,
    output_length,
    repeated_as_output,
    write_a_program,
)
from preceptor.synthesis.filters.slips import (
    bare_link,
    copied_demonstration,
    leaked_prompt,
    placeholder,
    refusal,
)
from preceptor.synthesis.filters.truncation import truncated
from preceptor.synthesis.filters.verdicts import KEEP, Context, Filter, Judgement
from preceptor.synthesis.parse import Parsed

FILTERS: tuple[Filter, ...] = (
    instruction_length,
    banned_words,
    write_a_program,
    first_character,
    empty_output,
    repeated_as_output,
    ends_in_colon,
    input_length,
    output_length,
    bare_link,
    missing_material,
    truncated,
    copied_demonstration,
    placeholder,
    leaked_prompt,
    refusal,
    not_unanswerable,
    off_passage,
    language,
    personal_data,
)
"""In the order in which they judge: ``NAMES``."""
ON_INSTRUCTION = frozenset(
    {
        *("instruction_length", "banned_words", "write_a_program", "first_character"),
        *("copied_demonstration", "leaked_prompt", "language", "personal_data"),
    }
)
"""Those that can judge an instruction that has no input and output yet."""
_BY_NAME: Mapping[str, Filter] = dict(zip(NAMES, FILTERS, strict=True))
DEFAULT = FilterConfig()


def judge(task: Parsed, context: Context, config: FilterConfig = DEFAULT) -> Judgement:
    """Ask the filters in order, up to the first that drops the task.

    Raises:
        RecipeError: A language is asked for that the identifier lacks, or its package is missing.
    """
    return _judge(task, context, config, NAMES)


def judge_instruction(task: Parsed, context: Context, config: FilterConfig = DEFAULT) -> Judgement:
    """As ``judge``, for a task of which only the instruction is there (Self-Instruct, stage 1)."""
    return _judge(task, context, config, tuple(name for name in NAMES if name in ON_INSTRUCTION))


def _judge(
    task: Parsed, context: Context, config: FilterConfig, names: tuple[str, ...]
) -> Judgement:
    verdicts: dict[str, str] = {}
    for name in names:
        if name in config.off:
            continue
        drop = _BY_NAME[name](task, context, config)
        verdicts[name] = drop.reason if drop else KEEP
        if drop:
            return Judgement(verdicts, drop)
    return Judgement(verdicts, None)

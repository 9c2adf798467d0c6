"""The filters of Self-Instruct (arXiv 2212.10560) and Stanford Alpaca.

On the instruction: what both repositories' ``generate_instruction`` code drops; BioInstruct's
released records (arXiv 2310.19975) are consistent with it. On the instance: Self-Instruct's. The
two reference programs judge whole words too; where we differ, the filter says how.
"""

import re
from functools import lru_cache

from preceptor.synthesis.filters.config import FilterConfig
from preceptor.synthesis.filters.verdicts import Context, Drop
from preceptor.synthesis.novelty import tokenise
from preceptor.synthesis.parse import Parsed

_OTHER_SENSES = re.compile(
    r"\bdraw(?= (?:blood|up|on|upon|from|(?:a |the |any )?(?:blood|level|sample|conclusion"
    r"|inference|distinction|parallel|comparison)s?)\b)"
    r"|\bgo to(?= (?:bed|sleep|work|school|(?:the |a |an )?(?:hospital|emergency|clinic|doctor"
    r"|pharmacy|toilet|bathroom|dentist))\b)"
    r"|\b(?:gene(?:tic)?|linkage) maps?\b",
    re.IGNORECASE,
)
"""Banned words in senses that text can serve; medicine is full of them."""
_NOTHING = re.compile(r"[\s.…_*-]*")


def instruction_length(task: Parsed, _: Context, config: FilterConfig) -> Drop | None:
    """Self-Instruct, Alpaca: three words or fewer say too little, more than 150 are too much."""
    return _length(
        "instruction", task.instruction, config.min_instruction_words, config.max_instruction_words
    )


def banned_words(task: Parsed, _: Context, config: FilterConfig) -> Drop | None:
    """Alpaca: the instruction asks for what text cannot show.

    Whole words, whatever their case. Unlike Alpaca we let "draw blood" and "go to the hospital"
    stand, which ask for no drawing and no going.
    """
    found = _any_of(config.banned).search(_OTHER_SENSES.sub("", task.instruction))
    return Drop("banned word", found[0].lower()) if found else None


def write_a_program(task: Parsed, _: Context, __: FilterConfig) -> Drop | None:
    """Self-Instruct, Alpaca: unclear whether the program or its result is wanted.

    At the start of the instruction and in this case only, as there.
    """
    return Drop("asks for a program") if task.instruction.startswith("Write a program") else None


def first_character(task: Parsed, _: Context, __: FilterConfig) -> Drop | None:
    """Self-Instruct, Alpaca: the instruction starts with punctuation.

    They drop every start outside ASCII as well, and with it "β-blockers" and "Étiologie"; here a
    letter or digit of any script will do. Whether the text is English is for ``language`` to say.
    """
    first = task.instruction[:1]
    return None if first.isalnum() else Drop("odd first character", first)


def empty_output(task: Parsed, _: Context, __: FilterConfig) -> Drop | None:
    """Self-Instruct: nothing is answered; here also dots or dashes alone."""
    return Drop("empty output", task.output) if _NOTHING.fullmatch(task.output) else None


def repeated_as_output(task: Parsed, _: Context, __: FilterConfig) -> Drop | None:
    """Self-Instruct: the output is the input again.

    Theirs compares all characters; here white space and a final full stop do not matter. Commas and
    case do: an output that sets them right is an answer. An output that repeats the instruction, in
    whatever case and punctuation, is dropped too.
    """
    if " ".join(task.output.split()).rstrip(".") == " ".join(task.input.split()).rstrip("."):
        return Drop("output repeats the input")
    output = tokenise(task.output)
    if output and output == tokenise(task.instruction):
        return Drop("output repeats the instruction")
    return None


def ends_in_colon(task: Parsed, _: Context, __: FilterConfig) -> Drop | None:
    """Self-Instruct: a text that ends in a colon was going on."""
    for field, text in (("input", task.input), ("output", task.output)):
        if text.endswith(":"):
            return Drop(f"{field} ends in a colon")
    return None


def input_length(task: Parsed, context: Context, config: FilterConfig) -> Drop | None:
    """Ours: an input within bounds, where there is one and it is not the whole passage."""
    if not task.input or task.input == context.passage:
        return None
    return _length("input", task.input, config.min_input_words, config.max_input_words)


def output_length(task: Parsed, _: Context, config: FilterConfig) -> Drop | None:
    """Ours: an output within bounds."""
    return _length("output", task.output, config.min_output_words, config.max_output_words)


def _length(field: str, text: str, low: int, high: int) -> Drop | None:
    words = len(text.split())
    if words < low:
        return Drop(f"{field} too short", f"{words} words")
    return Drop(f"{field} too long", f"{words} words") if words > high else None


@lru_cache(maxsize=16)
def _any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    either = "|".join(re.escape(word) for word in words)
    return re.compile(rf"\b(?:{either})\b" if words else r"(?!)", re.IGNORECASE)

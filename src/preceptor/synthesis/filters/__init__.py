"""What makes a task unfit: each filter answers keep, or drop with a reason.

First Self-Instruct's and Alpaca's rules (``published``), then what a small teacher does wrong: what
it slips into (``slips``), what it leaves out (``truncation``, ``grounding``), the wrong language,
somebody's personal data. Whether an instruction is new is asked after all of these: see
``novelty``. ``flags`` marks what a reader should look at and drops nothing.
"""

from preceptor.synthesis.filters.config import BANNED, GROUP_NAMES, NAMES, FilterConfig
from preceptor.synthesis.filters.flags import FLAGS, flags
from preceptor.synthesis.filters.groups import judge_group
from preceptor.synthesis.filters.judging import FILTERS, ON_INSTRUCTION, judge, judge_instruction
from preceptor.synthesis.filters.language import check_language
from preceptor.synthesis.filters.verdicts import (
    KEEP,
    Context,
    Drop,
    Judgement,
    runs_of_words,
)

__all__ = [
    "BANNED",
    "FILTERS",
    "FLAGS",
    "GROUP_NAMES",
    "KEEP",
    "NAMES",
    "ON_INSTRUCTION",
    "Context",
    "Drop",
    "FilterConfig",
    "Judgement",
    "check_language",
    "flags",
    "judge",
    "judge_group",
    "judge_instruction",
    "runs_of_words",
]

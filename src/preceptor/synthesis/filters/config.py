"""Which filters judge, and their numbers."""

import difflib
from typing import Self

from pydantic import Field, field_validator, model_validator

from preceptor.config import Config

NAMES = (
    "instruction_length",
    "banned_words",
    "write_a_program",
    "first_character",
    "empty_output",
    "repeated_as_output",
    "ends_in_colon",
    "input_length",
    "output_length",
    "bare_link",
    "missing_material",
    "truncated",
    "copied_demonstration",
    "placeholder",
    "leaked_prompt",
    "refusal",
    "not_unanswerable",
    "off_passage",
    "language",
    "personal_data",
)
"""The filters of one task, in the order in which they judge."""
GROUP_NAMES = ("same_input_other_output", "repeated_instance")
"""The filters of the instances of one instruction."""
BANNED = (
    *("image", "images", "graph", "graphs", "picture", "pictures", "file", "files", "map", "maps"),
    *("draw", "plot", "go to", "video", "audio", "music", "flowchart", "diagram"),
)
"""Words of tasks that a text model cannot do: Alpaca's eighteen."""


class FilterConfig(Config):
    """What makes a task unfit. Lengths are in words between white space, bounds included."""

    off: tuple[str, ...] = ()
    """Filters that do not judge, by name."""
    banned: tuple[str, ...] = BANNED
    """Words and phrases that an instruction may not hold."""
    min_instruction_words: int = Field(default=4, ge=1)
    """Self-Instruct and Alpaca drop three words or fewer."""
    max_instruction_words: int = Field(default=150, ge=1)
    """Self-Instruct and Alpaca drop more."""
    min_input_words: int = Field(default=0, ge=0)
    """Of an input that there is."""
    max_input_words: int = Field(default=600, ge=1)
    """Ours: the longest of 2,501 released BioInstruct records has 200."""
    min_output_words: int = Field(default=1, ge=1)
    max_output_words: int = Field(default=600, ge=1)
    """Ours: the longest of 2,501 released BioInstruct records has 451."""
    near_copy: float = Field(default=0.9, gt=0, le=1)
    """An instruction or output with this ROUGE-L F to a demonstration's, or more, is its copy."""
    min_passage_share: float = Field(default=0.2, ge=0, le=1)
    """The share of the long words of input and output that the passage has to hold."""
    language: str | None = None
    """The language to be written in ("en"): needs the extra "language". None: not looked at."""
    language_confidence: float = Field(default=0.9, gt=0, lt=1)
    """How sure the identifier has to be that it is another language."""

    @field_validator("off")
    @classmethod
    def _known(cls, off: tuple[str, ...]) -> tuple[str, ...]:
        known = (*NAMES, *GROUP_NAMES)
        for name in off:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
                raise ValueError(f"no filter is called {name!r}; {hint}")
        return off

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        for field in ("instruction", "input", "output"):
            low, high = getattr(self, f"min_{field}_words"), getattr(self, f"max_{field}_words")
            if low > high:
                raise ValueError(
                    f"min_{field}_words is {low} and max_{field}_words {high}: nothing would pass"
                )
        return self

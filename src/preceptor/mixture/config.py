"""What a mixture can be asked for.

FLAN (arXiv 2109.01652, section 2.4): 30,000 rows of a data set at most, examples-proportional
mixing with a rate maximum of 3,000, one template drawn for each example, and every task of the
evaluated cluster held out; those are the defaults. Shares of few-shot prompts and of prompts
without options are the Flan Collection's (arXiv 2301.13688). The share of synthesised instructions
is ours: FLAN had none.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from preceptor.config import Config
from preceptor.tasks.fewshot import MOST, PLAIN
from preceptor.tasks.template import Marker


class FewShotConfig(Config):
    """Examples with worked exemplars before the question (FLAN, section 4.4)."""

    share: float = Field(default=0.0, ge=0, le=1)
    """Of the examples; the others are zero-shot."""
    shots: int = Field(default=MOST, ge=1, le=MOST)
    """Exemplars at most; how many is drawn for each example, from 1 to this."""
    tokens: int = Field(default=960, ge=1)
    """Of exemplars and question together: FLAN's 1,024 less 64 for separators."""
    answer: str = PLAIN.answer
    """Between an exemplar's prompt and its target."""
    next: str = PLAIN.next
    """Between an exemplar and what follows."""


class OptionsConfig(Config):
    """How the options of an example are shown (FLAN, section 2.3)."""

    share: float = Field(default=1.0, ge=0, le=1)
    """Of examples under templates that can list options, those that do."""
    order: Literal["given", "drawn"] = "given"
    """The data set's order, or a permutation drawn for each example."""
    marker: Literal[Marker, "drawn"] = "hyphen"
    """What stands before an option; drawn: one of all, for each example."""
    answer: Literal["text", "mark"] = "text"
    """Whether the target is the option's text, or its letter or number where it has one."""

    @model_validator(mode="after")
    def _marks_tell_options_apart(self) -> Self:
        if self.answer == "mark" and self.marker in ("hyphen", "asterisk"):
            raise ValueError(
                f"answer: mark needs a marker that tells options apart, and {self.marker} does "
                "not; choose letter, number, bracketed_letter, bracketed_number or drawn"
            )
        return self


class MixtureConfig(Config):
    """From tasks and instructions to examples."""

    tasks: tuple[str, ...] = ()
    """Task names, clusters, or ``category:`` and one of BioInstruct's; may be empty for a mixture
    of instructions alone."""
    hold_out: tuple[str, ...] = ()
    """The same kinds of names. What is held out wins over what is named in ``tasks``."""
    exclusions: Literal["paper", "provenance", "corpora"] = "provenance"
    """What goes with what is held out. paper: FLAN's clusters that are close to it. provenance:
    also tasks with the same data set's rows, and those that ask for its skill. corpora: also tasks
    that quote the same collection of texts."""
    split: str = "train"
    """The split of every task that rows come from."""
    missing: Literal["refuse", "leave_out"] = "refuse"
    """What becomes of a task whose rows are not here: an error, or left out with the reason."""
    rows_cap: int = Field(default=30_000, ge=1)
    """Of a larger split a keyed sample of so many rows is used; FLAN used its head."""
    rates: Literal["proportional", "tokens", "equal", "fixed"] = "proportional"
    """proportional: by rows, as FLAN. tokens: so that the share of tokens is by rows. equal: every
    data set alike. fixed: by ``weights``."""
    rate_maximum: int = Field(default=3_000, ge=1)
    """Rows beyond this many give a task no more weight."""
    temperature: float = Field(default=1.0, gt=0, le=1000)
    """Rates to the power 1 / temperature (T5, arXiv 1910.10683, section 3.5.2)."""
    weights: dict[str, float] = Field(default_factory=dict)
    """Of every task, where rates are fixed."""
    shared_rows: Literal["once", "each"] = "once"
    """Tasks of the same rows (MNLI's two) have one weight together; FLAN gave each its own."""
    examples: int = Field(ge=1)
    """How many examples the mixture has, instructions included."""
    instructions: float = Field(default=0.0, ge=0, le=1)
    """Share of the examples that are synthesised instructions; each is used three times at most."""
    templates: int | None = Field(default=None, ge=1)
    """Use only the first so many of each task's templates; None uses all."""
    inverted: bool | float = True
    """Use templates that ask for something other than the answer, too: true draws them like any
    other; a number is their share in tasks that have some, and tasks that have none stay without
    (``inverted`` in table.json counts them)."""
    few_shot: FewShotConfig = FewShotConfig()
    options: OptionsConfig = OptionsConfig()
    decontaminate: bool = True
    """Leave out rows whose text overlaps with what the recipe evaluates on."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if (self.rates == "fixed") != bool(self.weights):
            raise ValueError("weights belong to rates: fixed, which needs them")
        if any(weight < 0 for weight in self.weights.values()):
            raise ValueError("weights cannot be negative")
        if not isinstance(self.inverted, bool) and not 0 <= self.inverted <= 1:
            raise ValueError("inverted is true, false or a share from 0 to 1")
        if not self.tasks and self.instructions < 1:
            raise ValueError("tasks is empty, which only instructions: 1 can be mixed of")
        return self

"""What a mixture can be asked for.

FLAN (arXiv 2109.01652, section 2.4): 30,000 rows of a data set at most, examples-proportional
mixing with a rate maximum of 3,000, one template drawn for each example, and every task of the
evaluated cluster held out. The share of synthesised instructions is ours: FLAN had none.
"""

from pydantic import Field

from preceptor.config import Config


class MixtureConfig(Config):
    """From tasks and instructions to examples."""

    tasks: tuple[str, ...] = Field(min_length=1)
    """Task names, clusters, or ``category:`` and one of BioInstruct's."""
    hold_out: tuple[str, ...] = ()
    """The same kinds of names. What is held out wins over what is named in ``tasks``."""
    split: str = "train"
    """The split of every task that rows come from."""
    rows_cap: int = Field(default=30_000, ge=1)
    """Of a larger split a keyed sample of so many rows is used; FLAN used its head."""
    rate_maximum: int = Field(default=3_000, ge=1)
    """Rows beyond this many give a task no more weight."""
    examples: int = Field(ge=1)
    """How many examples the mixture has, instructions included."""
    instructions: float = Field(default=0.0, ge=0, lt=1)
    """Share of the examples that are synthesised instructions; each is used three times at most."""
    templates: int | None = Field(default=None, ge=1)
    """Use only the first so many of each task's templates; None uses all."""
    inverted: bool = True
    """Use templates that ask for something other than the answer, too."""

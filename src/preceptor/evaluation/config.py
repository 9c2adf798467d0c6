"""What an evaluation can be asked for."""

from typing import Literal

from pydantic import Field

from preceptor.config import Config


class EvaluationConfig(Config):
    """Zero-shot, every template that is not turned around, base and tuned on the same items."""

    tasks: tuple[str, ...] = Field(min_length=1)
    """Task names, clusters, or category:qa."""
    split: str = "test"
    rows: int = Field(100, ge=1)
    """Rows of a task at most: a keyed sample, the same for every template and model."""
    generated_rows: int | None = Field(None, ge=1)
    """Rows at most of a task whose answer is written, which costs more; None: as ``rows``."""
    templates: int | None = Field(None, ge=1)
    """The first so many templates of a task; None: all that are not turned around."""
    dtype: Literal["auto", "float32", "bfloat16"] = "float32"
    """In bfloat16 a score depends on what else is in its forward pass."""
    pass_tokens: int = Field(2048, ge=1)
    """Tokens of one forward pass over a forest of prompts and options."""
    generation_batch: int = Field(16, ge=1)
    """Prompts that are continued together."""
    resamples: int = Field(2000, ge=100)
    """Of the bootstrap behind every interval."""
    level: float = Field(0.95, gt=0, lt=1)

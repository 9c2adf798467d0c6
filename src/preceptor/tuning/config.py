"""What a tuning stage can be asked for.

BioInstruct (arXiv 2310.19975) tunes with LoRA; its rank, learning rate, length and precision are
unknown, and FLAN (arXiv 2109.01652) tunes all weights (Adafactor, 3e-5, 8,192 tokens a step). The
defaults here are ours, for LoRA on a small base.
"""

from typing import Literal

from pydantic import Field

from preceptor.config import Config


class TuningConfig(Config):
    """LoRA on a frozen base."""

    rank: int = Field(16, ge=1)
    alpha: float = Field(32.0, gt=0)
    """The update is scaled by alpha / rank."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """On the adapters' input."""
    target_modules: Literal["all-linear"] | tuple[str, ...] = "all-linear"
    """Last names of the layers to adapt, such as q_proj, or every linear layer but the head."""
    learning_rate: float = Field(2e-4, gt=0)
    """At its highest, after the warm-up."""
    schedule: Literal["constant", "linear", "cosine"] = "cosine"
    """How the learning rate falls to zero (or does not) after the warm-up."""
    warmup: float = Field(0.1, ge=0, lt=1)
    """Share of the steps over which the learning rate rises."""
    weight_decay: float = Field(0.0, ge=0)
    clip: float = Field(1.0, gt=0)
    """Largest norm of the gradient of all adapters together."""
    epochs: int = Field(1, ge=1)
    """Passes over the mixture's examples."""
    batch_tokens: int = Field(2048, ge=1)
    """Tokens of one optimiser step (FLAN: 8,192)."""
    pass_tokens: int = Field(1024, ge=1)
    """Tokens of one forward pass: what a packed row holds. Decides memory, not the result."""
    max_length: int = Field(1024, ge=2)
    """Examples with more tokens are left out, and counted."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of the frozen base. Adapters and their optimiser are float32."""
    checkpoint_every: int = Field(10, ge=1)
    """Steps between checkpoints: what a killed run may have to do again at most."""

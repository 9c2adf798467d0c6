"""Tiny decoders as loaded models, and token ids to train them on."""

from pathlib import Path
from typing import cast

import torch
from transformers import PreTrainedTokenizerBase

from preceptor import draws
from preceptor.model import lora
from preceptor.model.loading import LoadedModel
from preceptor.tuning.preflight import Encoded
from tests.model.families import tiny


def decoder(family: str = "llama", dtype: torch.dtype = torch.float32) -> LoadedModel:
    """A random decoder; the loop never asks for its tokenizer."""
    return LoadedModel(
        tiny(family, dtype),
        cast(PreTrainedTokenizerBase, None),
        "tiny",
        Path(),
        "",
        dtype,
        torch.device("cpu"),
    )


def adapted(loaded: LoadedModel, dropout: float = 0.0) -> dict[str, lora.LoraLinear]:
    """Adapters whose B is not zero, so that A has a gradient too."""
    adapters = lora.attach(loaded.model, 4, 8.0, dropout, lora.ALL_LINEAR, seed=3)
    generator = torch.Generator().manual_seed(1)
    for adapter in adapters.values():
        adapter.lora_b.data.normal_(std=0.1, generator=generator)
        adapter.train()
    return adapters


def rows(count: int) -> list[Encoded]:
    """Examples of 3 to 20 tokens, as drawn."""

    def ids(length: int, *key: str | int) -> tuple[int, ...]:
        return tuple(3 + draws.integer(94, 0, *key, i) for i in range(length))

    return [
        Encoded(
            f"e{n}",
            ids(2 + draws.integer(11, 0, "prompt", n), "p", n),
            ids(1 + draws.integer(8, 0, "target", n), "t", n),
        )
        for n in range(count)
    ]

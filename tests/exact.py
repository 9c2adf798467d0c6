"""The tiny model of ``tests.tiny`` in float64 throughout, for exact comparisons."""

from dataclasses import replace
from pathlib import Path

import torch

from preceptor.model import loading
from preceptor.model.loading import LoadedModel
from tests.model.families import WideNorm


def load_exact(folder: Path) -> LoadedModel:
    """As ``loading.load``, without a detour over float32 in its RMSNorm layers."""
    loaded = loading.load(str(folder), "float32", "cpu")
    model = loaded.model.double()
    for name, module in list(model.named_modules()):
        if type(module).__name__.endswith("RMSNorm"):
            model.set_submodule(name, WideNorm(module))
    return replace(loaded, dtype=torch.float64)

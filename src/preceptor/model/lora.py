"""LoRA (Hu et al., arXiv 2106.09685): W x + (alpha / rank) B A dropout(x), the base W frozen.

Adapters are float32 whatever the base is, initialised as PEFT does (A Kaiming-uniform with a = sqrt
5, B zero), and kept on disk in PEFT's layout, so ``PeftModel.from_pretrained`` loads them.
"""

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch.nn.functional import linear
from transformers import PreTrainedModel

from preceptor import draws
from preceptor.artifact import write_atomically, write_json
from preceptor.errors import ModelError

ALL_LINEAR = "all-linear"
PREFIX = "base_model.model."


class LoraLinear(torch.nn.Module):
    """A frozen linear layer with a low-rank update beside it."""

    def __init__(self, base: torch.nn.Linear, rank: int, alpha: float, dropout: float) -> None:
        super().__init__()
        self.base = base
        self.scale = alpha / rank
        self.dropout = torch.nn.Dropout(dropout)
        device = base.weight.device
        wide = torch.promote_types(torch.float32, base.weight.dtype)
        self.lora_a = torch.nn.Parameter(
            torch.empty(rank, base.in_features, dtype=wide, device=device)
        )
        self.lora_b = torch.nn.Parameter(
            torch.zeros(base.out_features, rank, dtype=wide, device=device)
        )

    @property
    def weight(self) -> torch.Tensor:
        """The frozen weight: some models read it (for its dtype)."""
        return self.base.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., in) to (..., out) in x's dtype; the products with A and B are in it too."""
        out: torch.Tensor = self.base(x)
        low = linear(self.dropout(x), self.lora_a.to(x.dtype)).flatten(0, -2)
        b = self.lora_b.to(x.dtype).t()
        # One product that adds to the base's output, instead of a product, a scaling and a sum.
        return torch.addmm(out.flatten(0, -2), low, b, alpha=self.scale).view(out.shape)


def attach(
    model: PreTrainedModel,
    rank: int,
    alpha: float,
    dropout: float,
    targets: str | Sequence[str],
    seed: int,
) -> dict[str, LoraLinear]:
    """Put adapters into a model, in place, and freeze everything else.

    Args:
        targets: Last names of the linear layers to adapt (``q_proj``), or ``all-linear``: every
            linear layer of the decoder except the output head.
        seed: Each A is a function of the seed and its layer's name, not of the order.

    Returns:
        The adapters by the name of the layer they stand at.

    Raises:
        ModelError: No layer has such a name.
    """
    model.requires_grad_(False)
    found: dict[str, LoraLinear] = {}
    for name, module in list(_adaptable(model, targets)):
        adapter = LoraLinear(module, rank, alpha, dropout)
        generator = torch.Generator().manual_seed(draws.bits(seed, "lora", name) >> 1)
        start = torch.empty(rank, module.in_features)
        bound = math.sqrt(3.0) * math.sqrt(2.0 / (1 + 5)) / math.sqrt(module.in_features)
        start.uniform_(-bound, bound, generator=generator)
        adapter.lora_a.data.copy_(start)
        adapter.train(model.training)
        model.set_submodule(name, adapter)
        found[name] = adapter
    if not found:
        known = sorted({n.rsplit(".", 1)[-1] for n, _ in _adaptable(model, ALL_LINEAR)})
        raise ModelError(f"no linear layer is named {targets!r}; this model has {', '.join(known)}")
    return found


def _adaptable(
    model: PreTrainedModel, targets: str | Sequence[str]
) -> Iterator[tuple[str, torch.nn.Linear]]:
    head = model.get_output_embeddings()  # type: ignore[no-untyped-call]
    for name, module in model.named_modules():
        if not isinstance(module, torch.nn.Linear) or module is head or name.endswith(".base"):
            continue
        if targets == ALL_LINEAR or name.rsplit(".", 1)[-1] in targets:
            yield name, module


def detach(model: PreTrainedModel) -> None:
    """Take all adapters out again, leaving the base as it was."""
    for name, module in list(model.named_modules()):
        if isinstance(module, LoraLinear):
            model.set_submodule(name, module.base)


def merge(model: PreTrainedModel) -> None:
    """Add every update into its base weight and take the adapters out: W + (alpha / rank) B A."""
    for module in model.modules():
        if isinstance(module, LoraLinear):
            update = module.scale * (module.lora_b.data @ module.lora_a.data)
            weight = module.base.weight
            weight.data = (weight.data.to(update.dtype) + update).to(weight.dtype)
    detach(model)


def save(
    folder: Path, adapters: dict[str, LoraLinear], alpha: float, dropout: float, base: str
) -> None:
    """Write an adapter in PEFT's layout: adapter_config.json and adapter_model.safetensors.

    Args:
        base: Name of the base model, as a recipe names it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors: dict[str, torch.Tensor] = {}
    for name, adapter in sorted(adapters.items()):
        tensors[f"{PREFIX}{name}.lora_A.weight"] = adapter.lora_a.detach().cpu().contiguous()
        tensors[f"{PREFIX}{name}.lora_B.weight"] = adapter.lora_b.detach().cpu().contiguous()
    packed = safetensors.torch.save(tensors, metadata={"format": "pt"})
    write_atomically(folder / "adapter_model.safetensors", packed)  # an OSError on a full disk
    rank = next(iter(adapters.values())).lora_a.shape[0]
    config: dict[str, Any] = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": rank,
        "lora_alpha": alpha,
        "lora_dropout": dropout,
        "target_modules": sorted({name.rsplit(".", 1)[-1] for name in adapters}),
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "init_lora_weights": True,
        "modules_to_save": None,
        "use_rslora": False,
        "use_dora": False,
    }
    write_json(folder / "adapter_config.json", config)


def load(folder: Path, model: PreTrainedModel) -> dict[str, LoraLinear]:
    """Put a saved adapter into its base model.

    Raises:
        ModelError: A file is missing, or the adapter is not for a model of these shapes.
    """
    try:
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        tensors = safetensors.torch.load_file(folder / "adapter_model.safetensors")
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder} holds no readable adapter in PEFT's layout: {error}") from error
    adapters = attach(
        model, config["r"], config["lora_alpha"], 0.0, config["target_modules"], seed=0
    )
    wanted = {f"{PREFIX}{n}.lora_{side}.weight" for n in adapters for side in "AB"}
    if wanted != set(tensors):
        odd = sorted(wanted ^ set(tensors))[0]
        raise ModelError(f"the adapter in {folder} is for another base: {odd} has no counterpart")
    for name, adapter in adapters.items():
        for side, parameter in (("A", adapter.lora_a), ("B", adapter.lora_b)):
            tensor = tensors[f"{PREFIX}{name}.lora_{side}.weight"]
            if tensor.shape != parameter.shape:
                raise ModelError(
                    f"the adapter in {folder} is for another base: {name} is "
                    f"{tuple(tensor.shape)} there and {tuple(parameter.shape)} here"
                )
            parameter.data.copy_(tensor)
    return adapters

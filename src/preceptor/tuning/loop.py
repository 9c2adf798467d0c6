"""The training loop: visible, resumable at any step, the same bits on CPU however often cut.

The loss of a step is the negative log-likelihood summed over all target tokens of its bins,
divided by their number: accumulating over bins equals one large batch.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import safetensors.torch
import torch

from preceptor import draws, progress
from preceptor.artifact import write_atomically
from preceptor.errors import StageError
from preceptor.model import attention, forward, lora
from preceptor.model.loading import LoadedModel
from preceptor.model.segments import example, lay_out
from preceptor.tuning.config import TuningConfig
from preceptor.tuning.packing import Bin, Plan
from preceptor.tuning.preflight import Encoded


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One optimiser step."""

    step: int
    loss: float
    """Nats a target token."""
    learning_rate: float
    gradient_norm: float
    """Before clipping."""
    target_tokens: int
    tokens: int


def learning_rate(step: int, steps: int, config: TuningConfig) -> float:
    """Of step 0 .. steps - 1: linear warm-up, then the schedule down to zero at ``steps``."""
    warm = math.ceil(config.warmup * steps)
    if step < warm:
        return config.learning_rate * (step + 1) / warm
    gone = (step - warm) / max(1, steps - warm)
    share = {
        "constant": 1.0,
        "linear": 1.0 - gone,
        "cosine": 0.5 * (1.0 + math.cos(math.pi * gone)),
    }[config.schedule]
    return config.learning_rate * share


def train(
    loaded: LoadedModel,
    adapters: Mapping[str, lora.LoraLinear],
    data: Sequence[Encoded],
    plan: Plan,
    config: TuningConfig,
    seed: int,
    checkpoint: Path,
) -> list[StepRecord]:
    """Tune the adapters through every step of the plan, from the checkpoint where there is one.

    Raises:
        StageError: The loss or the gradient is not a finite number.
    """
    attention.install(loaded.model)
    parameters = {
        f"{name}.{side}": getattr(adapter, side)
        for name, adapter in sorted(adapters.items())
        for side in ("lora_a", "lora_b")
    }
    optimizer = torch.optim.AdamW(
        list(parameters.values()),
        lr=config.learning_rate,
        weight_decay=config.weight_decay,
        fused=True,
    )
    records = _restore(checkpoint, parameters, optimizer)
    for adapter in adapters.values():
        adapter.train()
    total = len(plan.steps)
    with progress.bar("tune", total) as bar:
        bar.resume(len(records))
        for step in range(len(records), total):
            rate = learning_rate(step, total, config)
            for group in optimizer.param_groups:
                group["lr"] = rate
            torch.manual_seed(draws.bits(seed, "dropout", step) >> 1)
            loss, targets, tokens = _accumulate(loaded, data, plan.steps[step])
            norm = torch.nn.utils.clip_grad_norm_(list(parameters.values()), config.clip)
            _check_finite(step, loss, float(norm))
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            records.append(StepRecord(step, loss, rate, float(norm), targets, tokens))
            if (step + 1) % config.checkpoint_every == 0 and step + 1 < total:
                _save(checkpoint, parameters, optimizer, records)
            bar.advance(note=f"loss {loss:.3f}")
    for adapter in adapters.values():
        adapter.eval()
    return records


def _accumulate(
    loaded: LoadedModel, data: Sequence[Encoded], bins: Sequence[Bin]
) -> tuple[float, int, int]:
    """Gradients of one step; its loss, target tokens and tokens."""
    targets = sum(len(data[i].target) for one in bins for i in one)
    tokens = sum(data[i].length for one in bins for i in one)
    loss = 0.0
    for one in bins:
        forest = lay_out(example(data[i].prompt, data[i].target) for i in one)
        part = forward.loss_sum(loaded.model, forest.to(loaded.device)) / targets
        part.backward()  # type: ignore[no-untyped-call]
        loss += float(part.detach())
    return loss, targets, tokens


def _check_finite(step: int, loss: float, norm: float) -> None:
    if not (math.isfinite(loss) and math.isfinite(norm)):
        raise StageError(
            f"step {step}: the loss is {loss} and the gradient's norm {norm}; lower "
            "tuning.learning_rate, or use dtype float32"
        )


def _save(
    path: Path,
    parameters: Mapping[str, torch.nn.Parameter],
    optimizer: torch.optim.Optimizer,
    records: Sequence[StepRecord],
) -> None:
    """Adapters, moments and history in one safetensors file, there whole or not at all."""
    tensors: dict[str, torch.Tensor] = {}
    for name, parameter in parameters.items():
        tensors[name] = parameter.detach().cpu().contiguous()
        for key, value in optimizer.state[parameter].items():
            tensors[f"{name}/{key}"] = value.detach().cpu().contiguous()
    history = json.dumps([asdict(record) for record in records])
    write_atomically(path, safetensors.torch.save(tensors, metadata={"history": history}))


def _restore(
    path: Path,
    parameters: Mapping[str, torch.nn.Parameter],
    optimizer: torch.optim.Optimizer,
) -> list[StepRecord]:
    if not path.exists():
        return []
    with safetensors.safe_open(path, "pt") as stream:
        for name, parameter in parameters.items():
            parameter.data.copy_(stream.get_tensor(name))
            optimizer.state[parameter] = {
                key: _placed(stream.get_tensor(f"{name}/{key}"), key, parameter)
                for key in ("step", "exp_avg", "exp_avg_sq")
            }
        history = json.loads(stream.metadata()["history"])
    return [StepRecord(**record) for record in history]


def _placed(value: torch.Tensor, key: str, parameter: torch.nn.Parameter) -> torch.Tensor:
    return value if key == "step" and not parameter.is_cuda else value.to(parameter.device)

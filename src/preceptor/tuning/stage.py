"""Tuning as a stage: a mixture and a base in, an adapter in PEFT's layout out."""

import resource
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from preceptor.artifact import Work, write_json
from preceptor.mixture.tokens import Pair
from preceptor.model import lora
from preceptor.model.loading import LoadedModel
from preceptor.records import Example
from preceptor.tuning import loop, packing
from preceptor.tuning.config import TuningConfig
from preceptor.tuning.preflight import check, encode

ADAPTER = "adapter"
LOSSES = "losses.json"


def tune(
    config: TuningConfig,
    loaded: LoadedModel,
    prompt_format: str,
    examples: Sequence[Example],
    seed: int,
    work: Work,
    tokens: Sequence[Pair] | None = None,
) -> dict[str, Any]:
    """Tune an adapter on a mixture's examples.

    Leaves the adapter attached to ``loaded.model``.

    Args:
        tokens: Of the examples, where the mixture made them with this tokenizer and format.

    Returns:
        Counts that depend on nothing but the arguments. Seconds, rates and memory go to
        ``work.timings``.

    Raises:
        StageError: Nothing is left to train on, or the loss is not finite.
    """
    if tokens is None:
        preflight = encode(examples, loaded.tokenizer, prompt_format, config.max_length)
    else:
        pairs = ((prompt.tolist(), target.tolist()) for prompt, target in tokens)
        ids = (example.id for example in examples)
        preflight = check(ids, pairs, loaded.tokenizer, config.max_length)
    lengths = [example.length for example in preflight.kept]
    plan = packing.plan(lengths, seed, config.epochs, config.batch_tokens, config.pass_tokens)
    adapters = lora.attach(
        loaded.model, config.rank, config.alpha, config.dropout, config.target_modules, seed
    )
    started = time.monotonic()
    checkpoint = work.journal / "checkpoint.safetensors"
    resumed = checkpoint.exists()
    records = loop.train(loaded, adapters, preflight.kept, plan, config, seed, checkpoint)
    seconds = time.monotonic() - started
    lora.save(work.files / ADAPTER, adapters, config.alpha, config.dropout, loaded.name)
    write_json(work.files / LOSSES, [asdict(record) for record in records])
    targets = sum(record.target_tokens for record in records)
    if not resumed:
        work.timings["tokens_per_second"] = round(plan.tokens / seconds, 1)
        work.timings["target_tokens_per_second"] = round(targets / seconds, 1)
    work.timings["peak_memory_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "examples": len(preflight.kept),
        "left_out": dict(sorted(preflight.left_out.items())),
        "steps": len(records),
        "tokens": plan.tokens,
        "target_tokens": targets,
        "fill": round(plan.fill, 4),
        "padding_tokens": 0,
        "trainable_parameters": sum(
            p.numel() for p in loaded.model.parameters() if p.requires_grad
        ),
        "base_parameters": sum(p.numel() for p in loaded.model.parameters() if not p.requires_grad),
        "first_loss": records[0].loss,
        "last_loss": records[-1].loss,
        "dtype": str(loaded.dtype).removeprefix("torch."),
    }

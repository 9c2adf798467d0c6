"""Answers from a model in the process: one left-padded batch, greedy or sampled."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from transformers import GenerationConfig, PreTrainedModel

from preceptor.errors import ModelError
from preceptor.model.formats import encode_prompt, stop_ids
from preceptor.model.loading import LoadedModel
from preceptor.model.quiet import quiet
from preceptor.model.tokenizer import encode_continuation, pad_token_id
from preceptor.records import Reply


@dataclass(frozen=True, slots=True)
class Generated:
    """What a model wrote after one prompt."""

    ids: tuple[int, ...]
    """Without the stop token."""
    finished: bool
    """It stopped by itself, and was not cut at ``max_new_tokens``."""


def generate(
    loaded: LoadedModel,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int,
    *,
    temperature: float = 0.0,
    top_p: float = 1.0,
    seed: int = 0,
    stop_ids: Sequence[int],
) -> list[Generated]:
    """Continue prompts, in one batch padded on the left, and in their order.

    Greedy in float32, an answer does not depend on what else is in the batch; in bfloat16 rounding
    may turn a near tie. Sampled, it depends on the seed and on the whole batch.

    Args:
        prompts: Token ids, none empty.
        temperature: 0 is greedy.
        top_p: Sample among the likeliest tokens that make up this probability.
        seed: Of the sampling; torch's global generators are left as they were.
        stop_ids: Tokens that end an answer.

    Raises:
        ValueError: A prompt is empty or max_new_tokens is not positive.
        ModelError: A prompt and its answer do not fit into the model's context.
    """
    if not prompts:
        return []
    _check_lengths(loaded.model, prompts, max_new_tokens)
    ids, mask = _left_padded(prompts, pad_token_id(loaded.tokenizer), loaded.device)  # (B, S)
    sampling = (
        {"do_sample": True, "temperature": temperature, "top_p": top_p, "top_k": 0}
        if temperature > 0
        else {"do_sample": False}
    )
    config = GenerationConfig(  # type: ignore[no-untyped-call]
        max_new_tokens=max_new_tokens,
        eos_token_id=list(stop_ids),
        pad_token_id=pad_token_id(loaded.tokenizer),
        use_cache=True,
        **sampling,
    )
    with _inference(loaded.model), _seeded(seed, loaded.device), quiet():
        out = loaded.model.generate(  # type: ignore[operator]
            input_ids=ids, attention_mask=mask, generation_config=config
        )
    rows: list[list[int]] = out[:, ids.shape[1] :].tolist()
    return [_until_stop(row, stop_ids) for row in rows]


def _check_lengths(
    model: PreTrainedModel, prompts: Sequence[Sequence[int]], max_new_tokens: int
) -> None:
    if max_new_tokens < 1:
        raise ValueError(f"max_new_tokens is {max_new_tokens}; it must be at least 1")
    if not all(prompts):
        raise ValueError("a prompt has no tokens: there is nothing to continue")
    longest = max(map(len, prompts))
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if context is not None and longest + max_new_tokens > context:
        raise ModelError(
            f"a prompt of {longest} tokens and {max_new_tokens} new ones exceed the model's "
            f"context of {context}: shorten the prompt (fewer demonstrations) or max_new_tokens"
        )


def _left_padded(
    prompts: Sequence[Sequence[int]], pad: int, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(map(len, prompts))
    ids = [[pad] * (width - len(prompt)) + list(prompt) for prompt in prompts]
    mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


def _until_stop(row: list[int], stop_ids: Sequence[int]) -> Generated:
    for length, token in enumerate(row):
        if token in stop_ids:
            return Generated(tuple(row[:length]), finished=True)
    return Generated(tuple(row), finished=False)


@contextmanager
def attention_as(model: PreTrainedModel, name: str) -> Iterator[None]:
    """Another attention implementation for the duration, and the old one again after it."""
    before = model.config._attn_implementation
    if before == name:
        yield
        return
    model.set_attn_implementation(name)
    try:
        yield
    finally:
        model.set_attn_implementation(before)


@contextmanager
def _inference(model: PreTrainedModel) -> Iterator[None]:
    """No dropout, no gradients, an attention that works with a cache."""
    training = model.training
    model.eval()  # type: ignore[no-untyped-call]
    try:
        # Gemma 2 caps its attention scores, which transformers does in its eager code only.
        with_cache = "sdpa" if model._supports_sdpa else "eager"
        with torch.inference_mode(), attention_as(model, with_cache):
            yield
    finally:
        model.train(training)


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


class LocalTeacher:
    """A model in the process as a teacher (Self-Instruct, arXiv 2212.10560, without an API)."""

    def __init__(
        self,
        loaded: LoadedModel,
        temperature: float,
        top_p: float,
        max_new_tokens: int,
        opening: str = "",
    ) -> None:
        """A teacher that samples so.

        Args:
            opening: How every reply begins. A small model keeps to a format that it finds itself in
                the middle of.
        """
        self._loaded, self._opening = loaded, opening
        self._temperature, self._top_p = temperature, top_p
        self._max_new_tokens = max_new_tokens
        self.name = loaded.name
        self.fingerprint = loaded.fingerprint

    def complete(self, prompts: Sequence[str], seed: int) -> list[Reply]:
        """One reply a prompt, each prompt a user's turn in the model's chat format.

        A model without a chat template is asked in the Alpaca format.

        Raises:
            ModelError: A prompt does not fit into the model's context.
        """
        tokenizer = self._loaded.tokenizer
        opening = encode_continuation(tokenizer, self._opening)
        ids = [encode_prompt(tokenizer, "auto", prompt) + opening for prompt in prompts]
        answers = generate(
            self._loaded,
            ids,
            self._max_new_tokens,
            temperature=self._temperature,
            top_p=self._top_p,
            seed=seed,
            stop_ids=stop_ids(tokenizer, "auto"),
        )
        return [
            Reply(
                text=self._opening
                + str(tokenizer.decode(list(answer.ids), skip_special_tokens=True)),
                prompt_tokens=len(prompt),
                reply_tokens=len(answer.ids),
                finished=answer.finished,
            )
            for prompt, answer in zip(ids, answers, strict=True)
        ]

"""Answers from a model in the process: one left-padded batch, each row as if it were alone."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import torch
from transformers import DynamicCache, PreTrainedModel

from preceptor.errors import ModelError
from preceptor.model.loading import LoadedModel
from preceptor.model.quiet import quiet
from preceptor.model.sampling import Decoding, next_tokens
from preceptor.model.tokenizer import pad_token_id


@dataclass(frozen=True, slots=True)
class Generated:
    """What a model wrote after one prompt."""

    ids: tuple[int, ...]
    """Without the stop token."""
    finished: bool
    """It stopped by itself, and was not cut at ``max_new_tokens``."""


class Guide(Protocol):
    """What stands beside a row while it is written: forbids tokens, or ends it."""

    def forbid(self, logits: torch.Tensor) -> None:
        """Set the logits (V,) of tokens that may not come next to -inf, in place."""

    def ended(self, ids: Sequence[int]) -> bool:
        """Whether the row, all of whose tokens are given, ends with its newest."""


def generate(
    loaded: LoadedModel,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int,
    *,
    stop_ids: Sequence[int],
) -> list[Generated]:
    """Continue prompts greedily, in their order; see :func:`decode`.

    Args:
        prompts: Token ids, none empty.
        stop_ids: Tokens that end an answer.

    Raises:
        ValueError, ModelError: As for :func:`decode`.
    """
    return decode(loaded, prompts, [Decoding(max_new_tokens)] * len(prompts), stop_ids=stop_ids)


def decode(
    loaded: LoadedModel,
    prompts: Sequence[Sequence[int]],
    rows: Sequence[Decoding],
    *,
    stop_ids: Sequence[int],
    guides: Sequence[Guide | None] | None = None,
) -> list[Generated]:
    """Continue each prompt in its own way, in one batch padded on the left, and in their order.

    An answer depends on its prompt, its decoding and its guide, not on what else is in the batch:
    exactly in float32, save for ties within its rounding; in bfloat16 rounding turns near ties. A
    row that has ended is taken out of the batch.

    Args:
        prompts: Token ids, none empty.
        rows: How each is continued.
        stop_ids: Tokens that end an answer.
        guides: One a prompt, None where it has none; each serves one call.

    Raises:
        ValueError: A prompt is empty or a limit of new tokens is not positive.
        ModelError: A prompt and its answer do not fit into the model's context.
    """
    if not prompts:
        return []
    check_lengths(loaded.model, prompts, rows)
    stops = frozenset(stop_ids)
    all_rows = [
        _Row(decoding, guide)
        for decoding, guide in zip(rows, guides or [None] * len(rows), strict=True)
    ]
    going = all_rows
    with _inference(loaded.model), quiet():
        batch = _Batch(loaded, prompts)
        while going:
            logits = batch.logits()  # (B, V)
            for row, line in zip(going, logits, strict=True):
                if row.guide is not None:
                    row.guide.forbid(line)
            tokens = next_tokens(logits, [r.decoding for r in going], [r.ids for r in going])
            left = [i for i, row in enumerate(going) if row.goes_on(tokens[i], stops)]
            going = [going[i] for i in left]
            batch.extend(tokens, left)
    return [Generated(tuple(row.ids), row.finished) for row in all_rows]


@dataclass(slots=True)
class _Row:
    decoding: Decoding
    guide: Guide | None
    ids: list[int] = field(default_factory=list)
    finished: bool = False

    def goes_on(self, token: int, stops: frozenset[int]) -> bool:
        """Take a token; False once the row has ended."""
        if token in stops:
            self.finished = True
            return False
        self.ids.append(token)
        if self.guide is not None and self.guide.ended(self.ids):
            self.finished = True
            return False
        return len(self.ids) < self.decoding.max_new_tokens


class _Batch:
    """Rows that are still written: their newest tokens, their padding, their keys and values."""

    def __init__(self, loaded: LoadedModel, prompts: Sequence[Sequence[int]]) -> None:
        self._model = loaded.model
        self._ids, self._mask = _left_padded(prompts, pad_token_id(loaded.tokenizer), loaded.device)
        self._places = (self._mask.cumsum(dim=-1) - 1).clamp(min=0)  # (B, S)
        self._cache = DynamicCache(config=loaded.model.config)

    def logits(self) -> torch.Tensor:
        """Of each row's next token: (B, V) in float32."""
        out = self._model(
            input_ids=self._ids,
            attention_mask=self._mask,
            position_ids=self._places,
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
        )
        last: torch.Tensor = out.logits[:, -1]
        return last.float()

    def extend(self, tokens: Sequence[int], left: Sequence[int]) -> None:
        """Append a token to each row, and keep only the rows that are left."""
        if not left:
            return
        device = self._ids.device
        if len(left) < len(tokens):
            rows = torch.tensor(left, device=device)
            self._cache.batch_select_indices(rows)
            self._mask, self._places = self._mask[rows], self._places[rows]
        self._ids = torch.tensor([[tokens[i]] for i in left], device=device)
        self._mask = torch.cat([self._mask, self._mask.new_ones(len(left), 1)], dim=-1)
        self._places = self._places[:, -1:] + 1


def check_lengths(
    model: PreTrainedModel, prompts: Sequence[Sequence[int]], rows: Sequence[Decoding]
) -> None:
    """Whether prompts can be continued so far.

    Raises:
        ValueError, ModelError: As for :func:`decode`.
    """
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    for prompt, row in zip(prompts, rows, strict=True):
        new = row.max_new_tokens
        if new < 1:
            raise ValueError(f"max_new_tokens is {new}; it must be at least 1")
        if not prompt:
            raise ValueError("a prompt has no tokens: there is nothing to continue")
        if context is not None and len(prompt) + new > context:
            raise ModelError(
                f"a prompt of {len(prompt)} tokens and {new} new ones exceed the model's context "
                f"of {context}: shorten the prompt (fewer demonstrations) or max_new_tokens"
            )


def _left_padded(
    prompts: Sequence[Sequence[int]], pad: int, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(map(len, prompts))
    ids = [[pad] * (width - len(prompt)) + list(prompt) for prompt in prompts]
    mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


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

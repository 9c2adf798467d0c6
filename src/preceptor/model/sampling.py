"""Which token comes next in each row of a batch: greedy, or drawn by the row's own numbers.

A row's number at a step is a keyed draw (see ``draws``), and everything is computed along a row, so
what a row gets does not depend on its neighbours. B: rows, V: vocabulary.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from preceptor import draws

LIKELY = 128
"""A nucleus is looked for among so many tokens before the whole vocabulary is sorted."""


@dataclass(frozen=True, slots=True)
class Decoding:
    """How one row is continued."""

    max_new_tokens: int
    temperature: float = 0.0
    """0 is greedy."""
    top_p: float = 1.0
    """Sample among the likeliest tokens that make up this probability."""
    presence_penalty: float = 0.0
    """Taken once from the logit of every token that the row already wrote."""
    seed: int = 0
    """Of the row's draws."""


def next_tokens(
    logits: torch.Tensor, rows: Sequence[Decoding], written: Sequence[Sequence[int]]
) -> list[int]:
    """One token a row.

    Args:
        logits: (B, V) in float32, -inf where a token may not come; changed in place.
        rows: How each row draws; the temperature comes before top_p.
        written: What each row wrote so far.
    """
    for i, (row, ids) in enumerate(zip(rows, written, strict=True)):
        if row.presence_penalty and ids:
            logits[i, list(set(ids))] -= row.presence_penalty
    chosen: list[int] = logits.argmax(dim=-1).tolist()
    drawn = [i for i, row in enumerate(rows) if row.temperature > 0]
    if drawn:
        numbers = [draws.uniform(rows[i].seed, "token", len(written[i])) for i in drawn]
        tokens = _sampled(logits[drawn], [rows[i] for i in drawn], numbers)
        for i, token in zip(drawn, tokens, strict=True):
            chosen[i] = token
    return chosen


def _sampled(logits: torch.Tensor, rows: Sequence[Decoding], numbers: Sequence[float]) -> list[int]:
    temperatures = logits.new_tensor([[row.temperature] for row in rows])  # (B, 1)
    # A tiny temperature must not make infinities: after the shift the best logit is 0.
    shifted = logits - logits.max(dim=-1, keepdim=True).values
    probabilities = (shifted / temperatures).softmax(dim=-1)  # (B, V)
    cut = [i for i, row in enumerate(rows) if row.top_p < 1]
    if cut:
        shares = logits.new_tensor([[rows[i].top_p] for i in cut])
        probabilities[cut] = nucleus(probabilities[cut], shares)
    return at(probabilities, numbers)


def nucleus(probabilities: torch.Tensor, top_p: torch.Tensor) -> torch.Tensor:
    """Probabilities without the tail: a token stays while those before it make up less than top_p.

    Args:
        probabilities: (B, V).
        top_p: (B, 1); at least the likeliest token stays.
    """
    width = min(LIKELY, probabilities.shape[-1])
    values, ids = probabilities.topk(width, dim=-1)
    kept = _head(values, top_p)
    found = torch.zeros_like(probabilities).scatter_(-1, ids, kept)
    wide = (kept[:, -1] > 0).nonzero().flatten()
    if len(wide) and width < probabilities.shape[-1]:
        values, ids = probabilities[wide].sort(dim=-1, descending=True, stable=True)
        kept = _head(values, top_p[wide])
        found[wide] = torch.zeros_like(kept).scatter_(-1, ids, kept)
    return found


def _head(values: torch.Tensor, top_p: torch.Tensor) -> torch.Tensor:
    before = values.cumsum(dim=-1) - values
    inside = before < top_p
    inside[:, 0] = True
    return torch.where(inside, values, 0.0)


def at(weights: torch.Tensor, numbers: Sequence[float]) -> list[int]:
    """Where numbers in [0, 1) fall among weights (B, V) laid end to end: the inverse of their
    cumulative distribution. Never on a weight of 0."""
    cumulative = weights.cumsum(dim=-1, dtype=torch.float64)
    total = cumulative[:, -1:]
    points = torch.tensor(numbers, dtype=torch.float64, device=weights.device)[:, None] * total
    # A product that is rounded up to the total would fall behind the last token.
    points = points.minimum(total.nextafter(torch.zeros_like(total)))
    tokens: list[int] = torch.searchsorted(cumulative, points, right=True).flatten().tolist()
    return tokens

"""The one attention function, registered with transformers as ``preceptor_forest``.

On CPU each block of a forest is one call of scaled dot-product attention over its ancestors and
itself; on CUDA all segments are one call of variable-length flash attention. Both equal separate,
unpacked forward passes. No mask of T x T is ever built, and none is asked of transformers.
"""

from functools import lru_cache
from itertools import pairwise
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel

from preceptor.model.segments import Block, Forest

NAME = "preceptor_forest"


def forest_attention(
    module: torch.nn.Module,
    query: torch.Tensor,  # (1, H, T, D)
    key: torch.Tensor,  # (1, G, T, D), G dividing H
    value: torch.Tensor,  # (1, G, T, D)
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    forest: Forest | None = None,
    **unused: Any,
) -> tuple[torch.Tensor, None]:  # (1, T, H, D)
    """Attention over a forest of segments. Attention dropout is not applied: the base is frozen.

    Raises:
        RuntimeError: No forest reached the attention layers, so isolation cannot be kept.
    """
    if forest is None or attention_mask is not None:
        raise RuntimeError(f"the attention {NAME!r} was called without a forest of segments")
    scale = scaling if scaling is not None else query.shape[-1] ** -0.5
    if query.is_cuda and softcap is None and query.dtype in (torch.bfloat16, torch.float16):
        return _varlen(query, key, value, scale, sliding_window, forest), None
    groups = query.shape[1] // key.shape[1]
    if groups > 1:
        key, value = (t.repeat_interleave(groups, dim=1) for t in (key, value))
    # Split, not sliced: the gradient of a split is one concatenation, that of a slice is a whole
    # tensor of zeros for every block.
    sizes = [block.stop - block.start for block in forest.blocks]
    own = zip(*(torch.split(t, sizes, dim=2) for t in (query, key, value)), strict=True)
    parts = [
        _block(q, *_keys(key, value, k, v, block), block, scale, sliding_window, softcap)
        for block, (q, k, v) in zip(forest.blocks, own, strict=True)
    ]
    return torch.cat(parts, dim=2).transpose(1, 2), None


def _keys(
    key: torch.Tensor, value: torch.Tensor, k: torch.Tensor, v: torch.Tensor, block: Block
) -> tuple[torch.Tensor, torch.Tensor]:
    """A block's keys and values: its ancestors' and its own."""
    if not block.ancestors:
        return k, v
    ranges = block.ancestors
    return (
        torch.cat([*(key[:, :, a:b] for a, b in ranges), k], dim=2),
        torch.cat([*(value[:, :, a:b] for a, b in ranges), v], dim=2),
    )


def _block(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    block: Block,
    scale: float,
    window: int | None,
    softcap: float | None,
) -> torch.Tensor:  # (1, H, stop - start, D)
    past = sum(b - a for a, b in block.ancestors)
    reach = None if window is None or past + max(block.members) <= window else window
    if softcap is None and past == 0 and len(block.members) == 1 and reach is None:
        return scaled_dot_product_attention(q, k, v, is_causal=True, scale=scale)
    mask = _mask(past, block.members, reach).to(q.device)
    if softcap is None:
        return scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale)
    return _capped(q, k, v, mask, scale, softcap)


def _capped(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor, scale: float, cap: float
) -> torch.Tensor:
    """Attention with logits held within +-cap by a tanh (Gemma 2), softmax in float32 at least."""
    logits = torch.tanh(q @ k.transpose(-1, -2) * (scale / cap)) * cap
    logits = logits.masked_fill(~mask, float("-inf"))
    wide = torch.promote_types(torch.float32, q.dtype)
    return torch.softmax(logits, dim=-1, dtype=wide).to(q.dtype) @ v


@lru_cache(maxsize=64)
def _mask(past: int, members: tuple[int, ...], window: int | None) -> torch.Tensor:
    """(Q, past + Q) bool: all ancestors, then each member causally itself, within the window."""
    owner = torch.repeat_interleave(torch.arange(len(members)), torch.tensor(members))
    offset = torch.cat([torch.arange(n) for n in members])
    own = (owner[:, None] == owner) & (offset[:, None] >= offset)
    mask = torch.cat([torch.ones(len(owner), past, dtype=torch.bool), own], dim=1)
    if window is not None:
        depth = torch.cat([torch.arange(past), past + offset])
        mask &= (past + offset)[:, None] - depth < window
    return mask


def _varlen(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    scale: float,
    window: int | None,
    forest: Forest,
) -> torch.Tensor:  # (1, T, H, D)
    from torch.nn.attention.varlen import varlen_attn

    plan = varlen_plan(forest, query.device)
    q, k, v = (t[0].transpose(0, 1) for t in (query, key, value))  # (T, heads, D)
    if plan.query_index is not None:
        q = q[plan.query_index]
    if plan.key_index is not None:
        k, v = k[plan.key_index], v[plan.key_index]
    out: torch.Tensor = varlen_attn(  # type: ignore[assignment]
        q.contiguous(),
        k.contiguous(),
        v.contiguous(),
        plan.query_starts,
        plan.key_starts,
        plan.longest_query,
        plan.longest_key,
        scale=scale,
        window_size=(-1 if window is None else window - 1, 0),
        enable_gqa=q.shape[1] != k.shape[1],
    )
    if plan.query_index is not None:
        restored = torch.empty_like(out)
        restored[plan.query_index] = out
        out = restored
    return out[None]


class VarlenPlan:
    """Cumulative lengths for one varlen call over a forest, computed once on the host.

    A segment's keys are its ancestors' tokens and its own; the kernel aligns a causal mask to the
    lower right, which is what a segment that continues its ancestors needs.
    """

    def __init__(self, forest: Forest, device: torch.device) -> None:
        query_starts, key_starts = [0], [0]
        queries: list[int] = []
        keys: list[int] = []
        for start, stop, parent in forest.segments:
            ranges = [(start, stop)]
            while parent >= 0:
                a, b, parent = forest.segments[parent]
                ranges.append((a, b))
            for a, b in reversed(ranges):
                keys.extend(range(a, b))
            queries.extend(range(start, stop))
            query_starts.append(len(queries))
            key_starts.append(len(keys))
        in_order = queries == list(range(len(queries)))
        flat = in_order and keys == queries
        self.query_index = None if in_order else torch.tensor(queries, device=device)
        self.key_index = None if flat else torch.tensor(keys, device=device)
        self.query_starts = torch.tensor(query_starts, dtype=torch.int32, device=device)
        self.key_starts = torch.tensor(key_starts, dtype=torch.int32, device=device)
        self.longest_query = _longest(query_starts)
        self.longest_key = _longest(key_starts)


def _longest(starts: list[int]) -> int:
    return max(b - a for a, b in pairwise(starts))


@lru_cache(maxsize=4)
def varlen_plan(forest: Forest, device: torch.device) -> VarlenPlan:
    """The plan of a forest: every layer of a forward pass asks for the same one."""
    return VarlenPlan(forest, device)


def install(model: PreTrainedModel) -> None:
    """Make a model run forests: from here on its forward pass needs ``forest=``."""
    model.set_attn_implementation(NAME)


AttentionInterface.register(NAME, forest_attention)
AttentionMaskInterface.register(NAME, lambda *args, **kwargs: None)

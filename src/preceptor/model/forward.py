"""One forward pass over a forest; logits only where a target is, in float32."""

from collections.abc import Callable

import torch
from transformers import PreTrainedModel

from preceptor.model.segments import Forest

HEAD_ROWS = 512
"""Target positions whose logits are in memory at once: 512 x 49,152 floats are 100 MB."""


def hidden_states(model: PreTrainedModel, forest: Forest) -> torch.Tensor:  # (T, D)
    """Last hidden states of a model on which ``attention.install`` was called."""
    decoder: torch.nn.Module = model.get_decoder()  # type: ignore[no-untyped-call]
    out = decoder(
        input_ids=forest.tokens,
        position_ids=forest.positions,
        attention_mask=None,
        use_cache=False,
        forest=forest,
    )
    states: torch.Tensor = out.last_hidden_state[0]
    return states


def logits(model: PreTrainedModel, states: torch.Tensor) -> torch.Tensor:  # (P, D) -> (P, V)
    """Next-token logits, at least float32, with the model's final soft cap where it has one."""
    head: torch.nn.Module = model.get_output_embeddings()  # type: ignore[no-untyped-call]
    raw: torch.Tensor = head(states)
    wide: torch.Tensor = raw.to(torch.promote_types(torch.float32, raw.dtype))
    cap = getattr(model.config.get_text_config(), "final_logit_softcapping", None)
    return wide if cap is None else torch.tanh(wide / cap) * cap


def _negative_log_likelihoods(
    model: PreTrainedModel, states: torch.Tensor, targets: torch.Tensor
) -> torch.Tensor:  # (P,)
    return torch.nn.functional.cross_entropy(logits(model, states), targets, reduction="none")


@torch.no_grad()
def target_log_probabilities(model: PreTrainedModel, forest: Forest) -> torch.Tensor:  # (P,)
    """Log-probability of every target token, in nats."""
    states = hidden_states(model, forest)
    parts = [
        -_negative_log_likelihoods(
            model,
            states[forest.predictors[start : start + HEAD_ROWS]],
            forest.targets[start : start + HEAD_ROWS],
        )
        for start in range(0, len(forest.targets), HEAD_ROWS)
    ]
    return torch.cat(parts)


def loss_sum(model: PreTrainedModel, forest: Forest) -> torch.Tensor:
    """Negative log-likelihood summed over all target tokens: to be divided by their number in the
    whole global batch, so that accumulating equals one large batch.

    The head is taken as frozen: no gradient of it is computed.
    """
    states = hidden_states(model, forest)[forest.predictors]  # (P, D)

    def of_chunk(chunk: torch.Tensor, start: int) -> torch.Tensor:
        targets = forest.targets[start : start + len(chunk)]
        return _negative_log_likelihoods(model, chunk, targets).sum()

    total: torch.Tensor = _ChunkedSum.apply(states, of_chunk)  # type: ignore[no-untyped-call]
    return total


class _ChunkedSum(torch.autograd.Function):
    """Sum of a function over chunks of rows, whose gradient is taken while a chunk is at hand.

    So the logits of one chunk are in memory at a time, forward and backward.
    """

    @staticmethod
    def forward(
        ctx: torch.autograd.function.FunctionCtx,
        states: torch.Tensor,
        of_chunk: Callable[[torch.Tensor, int], torch.Tensor],
    ) -> torch.Tensor:
        gradient = torch.empty_like(states)
        total: torch.Tensor | None = None
        for start in range(0, len(states), HEAD_ROWS):
            chunk = states[start : start + HEAD_ROWS].detach().requires_grad_()
            with torch.enable_grad():
                value = of_chunk(chunk, start)
            (gradient[start : start + HEAD_ROWS],) = torch.autograd.grad(value, chunk)
            total = value.detach() if total is None else total + value.detach()
        ctx.save_for_backward(gradient)
        if total is None:
            raise ValueError("the forest has no target tokens")
        return total

    @staticmethod
    def backward(
        ctx: torch.autograd.function.FunctionCtx, upstream: torch.Tensor
    ) -> tuple[torch.Tensor, None]:
        (gradient,) = ctx.saved_tensors  # type: ignore[attr-defined]
        return gradient * upstream, None

"""Stopping a run from outside, at a place that a test chooses."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

from preceptor.model import forward


class Killed(BaseException):
    """What a killed process would not even see."""


@contextmanager
def killed_after(monkeypatch: pytest.MonkeyPatch, passes: int) -> Iterator[None]:
    """Let so many forward passes of training through; the block must ask for one more."""
    real, left = forward.loss_sum, [passes]

    def counted(*given: object) -> torch.Tensor:
        if not left[0]:
            raise Killed
        left[0] -= 1
        return real(*given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(forward, "loss_sum", counted)
        with pytest.raises(Killed):
            yield

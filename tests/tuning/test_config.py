"""What a tuning stage can be asked for, and what it refuses."""

import math

import pytest
from pydantic import ValidationError

from preceptor.tuning.config import TuningConfig


def test_the_defaults_are_settings_that_may_be_given() -> None:
    default = TuningConfig()
    assert TuningConfig.model_validate(default.model_dump(mode="json")) == default
    assert default.alpha / default.rank == 2
    assert default.pass_tokens >= default.max_length  # no example has to exceed its bin


def test_a_config_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        TuningConfig().rank = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("rank", 0),
        ("rank", 2.5),
        ("alpha", 0),
        ("alpha", math.inf),
        ("dropout", 1.0),
        ("dropout", -0.1),
        ("target_modules", "all"),
        ("learning_rate", 0),
        ("learning_rate", math.nan),
        ("schedule", "step"),
        ("warmup", 1.0),
        ("weight_decay", -1),
        ("clip", 0),
        ("epochs", 0),
        ("batch_tokens", 0),
        ("pass_tokens", 0),
        ("max_length", 1),
        ("dtype", "float64"),
        ("checkpoint_every", 0),
        ("lora_rank", 8),
    ],
)
def test_a_value_out_of_range_and_an_unknown_key_are_refused(key: str, value: object) -> None:
    with pytest.raises(ValidationError, match=key):
        TuningConfig.model_validate({key: value})


def test_layers_may_be_named() -> None:
    chosen = TuningConfig.model_validate({"target_modules": ["q_proj", "v_proj"]})
    assert chosen.target_modules == ("q_proj", "v_proj")

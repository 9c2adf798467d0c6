"""What a recipe may ask of a mixture."""

import pytest
from pydantic import ValidationError

from preceptor.mixture.config import MixtureConfig


def test_defaults_are_flans() -> None:
    config = MixtureConfig.model_validate({"tasks": ["sentiment"], "examples": 10})
    assert (config.rows_cap, config.rate_maximum) == (30_000, 3_000)
    assert config.templates is None
    assert config.inverted
    assert config.instructions == 0


@pytest.mark.parametrize(
    "change",
    [
        {"tasks": []},
        {"instructions": 1.1},
        {"temperature": 0},
        {"weights": {"a": 1.0}},
        {"inverted": 1.5},
        {"inverted": "some"},
        {"few_shot": {"shots": 17}},
        {"options": {"marker": "dash"}},
        {"examples": 0},
        {"instructions": -0.1},
        {"templates": 0},
        {"rows_cap": 0},
        {"rate_maximum": 0},
        {"shuffle": True},
    ],
)
def test_values_out_of_range_and_unknown_keys_are_refused(change: dict[str, object]) -> None:
    given: dict[str, object] = {"tasks": ["sentiment"], "examples": 10}
    MixtureConfig.model_validate(given)
    with pytest.raises(ValidationError, match=next(iter(change))):
        MixtureConfig.model_validate(given | change)


def test_a_share_of_inverted_templates_may_be_a_number() -> None:
    config = MixtureConfig.model_validate({"tasks": ["a"], "examples": 1, "inverted": 0.25})
    assert config.inverted == 0.25
    assert MixtureConfig.model_validate({"tasks": ["a"], "examples": 1, "inverted": True}).inverted


def test_instructions_alone_need_no_task() -> None:
    assert MixtureConfig.model_validate({"examples": 5, "instructions": 1}).tasks == ()


def test_fixed_rates_and_weights_go_together() -> None:
    with pytest.raises(ValidationError, match="weights belong to rates: fixed"):
        MixtureConfig.model_validate({"tasks": ["a"], "examples": 1, "rates": "fixed"})
    with pytest.raises(ValidationError, match="weights cannot be negative"):
        MixtureConfig.model_validate(
            {"tasks": ["a"], "examples": 1, "rates": "fixed", "weights": {"a": -1.0}}
        )

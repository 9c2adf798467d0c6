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
        {"examples": 0},
        {"instructions": 1.0},
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

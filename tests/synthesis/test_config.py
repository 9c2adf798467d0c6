import math

import pytest
from pydantic import ValidationError

from preceptor.synthesis.config import SynthesisConfig, TeacherConfig


def test_the_defaults_are_the_papers_where_it_is_known() -> None:
    config = SynthesisConfig()
    assert (config.demonstrations, config.rouge_l, config.seeds) == (3, 0.7, "biomedical")


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="demonstration\n"):
        SynthesisConfig.model_validate({"demonstration": 3})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *[("demonstrations", 0), ("requests", 0), ("tasks_per_request", 0), ("target", 0)],
        *[("rouge_l", 1.1), ("rouge_l", -0.1), ("rouge_l", math.nan), ("protocol", "alpaca")],
    ],
)
def test_a_value_out_of_range_is_refused(key: str, value: object) -> None:
    with pytest.raises(ValidationError, match=key):
        SynthesisConfig.model_validate({key: value})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *[("temperature", -0.1), ("temperature", math.inf), ("top_p", 0.0), ("top_p", 1.1)],
        *[("max_new_tokens", 0), ("batch", 0), ("dtype", "float16")],
    ],
)
def test_a_teachers_value_out_of_range_is_refused(key: str, value: object) -> None:
    with pytest.raises(ValidationError, match=key):
        TeacherConfig.model_validate({key: value})


def test_sampling_is_what_decides_a_reply_besides_model_prompts_and_batch() -> None:
    config = TeacherConfig()
    assert set(config.sampling()) == set(TeacherConfig.model_fields) - {"model", "batch"}

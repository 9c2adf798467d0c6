import math

import pytest
from pydantic import ValidationError

from preceptor.synthesis.config import SynthesisConfig
from preceptor.synthesis.protocols import protocol
from preceptor.teachers.calls import Sampling
from preceptor.teachers.config import TeacherConfig


def test_the_defaults_are_the_papers_where_it_is_known() -> None:
    config = SynthesisConfig()
    assert (config.rouge_l, config.stem, config.seeds) == (0.7, False, "biomedical")
    defaults = protocol(config.protocol).defaults
    assert (defaults.demonstrations, defaults.machine_demonstrations) == (3, 0)


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="demonstration\n"):
        SynthesisConfig.model_validate({"demonstration": 3})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *[("demonstrations", 0), ("requests", 0), ("tasks_per_request", 0), ("target", 0)],
        *[("opening_words", 0), ("unanswerable", 1), ("lag", 0), ("benchmarks", "all")],
        *[("rouge_l", 1.1), ("rouge_l", -0.1), ("rouge_l", math.nan), ("protocol", "flan")],
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


@pytest.mark.parametrize(
    ("quotas", "message"),
    [
        ({"category": {"qa": 0.5}}, "category: shares add up to 0.5, not to 1"),
        ({"topic": {"heart": 1.2, "lung": -0.2}}, "topic: a share must be above 0"),
        ({"category": {"nli": 1.0}}, "category 'nli' is not one of qa, ie, gen, other"),
        ({"difficulty": {6: 1.0}}, "a difficulty is 1 to 5"),
    ],
)
def test_quotas_that_cannot_be_kept_are_refused(quotas: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SynthesisConfig.model_validate({"quotas": quotas})


@pytest.mark.parametrize("stop", ["16.", "20", "\n4. "])
def test_a_number_is_no_stop_text(stop: str) -> None:
    with pytest.raises(ValidationError, match="would cut a reply at a dose"):
        TeacherConfig.model_validate({"stop": [stop]})


def test_requests_are_few_without_a_target_and_unlimited_with_one() -> None:
    assert SynthesisConfig().most_requests == 48
    assert SynthesisConfig(target=9).most_requests is None
    assert SynthesisConfig(target=9, requests=7).most_requests == 7


def test_sampling_is_the_protocols_where_the_teacher_says_nothing() -> None:
    default = Sampling(0.7, 0.5, 2.0, 99, ("###",))
    assert TeacherConfig().sampling(default) == default
    own = TeacherConfig(temperature=0.0, top_p=1.0, presence_penalty=0.0, max_new_tokens=5)
    assert own.sampling(default) == Sampling(0.0, 1.0, 0.0, 5, ("###",))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"categories": {"decide": "vote"}}, "categories.votes is 0"),
        ({"categories": {"teacher": {}}}, r"categories.teacher has nothing to answer"),
        ({"answers": {"separate": False, "teacher": {}}}, "answers.teacher has nothing to answer"),
    ],
)
def test_a_setting_that_would_do_nothing_is_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SynthesisConfig.model_validate(given)


def test_roles_are_the_models_that_are_asked() -> None:
    other = {"model": "judge", "endpoint": "http://127.0.0.1:1/v1"}
    config = SynthesisConfig.model_validate(
        {"answers": {"teacher": other}, "categories": {"votes": 1, "teacher": other}}
    )
    assert list(config.teachers()) == ["teacher", "answers", "votes"]
    assert list(SynthesisConfig().teachers()) == ["teacher"]

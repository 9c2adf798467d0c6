import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from preceptor.errors import ModelError
from preceptor.model.loading import LoadedModel, load
from preceptor.records import Reply
from preceptor.synthesis.protocols.schemas import tasks_schema
from preceptor.teachers.calls import Message, Sampling, make_call
from preceptor.teachers.constrained import LONGEST_TEXT, Grammars, bounded
from preceptor.teachers.local import LocalModel
from tests.tiny import make_tiny_model

pytest.importorskip("llguidance", reason="THE EXTRA 'structured' IS NOT INSTALLED")

STRINGS = st.integers(1, 12).map(lambda n: {"type": "string", "maxLength": n})
SIMPLE = st.one_of(
    STRINGS,
    st.just({"type": "boolean"}),
    st.just({"type": "integer", "minimum": 0, "maximum": 120}),
    st.just({"enum": ["qa", 'quo"te', "größer"]}),
)
LISTS = st.builds(lambda item: {"type": "array", "items": item, "maxItems": 3}, SIMPLE)


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


NAMES = st.sampled_from(["instruction", "input", "output", "ä"])
FLAT = st.dictionaries(NAMES, st.one_of(SIMPLE, LISTS), min_size=1, max_size=3).map(_object)
SCHEMAS = st.one_of(FLAT, st.dictionaries(NAMES, FLAT, min_size=1, max_size=2).map(_object))
SHORT = {"type": "string", "minLength": 1, "maxLength": 30}
TASK = _object({"instruction": SHORT, "input": SHORT, "output": SHORT})


def follows(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether a value follows one of the schemas above."""
    if "enum" in schema:
        return value in schema["enum"]
    match schema["type"]:
        case "string":
            return isinstance(value, str) and len(value) <= schema["maxLength"]
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return type(value) is int and schema["minimum"] <= value <= schema["maximum"]
        case "array":
            return len(value) <= schema["maxItems"] and all(
                follows(item, schema["items"]) for item in value
            )
    properties = schema["properties"]
    return list(value) == list(properties) and all(
        follows(value[name], properties[name]) for name in properties
    )


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    folder = make_tiny_model(tmp_path_factory.mktemp("constrained"))
    return load(str(folder), dtype="float32", device="cpu")


@pytest.fixture(scope="module")
def model(llama: LoadedModel) -> LocalModel:
    return LocalModel(llama, "schema")


def _replies(
    model: LocalModel, schema: Mapping[str, Any], sampling: Sampling, *seeds: int
) -> list[Reply]:
    ask = [Message("user", "Write one biomedical task as JSON.")]
    calls = [make_call("m", "task", "teacher", ask, sampling, seed, schema) for seed in seeds]
    return model.complete(calls)


def _one_line(text: str) -> bool:
    return json.dumps(json.loads(text), ensure_ascii=False) == text


@given(schema=SCHEMAS, seed=st.integers(0, 2**63 - 1), temperature=st.sampled_from([0.0, 1.0, 3.0]))
@settings(max_examples=25)
def test_a_whole_reply_follows_its_schema(
    model: LocalModel, schema: dict[str, Any], seed: int, temperature: float
) -> None:
    sampling = Sampling(temperature=temperature, top_p=0.95, max_new_tokens=400)
    for reply in _replies(model, schema, sampling, seed, seed // 2):
        assert reply.finished
        assert follows(json.loads(reply.text), schema), reply.text


def test_a_reply_that_is_cut_is_the_beginning_of_json(model: LocalModel) -> None:
    sampling = Sampling(temperature=1.0, max_new_tokens=9)
    (cut,) = _replies(model, TASK, sampling, 3)
    assert (cut.finished, cut.reply_tokens) == (False, 9)
    (whole,) = _replies(model, TASK, replace(sampling, max_new_tokens=400), 3)
    assert whole.text.startswith(cut.text.rstrip("\ufffd"))
    assert follows(json.loads(whole.text), TASK)


def test_there_is_no_white_space_but_a_blank_after_commas_and_colons(model: LocalModel) -> None:
    schema = _object({"a": {"type": "boolean"}, "b": {"enum": [1, 2]}})
    sampling = Sampling(temperature=5.0, max_new_tokens=60)
    assert all(_one_line(reply.text) for reply in _replies(model, schema, sampling, *range(20)))


def test_an_opening_is_the_beginning_of_the_json(model: LocalModel) -> None:
    schema = _object({"a": {"type": "boolean"}})
    ask = [Message("user", "Hi")]
    sampling = Sampling(max_new_tokens=8)
    call = make_call("m", "task", "teacher", ask, sampling, 1, schema, opening='{"a": ')
    assert model.complete([call])[0].text in ('{"a": true}', '{"a": false}')
    with pytest.raises(ModelError, match="opening of a reply does not follow its JSON schema"):
        model.complete([replace(call, opening="1. ")])


def test_one_of_a_batch_is_held_and_the_others_are_free(model: LocalModel) -> None:
    ask, sampling = [Message("user", "Hi")], Sampling(max_new_tokens=30)
    free = make_call("m", "task", "teacher", ask, sampling, 1)
    held = replace(free, schema=_object({"a": {"type": "boolean"}}))
    first, second, third = model.complete([free, held, free])
    assert first == third == model.complete([free])[0]
    assert second.text in ('{"a": true}', '{"a": false}')


def test_what_is_no_schema_is_refused_with_the_reason(llama: LoadedModel) -> None:
    grammars = Grammars(llama, [llama.tokenizer.eos_token_id])
    with pytest.raises(ModelError, match=r"cannot be held to the JSON schema .*[Ii]nvalid type"):
        grammars.guide({"type": "bogus"})


def test_masks_are_exact_where_the_reply_is_forced(llama: LoadedModel) -> None:
    """``{"a": `` can be written in several ways, but only byte for byte."""
    guide = Grammars(llama, [llama.tokenizer.eos_token_id]).guide(_object({"a": {"enum": [1]}}))
    text, ids = "", []
    while True:
        logits = torch.zeros(llama.model.get_input_embeddings().weight.shape[0])
        guide.forbid(logits)
        allowed = logits.isfinite().nonzero().flatten().tolist()
        written = [llama.tokenizer.decode([*ids, token]) for token in allowed]
        assert all('{"a": 1}'.startswith(one) and len(one) > len(text) for one in written)
        ids.append(allowed[0])
        text = written[0]
        if guide.ended(ids):
            break
    assert text == '{"a": 1}'


def test_a_tokenizer_that_the_library_does_not_know(
    llama: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    import llguidance.hf

    def unknown(*_: Any, **__: Any) -> None:
        raise ValueError("Only fast tokenizers are supported")

    monkeypatch.setattr(llguidance.hf, "from_tokenizer", unknown)
    with pytest.raises(ModelError, match=r"not known to llguidance .Only fast tokenizers"):
        LocalModel(llama, "schema")
    assert LocalModel(llama, "auto").structured == "off"


@pytest.mark.embedded
def test_smollm2_writes_a_task_that_follows_its_schema() -> None:
    try:
        smollm2 = load("embedded:smollm2-135m", dtype="float32", device="cpu")
    except ModelError as error:
        pytest.skip(f"THE EMBEDDED MODEL IS MISSING: {error}")
    sampling = Sampling(temperature=0.7, top_p=0.9, max_new_tokens=60)
    model = LocalModel(smollm2, "schema")
    first, second = _replies(model, TASK, sampling, 1, 2)
    assert first.text != second.text
    for reply in (first, second):
        assert reply.finished
        assert follows(json.loads(reply.text), TASK)
    assert _replies(model, TASK, sampling, 2) == [second]


def test_every_string_of_a_bounded_schema_ends() -> None:
    schema = tasks_schema(with_output=True, traits=True)
    item = bounded(schema)["properties"]["tasks"]["items"]["properties"]
    assert item["instruction"] == {"type": "string", "maxLength": LONGEST_TEXT}
    assert item["difficulty"] == schema["properties"]["tasks"]["items"]["properties"]["difficulty"]
    assert bounded(SHORT) == SHORT
    assert bounded({"type": "string", "enum": ["qa"]}) == {"type": "string", "enum": ["qa"]}

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preceptor.errors import ModelError
from preceptor.model.formats import encode_conversation, encode_prompt, stop_ids
from preceptor.model.generation import decode, generate
from preceptor.model.loading import LoadedModel, load
from preceptor.model.sampling import Decoding
from preceptor.model.tokenizer import encode_continuation
from preceptor.records import Reply
from preceptor.teachers.calls import Call, CallFailedError, Message, Sampling, make_call
from preceptor.teachers.local import LocalModel
from tests.tiny import make_tiny_model

GREEDY = Sampling(temperature=0.0, max_new_tokens=12)
SCHEMA = {"type": "object", "properties": {"a": {"enum": ["x", "yz"]}}, "required": ["a"]}


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    folder = make_tiny_model(tmp_path_factory.mktemp("local"))
    return load(str(folder), dtype="float32", device="cpu")


@pytest.fixture(scope="module")
def model(llama: LoadedModel) -> LocalModel:
    return LocalModel(llama)


def _call(text: str = "Hi", sampling: Sampling = GREEDY, seed: int = 0, **more: Any) -> Call:
    return make_call("m", "task", "teacher", [Message("user", text)], sampling, seed, **more)


SAMPLINGS = st.builds(
    Sampling,
    temperature=st.sampled_from([0.0, 0.7, 1.5]),
    top_p=st.sampled_from([0.3, 0.95, 1.0]),
    presence_penalty=st.sampled_from([0.0, 0.5]),
    max_new_tokens=st.integers(1, 24),
    stop=st.sampled_from([(), ("e",), ("\n", "as")]),
)
CALLS = st.builds(
    _call,
    text=st.sampled_from(["Hi", "Name the diseases in this sentence, and be quick.", "?" * 40]),
    sampling=SAMPLINGS,
    seed=st.integers(0, 2**63 - 1),
    schema=st.sampled_from([None, None, SCHEMA]),
)


@given(calls=st.lists(CALLS, min_size=2, max_size=5), order=st.randoms())
@settings(max_examples=25)
def test_a_reply_is_the_same_alone_in_a_batch_and_in_another_order(
    model: LocalModel, calls: list[Call], order: Any
) -> None:
    alone = [model.complete([call])[0] for call in calls]
    assert model.complete(calls) == alone
    places = list(range(len(calls)))
    order.shuffle(places)
    assert model.complete([calls[i] for i in places]) == [alone[i] for i in places]


def test_calls_are_answered_in_chat_format_with_their_tokens_counted(
    llama: LoadedModel, model: LocalModel
) -> None:
    calls = [_call("Hi"), _call("Name the diseases in this sentence.")]
    tokenizer = llama.tokenizer
    prompts = [encode_prompt(tokenizer, "chat", c.messages[0].content) for c in calls]
    answers = generate(llama, prompts, 12, stop_ids=stop_ids(tokenizer, "chat"))
    assert model.complete(calls) == [
        Reply(str(tokenizer.decode(list(a.ids))), len(prompt), len(a.ids), a.finished)
        for prompt, a in zip(prompts, answers, strict=True)
    ]
    assert (model.name, model.fingerprint) == (llama.name, llama.fingerprint)


def test_a_conversation_is_shown_turn_by_turn(llama: LoadedModel, model: LocalModel) -> None:
    turns = [("system", "Be brief."), ("user", "Hi"), ("assistant", "Yes?"), ("user", "No.")]
    call = replace(_call(), messages=tuple(Message(r, c) for r, c in turns))  # type: ignore[arg-type]
    prompt = encode_conversation(llama.tokenizer, turns)
    (answer,) = generate(llama, [prompt], 12, stop_ids=stop_ids(llama.tokenizer, "chat"))
    (reply,) = model.complete([call])
    assert reply.prompt_tokens == len(prompt)
    assert reply.text == llama.tokenizer.decode(list(answer.ids))


def test_an_opening_begins_the_reply_and_is_part_of_the_prompt(
    llama: LoadedModel, model: LocalModel
) -> None:
    opening = "Name the"
    prompt = encode_prompt(llama.tokenizer, "chat", "Hi")
    prompt += encode_continuation(llama.tokenizer, opening)
    (answer,) = generate(llama, [prompt], 12, stop_ids=stop_ids(llama.tokenizer, "chat"))
    (reply,) = model.complete([_call(opening=opening)])
    assert reply.text == opening + llama.tokenizer.decode(list(answer.ids))
    assert reply.prompt_tokens == len(prompt)


def test_sampling_is_the_calls_own(llama: LoadedModel, model: LocalModel) -> None:
    sampling = Sampling(temperature=1.2, top_p=0.9, presence_penalty=0.4, max_new_tokens=20)
    prompt = encode_prompt(llama.tokenizer, "chat", "Hi")
    row = Decoding(20, 1.2, 0.9, 0.4, seed=5)
    (answer,) = decode(llama, [prompt], [row], stop_ids=stop_ids(llama.tokenizer, "chat"))
    (reply,) = model.complete([_call(sampling=sampling, seed=5)])
    assert reply.text == llama.tokenizer.decode(list(answer.ids), skip_special_tokens=True)
    others = model.complete([_call(sampling=sampling, seed=seed) for seed in range(20)])
    assert len({other.text for other in others}) > 15


def test_a_reply_is_cut_at_the_first_stop_text(model: LocalModel) -> None:
    """Stop texts that begin inside one token and end inside another."""
    long = replace(GREEDY, max_new_tokens=40)
    (free,) = model.complete([_call(sampling=long)])
    assert not free.finished
    for start in (3, 9, 20):
        stop = free.text[start : start + 3]
        (reply,) = model.complete([_call(sampling=replace(long, stop=("never 123", stop)))])
        assert reply.text == free.text[: free.text.index(stop)]
        assert reply.finished
        assert reply.reply_tokens < free.reply_tokens


def test_a_stop_text_in_the_prompt_or_opening_stops_nothing(model: LocalModel) -> None:
    sampling = replace(GREEDY, stop=("Zq#",))
    (reply,) = model.complete([_call("Zq#", sampling, opening="Zq#")])
    assert reply.text.startswith("Zq#")
    assert reply.reply_tokens == 12


def test_a_model_without_a_chat_template_is_asked_in_alpaca_format(tmp_path: Path) -> None:
    bare = load(str(make_tiny_model(tmp_path)), dtype="float32")
    bare.tokenizer.chat_template = None
    (reply,) = LocalModel(bare).complete([_call()])
    assert reply.prompt_tokens == len(encode_prompt(bare.tokenizer, "alpaca", "Hi"))


def test_what_does_not_fit_can_be_found_beforehand(model: LocalModel) -> None:
    long = _call("no " * 600)
    model.check(_call())
    with pytest.raises(CallFailedError, match=r"exceed the model's context of 512"):
        model.check(long)
    with pytest.raises(ModelError, match=r"exceed the model's context of 512"):
        model.complete([_call(), long])


def test_no_calls_have_no_replies(model: LocalModel) -> None:
    assert model.complete([]) == []


def test_a_schema_is_followed_loosely_or_ignored_as_asked(llama: LoadedModel) -> None:
    pytest.importorskip("llguidance", reason="THE EXTRA 'structured' IS NOT INSTALLED")
    hot = Sampling(temperature=1.0, max_new_tokens=24, stop=('"',))
    calls = [_call(sampling=hot, seed=seed, schema=SCHEMA) for seed in range(6)]
    held = LocalModel(llama)
    assert held.structured == "schema"
    for reply in held.complete(calls):  # the stop text would cut every one of them
        assert reply.finished
        assert json.loads(reply.text) in ({"a": "x"}, {"a": "yz"})
    loose = LocalModel(llama, "json")
    assert loose.structured == "json"
    assert all(reply.text.startswith("{") for reply in loose.complete(calls))
    free = LocalModel(llama, "off")
    assert free.structured == "off"
    plain = [replace(call, schema=None) for call in calls]
    assert free.complete(calls) == free.complete(plain) == held.complete(plain)


def test_without_the_library_auto_is_off_and_schema_an_error(
    llama: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "llguidance", None)
    assert LocalModel(llama, "auto").structured == "off"
    with pytest.raises(ModelError, match=r"llguidance: install 'preceptor\[structured\]'"):
        LocalModel(llama, "schema")

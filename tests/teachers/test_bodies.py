"""Bodies of responses: whatever a server sends is a reply or a fault, never a crash."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preceptor.records import Reply
from preceptor.teachers.bodies import Dialect, adapt, reply_of
from preceptor.teachers.calls import Call, Message, Sampling, make_call
from preceptor.teachers.config import Price, TeacherConfig
from preceptor.teachers.retry import Fault

CALL: Call = make_call("m", "task", "teacher", [Message("user", "Ask.")], Sampling(), 1)
FREE = Price(input=0, output=0)
REMOTE = TeacherConfig(model="m", endpoint="http://127.0.0.1:9/v1")

texts = st.text(st.characters(), max_size=8) | st.just("half \ud83d")
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["content", "refusal", "text", "type"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "choices": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "message": values,
                    "text": values,
                    "finish_reason": st.sampled_from(["stop", "length", "content_filter", None]),
                },
            )
            | values,
            max_size=2,
        )
        | values,
        "usage": st.dictionaries(
            st.sampled_from(["prompt_tokens", "completion_tokens"]), values, max_size=2
        )
        | values,
        "model": values,
    },
)


@given(bodies | values)
def test_any_json_is_a_reply_or_a_fault(body: Any) -> None:
    found: Reply | Fault
    try:
        found, _ = reply_of(CALL, body, FREE, "m")
    except Fault as fault:
        found = fault
    if isinstance(found, Fault):
        assert found.billed or found.tokens is not None
    else:
        assert (found.text + found.model).encode("utf-8").decode(
            "utf-8"
        ) == found.text + found.model
        assert found.prompt_tokens >= 0
        assert found.reply_tokens >= 0


@pytest.mark.parametrize("name", ["content", "refusal"])
def test_half_a_surrogate_pair_reaches_no_reply(name: str) -> None:
    message = {name: "a \ud83d b \U0001f600"}
    body = {"choices": [{"message": message, "finish_reason": "stop"}], "model": "m\udc00"}
    reply, _ = reply_of(CALL, body, FREE, "m")
    assert (reply.text, reply.model) == ("a ? b \U0001f600", "m?")


def test_a_dialect_changes_only_for_what_was_sent() -> None:
    dialect = Dialect("schema")
    assert adapt(dialect, {"model": "m"}, "response_format is unknown", REMOTE) is None
    assert adapt(dialect, {"max_tokens": 5}, "'seed' is unknown", REMOTE) is None
    assert dialect == Dialect("schema")


@pytest.mark.parametrize(
    "said",
    [
        "Invalid schema for response_format 'task'",
        "The provided JSON schema contains features not supported by xgrammar.",
        "guided decoding is not available",
    ],
)
def test_a_schema_that_a_server_cannot_hold_a_reply_to_is_recognised(said: str) -> None:
    dialect = Dialect("schema")
    assert adapt(dialect, {"response_format": {"type": "json_schema"}}, said, REMOTE)
    assert dialect.structured == "json"


@pytest.mark.parametrize(
    "said", ["This model's maximum context length is 8192 tokens; stop it", "seeds of sunflowers"]
)
def test_a_prompt_that_is_refused_changes_nothing(said: str) -> None:
    dialect, sent = Dialect("schema"), {"seed": 1, "stop": ["x"], "temperature": 1.0}
    assert adapt(dialect, sent, said, REMOTE) is None
    assert dialect.seed


def test_a_late_refusal_of_what_is_no_longer_sent_changes_nothing() -> None:
    dialect = Dialect("off")
    assert adapt(dialect, {"response_format": {"type": "json_schema"}}, "no json_schema", REMOTE)
    assert dialect.structured == "off"

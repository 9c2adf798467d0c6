"""What responses mean, how long servers ask to wait, and how long we wait by ourselves."""

import json
import random
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preceptor.teachers.retry import Backoff, Fault, asked_to_wait, error_message, judge, until

NOW = 1_700_000_000.0


def judged(status: int, body: str = "", **headers: str) -> Fault:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return judge(status, named, body, error_message(body), NOW)


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529, 599])
def test_what_may_pass_is_tried_again(status: int) -> None:
    assert judged(status).means == "again"


@pytest.mark.parametrize(
    ("status", "means"), [(400, "call"), (413, "call"), (422, "call"), (402, "teacher")]
)
def test_what_will_not_pass_is_not(status: int, means: str) -> None:
    assert judged(status).means == means


def test_a_quota_that_is_used_up_is_no_rate_limit() -> None:
    body = json.dumps({"error": {"code": "insufficient_quota", "message": "You exceeded it."}})
    fault = judged(429, body)
    assert fault.means == "teacher"
    assert "quota is used up" in fault.message
    assert judged(429, '{"error": {"message": "Rate limit reached"}}').means == "again"


def test_only_too_many_calls_are_a_reason_for_fewer() -> None:
    assert [s for s in (408, 429, 500, 502, 503, 504) if judged(s).overload] == [429, 503]


def test_only_a_gateway_that_gave_up_may_have_been_billed() -> None:
    assert [s for s in (400, 429, 500, 502, 503, 504) if judged(s).billed] == [504]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "7"}, 1.5),
        ({"retry-after": formatdate(NOW + 90, usegmt=True)}, 90.0),
        ({"retry-after": formatdate(NOW - 90, usegmt=True)}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s"}, 360.0),
        ({"x-ratelimit-remaining-tokens": "9", "x-ratelimit-reset-tokens": "6m0s"}, None),
        ({}, None),
    ],
)
def test_how_long_a_server_asks_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_to_wait(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120ms", 0.12),
        ("1s", 1.0),
        ("6m0s", 360.0),
        ("2m59.56s", 179.56),
        ("1d2h", 93_600.0),
        ("12", 12.0),
        ("1700000030", 30.0),
        ("2023-11-14T22:14:20Z", 60.0),
        ("2023-11-14T22:00:00Z", 0.0),
        ("", None),
        ("never", None),
        ("3 s", None),
        ("nan", None),
        ("1e9", None),
    ],
)
def test_when_a_limit_is_there_again(text: str, seconds: float | None) -> None:
    found = until(text, NOW)
    assert found == (None if seconds is None else pytest.approx(seconds))


@given(st.text(max_size=20), st.text(max_size=20))
def test_headers_are_never_more_than_ignored(first: str, second: str) -> None:
    headers = {
        "retry-after": first,
        "retry-after-ms": second,
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": first,
    }
    found = asked_to_wait(headers, NOW)
    assert found is None or found >= 0


@given(st.integers(1, 10_000), st.integers())
def test_jitter_covers_the_whole_range_and_no_more(failed: int, seed: int) -> None:
    seconds = Backoff(random.Random(seed), first=0.5, longest=30.0).seconds(failed)
    assert 0 <= seconds <= min(30.0, 0.5 * 2.0 ** min(failed - 1, 10))


def test_the_range_doubles_and_is_drawn_anew_for_every_call() -> None:
    waits = [Backoff(random.Random(seed)).seconds(5) for seed in range(200)]
    assert max(waits) > 7.5
    assert min(waits) < 0.5
    assert Backoff(random.Random(3)).seconds(4) == Backoff(random.Random(3)).seconds(4)


def test_there_is_no_wait_before_the_first_attempt() -> None:
    with pytest.raises(ValueError, match="first attempt"):
        Backoff(random.Random(0)).seconds(0)


@given(st.floats(0, 900), st.integers())
def test_a_servers_wait_is_kept(asked: float, seed: int) -> None:
    assert asked <= Backoff(random.Random(seed)).after(asked) <= asked * 1.1 + 1e-9


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"error": {"message": "No.", "param": "seed"}}', "No. (about 'seed')"),
        ('{"error": "No."}', "No."),
        ('{"message": "No.", "object": "error"}', "No."),
        ('{"detail": "No."}', "No."),
        ("<html>502</html>", "<html>502</html>"),
        ('{"detail": [{"loc": ["body", "seed"]}]}', '{"detail": [{"loc": ["body", "seed"]}]}'),
        ("[]", "[]"),
    ],
)
def test_the_message_in_an_errors_body_is_found(body: str, message: str) -> None:
    assert error_message(body) == message


@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["error", "message", "detail", "param", "x"]), inner)
        ),
    )
)
def test_any_json_has_some_message(found: object) -> None:
    assert isinstance(error_message(json.dumps(found)), str)

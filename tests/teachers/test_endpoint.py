"""The client against a server on the loopback that does everything wrong once."""

import asyncio
import json
import random
from collections.abc import Mapping
from typing import Any

import pytest

from preceptor.errors import RecipeError, TeacherError
from preceptor.records import Reply
from preceptor.teachers.budget import Budget, Spent
from preceptor.teachers.calls import Call, CallFailedError, Message, Sampling, make_call
from preceptor.teachers.config import BudgetConfig, Price, TeacherConfig
from preceptor.teachers.endpoint import OpenAIEndpoint
from preceptor.teachers.open import open_endpoint
from preceptor.teachers.prices import KnownPrice
from tests.teachers.server import USAGE, Break, Say, Script, Server, completion, fine
from tests.teachers.virtual import QuickClock

SCHEMA = {"type": "object", "properties": {"tasks": {"type": "array"}}, "required": ["tasks"]}
PRICE = KnownPrice(Price(input=1e6, output=2e6), "test")
"""A dollar a token of the prompt and two a token of the reply."""


def call(number: int = 0, text: str = "Write a task as JSON.", **given: Any) -> Call:
    sampling = given.pop("sampling", Sampling(temperature=0.7, max_new_tokens=50))
    messages = [Message("system", "You write tasks."), Message("user", text)]
    return make_call("m", "task", "teacher", messages, sampling, number, **given)


class Asked:
    """What came of asking a server."""

    def __init__(self, server: Server, endpoint: OpenAIEndpoint, budget: Budget) -> None:
        self.server, self.endpoint, self.budget = server, endpoint, budget
        self.results: list[Reply | BaseException] = []
        self.charges: list[tuple[str, str, int, float]] = []
        self.waits: list[float] = []

    @property
    def reply(self) -> Reply:
        (found,) = self.results
        assert isinstance(found, Reply), found
        return found

    @property
    def error(self) -> BaseException:
        (found,) = self.results
        assert isinstance(found, BaseException), found
        return found


def ask(
    script: Script,
    *calls: Call,
    limits: Mapping[str, Any] | None = None,
    one_by_one: bool = False,
    **config: Any,
) -> Asked:
    """Ask everything of a scripted server."""

    async def main() -> Asked:
        async with Server(script) as server:
            teacher = TeacherConfig(model="scripted", endpoint=server.url, **config)
            budget, clock = Budget(BudgetConfig(**(limits or {}))), QuickClock()
            endpoint = OpenAIEndpoint(teacher, budget, PRICE, clock, random.Random(0))
            asked = Asked(server, endpoint, budget)
            budget.on_charge = lambda *charge: asked.charges.append(charge)
            async with endpoint:
                wanted = [endpoint.complete(one) for one in calls or (call(),)]
                if one_by_one:
                    for one in wanted:
                        asked.results += await asyncio.gather(one, return_exceptions=True)
                else:
                    asked.results += await asyncio.gather(*wanted, return_exceptions=True)
            asked.waits = clock.waits
            assert endpoint.in_flight == 0
            assert budget.reserved == Spent()
            return asked

    return asyncio.run(main())


def after(*first: Say | Break) -> Script:
    """These, and then a good reply to everything."""
    return lambda number, _: first[number] if number < len(first) else fine()


def error(status: int, message: str = "no", **more: Any) -> Say:
    headers = more.pop("headers", {})
    return Say({"error": {"message": message, **more}}, status, headers)


def test_a_call_is_asked_and_answered() -> None:
    asked = ask(after(), call(3))
    assert asked.reply == Reply("Fine.", 10, 5, True, 20.0, "")
    (body,) = asked.server.seen
    assert asked.server.paths == ["/v1/chat/completions"]
    assert body == {
        "model": "scripted",
        "messages": [
            {"role": "system", "content": "You write tasks."},
            {"role": "user", "content": "Write a task as JSON."},
        ],
        "temperature": 0.7,
        "max_tokens": 50,
        "seed": 3,
    }
    assert asked.budget.spent == Spent(20.0, 15, 1)


def test_all_sampling_that_is_not_the_apis_default_is_sent() -> None:
    sampling = Sampling(0.0, 0.5, 2.0, 7, ("###",))
    (body,) = ask(after(), call(sampling=sampling)).server.seen
    assert {k: body[k] for k in ("temperature", "top_p", "presence_penalty", "stop")} == {
        "temperature": 0.0,
        "top_p": 0.5,
        "presence_penalty": 2.0,
        "stop": ["###"],
    }


def test_a_base_model_is_asked_for_a_completion() -> None:
    said = {"choices": [{"text": " on", "finish_reason": "length"}], "usage": USAGE}
    asked = ask(lambda *_: Say(said), call(schema=SCHEMA), api="completions")
    assert asked.server.paths == ["/v1/completions"]
    assert asked.server.seen[0]["prompt"] == "You write tasks.\n\nWrite a task as JSON."
    assert "response_format" not in asked.server.seen[0]
    assert (asked.reply.text, asked.reply.finished) == (" on", False)


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504])
def test_what_passes_is_asked_again(status: int) -> None:
    asked = ask(after(error(status), error(status)))
    assert asked.reply.text == "Fine."
    assert asked.endpoint.faults == {f"http {status}": 2}
    assert asked.endpoint.attempts == 3
    assert len({json.dumps(body) for body in asked.server.seen}) == 1


@pytest.mark.parametrize(
    ("how", "kind"), [("reset", "reset"), ("cut", "cut"), ("half", "cut"), ("hang", "stalled")]
)
def test_a_lost_reply_is_asked_for_again_and_stays_paid_for(how: str, kind: str) -> None:
    asked = ask(after(Break(how)), stall=0.3)
    assert asked.reply.text == "Fine."
    assert asked.endpoint.faults == {kind: 1}
    ((_, what, tokens, dollars),) = asked.charges
    assert what == kind
    assert tokens > 50
    assert asked.budget.spent == Spent(20.0 + dollars, 15 + tokens, 2)


def test_a_reply_that_does_not_come_whole_in_time_is_given_up() -> None:
    asked = ask(lambda *_: Break("hang"), timeout=0.2, attempts=2)
    assert asked.endpoint.faults == {"timeout": 2}
    assert isinstance(asked.error, CallFailedError)
    assert "teacher.timeout" in str(asked.error)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>",
        "[]",
        "null",
        {"choices": []},
        {"choices": None},
        {"choices": ["x"]},
        {"choices": [{"message": "x"}]},
        {"choices": [{"message": {"content": 7}}]},
        {"choices": [{"finish_reason": "stop"}]},
    ],
)
def test_a_body_that_is_no_completion_is_a_passing_fault(body: Any) -> None:
    asked = ask(after(Say(body)))
    assert asked.reply.text == "Fine."
    assert asked.endpoint.faults.total() == 1
    assert len(asked.charges) == 1


def test_refused_and_reset_errors_cost_nothing() -> None:
    asked = ask(after(error(500), error(429), error(503), error(408)))
    assert asked.charges == []
    assert asked.budget.spent == Spent(20.0, 15, 1)


def test_the_servers_wait_is_kept() -> None:
    asked = ask(after(error(429, headers={"Retry-After": "7"})))
    assert 7 <= asked.waits[0] <= 7.7


def test_a_wait_of_hours_ends_the_run_instead() -> None:
    asked = ask(after(error(429, headers={"Retry-After": "36000"})))
    assert isinstance(asked.error, TeacherError)
    assert "asks to wait for 600 minutes" in str(asked.error)


def test_being_limited_does_not_use_up_attempts() -> None:
    asked = ask(after(*[error(429)] * 15), attempts=2)
    assert asked.reply.text == "Fine."


def test_waits_grow_and_are_the_same_for_the_same_draws() -> None:
    first, second = (ask(after(*[error(500)] * 5)).waits for _ in range(2))
    assert first == second
    assert all(wait <= 0.5 * 2**n for n, wait in enumerate(first))
    assert len(set(first)) == 5


def test_a_call_that_alone_keeps_failing_is_given_up_and_the_others_go_on() -> None:
    def script(_: int, body: dict[str, Any]) -> Say:
        return error(500, "unlucky") if body["messages"][1]["content"] == "bad JSON" else fine()

    asked = ask(script, call(0), call(1, "bad JSON"), call(2), attempts=3)
    assert [type(found) for found in asked.results] == [Reply, CallFailedError, Reply]
    assert "all 3 attempts failed, the last with http 500: HTTP 500: unlucky" in str(
        asked.results[1]
    )


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_prompt_that_is_refused_is_not_asked_again(status: int) -> None:
    asked = ask(lambda *_: error(status, "maximum context length is 8192 tokens"))
    assert isinstance(asked.error, CallFailedError)
    assert "8192" in str(asked.error)
    assert len(asked.server.seen) == 1


def test_an_endpoint_that_rejects_everything_stops_the_run() -> None:
    asked = ask(lambda *_: error(400, "bad model"), *map(call, range(8)), one_by_one=True)
    kinds = [type(found) for found in asked.results]
    assert kinds == [CallFailedError] * 4 + [TeacherError] * 4
    assert "rejected each of the first 5 calls" in str(asked.results[4])
    assert len(asked.server.seen) == 5


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_not_accepted_stops_at_once_and_is_never_shown(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "sk-very-secret-0123456wxyz"
    monkeypatch.setenv("HOUSE_KEY", key)
    said = f"Incorrect API key provided: {key} (sk-very-***wxyz) at org 5"
    asked = ask(lambda *_: error(status, said), call(0), call(1), key="HOUSE_KEY", concurrency=1)
    assert {type(found) for found in asked.results} == {TeacherError}
    assert len(asked.server.seen) == 1
    assert asked.server.headers[0]["Authorization"] == f"Bearer {key}"
    message = str(asked.results[0])
    assert "HOUSE_KEY" in message
    assert "org 5" in message
    for text in (message, repr(asked.endpoint), str(asked.endpoint.notes), str(asked.charges)):
        assert "secret" not in text
        assert "wxyz" not in text


def page(text: str = "<html>Welcome</html>", form: str = "text/html") -> Say:
    return Say(text, form=form)


@pytest.mark.parametrize(
    ("said", "what", "charges"),
    [
        (page(), "answers with text/html and not JSON: check teacher.endpoint", 0),
        (page(form="application/json"), "answers with text and not JSON", 5),
        (page("data: {}", "text/event-stream"), "answers with text/event-stream and not JSON", 5),
        (page(""), "answers with nothing and not JSON", 0),
    ],
)
def test_what_answers_with_pages_is_no_endpoint(said: Say, what: str, charges: int) -> None:
    asked = ask(lambda *_: said, *map(call, range(3)), one_by_one=True, attempts=9)
    assert {type(found) for found in asked.results} == {TeacherError}
    assert what in str(asked.results[0])
    assert asked.server.url in str(asked.results[0])
    assert len(asked.server.seen) == 5
    assert len(asked.charges) == charges
    assert (asked.budget.spent == Spent()) is (charges == 0)


def test_pages_between_other_failures_or_after_a_reply_are_waited_for() -> None:
    pages = [page()] * 4
    asked = ask(after(*pages, error(500), *pages), attempts=12)
    assert asked.reply.text == "Fine."
    asked = ask(after(fine(), *pages, *pages), call(0), call(1), one_by_one=True, attempts=12)
    assert [type(found) for found in asked.results] == [Reply, Reply]


def test_half_of_json_is_cut_off_and_says_nothing_of_the_endpoint() -> None:
    asked = ask(after(*[Break("half")] * 7), attempts=12)
    assert asked.reply.text == "Fine."
    assert asked.endpoint.faults == {"cut": 7}


def test_half_a_surrogate_pair_in_an_error_can_be_written_down() -> None:
    asked = ask(lambda *_: error(400, "no \ud83d here"))
    assert isinstance(asked.error, CallFailedError)
    assert "no ? here" in str(asked.error)


def test_a_model_that_is_not_there_stops_at_once() -> None:
    asked = ask(lambda *_: error(404, "The model `scripted` does not exist"))
    assert isinstance(asked.error, TeacherError)
    assert "teacher.model" in str(asked.error)
    assert len(asked.server.seen) == 1


def test_a_quota_that_is_used_up_stops_at_once() -> None:
    asked = ask(lambda *_: error(429, "You exceeded your current quota", code="x"))
    assert isinstance(asked.error, TeacherError)
    assert "quota is used up" in str(asked.error)


def test_a_server_that_has_moved_is_not_followed() -> None:
    asked = ask(lambda *_: Say("", 301, {"Location": "http://127.0.0.1:1/v1"}))
    assert isinstance(asked.error, TeacherError)
    assert "has moved" in str(asked.error)


def test_a_server_that_is_not_there_stops_when_the_attempts_are_used_up() -> None:
    async def main() -> tuple[BaseException, OpenAIEndpoint]:
        async with Server(after()) as server:
            url = server.url
        config = TeacherConfig(model="m", endpoint=url, attempts=3)
        endpoint = OpenAIEndpoint(config, Budget(BudgetConfig()), PRICE, QuickClock())
        async with endpoint:
            with pytest.raises(TeacherError) as caught:
                await endpoint.complete(call())
        return caught.value, endpoint

    found, endpoint = asyncio.run(main())
    assert "cannot be reached" in str(found)
    assert "teacher.endpoint" in str(found)
    assert endpoint.faults == {"refused": 3}
    assert endpoint._budget.spent == Spent()


def test_a_reply_is_held_to_its_schema() -> None:
    (body,) = ask(after(), call(schema=SCHEMA)).server.seen
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "task", "strict": True, "schema": SCHEMA},
    }


def takes(*forms: str | None) -> Script:
    """A server that takes only some forms of reply."""

    def script(_: int, body: dict[str, Any]) -> Say:
        form = body.get("response_format", {}).get("type")
        return fine() if form in forms else error(400, f"response_format {form} is not supported")

    return script


@pytest.mark.parametrize(
    ("forms", "sent", "ends"),
    [
        (("json_object", None), ["json_schema", "json_object", "json_object"], "json"),
        ((None,), ["json_schema", "json_object", None, None], "off"),
    ],
)
def test_the_first_form_that_a_server_takes_is_found_once(
    forms: tuple[str | None, ...], sent: list[str | None], ends: str
) -> None:
    calls = [call(n, schema=SCHEMA) for n in range(2)]
    asked = ask(takes(*forms), *calls, one_by_one=True)
    assert [type(found) for found in asked.results] == [Reply, Reply]
    assert [b.get("response_format", {}).get("type") for b in asked.server.seen] == sent
    assert asked.endpoint.structured == ends
    assert asked.endpoint.notes[f"replies are held to their form by: {ends}"] == 1
    assert asked.endpoint.faults == {}


def test_calls_that_find_out_together_fall_by_one_step() -> None:
    calls = [call(n, schema=SCHEMA) for n in range(8)]
    asked = ask(takes("json_object"), *calls)
    assert [type(found) for found in asked.results] == [Reply] * 8
    assert asked.endpoint.structured == "json"


def test_json_mode_is_asked_for_only_where_the_prompt_speaks_of_json() -> None:
    plain = call(0, "Write a task.", schema=SCHEMA)
    (body,) = ask(after(), plain, structured="json").server.seen
    assert "response_format" not in body


@pytest.mark.parametrize("structured", ["schema", "json"])
def test_a_form_that_the_recipe_insists_on_is_an_error_where_it_is_not_taken(
    structured: str,
) -> None:
    asked = ask(takes(None), call(schema=SCHEMA), structured=structured)
    assert isinstance(asked.error, TeacherError)
    assert "teacher.structured: auto" in str(asked.error)


def test_the_other_name_of_the_length_limit_is_found_once() -> None:
    def script(_: int, body: dict[str, Any]) -> Say:
        if "max_tokens" in body:
            said = "'max_tokens' is not supported with this model. Use 'max_completion_tokens'."
            return error(400, said)
        return fine()

    asked = ask(script, call(0), call(1), one_by_one=True)
    assert [b.get("max_completion_tokens") for b in asked.server.seen] == [None, 50, 50]


def test_a_seed_that_is_not_taken_is_left_out() -> None:
    script: Script = lambda _, body: (  # noqa: E731
        error(400, "Unknown field.", param="seed") if "seed" in body else fine()
    )
    asked = ask(script, call(0), call(1), one_by_one=True)
    assert ["seed" in body for body in asked.server.seen] == [True, False, False]
    assert "no seed is sent: the server takes none" in asked.endpoint.notes


def test_sampling_that_a_model_does_not_take_is_an_error_and_not_dropped() -> None:
    said = "Unsupported value: 'temperature' does not support 0.7 with this model."
    asked = ask(lambda *_: error(400, said))
    assert isinstance(asked.error, TeacherError)
    assert "does not take temperature 0.7: set teacher.temperature" in str(asked.error)


@pytest.mark.parametrize(
    ("message", "finish", "text", "finished"),
    [
        ({"content": "Half a"}, "length", "Half a", False),
        ({"content": None, "refusal": "I can't help with that."}, "stop", None, True),
        ({"content": None, "reasoning_content": "Hm ..."}, "length", "", False),
        ({"content": "", "reasoning_content": "Hm ..."}, "stop", "", True),
        ({"content": "<think>Hm</think>\n\nDone."}, "stop", "Done.", True),
        ({"content": "<think>Hm, for long"}, "length", "", False),
        ({"content": "a <think> tag"}, "stop", "a <think> tag", True),
        (
            {"content": [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]},
            "stop",
            "AB",
            True,
        ),
        ({"content": "Done."}, None, "Done.", True),
        ({"content": "Done."}, "tool_calls", "Done.", True),
    ],
)
def test_what_counts_as_the_reply(
    message: dict[str, Any], finish: str | None, text: str | None, finished: bool
) -> None:
    body = completion(finish=finish, usage=USAGE)
    body["choices"][0]["message"] = {"role": "assistant", **message}
    reply = ask(lambda *_: Say(body)).reply
    assert reply.text == (text if text is not None else message["refusal"])
    assert reply.finished == finished


def test_a_reply_that_was_withheld_is_paid_for_and_not_asked_for_again() -> None:
    asked = ask(lambda *_: Say(completion("", "content_filter", USAGE)))
    assert isinstance(asked.error, CallFailedError)
    assert "content filter" in str(asked.error)
    assert asked.charges == [(call().id, "filtered", 15, 20.0)]
    assert len(asked.server.seen) == 1


def test_a_schema_that_a_server_quietly_ignores_is_noted() -> None:
    asked = ask(after(), call(schema=SCHEMA))
    assert asked.endpoint.notes == {"a reply to a call with a schema is no JSON": 1}


def test_tokens_are_estimated_where_a_server_does_not_count_them() -> None:
    asked = ask(lambda *_: Say(completion("x" * 40)))
    assert asked.reply.reply_tokens == 10
    assert asked.reply.prompt_tokens > 5
    assert asked.endpoint.notes == {"usage estimated": 1}


def test_the_model_that_answered_is_recorded_where_it_says_more() -> None:
    body = completion(usage=USAGE) | {"model": "scripted-2023-06-13"}
    assert ask(lambda *_: Say(body)).reply.model == "scripted-2023-06-13"


def test_no_more_calls_are_in_flight_than_allowed() -> None:
    at_once = []

    async def main() -> None:
        async with Server(after()) as server:
            config = TeacherConfig(model="scripted", endpoint=server.url, concurrency=3)
            endpoint = OpenAIEndpoint(config, Budget(BudgetConfig()), PRICE)
            async with endpoint:

                async def one(number: int) -> None:
                    await endpoint.complete(call(number))
                    at_once.append(endpoint.in_flight)

                await asyncio.gather(*map(one, range(20)))
            assert len(server.seen) == 20

    asyncio.run(main())
    assert max(at_once) <= 3


def test_a_budget_ends_a_run_between_calls() -> None:
    asked = ask(after(), *map(call, range(10)), limits={"calls": 4}, one_by_one=True)
    assert [type(found).__name__ for found in asked.results] == ["Reply"] * 4 + [
        "BudgetReachedError"
    ] * 6
    assert len(asked.server.seen) == 4


def test_a_call_that_is_interrupted_may_have_been_billed() -> None:
    async def main() -> None:
        arrived = asyncio.Event()

        def script(*_: Any) -> Break:
            arrived.set()
            return Break("hang")

        async with Server(script) as server:
            config = TeacherConfig(model="scripted", endpoint=server.url)
            budget = Budget(BudgetConfig())
            async with OpenAIEndpoint(config, budget, PRICE) as endpoint:
                task = asyncio.create_task(endpoint.complete(call()))
                await arrived.wait()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
        assert budget.spent.calls == 1
        assert budget.reserved == Spent()

    asyncio.run(main())


def test_an_endpoint_is_chosen_by_the_recipe() -> None:
    budget = Budget(BudgetConfig())
    config = TeacherConfig(model="m", endpoint="http://127.0.0.1:9/v1")
    assert isinstance(open_endpoint(config, budget), OpenAIEndpoint)
    with pytest.raises(RecipeError, match="price of 'nobody-knows' is unknown"):
        open_endpoint(
            TeacherConfig(model="nobody-knows", endpoint="https://example.org/v1", key=""),
            Budget(BudgetConfig(dollars=1.0)),
        )


def test_limits_in_headers_are_followed() -> None:
    limits = {"limit": "60", "remaining": "0", "reset": "60s"}
    headers = {f"x-ratelimit-{name}-requests": value for name, value in limits.items()}
    script: Script = lambda *_: Say(completion(usage=USAGE), headers=headers)  # noqa: E731
    asked = ask(script, call(0), call(1), one_by_one=True)
    assert asked.waits == [pytest.approx(1.0)]

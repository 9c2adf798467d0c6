"""LiteLLM's way, with a stand-in for LiteLLM, which the pinned versions leave no room for."""

import asyncio
import random
import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

from preceptor.errors import RecipeError, TeacherError
from preceptor.records import Reply
from preceptor.teachers.budget import Budget
from preceptor.teachers.calls import Call, CallFailedError, Message, Sampling, make_call
from preceptor.teachers.config import BudgetConfig, Price, TeacherConfig
from preceptor.teachers.litellm import LiteLLMEndpoint
from preceptor.teachers.open import check_teacher, known_price, open_endpoint
from tests.teachers.server import USAGE, completion
from tests.teachers.virtual import QuickClock

MODEL = "anthropic/claude-x"
Does = Callable[[int, dict[str, Any]], Any]


class Response:
    """As LiteLLM's: a pydantic model, headers of the provider beside it."""

    def __init__(self, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._body = body
        self._hidden_params = {"additional_headers": headers or {}}

    def model_dump(self) -> dict[str, Any]:
        return self._body


class Failure(Exception):
    """As LiteLLM's: the status of the response, and perhaps the response itself."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status_code = status
        self.response = types.SimpleNamespace(headers=headers or {})


class Timeout(Failure):
    pass


def fine(*_: Any) -> Response:
    return Response(completion(usage=USAGE))


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[Does], types.ModuleType]:
    def install(does: Does) -> types.ModuleType:
        module: Any = types.ModuleType("litellm")
        module.seen = []
        module.model_cost = {
            MODEL: {"input_cost_per_token": 3e-6, "output_cost_per_token": 15e-6},
            "image": {"input_cost_per_token": 3e-6},
        }

        async def acompletion(**given: Any) -> Any:
            module.seen.append(given)
            found = does(len(module.seen) - 1, given)
            if asyncio.iscoroutine(found):
                return await found
            return found

        module.acompletion = module.atext_completion = acompletion
        monkeypatch.setitem(sys.modules, "litellm", module)
        found: types.ModuleType = module
        return found

    return install


def call(**given: Any) -> Call:
    return make_call(
        "m", "task", "teacher", [Message("user", "JSON, please")], Sampling(), 4, **given
    )


def ask(**config: Any) -> tuple[Reply | BaseException, LiteLLMEndpoint]:
    teacher = TeacherConfig(model=MODEL, endpoint="litellm", **config)
    budget = Budget(BudgetConfig())
    known = known_price(teacher, budget.config)

    async def main() -> tuple[Reply | BaseException, LiteLLMEndpoint]:
        endpoint = LiteLLMEndpoint(teacher, budget, known, QuickClock(), random.Random(0))
        async with endpoint:
            wanted = endpoint.complete(call(schema={"type": "object"}))
            (found,) = await asyncio.gather(wanted, return_exceptions=True)
            return found, endpoint

    return asyncio.run(main())


def test_a_call_goes_through_litellm_at_its_own_price(stand_in: Any) -> None:
    module = stand_in(fine)
    reply, _ = ask()
    assert reply == Reply("Fine.", 10, 5, True, pytest.approx(105e-6), "scripted")
    (given,) = module.seen
    assert given["model"] == MODEL
    assert given["messages"] == [{"role": "user", "content": "JSON, please"}]
    assert given["num_retries"] == 0
    assert "api_key" not in given
    assert module.telemetry is False


def test_half_a_surrogate_pair_of_a_provider_is_a_reply_like_any_other(stand_in: Any) -> None:
    stand_in(lambda *_: Response(completion("Fine \ud83d.", usage=USAGE)))
    reply, endpoint = ask()
    assert isinstance(reply, Reply)
    assert reply.text == "Fine ?."
    assert endpoint.faults == {}


def test_a_key_that_the_recipe_names_is_given_on(
    stand_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = stand_in(lambda *_: (_ for _ in ()).throw(Failure(401, "no: topsecret")))
    monkeypatch.setenv("HOUSE_KEY", "topsecret")
    error, _ = ask(key="HOUSE_KEY")
    assert module.seen[0]["api_key"] == "topsecret"
    assert isinstance(error, TeacherError)
    assert "topsecret" not in str(error)
    monkeypatch.delenv("HOUSE_KEY")
    with pytest.raises(RecipeError, match="HOUSE_KEY is not set"):
        check_teacher(
            TeacherConfig(model=MODEL, endpoint="litellm", key="HOUSE_KEY"), BudgetConfig()
        )


def failing_once(error: Exception) -> Does:
    def does(number: int, _: dict[str, Any]) -> Response:
        if number == 0:
            raise error
        return fine()

    return does


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Failure(429, "slow down", {"retry-after": "2"}), "http 429"),
        (Failure(500, "oh"), "http 500"),
        (Timeout(408, "late"), "timeout"),
        (ValueError("odd"), "reset"),
    ],
)
def test_what_passes_is_asked_again(stand_in: Any, error: Exception, kind: str) -> None:
    stand_in(failing_once(error))
    reply, endpoint = ask()
    assert isinstance(reply, Reply)
    assert endpoint.faults == {kind: 1}


def test_an_error_500_may_be_a_reply_that_it_could_not_read(stand_in: Any) -> None:
    stand_in(failing_once(Failure(500, "Unable to get json response")))
    _, endpoint = ask()
    assert endpoint._budget.spent.calls == 2


def test_a_refused_prompt_is_not(stand_in: Any) -> None:
    def does(number: int, _: dict[str, Any]) -> Response:
        raise Failure(400, "the content policy forbids it")

    module = stand_in(does)
    error, _ = ask()
    assert isinstance(error, CallFailedError)
    assert len(module.seen) == 1


def test_a_form_that_a_provider_does_not_take_is_left_out(stand_in: Any) -> None:
    stand_in(failing_once(Failure(400, "response_format json_schema is not supported")))
    reply, endpoint = ask()
    assert isinstance(reply, Reply)
    assert endpoint.structured == "json"


def test_a_call_that_hangs_is_given_up(stand_in: Any) -> None:
    def does(number: int, _: dict[str, Any]) -> Any:
        return asyncio.sleep(3600) if number == 0 else fine()

    stand_in(does)
    reply, endpoint = ask(stall=0.05)
    assert isinstance(reply, Reply)
    assert endpoint.faults == {"stalled": 1}


def test_without_litellm_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "litellm", None)
    config = TeacherConfig(model=MODEL, endpoint="litellm", price=Price(input=1, output=1))
    with pytest.raises(RecipeError, match=r"preceptor\[litellm\]"):
        open_endpoint(config, Budget(BudgetConfig()))


def test_a_model_without_both_prices_has_none(stand_in: Any) -> None:
    stand_in(fine)
    config = TeacherConfig(model="image", endpoint="litellm")
    assert known_price(config, BudgetConfig()) is None
    with pytest.raises(RecipeError, match="price of 'image' is unknown"):
        check_teacher(config, BudgetConfig(dollars=1))

"""Any provider that LiteLLM knows, through LiteLLM, with our pacing, retries and budget.

LiteLLM is imported here and nowhere else, and only when it is asked for: it is large, and few need
it.
"""

import asyncio
import importlib
import os
import random
from collections.abc import Mapping
from typing import Any

from preceptor.errors import RecipeError
from preceptor.teachers.address import shown
from preceptor.teachers.asking import Answer, PacedEndpoint
from preceptor.teachers.bodies import Dialect, Structured, adapt, body_of, reply_of
from preceptor.teachers.budget import Budget
from preceptor.teachers.calls import Call
from preceptor.teachers.config import Price, TeacherConfig
from preceptor.teachers.limits import told
from preceptor.teachers.pacing import Clock
from preceptor.teachers.prices import KnownPrice
from preceptor.teachers.retry import Fault, judge

SEARCHED = 2_000
"""Characters of an error's message in which a parameter is looked for."""
NAME = "litellm"
"""As ``teacher.endpoint``."""


def litellm_module() -> Any:
    """LiteLLM, quiet, without its telemetry, and with the price table that it came with: it would
    fetch another one from the network when it is imported.

    Raises:
        RecipeError: It is not installed.
    """
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    try:
        module: Any = importlib.import_module("litellm")
    except ImportError as error:
        raise RecipeError(
            "teacher.endpoint is litellm, and LiteLLM is not installed: "
            "pip install 'preceptor[litellm]'"
        ) from error
    module.telemetry = False
    module.suppress_debug_info = True
    return module


def litellm_price(model: str) -> KnownPrice | None:
    """What LiteLLM's own table says; None when it has no such model.

    Raises:
        RecipeError: LiteLLM is not installed.
    """
    found = getattr(litellm_module(), "model_cost", {}).get(model) or {}
    asked, written = found.get("input_cost_per_token"), found.get("output_cost_per_token")
    if not isinstance(asked, int | float) or not isinstance(written, int | float):
        return None
    return KnownPrice(Price(input=asked * 1e6, output=written * 1e6), "LiteLLM's table")


def key_of(config: TeacherConfig) -> str:
    """The key that the recipe names; empty where it names none: LiteLLM then looks for its own.

    Raises:
        RecipeError: The variable that it names is not set.
    """
    if "key" not in config.model_fields_set or not config.key:
        return ""
    key = os.environ.get(config.key, "").strip()
    if not key:
        raise RecipeError(
            f"the environment variable {config.key} is not set: it must hold the key for "
            f"{config.model} (teacher.key names it)"
        )
    return key


class LiteLLMEndpoint(PacedEndpoint):
    """A model behind whatever LiteLLM calls."""

    def __init__(
        self,
        config: TeacherConfig,
        budget: Budget,
        known: KnownPrice | None,
        clock: Clock | None = None,
        source: random.Random | None = None,
    ) -> None:
        """As ``PacedEndpoint``.

        Raises:
            RecipeError: LiteLLM is not installed, or the variable that the recipe names for the
                key is not set. Where it names none, LiteLLM looks for its own.
        """
        super().__init__(config, budget, known, clock, source)
        self._litellm = litellm_module()
        self._key = key_of(config)
        first: Structured = "schema" if config.structured == "auto" else config.structured
        self._dialect = Dialect(first)

    @property
    def structured(self) -> Structured:
        """How replies are held to their schema, as far as was found out."""
        return self._dialect.structured

    async def _attempt(self, call: Call, silence: float) -> Answer:
        send = self._litellm.acompletion
        if self._config.api == "completions":
            send = self._litellm.atext_completion
        while True:
            body = body_of(call, self._config, self._dialect)
            own = {"api_key": self._key} if self._key else {}
            try:
                # It tells nothing of bytes: a reply that is silent is one that is not there yet.
                response = await asyncio.wait_for(
                    send(**body, **own, num_retries=0, timeout=self._config.timeout), silence
                )
            except TimeoutError as error:
                kind = "stalled" if silence < self._config.timeout else "timeout"
                what = f"no reply in {silence:g} seconds"
                raise Fault(kind, what, billed=True, overload=True) from error
            except Exception as error:
                said = shown(str(error), self._key, SEARCHED)
                if getattr(error, "status_code", None) in (400, 422):
                    changed = adapt(self._dialect, body, said, self._config)
                    if changed is not None and body_of(call, self._config, self._dialect) != body:
                        self.notes[changed] = 1
                        continue
                raise self._judged(error, shown(said)) from error
            return self._answer(call, response)

    def _answer(self, call: Call, response: Any) -> Answer:
        # Not by way of JSON: pydantic writes no half of a surrogate pair.
        found = response.model_dump()
        reply, note = reply_of(call, found, self.price, self._config.model)
        if note:
            self.notes[note] += 1
        hidden = getattr(response, "_hidden_params", None) or {}
        headers = _plain(hidden.get("additional_headers"))
        now = self._clock.date()
        return Answer(reply, told(headers, "requests", now), told(headers, "tokens", now))

    def _judged(self, error: Exception, said: str) -> Fault:
        """What an exception of LiteLLM means; they carry the status of the response."""
        status = getattr(error, "status_code", None)
        headers = _plain(getattr(getattr(error, "response", None), "headers", None))
        if not isinstance(status, int):
            return Fault("reset", f"{type(error).__name__}: {said}", billed=True)
        name = type(error).__name__
        if name == "Timeout":
            return Fault("timeout", said, billed=True, overload=True)
        if name == "APIConnectionError":
            return Fault("reset", said, billed=True)
        fault = judge(status, headers, str(error), said, self._clock.date())
        # It says 500 of a reply that it could not read, too, and that one was paid for.
        fault.billed |= status == 500
        return fault


def _plain(headers: Any) -> Mapping[str, str]:
    """Headers with names in lower case, without the prefix that LiteLLM gives a provider's."""
    if not isinstance(headers, Mapping):
        return {}
    prefix = "llm_provider-"
    return {str(k).lower().removeprefix(prefix): str(v) for k, v in headers.items()}

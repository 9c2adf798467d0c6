"""Any server that speaks OpenAI's API: OpenAI itself, vLLM, llama.cpp, transformers serve, Ollama.

A reply is asked for whole. Connections that say nothing, end before their time or bring half a body
are found out and the call is sent again; a reply that may have been billed and was lost stays
counted in the budget.
"""

import json
import random
import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import aiohttp

from preceptor.teachers.address import check_url, key_of, loopback, shown
from preceptor.teachers.asking import Answer, PacedEndpoint
from preceptor.teachers.bodies import Dialect, Structured, adapt, body_of, reply_of
from preceptor.teachers.budget import Budget
from preceptor.teachers.calls import Call
from preceptor.teachers.config import TeacherConfig
from preceptor.teachers.limits import told
from preceptor.teachers.pacing import Clock
from preceptor.teachers.prices import KnownPrice
from preceptor.teachers.retry import Fault, error_message, judge

CONNECT_SECONDS = 30.0
IDLE_SECONDS = 4.0
"""A connection that was idle for longer is not used again: common servers close theirs after 5,
and a request that meets the closing is lost."""
LARGEST_BODY = 64 * 2**20
"""Bytes of a response that are read."""
SEARCHED = 2_000
"""Characters of a 400's message in which a parameter is looked for."""
PATHS = {"chat": "/chat/completions", "completions": "/completions"}


class OpenAIEndpoint(PacedEndpoint):
    """A model behind an OpenAI-compatible server."""

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
            RecipeError: The URL is wrong, or the key that it wants is not in the environment.
        """
        super().__init__(config, budget, known, clock, source)
        self._url = check_url(config.endpoint) + PATHS[config.api]
        self._key = key_of(config)
        first: Structured = "schema" if config.structured == "auto" else config.structured
        self._dialect = Dialect(first)
        self._session: aiohttp.ClientSession | None = None

    @property
    def structured(self) -> Structured:
        """How replies are held to their schema, as far as was found out."""
        return self._dialect.structured

    async def __aenter__(self) -> Self:
        headers = {"Content-Type": "application/json", "User-Agent": "preceptor"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS),
            headers=headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=not loopback(self._url),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await super().__aexit__(kind, error, trace)
        if self._session is not None:
            await self._session.close()

    async def _attempt(self, call: Call, silence: float) -> Answer:
        while True:
            body = body_of(call, self._config, self._dialect)
            status, headers, raw = await self._post(body, silence)
            if status == 200:
                return self._answer(call, headers, raw)
            if status in (400, 422):
                said = shown(error_message(raw), self._key, SEARCHED)
                changed = adapt(self._dialect, body, said, self._config)
                if changed is not None and body_of(call, self._config, self._dialect) != body:
                    self.notes[changed] = 1
                    continue
            raise self._judged(status, headers, raw)

    async def _post(
        self, body: Mapping[str, Any], silence: float
    ) -> tuple[int, Mapping[str, str], str]:
        """Status, headers and text of the response to one request."""
        assert self._session is not None, "use the endpoint as a context manager"
        timeout = aiohttp.ClientTimeout(
            total=self._config.timeout, sock_connect=CONNECT_SECONDS, sock_read=silence
        )
        data = json.dumps(body).encode("ascii")
        try:
            async with self._session.post(
                self._url, data=data, timeout=timeout, allow_redirects=False
            ) as response:
                raw = await _read(response)
                return response.status, response.headers, raw
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise self._connection_fault(error) from error

    def _connection_fault(self, error: Exception) -> Fault:
        """What went wrong below HTTP."""
        said = shown(str(error) or type(error).__name__, self._key)
        if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
            return Fault("certificate", f"no trusted connection ({said})", "teacher")
        if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
            return Fault("refused", said)
        if isinstance(error, aiohttp.InvalidURL):
            return Fault("refused", f"no URL ({said})", "teacher")
        if isinstance(error, aiohttp.ServerTimeoutError):
            return Fault("stalled", "nothing came any more", billed=True, overload=True)
        if isinstance(error, TimeoutError):
            seconds = f"no whole reply in {self._config.timeout:g} seconds (teacher.timeout)"
            return Fault("timeout", seconds, billed=True, overload=True)
        if isinstance(error, aiohttp.ClientPayloadError):
            return Fault("cut", "the reply was cut off", billed=True)
        return Fault("reset", f"the connection was lost ({said})", billed=True)

    def _answer(self, call: Call, headers: Mapping[str, str], raw: str) -> Answer:
        try:
            found = json.loads(raw)
        except (ValueError, RecursionError) as error:
            if raw.lstrip().startswith("{"):
                raise Fault("cut", "the reply is no whole JSON", billed=True) from error
            raise self._no_json(headers, raw) from error
        reply, note = reply_of(call, found, self.price, self._config.model)
        if note:
            self.notes[note] += 1
        now = self._clock.date()
        return Answer(reply, told(headers, "requests", now), told(headers, "tokens", now))

    def _no_json(self, headers: Mapping[str, str], raw: str) -> Fault:
        """A page instead of a reply: something else listens there, or stands before the server."""
        form = shown(headers.get("content-type", "").partition(";")[0], self._key).lower()
        what = "text" if not form or "json" in form else form
        what = what if raw.strip() else "nothing"
        return Fault(
            "not json",
            f"answers with {what} and not JSON: check teacher.endpoint (most end in /v1)",
            billed=form != "text/html",  # no server that was paid for writes a web page
        )

    def _judged(self, status: int, headers: Mapping[str, str], raw: str) -> Fault:
        said = shown(error_message(raw), self._key)
        if status in (401, 403):
            what = f"the key in {self._config.key}" if self._key else "a request without a key"
            return Fault(
                f"http {status}",
                f"it does not accept {what} (HTTP {status}: {said}): check the environment "
                "variable that teacher.key names, and what the key may use",
                "teacher",
            )
        if status in (404, 405):
            return Fault(
                f"http {status}",
                f"it does not know the model or the path (HTTP {status}: {said}): check "
                "teacher.model, teacher.endpoint (most end in /v1) and teacher.api",
                "teacher",
            )
        if 300 <= status < 400:
            return Fault(
                f"http {status}",
                f"it has moved (HTTP {status}): set teacher.endpoint to where it is now",
                "teacher",
            )
        return judge(status, headers, raw, said, self._clock.date())


async def _read(response: aiohttp.ClientResponse) -> str:
    data = bytearray()
    async for chunk in response.content.iter_any():
        data += chunk
        if len(data) > LARGEST_BODY:
            raise aiohttp.ClientPayloadError(f"more than {LARGEST_BODY} bytes")
    return data.decode("utf-8", errors="replace")

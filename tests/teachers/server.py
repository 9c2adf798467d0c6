"""A server on the loopback that does as its script says: once what is asked, then it misbehaves."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiohttp import web


@dataclass(frozen=True)
class Say:
    """Answer with a status and JSON (or text as it stands)."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    form: str = "application/json"
    """Content type."""


@dataclass(frozen=True)
class Break:
    """'reset' the connection before a word, 'cut' a body of known length, 'half' of the JSON with a
    right length, or 'hang'."""

    how: str


Script = Callable[[int, dict[str, Any]], Say | Break]
"""From the number of the request, from 0, and its body, to what happens."""


def completion(
    text: str | None = "Fine.",
    finish: str | None = "stop",
    usage: dict[str, int] | None = None,
    **message: Any,
) -> dict[str, Any]:
    """A body of /chat/completions."""
    found: dict[str, Any] = {
        "id": "x",
        "object": "chat.completion",
        "model": "scripted",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, **message},
                "finish_reason": finish,
            }
        ],
    }
    if usage is not None:
        found["usage"] = usage
    return found


USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


def fine() -> Say:
    return Say(completion(usage=USAGE))


class Server:
    """Serves while it is entered; remembers what it was asked."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.seen: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self._leaving = asyncio.Event()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leaving.set()
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        number = len(self.seen)
        self.seen.append(body)
        self.paths.append(request.path)
        self.headers.append(dict(request.headers))
        does = self._script(number, body)
        if isinstance(does, Break):
            return await self._broken(request, does.how)
        text = does.body if isinstance(does.body, str) else json.dumps(does.body)
        return web.Response(
            text=text, status=does.status, headers=does.headers, content_type=does.form
        )

    async def _broken(self, request: web.Request, how: str) -> web.StreamResponse:
        whole = json.dumps(completion(usage=USAGE)).encode()
        assert request.transport is not None
        if how == "hang":
            await self._leaving.wait()
        elif how == "half":
            return web.Response(body=whole[:40], content_type="application/json")
        elif how == "cut":
            response = web.StreamResponse()
            response.content_length = len(whole)
            await response.prepare(request)
            await response.write(whole[:40])
            request.transport.close()
            return response
        else:
            assert how == "reset"
            request.transport.abort()
        return web.Response()

"""An OpenAI-compatible endpoint on this machine that answers from real text, slowly and badly.

    python benchmarks/endpoint.py --port 0 --log FILE [--no-faults] [...]
    python benchmarks/endpoint.py load --url http://127.0.0.1:PORT/v1 --requests 2000

The first prints ``port N`` and serves /v1/chat/completions until it is ended. What a reply says
is a function of the request's bytes. How long it takes, and what goes wrong, is drawn by its number
in the order received: every client meets the same delays and faults in the same order. So one that
asks again gets the reply that it would have had, and two runs that ask the same keep the same,
whatever went wrong on the way.

Every request is two lines of the log: one when it is read, one when it ended. ``billed`` says that
the reply was made, ``outcome`` what became of it:

    answered    sent whole
    cut         billed, and half of it sent: the connection closed, or JSON without an end
    500 ... 408, reset, limited, stalled     not billed
    gone        the client left before there was anything to send

The second is a plain client: so many at once, faults asked again at once, nothing written down.
What it is answered in a second is what the endpoint can give.
"""

import argparse
import asyncio
import hashlib
import json
import math
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from aiohttp import web

from synthesis_load import load_from
from synthesis_replies import Task, completion, load_tasks, normal, read_tasks, reply, uniform

ERRORS = ("500", "502", "503", "408", "reset")
LOOK = 0.25
"""Seconds between two looks at whether a stalled client is still there."""


@dataclass(frozen=True)
class Settings:
    """How the endpoint behaves; shares are of attempts."""

    tasks: int
    """In a reply."""
    delay: float
    """Median seconds of a reply: log-normal."""
    spread: float
    """Standard deviation of the delay's logarithm."""
    slots: int
    """Replies in the making at a time."""
    over: str
    """What happens to a request beyond them: 'queue' or '429'."""
    errors: float
    malformed: float
    """Half of these by the attempt (a body that is not whole), half by the request (its text)."""
    stalls: float
    limited: float
    """429 though there is room."""
    retry_after: float
    """Seconds that a 429 names."""
    seed: int


def outcome(settings: Settings, n: int) -> str:
    """What becomes of the n-th request: 'answered', 'cut', 'limited', 'stalled' or an error."""
    place = uniform(settings.seed, "fault", n)
    for name, share in (
        ("error", settings.errors),
        ("cut", settings.malformed / 2),
        ("stalled", settings.stalls),
        ("limited", settings.limited),
    ):
        if place < share:
            return ERRORS[int(place / share * len(ERRORS))] if name == "error" else name
        place -= share
    return "answered"


def delay(settings: Settings, n: int) -> float:
    """Seconds until the n-th request is answered, or fails: most errors come before their time."""
    whole = settings.delay * math.exp(settings.spread * normal(settings.seed, "seconds", n))
    early = outcome(settings, n) in ERRORS and outcome(settings, n) != "408"
    return whole * uniform(settings.seed, "early", n) if early else whole


class Endpoint:
    """Serves; counts attempts by the request's bytes for as long as it runs."""

    def __init__(self, settings: Settings, tasks: Sequence[Task], log: TextIO) -> None:
        self._settings, self._tasks, self._log = settings, tasks, log
        self._attempts: Counter[str] = Counter()
        self._slots = asyncio.Semaphore(settings.slots)
        self._number = 0

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """Answer one request, or fail at it."""
        raw = await request.read()
        key = hashlib.sha256(raw).hexdigest()
        self._attempts[key] += 1
        self._number += 1
        number, attempt = self._number, self._attempts[key]
        try:
            body = json.loads(raw)
            messages = [[one["role"], one["content"]] for one in body["messages"]]
        except (ValueError, KeyError, TypeError):
            return _error(400, "the body is no chat request")
        asked = {"n": number, "asked": time.time(), "body": key, "attempt": attempt}
        asked |= {"messages": _hash(messages), "seed": body.get("seed")}
        self._write(asked)
        response, became, billed = await self._served(request, body, key, number)
        self._write({"n": number, "ended": time.time(), "outcome": became, "billed": billed})
        return response

    async def _served(
        self, request: web.Request, body: dict[str, Any], key: str, number: int
    ) -> tuple[web.StreamResponse, str, bool]:
        settings = self._settings
        became = outcome(settings, number)
        full = settings.over == "429" and self._slots.locked()
        if became == "limited" or full:
            wait = {"Retry-After": f"{settings.retry_after:g}"}
            return _error(429, "too many requests", wait), "limited", False
        if became == "stalled":
            while not _left(request):
                await asyncio.sleep(LOOK)
            return web.Response(), became, False
        async with self._slots:
            await asyncio.sleep(delay(settings, number))
        if _left(request):
            return web.Response(), "gone", False
        if became == "reset":
            _transport(request).abort()
            return web.Response(), became, False
        if became in ERRORS:
            return _error(int(became), "no reply this time"), became, False
        as_json = body.get("response_format", {}).get("type") in ("json_schema", "json_object")
        spoilt = settings.malformed / 2
        said = reply(self._tasks, settings.tasks, spoilt, settings.seed, key, as_json)
        data = completion(body, key, said)
        if became == "cut":
            return (
                await _cut(request, data, uniform(settings.seed, "cut", number)),
                "cut",
                True,
            )
        return await _whole(request, data)

    def _write(self, line: dict[str, object]) -> None:
        self._log.write(json.dumps(line) + "\n")
        self._log.flush()


async def _whole(request: web.Request, data: bytes) -> tuple[web.StreamResponse, str, bool]:
    response = web.Response(body=data, content_type="application/json")
    try:
        await response.prepare(request)
        await response.write_eof()
    except ConnectionError:
        return response, "gone", True
    return response, "answered", True


async def _cut(request: web.Request, data: bytes, how: float) -> web.StreamResponse:
    """Half of the body: as if it were whole, or with a connection that ends before its time."""
    half = data[: len(data) // 2]
    if how < 0.5:
        return web.Response(body=half, content_type="application/json")
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(data)
    try:
        await response.prepare(request)
        await response.write(half)
        _transport(request).close()
    except ConnectionError:
        pass
    return response


def _transport(request: web.Request) -> asyncio.Transport:
    transport = request.transport
    if not isinstance(transport, asyncio.Transport):
        raise ConnectionResetError
    return transport


def _left(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _error(status: int, what: str, headers: dict[str, str] | None = None) -> web.Response:
    said = {"error": {"message": what, "type": "benchmark", "code": status}}
    return web.json_response(said, status=status, headers=headers)


def _hash(messages: object) -> str:
    """As the ledger hashes a prompt: of canonical JSON."""
    text = json.dumps(messages, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


async def serve(settings: Settings, tasks: Sequence[Task], port: int, log: TextIO) -> None:
    """Serve on the loopback until SIGTERM or SIGINT; port 0 takes a free one."""
    endpoint = Endpoint(settings, tasks, log)
    app = web.Application(client_max_size=2**24)
    app.router.add_post("/v1/chat/completions", endpoint.chat)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, backlog=1024)
    await site.start()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    print(f"port {runner.addresses[0][1]}", flush=True)
    await ended.wait()
    await runner.cleanup()


def main() -> None:
    if sys.argv[1:2] == ["load"]:
        load_from(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description="Answer chat completions from real text.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path, required=True, help="appended to")
    parser.add_argument("--rows", type=Path, help="JSONL of tasks instead of $PRECEPTOR_DATA/scale")
    parser.add_argument("--no-faults", action="store_true")
    parser.add_argument("--tasks", type=int, default=1, help="in a reply")
    parser.add_argument("--delay", type=float, default=0.8, help="median, seconds")
    parser.add_argument("--spread", type=float, default=0.35)
    parser.add_argument("--slots", type=int, default=64)
    parser.add_argument("--over", choices=("queue", "429"), default="queue")
    parser.add_argument("--errors", type=float, default=0.15)
    parser.add_argument("--malformed", type=float, default=0.05)
    parser.add_argument("--stalls", type=float, default=0.01)
    parser.add_argument("--limited", type=float, default=0.02)
    parser.add_argument("--retry-after", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=2023)
    given = vars(parser.parse_args())
    port, path, rows = given.pop("port"), given.pop("log"), given.pop("rows")
    if given.pop("no_faults"):
        given |= dict.fromkeys(("errors", "malformed", "stalls", "limited"), 0.0)
    if rows is None and not os.environ.get("PRECEPTOR_DATA"):
        parser.error("set PRECEPTOR_DATA to the folder of data sets, or give --rows")
    tasks = read_tasks(rows) if rows else load_tasks(Path(os.environ["PRECEPTOR_DATA"]) / "scale")
    with path.open("a") as log:
        asyncio.run(serve(Settings(**given), tasks, port, log))


if __name__ == "__main__":
    main()

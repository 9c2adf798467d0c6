"""A plain load generator: what an endpoint gives to a client that does nothing but ask."""

import argparse
import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from synthesis_replies import Task, load_tasks, number, read_tasks

MARK = 0.95
"""Throughput is taken up to this share of the answers: the last ones wait for the slowest."""
_ASK = "Write one new biomedical task in the form of these examples. Do not repeat any of them."
_SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "tasks",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {
                "tasks": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "instruction": {"type": "string"},
                            "input": {"type": "string"},
                            "output": {"type": "string"},
                        },
                        "required": ["instruction", "input", "output"],
                        "additionalProperties": False,
                    },
                }
            },
            "required": ["tasks"],
            "additionalProperties": False,
        },
    },
}


@dataclass(frozen=True)
class Load:
    """What was asked and how fast it was answered."""

    answered: int
    sent: int
    seconds: float
    throughput: float
    """Answers a second up to ``MARK`` of them."""
    faults: dict[str, int]


def prompts(tasks: Sequence[Task], count: int, seed: int) -> list[str]:
    """Prompts like those of a synthesis: a request and three tasks."""
    found = []
    for i in range(count):
        shown = [tasks[number(seed, "shown", i, k) % len(tasks)] for k in range(3)]
        fields = [f"Instruction: {a}\nInput: {b or 'none'}\nOutput: {c}" for a, b, c in shown]
        found.append("\n\n".join([_ASK, *fields]))
    return found


def body(prompt: str, seed: int) -> dict[str, Any]:
    """A chat request that asks for JSON."""
    return {
        "model": "recorded",
        "messages": [{"role": "user", "content": prompt}],
        "temperature": 1.0,
        "max_tokens": 512,
        "seed": seed,
        "response_format": _SCHEMA,
    }


def throughput(times: Sequence[float], began: float) -> float:
    """Answers a second from the first request on, up to ``MARK`` of the answers."""
    ordered = sorted(times)
    last = max(int(len(ordered) * MARK), 1)
    return last / (ordered[last - 1] - began)


async def load(url: str, asked: Sequence[str], concurrency: int, stall: float) -> Load:
    """Ask everything, ``concurrency`` at a time, each until it is answered.

    Args:
        stall: Seconds without a byte after which a request is given up and sent again.
    """
    waiting = iter(enumerate(asked))
    faults: Counter[str] = Counter()
    times: list[float] = []
    timeout = aiohttp.ClientTimeout(total=None, sock_read=stall)
    connector = aiohttp.TCPConnector(limit=0)

    async def work(session: aiohttp.ClientSession) -> None:
        for i, prompt in waiting:
            while fault := await _ask(session, url, body(prompt, i)):
                faults[fault] += 1
            times.append(time.time())

    began = time.time()
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        await asyncio.gather(*(work(session) for _ in range(concurrency)))
    return Load(
        len(times),
        len(times) + faults.total(),
        round(max(times) - began, 3),
        round(throughput(times, began), 3),
        dict(faults),
    )


async def _ask(session: aiohttp.ClientSession, url: str, request: dict[str, Any]) -> str:
    """What went wrong with one attempt; empty when nothing did."""
    try:
        async with session.post(f"{url}/chat/completions", json=request) as response:
            said = await response.read()
            if response.status != 200:
                return str(response.status)
            return "" if json.loads(said)["choices"][0]["message"]["content"] else "empty"
    except TimeoutError:
        return "stalled"
    except (aiohttp.ClientError, ConnectionError):
        return "connection"
    except ValueError:
        return "no JSON"


def load_from(arguments: Sequence[str]) -> None:
    """The command: prints one JSON line."""
    parser = argparse.ArgumentParser(prog="endpoint.py load", description="Ask, and ask again.")
    parser.add_argument("--url", required=True, help="http://127.0.0.1:PORT/v1")
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--stall", type=float, default=10.0, help="seconds without a byte")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", type=Path, help="JSONL of tasks instead of $PRECEPTOR_DATA/scale")
    given = parser.parse_args(arguments)
    if given.rows is None and not os.environ.get("PRECEPTOR_DATA"):
        parser.error("set PRECEPTOR_DATA to the folder of data sets, or give --rows")
    scale = Path(os.environ.get("PRECEPTOR_DATA", "")) / "scale"
    tasks = read_tasks(given.rows) if given.rows else load_tasks(scale)
    asked = prompts(tasks, given.requests, given.seed)
    found = asyncio.run(load(given.url, asked, given.concurrency, given.stall))
    print(json.dumps(found.__dict__))

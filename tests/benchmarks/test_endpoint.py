"""The benchmarks' recorded endpoint: run as its own process, asked over the loopback."""

import asyncio
import importlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from preceptor.synthesis.parse import parse

ROOT = Path(__file__).parents[2] / "benchmarks"
SCRIPT = ROOT / "endpoint.py"
SCHEMA = {"type": "json_schema", "json_schema": {"name": "tasks", "schema": {}}}
QUICK = ("--delay", "0.001")


def module(name: str) -> ModuleType:
    """One of the benchmarks' modules, which import each other as scripts do."""
    sys.path.insert(0, str(ROOT))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(ROOT))


endpoint, replies = module("endpoint"), module("synthesis_replies")
runs = module("synthesis_run")


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    lines = [
        {"instruction": f"Name the drug number {i}", "input": "", "output": f"Drug {i}."}
        for i in range(50)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@contextmanager
def served(rows: Path, *options: str) -> Iterator[tuple[str, Path]]:
    """The address of a running endpoint, and its log."""
    log = rows.with_name("log.jsonl")
    command = [sys.executable, SCRIPT, "--rows", rows, "--log", log, *options]
    with subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            word, _, port = process.stdout.readline().strip().partition(" ")
            assert word == "port"
            yield f"http://127.0.0.1:{port}/v1", log
        finally:
            process.terminate()


def request(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": text}], "seed": 1, **more}


async def asked(
    url: str, requests: list[dict[str, Any]], stall: float = 30
) -> list[tuple[int, str, str]]:
    """(status, text, Retry-After) of each, in turn; status 0 where the connection failed."""
    found = []
    timeout = aiohttp.ClientTimeout(total=None, sock_read=stall)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        for one in requests:
            try:
                async with session.post(f"{url}/chat/completions", json=one) as response:
                    wait = response.headers.get("Retry-After", "")
                    found.append((response.status, await response.text(), wait))
            except (aiohttp.ClientError, TimeoutError) as error:
                found.append((0, type(error).__name__, ""))
    return found


def ask(url: str, *requests: dict[str, Any], stall: float = 30) -> list[tuple[int, str, str]]:
    return asyncio.run(asked(url, list(requests), stall))


def said(text: str) -> str:
    content: str = json.loads(text)["choices"][0]["message"]["content"]
    return content


def lines(log: Path) -> tuple[dict[int, dict[str, Any]], dict[int, dict[str, Any]]]:
    """Requests by their number, and their ends."""
    read = [json.loads(line) for line in log.read_text().splitlines()]
    begun = {line["n"]: line for line in read if "asked" in line}
    ended = {line["n"]: line for line in read if "ended" in line}
    return begun, ended


def test_the_reply_is_a_function_of_the_request(rows: Path) -> None:
    first, second = request("one"), request("two")
    with served(rows, "--no-faults", *QUICK) as (url, log):
        answers = ask(url, first, second, first)
    assert [status for status, _, _ in answers] == [200, 200, 200]
    assert answers[0][1] == answers[2][1] != answers[1][1]
    begun, ended = lines(log)
    assert [line["attempt"] for line in begun.values()] == [1, 1, 2]
    assert begun[1]["body"] == begun[3]["body"] != begun[2]["body"]
    assert all(line["outcome"] == "answered" and line["billed"] for line in ended.values())
    assert runs.read_log(log).again == 1


def test_the_form_is_the_one_asked_for(rows: Path) -> None:
    with served(rows, "--no-faults", "--tasks", "3", *QUICK) as (url, _):
        labelled, structured = ask(url, request("a"), request("a", response_format=SCHEMA))
    tasks = parse(said(labelled[1]), True)
    assert len(tasks) == 3
    assert all(task.complete and task.input == "" for task in tasks)
    fields = json.loads(said(structured[1]))["tasks"]
    assert [set(task) for task in fields] == [{"instruction", "input", "output"}] * 3
    assert json.loads(structured[1])["usage"]["total_tokens"] > 0


def test_faults_come_in_the_shares_asked_for(rows: Path) -> None:
    asked = [request(f"number {i}") for i in range(600)]
    with served(rows, "--stalls", "0", *QUICK) as (url, log):
        answers = ask(url, *asked)
    statuses = Counter(status for status, _, _ in answers)
    counts = Counter(line["outcome"] for line in lines(log)[1].values())
    assert counts["limited"] == statuses[429] > 0
    assert all(wait == "1" for status, _, wait in answers if status == 429)
    errors = sum(counts[name] for name in endpoint.ERRORS)
    assert 0.10 < errors / 600 < 0.20
    assert all(counts[name] for name in endpoint.ERRORS)
    assert {500, 502, 503, 408, 0} < set(statuses)
    broken = [text for status, text, _ in answers if status == 200 and not whole(text)]
    payload = sum(text == "ClientPayloadError" for _, text, _ in answers)
    assert len(broken) + payload == counts["cut"] > 0
    assert broken
    assert payload
    assert counts["answered"] == statuses[200] - len(broken)


def whole(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def test_a_stalled_request_ends_when_the_client_leaves(rows: Path) -> None:
    with served(rows, "--stalls", "1", "--errors", "0", "--malformed", "0") as (url, log):
        (answer,) = ask(url, request("a"), stall=0.2)
        assert answer[0] == 0
        while not lines(log)[1]:
            ask(url, request("b"), stall=0.2)
    begun, ended = lines(log)
    assert ended[1]["outcome"] == "stalled"
    assert not ended[1]["billed"]
    assert len(begun) >= len(ended)


def test_beyond_its_slots_it_queues_or_says_429(rows: Path) -> None:
    async def both(url: str) -> list[list[tuple[int, str, str]]]:
        return await asyncio.gather(*(asked(url, [request(f"{i}")]) for i in range(4)))

    options = ("--no-faults", "--slots", "1", "--delay", "0.2")
    with served(rows, *options) as (url, _):
        assert [found[0][0] for found in asyncio.run(both(url))] == [200] * 4
    with served(rows, *options, "--over", "429", "--retry-after", "2") as (url, _):
        found = [one[0] for one in asyncio.run(both(url))]
    assert sorted(status for status, _, _ in found) == [200, 429, 429, 429]
    assert {wait for status, _, wait in found if status == 429} == {"2"}


def test_a_request_that_is_none_is_refused(rows: Path) -> None:
    with served(rows, "--no-faults") as (url, log):
        answers = ask(url, {"model": "m"}, {"messages": "none", "model": "m"})
    assert [status for status, _, _ in answers] == [400, 400]
    assert lines(log) == ({}, {})


def test_the_load_generator_is_answered_once_a_request(rows: Path) -> None:
    with served(rows, "--delay", "0.005") as (url, log):
        command = [sys.executable, SCRIPT, "load", "--url", url, "--requests", "200"]
        command += ["--rows", rows, "--stall", "0.5"]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["answered"] == 200
    assert found["throughput"] > 0
    begun, ended = lines(log)
    answered = Counter(begun[n]["body"] for n, end in ended.items() if end["outcome"] == "answered")
    assert len(answered) == 200
    assert set(answered.values()) == {1}
    assert found["sent"] == len(begun) == 200 + sum(found["faults"].values())
    assert runs.read_log(log).again == 0


@given(st.text(min_size=1, max_size=20), st.integers(1, 5), st.booleans())
def test_every_key_has_one_reply_that_says_how_it_is_spoilt(
    key: str, count: int, as_json: bool
) -> None:
    tasks = [("Name a drug.", "", "Aspirin."), ("Sum up.", "A text.", "Text.")]
    clean = replies.reply(tasks, count, 0.0, 1, key, as_json)
    assert clean == replies.reply(tasks, count, 0.0, 1, key, as_json)
    assert clean.finished
    assert not clean.spoilt
    read = json.loads(clean.text)["tasks"] if as_json else parse(clean.text, True)
    assert len(read) == count
    spoilt = replies.reply(tasks, count, 1.0, 1, key, as_json)
    assert spoilt.spoilt
    assert spoilt.text != clean.text
    assert spoilt.finished == (spoilt.spoilt != "cut off")


@given(st.integers(1, 10**6))
def test_a_delay_is_above_none_and_errors_may_come_early(n: int) -> None:
    shares = {"errors": 0.5, "malformed": 0.1, "stalls": 0.1, "limited": 0.1}
    common = {"tasks": 1, "delay": 1.0, "spread": 0.3, "slots": 1, "over": "queue"}
    settings = endpoint.Settings(**common, **shares, retry_after=1.0, seed=3)
    calm = endpoint.Settings(**common, **dict.fromkeys(shares, 0.0), retry_after=1.0, seed=3)
    known = {"answered", "cut", "stalled", "limited", *endpoint.ERRORS}
    assert endpoint.outcome(settings, n) in known
    assert endpoint.outcome(calm, n) == "answered"
    assert 0 < endpoint.delay(settings, n) <= endpoint.delay(calm, n)

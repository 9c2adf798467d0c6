"""The client against a real server: ``transformers serve`` with a real, small model."""

import asyncio
import importlib.util
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from preceptor.errors import ModelError
from preceptor.model.loading import resolve
from preceptor.records import Reply
from preceptor.teachers.budget import Budget
from preceptor.teachers.calls import Call, Message, Sampling, make_call
from preceptor.teachers.config import BudgetConfig, TeacherConfig
from preceptor.teachers.endpoint import OpenAIEndpoint
from preceptor.teachers.open import open_endpoint

pytestmark = [pytest.mark.embedded, pytest.mark.slow]

UP_SECONDS = 180
"""How long a busy machine may take to bring the server up; it is waited for, not measured."""


@pytest.fixture(scope="module")
def model() -> Path:
    try:
        return resolve("embedded:smollm2-135m")
    except ModelError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Base URL of a server with the model."""
    missing = [
        name for name in ("fastapi", "uvicorn", "openai") if importlib.util.find_spec(name) is None
    ]
    if missing:
        pytest.skip(f"no {', '.join(missing)}: pip install 'transformers[serving]'")
    home = tmp_path_factory.mktemp("serve")
    (home / "hub").mkdir()  # without it the list of models is an error
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = Path(sys.executable).with_name("transformers")
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            [
                *(command, "serve", "--host", "127.0.0.1", "--port", str(port)),
                *("--device", "cpu", "--dtype", "float32", str(model)),
            ],
            env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(home)},
            stdout=log,
            stderr=log,
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}/v1/models", process, home / "log")
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(UP_SECONDS * 5):
        if process.poll() is not None:
            pytest.fail(f"the server ended: {log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    pytest.fail(f"the server did not come up: {log.read_text()[-2000:]}")


def ask(server: str, model: Path, calls: Sequence[Call]) -> tuple[list[Reply], OpenAIEndpoint]:
    config = TeacherConfig(model=str(model), endpoint=server, concurrency=4)

    async def main() -> tuple[list[Reply], OpenAIEndpoint]:
        async with open_endpoint(config, Budget(BudgetConfig(dollars=1.0, calls=20))) as endpoint:
            assert isinstance(endpoint, OpenAIEndpoint)
            return list(await asyncio.gather(*map(endpoint.complete, calls))), endpoint

    return asyncio.run(main())


def call(text: str, most: int, **given: object) -> Call:
    sampling = Sampling(temperature=0.0, max_new_tokens=most)
    return make_call("m", "task", "teacher", [Message("user", text)], sampling, 1, **given)  # type: ignore[arg-type]


def test_several_calls_are_answered_and_counted(server: str, model: Path) -> None:
    asked = ["What is the capital of France?", "Name one symptom of asthma.", "Say hello."]
    replies, endpoint = ask(server, model, [call(text, 16) for text in asked])
    assert "Paris" in replies[0].text
    assert all(reply.text.strip() for reply in replies)
    assert all(reply.prompt_tokens > 5 for reply in replies)
    assert all(0 < reply.reply_tokens <= 17 for reply in replies)
    assert all(reply.cost == 0 for reply in replies)
    assert endpoint.faults == {}


def test_a_reply_that_reaches_the_length_limit_is_not_finished(server: str, model: Path) -> None:
    (reply,), _ = ask(server, model, [call("Tell a long story about a nurse.", 8)])
    assert not reply.finished


def test_greedy_replies_come_again(server: str, model: Path) -> None:
    wanted = call("List three organs.", 12)
    (first, second), _ = ask(server, model, [wanted, wanted])
    assert first.text == second.text


def test_a_schema_is_asked_for_and_the_reply_comes_whatever_the_server_makes_of_it(
    server: str, model: Path
) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    (reply,), endpoint = ask(server, model, [call("Reply in JSON.", 16, schema=schema)])
    assert reply.text
    assert endpoint.structured in ("schema", "json", "off")

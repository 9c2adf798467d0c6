"""Endpoints answer in any order and fail in many ways; what is kept follows from the replies."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from preceptor import draws
from preceptor.artifact import Work
from preceptor.errors import BudgetReachedError, StorageError, TeacherError
from preceptor.records import Reply
from preceptor.synthesis import stage
from preceptor.synthesis.config import SynthesisConfig
from preceptor.synthesis.ledger import Ledger
from preceptor.synthesis.models import Models
from preceptor.synthesis.stage import Sources, synthesise
from preceptor.teachers.budget import Budget
from preceptor.teachers.calls import Call, CallFailedError
from preceptor.teachers.config import TeacherConfig
from tests.synthesis.scripted import NAME, SEEDS, ScriptedModel, invented, later

REMOTE = {"model": "scripted", "endpoint": "http://127.0.0.1:1/v1", "structured": "off"}


class Wire:
    """An endpoint without a network: replies come in an order of its own."""

    def __init__(
        self,
        script: Callable[[Call], Reply] = invented,
        order: int = 0,
        fails_after: int | None = None,
        error: Exception | None = None,
    ) -> None:
        self.faults: Counter[str] = Counter()
        self.notes: Counter[str] = Counter({"usage estimated": 1})
        self.sending: set[str] = set()
        self.closing = False
        self.budget: Budget | None = None
        self.asked: list[Call] = []
        self.answered: list[str] = []
        self.most = self.flying = 0
        self._script, self._order = script, order
        self._fails_after, self._error = fails_after, error

    async def complete(self, call: Call) -> Reply:
        assert self.budget is not None
        await self.budget.on_send(call.id, 100, 0.25)
        self.asked.append(call)
        self.flying += 1
        self.most = max(self.most, self.flying)
        self.sending.add(call.id)
        try:
            for _ in range(draws.integer(9, self._order, call.id)):
                await asyncio.sleep(0)
            if self._fails_after is not None and len(self.asked) > self._fails_after:
                assert self._error is not None
                raise self._error
            reply = self._script(call)
        finally:
            self.flying -= 1
            self.sending.discard(call.id)
        self.answered.append(call.id)
        return reply


@pytest.fixture
def wired(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Runs a synthesis with wires for endpoints; returns its counts."""

    def run(
        folder: Path,
        wire: Wire,
        name: str = "work",
        here: dict[str, ScriptedModel] | None = None,
        **changes: object,
    ) -> dict[str, Any]:
        @asynccontextmanager
        async def opened(config: TeacherConfig, budget: Budget) -> Any:
            wire.budget = budget
            yield wire
            assert wire.closing

        monkeypatch.setattr(stage, "open_endpoint", opened)
        given = {"requests": 40, "teacher": {**REMOTE, "concurrency": 8}, **changes}
        config = SynthesisConfig.model_validate(given)
        models = Models(dict.fromkeys(config.teachers(), NAME), dict(here or {}))
        work, ledger = Work(folder / name), folder / "ledger.sqlite"
        counts = synthesise(config, Sources(SEEDS), models, ledger, work, course=name)
        files = {path.name: path.read_bytes() for path in sorted(work.files.iterdir())}
        return {"counts": counts, "files": files, "timings": work.timings}

    return run


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one["counts"] == other["counts"] and one["files"] == other["files"]


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_order_of_replies_leaves_the_same_bytes(
    tmp_path: Path, wired: Callable[..., dict[str, Any]], order: int
) -> None:
    votes = {"answers": {"separate": True}, "categories": {"votes": 2}}
    first, wire = wired(tmp_path / "0", Wire(), **votes), Wire(order=order)
    assert same(first, wired(tmp_path / "1", wire, **votes))
    assert 1 < wire.most <= 12


def test_an_endpoint_and_a_model_in_the_process_work_together(
    tmp_path: Path, wired: Callable[..., dict[str, Any]]
) -> None:
    local = ScriptedModel(later)
    more = {"answers": {"separate": True, "teacher": {"model": "here", "batch": 3}}}
    found = wired(tmp_path / "a", Wire(), here={"answers": local}, **more)
    assert found["counts"]["calls"]["answer"] == sum(map(len, local.batches)) > 0
    again = ScriptedModel(later)
    assert same(found, wired(tmp_path / "b", Wire(order=5), here={"answers": again}, **more))


@pytest.mark.parametrize("lag", [1, 2, 64])
def test_roles_behind_endpoints_wait_for_each_other(
    tmp_path: Path, wired: Callable[..., dict[str, Any]], lag: int
) -> None:
    votes = {"categories": {"votes": 1, "teacher": REMOTE}, "answers": {"teacher": REMOTE}}
    given = {"machine_demonstrations": 2, "lag": lag, "requests": 25, **votes}
    found = wired(tmp_path / "a", Wire(), **given)
    assert found["counts"]["calls"]["vote"] > 0
    assert same(found, wired(tmp_path / "b", Wire(order=3), **given))


def test_what_was_on_its_way_counts_against_the_budget_of_the_next_run(
    tmp_path: Path, wired: Callable[..., dict[str, Any]]
) -> None:
    with pytest.raises(TeacherError):
        wired(tmp_path, Wire(fails_after=10, error=TeacherError("gone")))
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        assert ledger.charge_what_was_cut() == 0  # it ended by itself, and knows what was billed
        (open_,) = ledger._row("SELECT COUNT(*) FROM calls WHERE state = 'asked'")
        ledger._writes.execute("UPDATE calls SET open_tokens = 100 WHERE state = 'asked'")
        ledger._writes.commit()
    assert open_ > 0
    found = wired(tmp_path, Wire())
    assert found["timings"]["paid"]["calls"] == found["counts"]["requests"] + open_


def test_a_call_that_fails_is_written_down_and_not_asked_again(
    tmp_path: Path, wired: Callable[..., dict[str, Any]]
) -> None:
    def some(call: Call) -> Reply:
        if draws.integer(4, call.seed, "fails") == 0:
            raise CallFailedError("the prompt was refused")
        return invented(call)

    found, silent = wired(tmp_path, Wire(some)), Wire()
    assert found["counts"]["calls_failed"] == found["counts"]["rejected"]["call failed"] > 3
    assert same(found, wired(tmp_path, silent, "again"))
    assert not silent.asked


@pytest.mark.parametrize(
    "error",
    [
        BudgetReachedError("the budget of 1 dollars is reached"),
        TeacherError("the key in OPENAI_API_KEY is refused"),
        StorageError("no space is left"),
    ],
)
def test_what_stops_a_run_loses_no_reply(
    tmp_path: Path, wired: Callable[..., dict[str, Any]], error: Exception
) -> None:
    expected = wired(tmp_path / "whole", Wire())
    stopped = Wire(fails_after=17, error=error)
    with pytest.raises(type(error), match=str(error)):
        wired(tmp_path / "cut", stopped)
    with Ledger(tmp_path / "cut" / "ledger.sqlite") as ledger:
        assert all(ledger.outcome(id) is not None for id in stopped.answered)
    assert len(stopped.asked) < 40
    rest = Wire()
    assert same(expected, wired(tmp_path / "cut", rest))
    assert not set(stopped.answered) & {call.id for call in rest.asked}


def test_what_an_unusable_endpoint_refused_is_asked_again(
    tmp_path: Path, wired: Callable[..., dict[str, Any]]
) -> None:
    def refused(call: Call) -> Reply:
        raise CallFailedError("400: unknown field")

    wrong = Wire(refused, fails_after=4, error=TeacherError("every call is refused"))
    with pytest.raises(TeacherError):
        wired(tmp_path, wrong)
    right = Wire()
    assert same(wired(tmp_path, right), wired(tmp_path / "whole", Wire()))
    assert {call.id for call in wrong.asked} <= {call.id for call in right.asked}


def test_every_call_is_in_the_ledger_before_it_is_sent(
    tmp_path: Path, wired: Callable[..., dict[str, Any]]
) -> None:
    seen = []

    def look(call: Call) -> Reply:
        with Ledger(tmp_path / "ledger.sqlite") as ledger:
            found = ledger.call(call.id)
        assert found is not None
        seen.append(found["state"])
        return invented(call)

    wired(tmp_path, Wire(look), requests=6)
    assert seen == ["asked"] * 6


def test_verdicts_of_a_run_are_in_the_ledger(
    tmp_path: Path, wired: Callable[..., dict[str, Any]]
) -> None:
    found = wired(tmp_path, Wire(), "first")
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        (kept,) = ledger._row("SELECT COUNT(*) FROM verdicts WHERE verdict = 'kept'")
        (all_of_them,) = ledger._row("SELECT COUNT(*) FROM verdicts WHERE course = 'first'")
    assert kept == found["counts"]["kept"]
    assert all_of_them == kept + sum(found["counts"]["rejected"].values())


def test_an_interrupt_waits_for_replies_on_their_way_and_stops(
    tmp_path: Path, wired: Callable[..., dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted(Wire):
        async def complete(self, call: Call) -> Reply:
            if len(self.answered) >= 5 and not self.closing:
                for task in asyncio.all_tasks():
                    if task.get_coro().__name__ == "_drive":  # type: ignore[union-attr]
                        task.cancel()  # as the event loop does at the first ctrl-C
            return await super().complete(call)

    wire = Interrupted()
    with pytest.raises((asyncio.CancelledError, KeyboardInterrupt)):
        wired(tmp_path, wire)
    assert "replies that are on their way" in capsys.readouterr().err
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        assert all(ledger.outcome(id) is not None for id in wire.answered)
    assert len(wire.answered) >= 5
    assert len(wire.asked) < 40

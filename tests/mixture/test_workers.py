"""Work in processes of its own comes back in order, or says what went wrong."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from preceptor.artifact import Work
from preceptor.errors import RowError, StageError
from preceptor.mixture import groups, stage
from preceptor.mixture.config import MixtureConfig
from preceptor.mixture.workers import in_order
from preceptor.tasks import catalogue
from tests.mixture.test_tokens import Letters
from tests.mixture.toys import library, toy

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux")


def slow_first(item: int) -> tuple[int, int]:
    time.sleep(0.2 if item == 0 else 0)
    return item, os.getpid()


@pytest.mark.parametrize("processes", [1, 3])
def test_results_come_in_the_order_of_the_items(processes: int) -> None:
    found = list(in_order(slow_first, range(20), processes))
    assert [item for item, _ in found] == list(range(20))
    ours = {process == os.getpid() for _, process in found}
    assert ours == {processes == 1}


def test_an_error_comes_back_as_it_was_raised() -> None:
    def refuse(item: int) -> int:
        if item == 3:
            raise RowError("row 3 is wrong")
        return item

    results = in_order(refuse, range(9), 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(RowError, match="row 3 is wrong"):
        next(results)


def test_a_process_that_is_killed_is_an_error_and_no_endless_wait() -> None:
    def die(item: int) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(StageError, match="ended from outside"):
        list(in_order(die, range(4), 2))


def test_work_may_be_left_unfinished() -> None:
    results = in_order(slow_first, range(1_000), 2)
    assert next(results)[0] == 0
    results.close()


def test_how_many_processes_there_are_changes_no_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = library(toy(tmp_path, "big", 90), toy(tmp_path, "small", 10))
    config = MixtureConfig(tasks=("sentiment",), examples=200, few_shot={"share": 0.3})  # type: ignore[arg-type]
    monkeypatch.setattr(groups, "ALONE", 50)
    files = []
    for processes, group in ((1, 512), (2, 7), (3, 16)):
        monkeypatch.setattr(groups, "cores", lambda processes=processes: processes)
        monkeypatch.setattr(stage, "cores", lambda processes=processes: processes)
        monkeypatch.setattr(groups, "GROUP", group)
        work = Work(tmp_path / f"{processes}")
        needs = stage.Needs(tmp_path, Letters(), 40, tmp_path / f"cache {processes}")
        counts = stage.mix(config, catalogue.select(tasks, config.tasks), tasks, [], needs, 0, work)
        paths = sorted(path for path in work.files.rglob("*") if path.is_file())
        files.append((counts, [(path.name, path.read_bytes()) for path in paths]))
    assert files[0] == files[1] == files[2]
    assert len(files[0][1]) == 4

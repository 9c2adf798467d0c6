"""Rows from the store are those that are read and prepared one by one, and none is held."""

import json
import os
import signal
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from preceptor import draws
from preceptor.errors import RowError
from preceptor.tasks import rowstore
from preceptor.tasks.rowstore import RowStore, row_store
from preceptor.tasks.source import LIBRARY, data_root, read_rows, splits_here
from preceptor.tasks.task import Prepared, Task, prepare
from preceptor.tasks.taskfile import read_task
from tests.tasks.examples import COPY, PICK, RAIN, task

EACH = RAIN.replace("keep: label >= 0", "keep: label >= 0 and item != 'skip'\neach: words").replace(
    "line: line | tidy", "line: line ~ item ~ item_number"
)
EACH = EACH.replace("fields: {", "fields: {words: list, ")
ALL = 10**9


def write(root: Path, rows: list[dict[str, object]], split: str = "train") -> Path:
    path = root / "rain" / f"{split}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def toys(n: int = 40) -> list[dict[str, object]]:
    """Rows of which some are left out, and of which each has its own words."""
    return [
        {
            "line": f"Line {i} \ud800 \u2028 é",
            "label": i % 3 - 1,
            "texts": [f"a{i}", "b" if i % 5 else f"a{i}"],
            "words": ["x", "skip", f"y{i}"][: i % 4],
        }
        for i in range(n)
    ]


def stored(task: Task, root: Path, split: str = "train", cap: int = ALL, seed: int = 0) -> RowStore:
    return row_store(task, split, root, cap, seed, root / "cache")


def one_by_one(task: Task, root: Path | None, split: str = "train") -> list[tuple[str, Prepared]]:
    read = read_rows(task, split, root)
    return [(row.id, made) for row in read if (made := prepare(task, row)) is not None]


def contents(store: RowStore) -> list[tuple[str, Prepared]]:
    return [(row.id, prepared) for row, prepared in store]


def of_library(name: str) -> Task:
    [path] = LIBRARY.rglob(f"{name}.yaml")
    return read_task(path)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize(
    "text",
    [RAIN, PICK.replace("label >= 0", "label in [0, 1]"), COPY, EACH],
    ids=["labels", "choices", "text", "each"],
)
def test_the_rows_are_those_that_are_read_and_prepared(tmp_path: Path, text: str) -> None:
    write(tmp_path, toys())
    store = stored(task(text), tmp_path)
    assert contents(store) == one_by_one(task(text), tmp_path)
    assert len(store) < store.looked_at
    assert store.left_out == store.looked_at - len(store)
    assert store.found == 40


REAL = (
    "quac",
    "rte",
    "hellaswag",
    "record",
    "coqa",
    "squad_v2",
    "drop",
    "mediqa_qa",
    "ncbi_disease",
)


@pytest.mark.parametrize("name", REAL)
def test_real_rows_are_those_that_are_read_and_prepared(tmp_path: Path, name: str) -> None:
    if not os.environ.get("PRECEPTOR_DATA"):
        pytest.skip(f"REAL ROWS OF {name} NOT TESTED: set PRECEPTOR_DATA to their folder")
    real, root = of_library(name), data_root(None)
    for split in splits_here(real, root):
        store = row_store(real, split, root, ALL, 0, tmp_path)
        assert contents(store) == one_by_one(real, root, split)


def test_rows_of_the_package_are_stored_without_a_data_root(tmp_path: Path) -> None:
    shipped = of_library("visit_feedback")
    store = row_store(shipped, "train", None, ALL, 0, tmp_path)
    assert contents(store) == one_by_one(shipped, None)
    assert store[0][0].dataset == "visit_feedback"


def test_places_are_those_of_the_source_rows(tmp_path: Path) -> None:
    rows = toys(12)
    write(tmp_path, rows)
    store = stored(task(), tmp_path)
    kept = [i for i, row in enumerate(rows) if row["label"] != -1]
    assert list(store.places) == kept
    assert [row.id for row, _ in store] == [str(i) for i in kept]
    parts = stored(task(EACH), tmp_path)
    assert [(int(place), row.id) for place, (row, _) in zip(parts.places, parts, strict=True)] == [
        (i, f"{i}#{number}")
        for i, row in enumerate(rows)
        for number, word in enumerate(row["words"])  # type: ignore[arg-type, var-annotated]
        if word != "skip" and row["label"] != -1
    ]


@pytest.mark.parametrize("seed", [0, 7])
def test_the_cap_is_a_keyed_sample_of_all_rows_before_any_is_left_out(
    tmp_path: Path, seed: int
) -> None:
    rows = toys(200)
    write(tmp_path, rows)
    store = stored(task(), tmp_path, cap=50, seed=seed)
    picked = sorted(draws.sample(200, 50, seed, "rows", "rain"))
    assert (store.found, store.looked_at) == (200, 50)
    assert list(store.places) == [i for i in picked if rows[i]["label"] != -1]


def test_rows_are_found_by_place_from_either_end_and_in_slices(tmp_path: Path) -> None:
    write(tmp_path, toys())
    store = stored(task(), tmp_path)
    every = list(store)
    assert store[-1] == every[-1]
    assert store[3:9:2] == every[3:9:2]
    assert store[0][0].fields == {}
    for wrong in (len(store), -len(store) - 1):
        with pytest.raises(IndexError, match="is not in a store of"):
            store[wrong]


def test_a_task_that_keeps_nothing_has_an_empty_store(tmp_path: Path) -> None:
    write(tmp_path, [{"line": "x", "label": -1}])
    store = stored(task(), tmp_path)
    assert (len(store), store.looked_at, list(store)) == (0, 1, [])


def test_rows_are_made_once_and_whatever_the_wording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, toys())
    first = stored(task(), tmp_path)
    monkeypatch.setattr(rowstore, "prepare", None)
    for same in (
        RAIN.replace("Does it rain?\n\n", "Will one get wet?\n\n"),
        RAIN.replace("title: Does it rain?", "title: Rain"),
        RAIN.replace("licence: CC0-1.0", "licence: MIT"),
    ):
        assert stored(task(same), tmp_path).path == first.path
    assert stored(task(), tmp_path, seed=5, cap=40).path == first.path  # nothing is drawn


def test_what_decides_rows_makes_them_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, toys())
    found = {
        stored(task(), tmp_path).path,
        stored(task(), tmp_path, cap=10).path,
        stored(task(), tmp_path, cap=11).path,
        stored(task(), tmp_path, cap=10, seed=1).path,
        stored(task(RAIN.replace("line: line | tidy", "line: line | upper")), tmp_path).path,
        stored(task(RAIN.replace("label >= 0", "label > 0")), tmp_path).path,
    }
    monkeypatch.setattr(rowstore, "_code", lambda: "mended filters")
    found.add(stored(task(), tmp_path).path)
    write(tmp_path, toys(41))
    found.add(stored(task(), tmp_path).path)
    assert len(found) == 8


@pytest.mark.parametrize(
    "expression",
    [
        "{1: line}",
        "[line] | map('upper')",
        "[{'k': 1}] | groupby('k')",
        "('nan' if label else 'inf') | float",
        "{'a': [1, {2: 3}]}",
    ],
)
def test_values_that_json_cannot_hold_are_refused_with_their_row(
    tmp_path: Path, expression: str
) -> None:
    write(tmp_path, toys())
    text = RAIN.replace("line: line | tidy", f"line: line\n  odd: {expression!r}")
    with pytest.raises(RowError, match=r"rain/train, row 1: a value of rain cannot be kept"):
        stored(task(text), tmp_path)
    assert files(tmp_path / "cache") == []


def test_a_row_that_the_task_cannot_use_leaves_nothing(tmp_path: Path) -> None:
    write(tmp_path, [*toys(), {"line": "x", "label": 9}])
    with pytest.raises(RowError, match="label int 9 is not among"):
        stored(task(), tmp_path)
    assert files(tmp_path / "cache") == []


def test_a_build_that_is_stopped_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, toys())

    def stopped(task: Task, row: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(rowstore, "prepare", stopped)
        with pytest.raises(KeyboardInterrupt):
            stored(task(), tmp_path)
    assert files(tmp_path / "cache") == []
    assert contents(stored(task(), tmp_path)) == one_by_one(task(), tmp_path)


KILLED = """
import sys, time
from pathlib import Path
from preceptor.tasks import rowstore
from tests.tasks.examples import task
from tests.tasks.test_rowstore import stored

def slow(*_):
    print("building", flush=True)
    time.sleep(60)

rowstore.prepare = slow
stored(task(), Path(sys.argv[1]))
"""


def test_a_build_that_is_killed_is_not_taken_for_rows_and_is_tidied_away(tmp_path: Path) -> None:
    write(tmp_path, toys())
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "building\n"
        os.kill(process.pid, signal.SIGKILL)
    assert len(list((tmp_path / "cache").iterdir())) == 1
    store = stored(task(), tmp_path)
    assert contents(store) == one_by_one(task(), tmp_path)
    assert list((tmp_path / "cache").iterdir()) == [store.path]


def test_what_somebody_left_of_a_store_is_made_again(tmp_path: Path) -> None:
    write(tmp_path, toys())
    path = stored(task(), tmp_path).path
    (path / "info.json").unlink()
    assert contents(stored(task(), tmp_path)) == one_by_one(task(), tmp_path)


def test_of_two_builders_at_once_the_first_to_end_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, toys())
    real = rowstore._write
    others: list[RowStore] = []

    def overtaken(*arguments: object) -> object:
        monkeypatch.setattr(rowstore, "_write", real)
        others.append(stored(task(), tmp_path))
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(rowstore, "_write", overtaken)
    store = stored(task(), tmp_path)
    assert contents(store) == contents(others[0]) == one_by_one(task(), tmp_path)
    assert list((tmp_path / "cache").iterdir()) == [store.path]


def test_many_builders_at_once_find_the_same_rows(tmp_path: Path) -> None:
    write(tmp_path, toys(300))
    with ThreadPoolExecutor(6) as pool:
        stores = list(pool.map(lambda _: stored(task(), tmp_path), range(6)))
    expected = one_by_one(task(), tmp_path)
    assert all(contents(store) == expected for store in stores)
    assert list((tmp_path / "cache").iterdir()) == [stores[0].path]


def test_rows_are_not_held(tmp_path: Path) -> None:
    write(tmp_path, [{"line": f"{i} " + "x" * 20_000, "label": 1} for i in range(600)])
    tracemalloc.start()
    try:
        store = stored(task(), tmp_path)
        assert sum(len(prepared.values["line"]) for _, prepared in store) > 12e6  # type: ignore[arg-type]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3e6

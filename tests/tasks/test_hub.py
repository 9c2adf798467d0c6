"""Fetching: from rows at hand, and with the real ``datasets`` from a folder like one on the hub."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from preceptor.artifact import file_digest
from preceptor.errors import RowError
from preceptor.tasks import hub
from preceptor.tasks.hub import Fetched, fetch, is_there, note_of
from preceptor.tasks.hub_rows import CONVERSION, HubRows, HubUnreachable
from preceptor.tasks.slices import parse_slice, take
from preceptor.tasks.source import fetched_file, read_rows
from preceptor.tasks.task import Source, Task
from tests.tasks.examples import RAIN, task

COMMIT = "0123456789abcdef0123456789abcdef01234567"
HUB = f"""\
source:
  folder: rain
  splits: {{train: train, test: test}}
  hub: weather/rain
  config: daily
  revision: {COMMIT}
  hub_splits: {{train: "train[:-20]", validation: "train[-20:]", test: test}}
  rename: {{line: sentence}}
  size: 100
"""
Fields = dict[str, Any]


def hub_task(*changes: tuple[str, str]) -> Task:
    text = RAIN.replace("source: {folder: rain, splits: {train: train, test: test}}\n", HUB)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return task(text)


def made(n: int = 100, **more: object) -> list[Fields]:
    return [{"sentence": f"Line {i}", "label": i % 2, **more} for i in range(n)]


class Shelf:
    """The hub's side: gives rows, and remembers what it was asked for."""

    def __init__(self, rows: Iterable[Fields]) -> None:
        self.rows, self.asked = rows, list[tuple[str, bool]]()
        self.given = 0

    def __call__(self, source: Source, split: str, streamed: bool) -> Iterator[Fields]:
        self.asked.append((split, streamed))
        for row in self.rows:
            self.given += 1
            yield row


def lines(task: Task, split: str, root: Path) -> list[str]:
    return [str(row.fields["line"]) for row in read_rows(task, split, root)]


def test_a_slice_becomes_a_file_with_a_note_and_is_read_as_the_tasks_rows(tmp_path: Path) -> None:
    rain = hub_task()
    note = fetch(rain, "train", tmp_path, 0, open=Shelf(made()))
    file = tmp_path / "hub" / "weather--rain" / "daily" / "train__-20.parquet"
    assert file == fetched_file(rain, "train", tmp_path)
    assert note == Fetched(
        "weather/rain", "daily", COMMIT, "", "train[:-20]", 80, 80, False, file_digest(file)
    )
    assert note_of(file) == note
    assert not note.sampled
    kept = take(made(), parse_slice("train[:-20]"), "weather/rain/daily", 0, 0)
    assert lines(rain, "train", tmp_path) == [row["sentence"] for _, row in kept]


def test_train_and_validation_are_disjoint_and_everything(tmp_path: Path) -> None:
    rain = hub_task()
    for split in ("train", "validation"):
        fetch(rain, split, tmp_path, 0, open=Shelf(made()))
    both = lines(rain, "train", tmp_path) + lines(rain, "validation", tmp_path)
    assert sorted(both) == sorted(row["sentence"] for row in made())


def test_of_a_larger_slice_a_sample_is_kept_and_the_note_says_so(tmp_path: Path) -> None:
    rain = hub_task()
    note = fetch(rain, "train", tmp_path, 30, open=Shelf(made()))
    assert note is not None
    assert (note.rows, note.found, note.sampled) == (30, 80, True)
    places = [int(line.split()[1]) for line in lines(rain, "train", tmp_path)]
    assert places == sorted(places)
    assert places[-1] > 50  # no head of the file
    exact = fetch(rain, "test", tmp_path, 100, open=Shelf(made()))
    assert exact is not None
    assert not exact.sampled


def test_what_is_there_is_not_fetched_again_unless_asked(tmp_path: Path) -> None:
    rain, shelf = hub_task(), Shelf(made())
    assert fetch(rain, "test", tmp_path, 0, open=shelf)
    assert fetch(rain, "test", tmp_path, 0, open=shelf) is None
    assert len(shelf.asked) == 1
    assert fetch(rain, "test", tmp_path, 0, again=True, open=shelf)
    assert len(shelf.asked) == 2


def test_a_small_sample_or_another_revision_is_not_taken_for_what_is_asked(tmp_path: Path) -> None:
    rain = hub_task()
    fetch(rain, "train", tmp_path, 30, open=Shelf(made()))
    assert is_there(rain, "train", tmp_path, 30)
    assert is_there(rain, "train", tmp_path, 5)
    assert not is_there(rain, "train", tmp_path, 31)
    assert not is_there(rain, "train", tmp_path, 0)
    assert not is_there(hub_task((COMMIT, "f" * 40)), "train", tmp_path, 30)
    assert fetch(rain, "train", tmp_path, 60, open=Shelf(made()))
    assert len(lines(rain, "train", tmp_path)) == 60


def test_a_file_without_a_note_is_somebodys_own(tmp_path: Path) -> None:
    rain = hub_task()
    file = fetched_file(rain, "test", tmp_path)
    file.parent.mkdir(parents=True)
    parquet.write_table(pa.Table.from_pylist(made(3)), file)
    assert fetch(rain, "test", tmp_path, 0, open=Shelf(made())) is None


def test_large_splits_and_those_of_unknown_size_are_streamed(tmp_path: Path) -> None:
    for size, streamed in ((100, False), (300_000, False), (300_001, True), (0, True)):
        shelf = Shelf(made())
        rain = hub_task(("size: 100", f"size: {size}"))
        fetch(rain, "test", tmp_path, 0, again=True, open=shelf)
        assert shelf.asked == [("test", streamed)]


def test_slices_of_one_split_are_fetched_in_one_pass(tmp_path: Path) -> None:
    rain, shelf, told = hub_task(), Shelf(made(2500)), list[int]()
    other = hub_task(("task: rain", "task: drizzle"), ("validation: ", "dev: "))
    wanted = [(rain, "train"), (rain, "validation"), (other, "train"), (other, "dev")]
    found = hub.fetch_together(wanted, tmp_path, 0, shelf, told.append)
    assert shelf.asked == [("train", False)]
    assert shelf.given == 2500
    assert told == [1000, 2000]
    assert found[:2] == found[2:]  # tasks with the same slice share a file
    files = sorted(path.name for path in tmp_path.rglob("*.parquet"))
    assert files == ["train_-20_.parquet", "train__-20.parquet"]
    for (one, split), rows in zip(wanted, (2480, 20, 2480, 20), strict=True):
        assert len(read_rows(one, split, tmp_path)) == rows


@pytest.mark.parametrize(
    ("changes", "split", "rows", "message"),
    [
        ([], "dev", made(), "rain names no slice of the hub for 'dev'; it has train, validation"),
        ([], "test", [], "weather/rain gives no rows for test"),
        ([], "test", [{"text": "x"}], "field 'line' (str) is missing; the row has text"),
        ([], "test", [{"sentence": "x", "label": "1"}], "'label' should be int, found str '1'"),
        ([], "test", [{"sentence": "x", "label": 7}], "label int 7 is not among labels.names"),
        ([], "test", made(2, x=object()), "cannot be kept as Parquet"),
        (
            [("  size: 100\n", "  size: 100\n  access: gone\n  how: Ask the weather.\n")],
            "test",
            made(),
            "rain cannot be fetched (access: gone). Ask the weather.",
        ),
    ],
)
def test_what_cannot_be_fetched_is_said_in_one_line_and_leaves_nothing(
    tmp_path: Path, changes: list[tuple[str, str]], split: str, rows: list[Fields], message: str
) -> None:
    with pytest.raises(RowError) as caught:
        fetch(hub_task(*changes), split, tmp_path, 0, open=Shelf(rows))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_data_set_whose_fields_changed_is_not_read_to_its_end(tmp_path: Path) -> None:
    shelf = Shelf([{"text": "x"}] * 1000)
    with pytest.raises(RowError, match="are not what rain expects"):
        fetch(hub_task(), "test", tmp_path, 0, open=shelf)
    assert shelf.given == 1


def test_one_task_that_cannot_use_the_rows_does_not_cost_the_others(tmp_path: Path) -> None:
    rain, other = hub_task(), hub_task(("task: rain", "task: snow"), ("label: int", "label: str"))
    wanted = [(rain, "train"), (other, "validation"), (other, "train")]
    one, two, three = hub.fetch_together(wanted, tmp_path, 0, Shelf(made()))
    assert isinstance(one, Fetched)
    assert isinstance(two, RowError)
    assert isinstance(three, RowError)
    assert [path.name for path in tmp_path.rglob("*.parquet")] == ["train__-20.parquet"]


def test_rows_that_end_in_an_error_leave_no_file(tmp_path: Path) -> None:
    def broken(source: Source, split: str, streamed: bool) -> Iterator[Fields]:
        yield from made(50)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(hub_task(), "test", tmp_path, 0, open=broken)
    assert not list(tmp_path.rglob("*.parquet"))


KILLED = """
import sys, time
from pathlib import Path
import pyarrow.parquet as pq
from preceptor.tasks.hub import fetch
from tests.tasks.test_hub import Shelf, hub_task, made

def slow(table, place, **_):
    Path(place).write_bytes(b"half")
    print("writing", flush=True)
    time.sleep(60)

pq.write_table = slow
fetch(hub_task(), "test", Path(sys.argv[1]), 0, open=Shelf(made()))
"""


def test_a_fetch_that_is_killed_leaves_no_file_and_the_next_one_tidies_up(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        os.kill(process.pid, signal.SIGKILL)
    folder = fetched_file(hub_task(), "test", tmp_path).parent
    [left] = folder.iterdir()
    assert left.name.startswith(".test.parquet.")
    assert fetch(hub_task(), "test", tmp_path, 0, open=Shelf(made()))
    assert sorted(path.name for path in folder.iterdir()) == ["test.json", "test.parquet"]


# The real package, without a network: a folder laid out like a data set on the hub.


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    folder = tmp_path / "rain_on_the_hub"
    (folder / "data").mkdir(parents=True)
    (folder / "README.md").write_text("---\nlicense: cc0-1.0\n---\nRain.\n")
    for split, rows in (("train", made(100)), ("test", made(30))):
        file = folder / "data" / f"{split}-00000-of-00001.parquet"
        parquet.write_table(pa.Table.from_pylist(rows), file)
    return folder


@pytest.mark.parametrize("size", [100, 0], ids=["stored", "streamed"])
def test_the_package_datasets_gives_the_rows(offline: Path, tmp_path: Path, size: int) -> None:
    real = hub_task(
        ("weather/rain", str(offline)), ("  config: daily\n", ""), ("size: 100", f"size: {size}")
    )
    root = tmp_path / "root"
    note = fetch(real, "train", root, 0)
    assert note is not None
    assert (note.rows, note.commit) == (80, COMMIT)
    kept = take(made(), parse_slice("train[:-20]"), f"{offline}/", 0, 0)
    assert lines(real, "train", root) == [row["sentence"] for _, row in kept]
    assert [row.fields["label"] for row in read_rows(real, "train", root)] == [
        row["label"] for _, row in kept
    ]
    assert fetch(real, "train", root, 0) is None
    with pytest.raises(RowError, match="cannot be fetched"):
        fetch(
            hub_task(("weather/rain", str(offline)), ("test: test}", "test: dev}")), "test", root, 0
        )


def test_the_bars_of_datasets_are_as_they_were(offline: Path, tmp_path: Path) -> None:
    import datasets

    shown = datasets.is_progress_bar_enabled()
    real = hub_task(("weather/rain", str(offline)), ("  config: daily\n", ""))
    rows = iter(HubRows(real.source, "test", False))
    next(rows)
    assert not datasets.is_progress_bar_enabled()
    list(rows)
    assert datasets.is_progress_bar_enabled() == shown


def test_without_a_network_it_is_said_that_the_hub_cannot_be_reached(
    offline: Path, tmp_path: Path
) -> None:
    for revision in (COMMIT, CONVERSION):
        with pytest.raises(HubUnreachable, match="weather/rain cannot be fetched") as caught:
            fetch(hub_task((COMMIT, revision)), "test", tmp_path / "root", 0)
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "root").exists()


def test_the_hubs_conversion_is_named_by_its_files_and_its_head_is_taken_where_that_is_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets")
    asked: list[str] = []

    def load(kind: str, data_files: dict[str, str], split: str, streaming: bool) -> list[Fields]:
        assert (kind, split, streaming) == ("parquet", "test", False)
        asked.append(data_files[split])
        if "/partial-" not in data_files[split]:
            raise FileNotFoundError(data_files[split])
        return made(10)

    monkeypatch.setattr(datasets, "load_dataset", load)
    monkeypatch.setattr("preceptor.tasks.hub.commit", lambda source: "c" * 40)
    note = fetch(hub_task((COMMIT, CONVERSION)), "test", tmp_path, 0)
    assert note is not None
    assert note.partial
    assert note.commit == "c" * 40
    where = "hf://datasets/weather/rain@refs/convert/parquet/daily"
    assert asked == [f"{where}/test/*.parquet", f"{where}/partial-test/*.parquet"]


def test_without_the_package_datasets_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RowError, match=r"pip install 'preceptor\[hub\]'"):
        fetch(hub_task(), "test", tmp_path, 0)


def test_a_row_without_an_id_keeps_its_place_on_the_hub(tmp_path: Path) -> None:
    rain = hub_task()
    for most in (0, 15):
        fetch(rain, "train", tmp_path, most, again=True, open=Shelf(made()))
        for row in read_rows(rain, "train", tmp_path):
            assert row.fields["line"] == f"Line {row.id}"
    named = [{**row, "id": f"own {i}"} for i, row in enumerate(made())]
    fetch(rain, "train", tmp_path, 0, again=True, open=Shelf(named))
    assert all(row.id.startswith("own ") for row in read_rows(rain, "train", tmp_path))

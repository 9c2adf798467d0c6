import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as parquet
import pytest

from preceptor.errors import RowError
from preceptor.tasks.source import (
    data_root,
    fetched_file,
    read_rows,
    sample_rows,
    scan,
    source_digest,
    source_file,
    splits_here,
    splits_of,
    stream_rows,
)
from tests.tasks.examples import RAIN, task


def write(root: Path, name: str, content: str | bytes) -> Path:
    path = root / "rain" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_json_lines_are_read_in_order_with_line_numbers_as_ids(tmp_path: Path) -> None:
    write(tmp_path, "train.jsonl", '\ufeff{"line": "a\u2028b"}\r\n\n{"line": "c"}\n')
    rows = read_rows(task(), "train", tmp_path)
    assert [(r.dataset, r.split, r.id, dict(r.fields)) for r in rows] == [
        ("rain", "train", "0", {"line": "a\u2028b"}),
        ("rain", "train", "2", {"line": "c"}),
    ]


@pytest.mark.parametrize(
    ("content", "ids"),
    [
        ('{"id": "x"}\n{"id": 5}', ["x", "5"]),
        ('{"id": "x"}\n{"id": "x"}', ["0", "1"]),
        ('{"id": "x"}\n{}', ["0", "1"]),
        ('{"id": null}\n{"id": 1}', ["0", "1"]),
        ('{"id": true}\n{"id": 1}', ["0", "1"]),
    ],
)
def test_the_rows_own_ids_are_used_where_they_tell_rows_apart(
    tmp_path: Path, content: str, ids: list[str]
) -> None:
    write(tmp_path, "train.jsonl", content)
    assert [row.id for row in read_rows(task(), "train", tmp_path)] == ids


def test_parquet_and_csv_give_the_rows_that_json_lines_give(tmp_path: Path) -> None:
    write(tmp_path, "train.jsonl", '{"line": "007, \\"x\\"\\ny", "label": 1}')
    expected = read_rows(task(), "train", tmp_path)
    (tmp_path / "rain" / "train.jsonl").unlink()
    write(tmp_path, "train.csv", '\ufeffline,label\n"007, ""x""\ny",1\n')
    assert read_rows(task(), "train", tmp_path) == expected
    (tmp_path / "rain" / "train.csv").unlink()
    table = pa.Table.from_pylist([dict(row.fields) for row in expected])
    parquet.write_table(table, tmp_path / "rain" / "train.parquet")
    assert read_rows(task(), "train", tmp_path) == expected


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train.jsonl", '{"a": 1}\n\n{"a": ', "train.jsonl, line 3: not JSON"),
        ("train.jsonl", '{"a": 1}\n[1]', "line 2: a row is a JSON object, found list"),
        ("train.jsonl", " \n\n", "train.jsonl has no rows"),
        ("train.jsonl", b"\xff\xff", "cannot be read as UTF-8"),
        ("train.jsonl", b"\xff\xfe{\0", "train.jsonl is UTF-16 text; save it as UTF-8"),
        ("train.csv", b"\x1f\x8b\x08\0", "train.csv is packed with gzip; unpack it"),
        ("train.jsonl", b"PAR1\x15\x04PAR1", "is a Parquet file; rename it to .parquet"),
        ("train.jsonl", "version https://git-lfs.github.com/spec/v1\n", "pointer of Git LFS"),
        ("train.parquet", '\ufeff{"a": 1}\n', "JSON text; if it has one object a line, rename it"),
        ("train.parquet", "line,label\nx,1\n", "but text; rename it to .csv or .jsonl"),
        ("train.parquet", b"PAR1\0", "is no Parquet file ("),
        ("train.parquet", "no parquet", "is no Parquet file"),
        ("train.csv", "line,label\nx,one\n", "cannot be read as CSV"),
        ("train.csv", "", "cannot be read as CSV"),
        ("train.csv", "line,label\n", "has no rows"),
        ("tarin.jsonl", "{}", "no train.jsonl or train.parquet or train.csv"),
        ("tarin.jsonl", "{}", "it has tarin.jsonl"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    write(tmp_path, name, content)
    with pytest.raises(RowError) as caught:
        read_rows(task(), "train", tmp_path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_folder_split_or_data_root_is_named(tmp_path: Path) -> None:
    with pytest.raises(RowError, match="that folder does not exist"):
        read_rows(task(), "train", tmp_path)
    with pytest.raises(RowError, match="no split 'dev'; its splits are train, test"):
        read_rows(task(), "dev", tmp_path)
    with pytest.raises(
        RowError, match="set PRECEPTOR_DATA, or data: in the recipe, or give --data"
    ):
        read_rows(task(), "train", None)


def test_splits_here_are_those_with_a_file(tmp_path: Path) -> None:
    assert splits_here(task(), None) == ()
    write(tmp_path, "test.jsonl", "{}")
    assert splits_here(task(), tmp_path) == ("test",)


def test_rows_in_the_package_need_no_data_root() -> None:
    text = RAIN.replace("folder: rain", "package: visit_feedback")
    assert splits_here(task(text), None) == ("train", "test")
    assert read_rows(task(text), "test", None)[0].dataset == "visit_feedback"


def test_the_digest_is_that_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "train.jsonl", "{}")
    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    assert source_digest(task(), "train", tmp_path) == expected


def test_the_data_root_is_the_setting_then_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PRECEPTOR_DATA", raising=False)
    assert data_root(None) is None
    monkeypatch.setenv("PRECEPTOR_DATA", str(tmp_path))
    assert data_root(None) == tmp_path
    with pytest.raises(RowError, match=r"the data root .*missing is not a folder"):
        data_root(str(tmp_path / "missing"))
    monkeypatch.setenv("PRECEPTOR_DATA", str(tmp_path / "missing"))
    with pytest.raises(RowError, match=r"\$PRECEPTOR_DATA .*missing is not a folder"):
        data_root(None)


HUB = RAIN.replace(
    "splits: {train: train, test: test}}",
    "splits: {train: train, test: test}, hub: weather/rain, revision: refs/convert/parquet, "
    'hub_splits: {train: "train[:-20]", test: test, validation: "train[200:300]"}, '
    "rename: {line: sentence}}",
)
RECORDS = [{"line": f"Line {i}", "label": i % 2, "id": f"r{i}"} for i in range(2500)]


def write_as(root: Path, ending: str) -> Path:
    table = pa.Table.from_pylist(RECORDS)
    path = write(root, f"train.{ending}", "")
    if ending == "jsonl":
        path.write_text("\n".join(json.dumps(record) for record in RECORDS))
    elif ending == "csv":
        arrow_csv.write_csv(table, path)
    else:
        parquet.write_table(table, path, row_group_size=700)
    return path


@pytest.mark.parametrize("ending", ["jsonl", "parquet", "csv"])
def test_rows_are_streamed_as_they_are_read(tmp_path: Path, ending: str) -> None:
    path = write_as(tmp_path, ending)
    streamed = list(stream_rows(task(), "train", tmp_path))
    assert [place for place, _ in streamed] == list(range(2500))
    assert [row for _, row in streamed] == read_rows(task(), "train", tmp_path)
    assert [dict(row.fields) for _, row in streamed] == RECORDS
    assert [row.id for _, row in streamed][-1] == "r2499"
    assert (scan(path, task()).rows, scan(path, task()).own_ids) == (2500, True)
    picked = list(stream_rows(task(), "train", tmp_path, frozenset({3, 1500, 9999})))
    assert picked == [streamed[3], streamed[1500]]


def test_places_pass_over_blank_lines_and_ids_do_not(tmp_path: Path) -> None:
    write(tmp_path, "train.jsonl", '{"line": "a"}\n\n{"line": "b"}\n')
    streamed = list(stream_rows(task(), "train", tmp_path))
    assert [(place, row.id) for place, row in streamed] == [(0, "0"), (1, "2")]


def test_a_column_that_no_task_declares_may_change_its_looks_further_down(tmp_path: Path) -> None:
    lines = [f"a line of some length,1,{i}" for i in range(50_000)]
    write(tmp_path, "train.csv", "\n".join(["line,label,more", *lines, "last,0,none at all\n"]))
    rows = read_rows(task(), "train", tmp_path)
    assert len(rows) == 50_001
    assert rows[-1].fields["label"] == 0


def test_the_sources_names_become_the_tasks_unless_the_row_has_them(tmp_path: Path) -> None:
    write(tmp_path, "train.jsonl", '{"sentence": "theirs"}\n{"sentence": "x", "line": "ours"}')
    rows = read_rows(task(HUB), "train", tmp_path)
    assert [dict(row.fields) for row in rows] == [
        {"line": "theirs"},
        {"sentence": "x", "line": "ours"},
    ]


def test_a_renamed_column_of_a_csv_has_the_declared_type(tmp_path: Path) -> None:
    write(tmp_path, "train.csv", "sentence,label\n007,1\n")
    [row] = read_rows(task(HUB), "train", tmp_path)
    assert dict(row.fields) == {"line": "007", "label": 1}


def test_rows_fetched_from_the_hub_come_before_those_of_the_folder(tmp_path: Path) -> None:
    rain = task(HUB)
    write(tmp_path, "train.jsonl", '{"line": "folder", "label": 1}')
    assert source_file(rain, "train", tmp_path) == tmp_path / "rain" / "train.jsonl"
    fetched = fetched_file(rain, "train", tmp_path)
    assert fetched == tmp_path / "hub" / "weather--rain" / "default" / "train__-20.parquet"
    fetched.parent.mkdir(parents=True)
    parquet.write_table(pa.Table.from_pylist([{"sentence": "hub", "label": 0}]), fetched)
    [row] = read_rows(rain, "train", tmp_path)
    assert dict(row.fields) == {"line": "hub", "label": 0}


def test_a_layout_is_that_of_the_folders_rows_and_not_of_fetched_ones(tmp_path: Path) -> None:
    text = HUB.replace("rename:", "layout: tfds, rename:").replace(
        'words: {wet: "yes"', 'ids: {tfds: {0: wet, 1: dry}}\n  words: {wet: "yes"'
    )
    rain = task(text)
    write(tmp_path, "train.jsonl", '{"line": "x", "label": 1}')
    assert [row.layout for row in read_rows(rain, "train", tmp_path)] == ["tfds"]
    fetched = fetched_file(rain, "train", tmp_path)
    fetched.parent.mkdir(parents=True)
    parquet.write_table(pa.Table.from_pylist([{"sentence": "x", "label": 0}]), fetched)
    assert [row.layout for row in read_rows(rain, "train", tmp_path)] == [""]


def test_slices_of_one_split_have_files_of_their_own(tmp_path: Path) -> None:
    rain = task(HUB)
    assert splits_of(rain) == ("train", "test", "validation")
    names = [fetched_file(rain, split, tmp_path).name for split in splits_of(rain)]
    assert names == ["train__-20.parquet", "test.parquet", "train_200_300.parquet"]


def test_a_missing_split_says_how_to_get_it(tmp_path: Path) -> None:
    fetch = r"Put the file there, or fetch it: preceptor tasks fetch rain"
    with pytest.raises(RowError, match=fetch):
        read_rows(task(HUB), "validation", tmp_path)
    asked = HUB.replace("rename:", "access: request, how: Ask the weather., rename:")
    with pytest.raises(RowError, match=r"no train.jsonl .*that folder does not exist. Ask the"):
        read_rows(task(asked), "train", tmp_path)


def test_made_up_rows_are_in_the_sources_layout() -> None:
    text = HUB.replace("templates:", "sample:\n  - {sentence: Wet., label: 1}\ntemplates:")
    [row] = sample_rows(task(text))
    assert (row.dataset, row.split, row.id) == ("rain", "sample", "0")
    assert dict(row.fields) == {"line": "Wet.", "label": 1}

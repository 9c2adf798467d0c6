import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from preceptor.errors import RowError
from preceptor.tasks.source import data_root, read_rows, source_digest, splits_here
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
        ("train.jsonl", b"\xff\xfe", "cannot be read as UTF-8"),
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
    with pytest.raises(RowError, match="set PRECEPTOR_DATA, or data: in the recipe"):
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

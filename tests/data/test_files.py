import json
from pathlib import Path
from unittest.mock import patch

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from preceptor.data import json_stream
from preceptor.data.files import read_records, writing
from preceptor.data.tally import Tally
from preceptor.errors import InputError, RowError, StorageError
from tests.data.made import JSON, TEXT

RECORDS = st.lists(st.dictionaries(TEXT, JSON, max_size=3), max_size=5)
SCHEMA = pa.schema([("n", pa.int64())])


def read(path: Path, tally: Tally | None = None) -> list[dict[str, object]]:
    return [record for _, record in read_records(path, tally or Tally())]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@given(records=RECORDS, chunk=st.integers(1, 9), indent=st.sampled_from((None, 2)))
def test_an_array_is_read_the_same_in_pieces_of_any_size(
    folder: Path, records: list[dict[str, object]], chunk: int, indent: int | None
) -> None:
    path = folder / "array.json"
    path.write_text(json.dumps(records, ensure_ascii=False, indent=indent) + "\n", "utf-8")
    with patch.object(json_stream, "CHUNK", chunk):
        assert read(path) == records


@given(text=st.text(st.characters(exclude_categories=("Cs",))), chunk=st.integers(1, 9))
def test_an_array_cut_anywhere_is_refused_and_its_whole_items_can_be_kept(
    folder: Path, text: str, chunk: int
) -> None:
    whole = json.dumps([{"a": text}, {"b": [1, 2.5]}, {"c": None}], ensure_ascii=False).encode()
    path = folder / "cut.json"
    with patch.object(json_stream, "CHUNK", chunk):
        for end in range(1, len(whole)):
            path.write_bytes(whole[:end])
            with pytest.raises(RowError, match=r"cut\.json, .*(not JSON|not UTF-8)"):
                read(path)
        tally = Tally(skip=True)
        path.write_bytes(whole[:-5])
        assert read(path, tally) == [{"a": text}, {"b": [1, 2.5]}]
        assert sum(tally.skipped.values()) == 1


def test_an_error_in_an_array_is_found_without_reading_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "long.json"
    path.write_text('[{"a": 1},\n{"b" 2},' + '{"c": 3},' * 1000)
    with (
        patch.object(json_stream, "CHUNK", 64),
        path.open("rb") as stream,
        pytest.raises(RowError, match="line 2, record 2: not JSON"),
    ):
        list(json_stream.array_items(stream, "long.json", Tally()))
    with path.open("rb") as stream, patch.object(json_stream, "CHUNK", 64):
        list(json_stream.array_items(stream, "long.json", Tally(skip=True)))
        assert stream.tell() < 1000


def test_records_of_an_array_are_told_by_number(tmp_path: Path) -> None:
    path = tmp_path / "array.json"
    path.write_text('[{"a": 1}, {"a": 2}, 3]')
    with pytest.raises(RowError, match=r"array\.json, line 1, record 3: a record is a JSON object"):
        read(path)
    path.write_text('[{"a": 1}, {"a"; 2}]')
    with pytest.raises(RowError, match=r"array\.json, line 1, record 2: not JSON"):
        read(path)


def test_a_json_file_of_lines_is_read_as_lines(tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    path.write_bytes(b'\xef\xbb\xbf{"a": "\xe2\x80\xa8"}\r\n\n{"a": 2}')
    assert read(path) == [{"a": "\u2028"}, {"a": 2}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": 1}\n{"a": 2', "lines.jsonl, line 2: not JSON .*cut off there"),
        (b'{"a": 1}\n{"a"; 2}\n', "line 2: not JSON .*character 5"),
        (b'{"a": 1}\n\xff\n', "line 2: not UTF-8"),
        (b"[1]\n", "line 1: a record is a JSON object, found list"),
        (b'{"a": NaN}\n', "line 1: not JSON .NaN is no number"),
        (b'{"a": "\\ud800"}\n', "line 1: not JSON .a lone surrogate"),
        (b'{"a": 1e999}\n', "line 1: not JSON .1e999 is too large"),
        (b"[" * 100_000, "line 1: not JSON"),
    ],
)
def test_a_bad_line_is_named_and_can_be_left_out(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_bytes(content)
    with pytest.raises(RowError, match=message):
        read(path)
    tally = Tally(skip=True)
    read(path, tally)
    assert sum(tally.skipped.values()) == 1
    assert tally.to_json()["skipped_because"][0]["first"].startswith(str(path))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "is a folder; name one file in it; it holds .*there.jsonl"),
        ("thre.jsonl", "does not exist; did you mean 'there.jsonl'"),
        ("no/file.jsonl", "there is no folder"),
        ("data.csv", r"ends in .csv; .jsonl, .json, .parquet are known"),
        ("empty.jsonl", "is empty; name a file with records"),
        ("broken.parquet", "is no Parquet file, or a broken one"),
    ],
)
def test_what_is_no_file_of_records_is_refused(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "there.jsonl").write_text("{}\n")
    (tmp_path / "data.csv").write_text("a\n")
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "broken.parquet").write_text("PAR1")
    with pytest.raises(InputError, match=message):
        read(tmp_path / name)


def half_written(path: Path) -> None:
    with writing(path, SCHEMA) as write:
        write({"n": 1})
        raise InterruptedError


def test_output_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    for ending in (".jsonl", ".json", ".parquet"):
        path = tmp_path / f"out{ending}"
        with pytest.raises(InterruptedError):
            half_written(path)
        assert list(tmp_path.iterdir()) == []
    with writing(path, SCHEMA) as write:
        for n in range(5000):
            write({"n": n})
    assert [row["n"] for row in read(path)] == list(range(5000))


def test_output_cannot_be_a_folder_or_of_unknown_kind(tmp_path: Path) -> None:
    (tmp_path / "folder.json").mkdir()
    with (
        pytest.raises(StorageError, match="is a folder"),
        writing(tmp_path / "folder.json", SCHEMA),
    ):
        pass
    with pytest.raises(RowError, match=r"ends in \.txt"), writing(tmp_path / "out.txt", SCHEMA):
        pass

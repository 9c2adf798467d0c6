import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from preceptor.decontamination import files
from preceptor.decontamination.files import as_example
from preceptor.errors import RowError
from preceptor.mixture.tables import read_examples, write_examples
from tests.decontamination.made import example


@pytest.mark.parametrize(
    ("row", "prompt", "target"),
    [
        ({"instruction": "Add.", "input": "1 2", "output": "3"}, "Add.\n\n1 2", "3"),
        ({"instruction": "Add.", "input": "", "output": ""}, "Add.", ""),
        ({"id": "text", "text": "All of it.", "n": 3}, "All of it.", ""),
        ({"question": "Why?", "choices": ["a", "b"], "answer": "b"}, "Why?\n\na\n\nb", "b"),
        (
            {
                "system": "Be brief.",
                "messages": [
                    {"role": "user", "content": "Hi"},
                    {"role": "assistant", "content": "Hello"},
                    {"role": "user", "content": [{"type": "text", "text": "Why?"}]},
                    {"role": "assistant", "content": "So."},
                ],
            },
            "Be brief.\n\nHi\n\ntext\n\nWhy?",
            "Hello\n\nSo.",
        ),
        (
            {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Yo"}]},
            "Hi",
            "Yo",
        ),
    ],
)
def test_rows_of_many_forms_are_prompt_and_target(
    row: dict[str, object], prompt: str, target: str
) -> None:
    made = as_example(row, "file")
    assert (made.prompt, made.target, made.task) == (prompt, target, "file")


def test_an_id_is_the_rows_own_or_its_texts() -> None:
    assert as_example({"id": 7, "text": "a"}, "file").id == "7"
    one, other = (as_example({"text": text}, "file").id for text in ("a", "b"))
    assert one != other
    assert as_example({"text": "a", "n": 1}, "file").id == one


def test_examples_of_a_mixture_keep_their_task_and_id(tmp_path: Path) -> None:
    made = [example("Ask.", "Say.", id="mixed/train/0/plain", shots=2)]
    write_examples(tmp_path / "examples.parquet", made)
    (read,) = files.examples(tmp_path / "examples.parquet")
    assert (read.id, read.task, read.prompt, read.target, read.shots) == (
        "mixed/train/0/plain",
        "mixed",
        "Ask.",
        "Say.",
        2,
    )


def test_lines_are_copied_byte_for_byte(tmp_path: Path) -> None:
    lines = [b'{"text": "a\\u00e9"}', b"", b'  {"text":"b",   "n": 1.0}\r', b'{"text": "\\ud800"}']
    (tmp_path / "in.jsonl").write_bytes(b"\xef\xbb\xbf" + b"\n".join(lines))
    with files.writer(tmp_path / "out.jsonl", tmp_path / "in.jsonl") as write:
        for chunk in files.chunks(tmp_path / "in.jsonl"):
            assert list(chunk.numbers) == [1, 3, 4]
            write(chunk, [False, True, True])
    assert (tmp_path / "out.jsonl").read_bytes() == lines[2] + b"\n" + lines[3] + b"\n"
    assert files.count_rows(tmp_path / "out.jsonl") == 2


def test_parquet_keeps_its_schema_and_rows(tmp_path: Path) -> None:
    made = [example(f"Ask {i}.", "Say.", id=str(i)) for i in range(1200)]
    write_examples(tmp_path / "in.parquet", made)
    with files.writer(tmp_path / "out.parquet", tmp_path / "in.parquet") as write:
        for chunk in files.chunks(tmp_path / "in.parquet"):
            write(chunk, [number % 2 == 1 for number in chunk.numbers])
    assert read_examples(tmp_path / "out.parquet") == made[::2]
    assert pq.read_schema(tmp_path / "out.parquet") == pq.read_schema(tmp_path / "in.parquet")
    assert files.count_rows(tmp_path / "out.parquet") == 600


def test_parquet_of_another_kind_is_read_too(tmp_path: Path) -> None:
    table = pa.table({"instruction": ["Add."], "input": [None], "output": ["3"], "raw": [b"\xff"]})
    pq.write_table(table, tmp_path / "in.parquet")
    (read,) = files.examples(tmp_path / "in.parquet")
    assert (read.prompt, read.target) == ("Add.", "3")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("in.json", b"[]", "neither .jsonl"),
        ("none.jsonl", None, "is not there"),
        ("in.jsonl", b'{"text": "a"}\n{"text": \n', "line 2: not JSON"),
        ("in.jsonl", b'{"text": "a"}\n["b"]\n', "line 2: a row is a JSON object, found list"),
        ("in.jsonl", b'{"text": "\xff"}\n', "line 1: not JSON"),
        ("in.jsonl", b'{"n": 1}\n', "row 1 has no text; its fields are n"),
        ("in.jsonl", b"[" * 100_000, "line 1: not JSON"),
        ("in.parquet", b"PAR1", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_named(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(RowError, match=message):
        list(files.chunks(tmp_path / name))


def test_rows_are_json_as_python_reads_it(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text(json.dumps({"text": "a\u2028b"}, ensure_ascii=False) + "\n")
    (chunk,) = files.chunks(tmp_path / "in.jsonl")
    assert chunk.rows == [{"text": "a\u2028b"}]

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from preceptor.data.tally import Tally
from preceptor.errors import RowError
from preceptor.records import Instruction
from preceptor.synthesis.card.rows import Record, has_input, read_file, whole_input
from tests.synthesis.card.made import plain

ROWS = [
    {"instruction": "List three causes.", "input": "N/A", "output": "a, b, c"},
    {
        "instruction": "Sum up.",
        "input": "A text.",
        "output": "Text.",
        "id": "x",
        "topic": "cardiology",
        "view": "patient",
        "type": "summary",
        "difficulty": "3",
        "category": "gen",
        "category_rule": "writing_verb",
        "flags": '{"trailing zero": "5.0 mg"}',
        "unanswerable": True,
    },
]


def _written(folder: Path, ending: str) -> Path:
    path = folder / f"set{ending}"
    if ending == ".parquet":
        names = list(ROWS[1])
        pq.write_table(
            pa.table({name: [row.get(name) for row in ROWS] for name in names}),
            path,
        )
    elif ending == ".json":
        path.write_text(json.dumps(ROWS))
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


@pytest.mark.parametrize("ending", [".jsonl", ".json", ".parquet"])
def test_a_file_of_each_kind_gives_the_same_records(tmp_path: Path, ending: str) -> None:
    tally = Tally()
    first, second = read_file(_written(tmp_path, ending), tally)
    assert (first.id, first.input) == ("set-000001", "N/A")  # the spelling stays
    assert (first.topic, first.difficulty, first.flags) == ("", 0, {})
    assert second.id == "x"
    assert (second.topic, second.view, second.kind) == ("cardiology", "patient", "summary")
    assert (second.difficulty, second.category, second.category_rule) == (3, "gen", "writing_verb")
    assert (second.flags, second.unanswerable) == ({"trailing zero": "5.0 mg"}, True)
    assert tally.records == 2


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"instruction": " ", "output": "x"}, "instruction is missing"),
        ({"instruction": "Do.", "input": "x"}, "output is missing"),
        ({"instruction": "Do.", "input": 3, "output": "x"}, "input is not text"),
    ],
)
def test_a_bad_record_is_named_or_skipped(tmp_path: Path, row: object, said: str) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text(json.dumps(ROWS[0]) + "\n" + json.dumps(row) + "\n")
    with pytest.raises(RowError, match=f"line 2: {said}"):
        read_file(path, Tally())
    tally = Tally(skip=True)
    assert len(read_file(path, tally)) == 1
    assert sum(tally.skipped.values()) == 1


def test_a_file_without_records_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text('{"prompt": "x"}\n')
    with pytest.raises(RowError, match="no records that can be read"):
        read_file(path, Tally(skip=True))


def test_stand_ins_are_no_input() -> None:
    assert has_input(plain("Do.", "Aspirin"))
    assert not has_input(plain("Do.", "N/A"))
    assert not has_input(plain("Do.", " <noinput> "))
    assert whole_input(plain("Do.", "None")) == "Do."
    assert whole_input(plain("Do.", "Aspirin")) == "Do.\nAspirin"


def test_an_instruction_of_a_synthesis_is_a_record() -> None:
    made: Record = Instruction(
        id="r-0",
        instruction="Do.",
        input="",
        output="Done.",
        category="qa",
        category_rule="question",
        seed_ids=(),
        request_id="r",
        position=0,
        teacher="t",
        sampling={},
        prompt_sha256="",
        prompt_tokens=1,
        reply_tokens=1,
        nearest="",
        nearest_rouge_l=0.0,
    )
    assert not has_input(made)
    assert (made.topic, made.difficulty, made.unanswerable, made.flags) == ("", 0, False, {})

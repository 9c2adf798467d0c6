import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from preceptor.data.tally import Tally
from preceptor.errors import ArtifactError
from preceptor.records import Instruction, Reply
from preceptor.synthesis.card.rows import read_file
from preceptor.synthesis.card.run import SAMPLES, read_run
from preceptor.synthesis.slots import Rejection
from preceptor.synthesis.tables import instruction_row, rejection_row, request_row, tables
from preceptor.teachers.calls import Call, Message, Sampling

KEPT = [{"instruction": f"Do {n}.", "teacher": "gpt@1"} for n in range(4)]
REJECTED = [
    *(
        {"reason": "too similar", "instruction": f"Do {n}.", "detail": "ROUGE-L 0.8 to a"}
        for n in range(9)
    ),
    {"reason": "refusal", "instruction": "Say.", "detail": "I cannot"},
]
CALLS = [
    {"kind": "task", "prompt_tokens": 100, "reply_tokens": 50, "cost": 0.25, "why": ""},
    {"kind": "task", "prompt_tokens": 0, "reply_tokens": 0, "cost": 0.0, "why": "timed out"},
    {"kind": "answer", "prompt_tokens": 10, "reply_tokens": 5, "cost": 0.05, "why": ""},
]


def _artifact(folder: Path, calls: list[dict[str, Any]], kept: list[dict[str, Any]]) -> Path:
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps({"key": "abc"}))
    for name, rows in (("instructions", kept), ("rejections", REJECTED), ("requests", calls)):
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{name}.parquet")
    return folder


def test_everything_that_was_judged_and_paid_is_counted(tmp_path: Path) -> None:
    run = read_run(_artifact(tmp_path / "s", CALLS, KEPT))
    assert (run.key, run.teachers, run.kept, run.found) == ("abc", ("gpt@1",), 4, 14)
    assert list(run.rejected.items()) == [("too similar", 9), ("refusal", 1)]
    assert run.calls == {"task": 2, "answer": 1}
    assert run.unanswered == 1
    assert (run.prompt_tokens, run.reply_tokens) == (110, 55)
    assert run.dollars == pytest.approx(0.30)


def test_some_of_each_reason_are_shown_and_the_same_ones_again(tmp_path: Path) -> None:
    folder = _artifact(tmp_path / "s", CALLS, KEPT)
    run = read_run(folder, seed=3)
    assert [one.reason for one in run.samples] == ["too similar"] * SAMPLES + ["refusal"]
    assert len({one.instruction for one in run.samples}) == SAMPLES + 1
    assert run.samples[-1].detail == "I cannot"
    assert run.samples == read_run(folder, seed=3).samples


def test_columns_that_a_version_did_not_write_are_left_out(tmp_path: Path) -> None:
    calls = [{"id": "a", "prompt_tokens": 7}]
    run = read_run(_artifact(tmp_path / "s", calls, [{"instruction": "Do."}]))
    assert run.calls == {"request": 1}
    assert (run.prompt_tokens, run.reply_tokens, run.dollars) == (7, None, None)
    assert run.teachers == ()
    assert run.kept == 1


def test_the_tables_of_the_stage_are_read(tmp_path: Path) -> None:
    call = Call("c", "task", "teacher", (Message("user", "Write a task."),), Sampling(), 1)
    reply = Reply("...", prompt_tokens=30, reply_tokens=20, finished=True, cost=0.5)
    kept = Instruction(
        id="c-0",
        instruction="Do it now.",
        input="",
        output="Done.",
        category="gen",
        category_rule="composing_verb",
        seed_ids=("s",),
        request_id="c",
        position=0,
        teacher="gpt@1",
        sampling={},
        prompt_sha256=call.prompt_sha256,
        prompt_tokens=30,
        reply_tokens=20,
        nearest="",
        nearest_rouge_l=0.0,
        flags={"trailing zero": "5.0 mg"},
    )
    names = (tmp_path / f"{name}.parquet" for name in ("instructions", "rejections", "requests"))
    with tables(*names) as (instructions, rejections, requests):
        instructions.add(instruction_row(kept))
        lost = Rejection("c-1", "c", 1, "refusal", "Say.", "", "No.", "I cannot")
        rejections.add(rejection_row(lost))
        requests.add(request_row(call, reply, ""))
        requests.add(request_row(call, None, "timed out"))
    (tmp_path / "manifest.json").write_text('{"key": "abc"}')
    run = read_run(tmp_path)
    assert (run.kept, run.rejected, run.teachers) == (1, {"refusal": 1}, ("gpt@1",))
    assert (run.calls, run.unanswered, run.dollars) == ({"task": 2}, 1, 0.5)
    assert run.samples[0].detail == "I cannot"
    (record,) = read_file(tmp_path / "instructions.parquet", Tally())
    assert (record.id, record.category, record.flags) == ("c-0", "gen", kept.flags)


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"manifest\.json .* name the folder of a synthesis"):
        read_run(tmp_path)
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(ArtifactError, match=r"instructions\.parquet cannot be read"):
        read_run(tmp_path)
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(ArtifactError, match="no JSON object"):
        read_run(tmp_path)

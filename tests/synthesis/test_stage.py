import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from preceptor.artifact import Work
from preceptor.errors import ArtifactError, StageError
from preceptor.records import Reply
from preceptor.synthesis.config import SynthesisConfig
from preceptor.synthesis.seedbank import load_seeds
from preceptor.synthesis.stage import synthesise
from preceptor.synthesis.tables import read_instructions
from tests.synthesis.scripted import ScriptedTeacher, reply

SEEDS = load_seeds("biomedical")
CONFIG = SynthesisConfig.model_validate({"requests": 22, "teacher": {"batch": 5}})
Counts = dict[str, int | dict[str, int]]


def run(
    folder: Path, teacher: ScriptedTeacher, config: SynthesisConfig = CONFIG, name: str = "work"
) -> tuple[Counts, dict[str, bytes]]:
    """Counts and the bytes of the files; the ledger lies in the folder, the work under its name."""
    work = Work(folder / name)
    counts = synthesise(config, SEEDS, teacher, folder / "ledger.sqlite", work)
    return counts, {path.name: path.read_bytes() for path in work.files.iterdir()}


def updated(**changes: object) -> SynthesisConfig:
    return CONFIG.model_copy(update=changes)


def test_the_files_and_counts_of_a_run(tmp_path: Path) -> None:
    teacher = ScriptedTeacher()
    counts, files = run(tmp_path, teacher)
    assert sorted(files) == ["instructions.parquet", "rejections.parquet", "requests.parquet"]
    assert [len(prompts) for prompts, _ in teacher.calls] == [5, 5, 5, 5, 2]
    rows = {
        name: pq.read_table(tmp_path / "work" / "files" / f"{name}.parquet").to_pylist()
        for name in ("instructions", "rejections", "requests")
    }
    assert counts["requests"] == len(rows["requests"]) == 22
    assert counts["kept"] == len(rows["instructions"]) > 0
    rejected, by_category = counts["rejected"], counts["kept_by_category"]
    assert isinstance(rejected, dict)
    assert isinstance(by_category, dict)
    assert sum(rejected.values()) == len(rows["rejections"]) > 0
    assert list(rejected) == sorted(rejected)
    assert {"banned word", "cut off", "no task"} <= set(rejected)
    assert sum(by_category.values()) == counts["kept"]
    assert counts["prompt_tokens"] == 220
    assert counts["reply_tokens"] == sum(row["reply_tokens"] for row in rows["requests"])
    assert counts["replies_finished"] == sum(row["finished"] for row in rows["requests"]) < 22
    prompts = [prompt for batch, _ in teacher.calls for prompt in batch]
    assert [row["prompt"] for row in rows["requests"]] == prompts


def test_instructions_are_read_back_with_their_provenance(tmp_path: Path) -> None:
    run(tmp_path, ScriptedTeacher())
    path = tmp_path / "work" / "files" / "instructions.parquet"
    instructions = read_instructions(path)
    first, row = instructions[0], pq.read_table(path).to_pylist()[0]
    assert first.sampling == CONFIG.teacher.sampling()
    assert json.loads(row["verdicts"]) == first.verdicts
    assert list(first.seed_ids) == row["seed_ids"]
    assert first.teacher == "scripted@" + "f" * 64
    assert len({instruction.id for instruction in instructions}) == len(instructions)


def test_a_run_that_was_killed_leaves_the_same_bytes(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    expected = run(whole, ScriptedTeacher())
    killed = ScriptedTeacher(fails_at=2, error=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        run(cut, killed)
    again = ScriptedTeacher()
    assert run(cut, again) == expected
    assert [len(prompts) for prompts, _ in killed.calls] == [5, 5]
    assert [len(prompts) for prompts, _ in again.calls] == [5, 5, 2]
    assert not set(killed.calls) & set(again.calls)


def test_a_second_run_asks_nothing(tmp_path: Path) -> None:
    expected = run(tmp_path, ScriptedTeacher())
    silent = ScriptedTeacher(fails_at=0, error=AssertionError("asked again"))
    assert run(tmp_path, silent, name="again") == expected


def test_another_threshold_asks_nothing_and_more_requests_only_what_is_new(tmp_path: Path) -> None:
    run(tmp_path, ScriptedTeacher(), updated(requests=20))
    silent = ScriptedTeacher(fails_at=0, error=AssertionError("asked again"))
    strict, _ = run(tmp_path, silent, updated(requests=20, rouge_l=0.1), "strict")
    rejected = strict["rejected"]
    assert isinstance(rejected, dict)
    assert rejected["too similar"] > 0
    more = ScriptedTeacher()
    run(tmp_path, more, updated(requests=30), "more")
    assert [len(prompts) for prompts, _ in more.calls] == [5, 5]


def test_a_shorter_last_batch_does_not_depend_on_what_the_ledger_holds(tmp_path: Path) -> None:
    short = updated(requests=7)
    fresh = run(tmp_path / "fresh", ScriptedTeacher(), short)
    run(tmp_path / "used", ScriptedTeacher())
    assert run(tmp_path / "used", ScriptedTeacher(), short, "short") == fresh


def test_the_target_is_looked_at_after_each_batch(tmp_path: Path) -> None:
    teacher = ScriptedTeacher()
    counts, _ = run(tmp_path, teacher, updated(target=1))
    kept = counts["kept"]
    assert isinstance(kept, int)
    assert kept >= 1
    assert counts["requests"] == 5 * len(teacher.calls) < 22


def test_nothing_kept_is_a_result(tmp_path: Path) -> None:
    teacher = ScriptedTeacher(lambda prompt, bits: reply("zqx vvk"))
    counts, _ = run(tmp_path, teacher)
    assert (counts["kept"], counts["rejected"]) == (0, {"no task": 22})
    assert read_instructions(tmp_path / "work" / "files" / "instructions.parquet") == []


def test_the_seed_changes_demonstrations_and_sampling(tmp_path: Path) -> None:
    calls = []
    for seed in (0, 1):
        teacher = ScriptedTeacher()
        work = Work(tmp_path / str(seed))
        synthesise(CONFIG, SEEDS, teacher, tmp_path / f"{seed}.sqlite", work, seed=seed)
        calls.append(teacher.calls)
    for (prompts, bits), (other_prompts, other_bits) in zip(*calls, strict=True):
        assert prompts != other_prompts
        assert bits != other_bits
        assert 0 <= bits < 2**63


def test_a_teacher_that_loses_a_prompt_is_an_error(tmp_path: Path) -> None:
    class Forgetful(ScriptedTeacher):
        def complete(self, prompts: object, seed: int) -> list[Reply]:
            return [reply("x")]

    with pytest.raises(StageError, match="gave 1 replies to 5 prompts"):
        run(tmp_path, Forgetful())


def test_the_ledger_knows_of_a_batch_before_the_teacher_does(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, ScriptedTeacher(fails_at=0, error=KeyboardInterrupt()))
    assert b"You write tasks" in (tmp_path / "ledger.sqlite").read_bytes()


def test_timings_say_how_much_was_asked(tmp_path: Path) -> None:
    for name, asked in (("first", 22), ("second", 0)):
        work = Work(tmp_path / name)
        synthesise(CONFIG, SEEDS, ScriptedTeacher(), tmp_path / "ledger.sqlite", work)
        assert work.timings["requests_asked"] == asked


@pytest.mark.parametrize("content", [b"", b"PAR1 not really PAR1"])
def test_a_file_that_is_not_of_instructions_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "instructions.parquet"
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"instructions\.parquet is not a file of instructions"):
        read_instructions(path)


def test_a_table_of_something_else_is_named(tmp_path: Path) -> None:
    run(tmp_path, ScriptedTeacher())
    with pytest.raises(ArtifactError, match=r"rejections\.parquet is not a file of instructions"):
        read_instructions(tmp_path / "work" / "files" / "rejections.parquet")


def test_a_missing_file_of_instructions_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="name the instructions"):
        read_instructions(tmp_path / "nowhere.parquet")

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from preceptor import draws
from preceptor.artifact import Work
from preceptor.errors import ArtifactError, BudgetReachedError, StageError
from preceptor.records import Reply
from preceptor.synthesis.config import SynthesisConfig
from preceptor.synthesis.ledger import Ledger
from preceptor.synthesis.parse import format_task
from preceptor.synthesis.passages import Passage
from preceptor.synthesis.stage import Sources, preview, synthesise
from preceptor.synthesis.tables import read_instructions
from preceptor.teachers.calls import Call
from tests.synthesis.scripted import SEEDS, WORDS, ScriptedModel, invented, later, models, reply

CONFIG = SynthesisConfig.model_validate({"requests": 22, "teacher": {"batch": 5}})
SOURCES = Sources(SEEDS)
Counts = dict[str, Any]


def run(
    folder: Path,
    model: ScriptedModel,
    config: SynthesisConfig = CONFIG,
    name: str = "work",
    seed: int = 0,
    sources: Sources = SOURCES,
) -> tuple[Counts, dict[str, bytes]]:
    """Counts and the bytes of the files; the ledger lies in the folder, the work under its name."""
    work = Work(folder / name)
    ledger = folder / "ledger.sqlite"
    counts = synthesise(config, sources, models(model), ledger, work, seed, course=name)
    return counts, {path.name: path.read_bytes() for path in work.files.iterdir()}


def rows_of(folder: Path, table: str, name: str = "work") -> list[dict[str, Any]]:
    path = folder / name / "files" / f"{table}.parquet"
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def updated(**changes: object) -> SynthesisConfig:
    given = CONFIG.model_dump() | changes
    return SynthesisConfig.model_validate(given)


def silent() -> ScriptedModel:
    return ScriptedModel(fails_at=0, error=AssertionError("asked again"))


def test_the_files_and_counts_of_a_run(tmp_path: Path) -> None:
    model = ScriptedModel()
    counts, files = run(tmp_path, model)
    assert sorted(files) == ["instructions.parquet", "rejections.parquet", "requests.parquet"]
    assert [len(batch) for batch in model.batches] == [5, 5, 5, 5, 2]
    rows = {name: rows_of(tmp_path, name) for name in ("instructions", "rejections", "requests")}
    assert counts["requests"] == len(rows["requests"]) == 22
    assert counts["kept"] == len(rows["instructions"]) > 0
    assert sum(counts["rejected"].values()) == len(rows["rejections"]) > 0
    assert list(counts["rejected"]) == sorted(counts["rejected"])
    assert {"banned word", "cut off", "no task"} <= set(counts["rejected"])
    assert sum(counts["kept_by_category"].values()) == counts["kept"]
    assert counts["prompt_tokens"] == 220
    assert counts["reply_tokens"] == sum(row["reply_tokens"] for row in rows["requests"])
    assert counts["replies_finished"] == sum(row["finished"] for row in rows["requests"]) < 22
    assert counts["ended"] == "all 22 requests were sent"
    prompts = [call.messages[0].content for batch in model.batches for call in batch]
    assert [row["prompt"] for row in rows["requests"]] == prompts


def test_instructions_are_read_back_with_their_provenance(tmp_path: Path) -> None:
    run(tmp_path, ScriptedModel())
    path = tmp_path / "work" / "files" / "instructions.parquet"
    instructions = read_instructions(path)
    first, row = instructions[0], rows_of(tmp_path, "instructions")[0]
    assert first.sampling == {"temperature": 0.8, "top_p": 0.95, "max_new_tokens": 512}
    assert json.loads(row["verdicts"]) == first.verdicts
    assert list(first.seed_ids) == row["seed_ids"]
    assert first.teacher == "scripted@" + "f" * 64
    assert len({instruction.id for instruction in instructions}) == len(instructions)


def test_a_run_that_was_killed_leaves_the_same_bytes(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    expected = run(whole, ScriptedModel())
    killed = ScriptedModel(fails_at=2, error=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        run(cut, killed)
    again = ScriptedModel()
    assert run(cut, again) == expected
    assert [len(batch) for batch in killed.batches] == [5, 5]
    assert [len(batch) for batch in again.batches] == [5, 5, 2]
    ids = [{call.id for batch in one.batches for call in batch} for one in (killed, again)]
    assert not ids[0] & ids[1]


@pytest.mark.parametrize("fails_at", range(6))
def test_so_does_one_with_further_calls(tmp_path: Path, fails_at: int) -> None:
    """Batches are formed in the same order whatever the ledger knows already."""
    config = updated(answers={"separate": True}, categories={"votes": 2}, requests=12)
    whole = ScriptedModel()
    expected = run(tmp_path / "whole", whole, config)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", ScriptedModel(fails_at=fails_at, error=KeyboardInterrupt()), config)
    again = ScriptedModel()
    assert run(tmp_path / "cut", again, config) == expected
    rest = [[call.id for call in batch] for batch in whole.batches][fails_at:]
    assert [[call.id for call in batch] for batch in again.batches] == rest


def test_a_second_run_asks_nothing(tmp_path: Path) -> None:
    expected = run(tmp_path, ScriptedModel())
    assert run(tmp_path, silent(), name="again") == expected


def test_other_filters_ask_nothing_and_more_requests_only_what_is_new(tmp_path: Path) -> None:
    run(tmp_path, ScriptedModel(), updated(requests=20))
    strict, _ = run(tmp_path, silent(), updated(requests=20, rouge_l=0.1), "strict")
    assert strict["rejected"]["too similar"] > 0
    lax, _ = run(tmp_path, silent(), updated(requests=20, filters={"off": ["banned_words"]}), "lax")
    assert "banned word" not in lax["rejected"]
    more = ScriptedModel()
    run(tmp_path, more, updated(requests=30), "more")
    assert [len(batch) for batch in more.batches] == [5, 5]


def test_one_seed_less_asks_only_what_showed_it(tmp_path: Path) -> None:
    run(tmp_path, ScriptedModel(), updated(requests=60))
    showed = [row for row in rows_of(tmp_path, "requests") if SEEDS[3].id in row["seed_ids"]]
    fewer = ScriptedModel()
    sources = Sources([one for one in SEEDS if one is not SEEDS[3]])
    run(tmp_path, fewer, updated(requests=60), "fewer", sources=sources)
    assert sum(map(len, fewer.batches)) == len(showed) > 0


def test_what_the_ledger_holds_does_not_decide(tmp_path: Path) -> None:
    short = updated(requests=7)
    fresh = run(tmp_path / "fresh", ScriptedModel(), short)
    run(tmp_path / "used", ScriptedModel())
    assert run(tmp_path / "used", silent(), short, "short") == fresh


def test_a_target_is_met_exactly(tmp_path: Path) -> None:
    model = ScriptedModel()
    counts, _ = run(tmp_path, model, updated(target=3))
    assert counts["kept"] == len(rows_of(tmp_path, "instructions")) == 3
    assert counts["ended"] == "the target of 3 is reached"
    assert sum(map(len, model.batches)) < 22


def test_nothing_kept_is_a_result(tmp_path: Path) -> None:
    counts, _ = run(tmp_path, ScriptedModel(lambda call: reply("zqx vvk")))
    assert (counts["kept"], counts["rejected"]) == (0, {"no task": 22})
    assert read_instructions(tmp_path / "work" / "files" / "instructions.parquet") == []


def test_the_seed_changes_demonstrations_and_sampling(tmp_path: Path) -> None:
    first, second = ScriptedModel(), ScriptedModel()
    run(tmp_path / "0", first, seed=0)
    run(tmp_path / "1", second, seed=1)
    calls = [[call for batch in model.batches for call in batch] for model in (first, second)]
    for one, other in zip(*calls, strict=True):
        assert one.messages != other.messages
        assert one.seed != other.seed
        assert 0 <= one.seed < 2**63


def test_a_teacher_that_loses_a_call_is_an_error(tmp_path: Path) -> None:
    class Forgetful(ScriptedModel):
        def complete(self, calls: object) -> list[Reply]:
            return [reply("x")]

    with pytest.raises(StageError, match="gave 1 replies to 5 calls"):
        run(tmp_path, Forgetful())


def test_the_ledger_knows_of_a_batch_before_the_teacher_does(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, ScriptedModel(fails_at=0, error=KeyboardInterrupt()))
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        assert ledger._row("SELECT COUNT(*) FROM calls WHERE state = 'asked'") == (5,)


def test_timings_say_how_much_was_asked(tmp_path: Path) -> None:
    for name, asked in (("first", 22), ("second", 0)):
        work = Work(tmp_path / name)
        ledger = tmp_path / "ledger.sqlite"
        synthesise(CONFIG, SOURCES, models(ScriptedModel()), ledger, work)
        assert work.timings["requests_asked"] == asked
        assert work.timings["paid"]["calls"] == 22


def test_a_budget_stops_before_it_is_exceeded_and_the_run_goes_on_with_more(tmp_path: Path) -> None:
    expected = run(tmp_path / "whole", ScriptedModel())
    model = ScriptedModel()
    with pytest.raises(BudgetReachedError, match=r"budget of 12 calls is reached.*budget\.calls"):
        run(tmp_path / "cut", model, updated(budget={"calls": 12}))
    assert sum(map(len, model.batches)) == 10
    again = ScriptedModel()
    assert run(tmp_path / "cut", again, updated(budget={"calls": 22})) == expected
    assert sum(map(len, again.batches)) == 12


def test_a_call_that_cannot_be_asked_is_a_rejection_with_its_reason(tmp_path: Path) -> None:
    seeds = [SEEDS[0], *SEEDS[1:3]]
    long = Sources([*seeds[:2], type(seeds[2])(**_fields(seeds[2], instruction="too long a one"))])
    counts, _ = run(tmp_path, silent(), updated(requests=4), sources=long)
    assert counts["calls_failed"] == 4
    assert counts["rejected"] == {"call failed": 4}
    details = {row["detail"] for row in rows_of(tmp_path, "rejections")}
    assert details == {"the prompt does not fit into the context"}


def _fields(seed: Any, **changes: object) -> dict[str, Any]:
    return {name: getattr(seed, name) for name in seed.__dataclass_fields__} | changes


def test_a_passage_is_the_input_and_its_id_is_kept(tmp_path: Path) -> None:
    passages = [Passage(f"p{n}", f"Abstract {n}: aspirin and gout.", "abstracts") for n in range(4)]

    def about(call: Call) -> Reply:
        assert "aspirin and gout" in call.messages[0].content
        words = [draws.choose(WORDS, call.seed, place) for place in range(7)]
        return reply(format_task(f"Explain {' '.join(words)}.", "", "It is about aspirin."))

    config = updated(requests=4, passages={"path": "abstracts", "as_input": True})
    run(tmp_path, ScriptedModel(about), config, sources=Sources(SEEDS, passages))
    kept = read_instructions(tmp_path / "work" / "files" / "instructions.parquet")
    assert {one.passage_id for one in kept} == {"p0", "p1", "p2", "p3"}
    assert all(one.input == f"Abstract {one.passage_id[1]}: aspirin and gout." for one in kept)


def test_votes_and_answers_by_other_models_are_asked_of_them(tmp_path: Path) -> None:
    local = {"model": "other"}
    config = updated(
        answers={"separate": True, "teacher": local},
        categories={"votes": 1, "teacher": local},
        requests=10,
    )
    teacher, answers, votes = ScriptedModel(), ScriptedModel(later), ScriptedModel(later)
    named = models(teacher, "answers", "votes")
    here = {"teacher": teacher, "answers": answers, "votes": votes}
    named = type(named)(named.names, here)
    synthesise(config, SOURCES, named, tmp_path / "ledger.sqlite", Work(tmp_path / "work"))
    kinds = [{c.kind for b in one.batches for c in b} for one in (teacher, answers, votes)]
    assert kinds == [{"task"}, {"answer"}, {"vote"}]


def test_a_reply_that_had_to_be_mended_is_flagged_and_counted(tmp_path: Path) -> None:
    def nearly(call: Call) -> Reply:
        words = " ".join(draws.choose(WORDS, call.seed, place) for place in range(7))
        return reply(f"{{'tasks': [{{'instruction': 'Explain {words}.', 'output': 'So.',}}]}}")

    counts, _ = run(tmp_path, ScriptedModel(nearly), updated(requests=4))
    kept = read_instructions(tmp_path / "work" / "files" / "instructions.parquet")
    assert kept
    assert all(one.flags["repaired"] for one in kept)
    assert counts["flags"]["repaired"] == len(kept)


def test_a_preview_leaves_its_replies_to_the_run(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite"
    found = preview(CONFIG, SOURCES, models(ScriptedModel(invented)), ledger, 0, 2)
    assert [one.instruction for one in found.kept_records]
    assert found.ended == "the target of 2 is reached"
    assert found.to_json()["counts"]["kept"] == len(found.kept_records) == 2
    rest = ScriptedModel()
    run(tmp_path, rest)
    kept = read_instructions(tmp_path / "work" / "files" / "instructions.parquet")
    assert kept[:2] == found.kept_records
    assert sum(map(len, rest.batches)) < 22


@pytest.mark.parametrize("content", [b"", b"PAR1 not really PAR1"])
def test_a_file_that_is_not_of_instructions_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "instructions.parquet"
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"instructions\.parquet is not a file of instructions"):
        read_instructions(path)


def test_a_table_of_something_else_is_named(tmp_path: Path) -> None:
    run(tmp_path, ScriptedModel())
    with pytest.raises(ArtifactError, match=r"rejections\.parquet is not a file of instructions"):
        read_instructions(tmp_path / "work" / "files" / "rejections.parquet")


def test_a_missing_file_of_instructions_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="name the instructions"):
        read_instructions(tmp_path / "nowhere.parquet")

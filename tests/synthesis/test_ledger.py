import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from preceptor.errors import ArtifactError, StorageError
from preceptor.records import Reply
from preceptor.synthesis.config import SynthesisConfig
from preceptor.synthesis.ledger import Ledger
from preceptor.synthesis.requests import Request, batches
from preceptor.synthesis.seedbank import load_seeds
from tests.synthesis.scripted import ScriptedTeacher

SEEDS = load_seeds("biomedical")
CONFIG = SynthesisConfig.model_validate({"requests": 6, "teacher": {"batch": 3}})
FIRST, SECOND = (batch.requests for batch in batches(CONFIG, SEEDS, ScriptedTeacher(), 0))
REPLIES = [Reply("a", 1, 2, True), Reply("", 3, 0, True), Reply("ü\n'", 5, 6, False)]
SAMPLING = CONFIG.teacher.sampling()


def filled(path: Path) -> Path:
    with Ledger(path) as ledger:
        ledger.ask(FIRST, "t", SAMPLING)
        ledger.answer(FIRST, REPLIES)
    return path


def test_replies_outlive_the_process_in_order(tmp_path: Path) -> None:
    with Ledger(filled(tmp_path / "deep" / "ledger.sqlite")) as ledger:
        assert ledger.replies(FIRST) == REPLIES
        assert ledger.replies(SECOND) is None


def test_a_batch_that_was_only_asked_has_no_replies(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        ledger.ask(FIRST, "t", SAMPLING)
    with Ledger(path) as ledger:
        assert ledger.replies(FIRST) is None
        ledger.ask(FIRST, "t", SAMPLING)
        ledger.answer(FIRST, REPLIES)
        assert ledger.replies(FIRST) == REPLIES


def test_a_batch_with_one_reply_missing_is_missing_whole(tmp_path: Path) -> None:
    path = filled(tmp_path / "ledger.sqlite")
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("DELETE FROM requests WHERE id = ?", (FIRST[1].id,))
    connection.close()
    with Ledger(path) as ledger:
        assert ledger.replies(FIRST) is None


def test_a_batch_is_answered_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        ledger.ask(FIRST, "t", SAMPLING)
        with pytest.raises(sqlite3.IntegrityError):
            ledger.answer(FIRST, [*REPLIES[:2], Reply(None, 1, 1, True)])  # type: ignore[arg-type]
        assert ledger.replies(FIRST) is None
    with Ledger(path) as ledger:
        ledger.answer(FIRST, REPLIES)
        assert ledger.replies(FIRST) == REPLIES


def test_a_full_disk_is_named_and_the_replies_stay(tmp_path: Path) -> None:
    path = filled(tmp_path / "ledger.sqlite")
    with Ledger(path) as ledger:
        ledger._connection.execute("PRAGMA max_page_count = 1")
        with pytest.raises(StorageError, match=r"no space is left.*ledger\.sqlite"):
            ledger.ask([replace(r, prompt="x" * 100_000) for r in SECOND], "t", SAMPLING)
        assert ledger.replies(FIRST) == REPLIES


def test_a_row_says_what_was_asked_and_how(tmp_path: Path) -> None:
    connection = sqlite3.connect(filled(tmp_path / "ledger.sqlite"))
    row = connection.execute(
        "SELECT prompt, prompt_sha256, seed_ids, teacher, sampling, state FROM requests LIMIT 1"
    ).fetchone()
    connection.close()
    assert row == (
        FIRST[0].prompt,
        FIRST[0].prompt_sha256,
        '["' + '", "'.join(FIRST[0].seed_ids) + '"]',
        "t",
        '{"dtype": "auto", "max_new_tokens": 192, "temperature": 0.8, "top_p": 0.95}',
        "answered",
    )


@pytest.mark.parametrize(
    ("kept_bytes", "message"),
    [
        (0, r"damaged \(it has 0 bytes\); put a copy of it back"),
        (1, "damaged"),
        (50, "damaged"),
        (100, "damaged"),
        (5_000, "damaged"),
    ],
)
def test_a_truncated_ledger_is_named(tmp_path: Path, kept_bytes: int, message: str) -> None:
    path = filled(tmp_path / "ledger.sqlite")
    path.write_bytes(path.read_bytes()[:kept_bytes])
    with pytest.raises(ArtifactError, match=rf"ledger\.sqlite is {message}"):
        Ledger(path)


def test_a_file_of_something_else_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_text("instruction,input,output\n" * 100)
    with pytest.raises(ArtifactError, match=r"ledger\.sqlite is damaged .*put a copy of it back"):
        Ledger(path)


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE requests (id TEXT)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(ArtifactError, match="is not a synthesis ledger"):
        Ledger(path)
    assert path.read_bytes() == before


def test_a_page_overwritten_with_noise_is_found_at_opening(tmp_path: Path) -> None:
    path = filled(tmp_path / "ledger.sqlite")
    content = bytearray(path.read_bytes())
    content[4096:4196] = b"\xa5" * 100
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"ledger\.sqlite is damaged"):
        Ledger(path)


def ids(requests: tuple[Request, ...]) -> list[str]:
    return [request.id for request in requests]


def test_ids_follow_weights_sampling_seed_and_prompts_and_nothing_else() -> None:
    def all_ids(config: SynthesisConfig, teacher: ScriptedTeacher, seed: int) -> list[str]:
        return [r.id for batch in batches(config, SEEDS, teacher, seed) for r in batch.requests]

    def changed(**teacher: object) -> SynthesisConfig:
        return CONFIG.model_copy(update={"teacher": CONFIG.teacher.model_copy(update=teacher)})

    plain = all_ids(CONFIG, ScriptedTeacher(), 0)
    assert plain == ids(FIRST) + ids(SECOND)
    assert len(set(plain)) == 6
    for config, teacher, seed in (
        (changed(temperature=0.7), ScriptedTeacher(), 0),
        (changed(max_new_tokens=9), ScriptedTeacher(), 0),
        (CONFIG, ScriptedTeacher(fingerprint="e" * 64), 0),
        (CONFIG, ScriptedTeacher(), 1),
        (CONFIG.model_copy(update={"tasks_per_request": 2}), ScriptedTeacher(), 0),
    ):
        assert not set(plain) & set(all_ids(config, teacher, seed))
    for update in ({"rouge_l": 0.5}, {"target": 1}, {"requests": 8}):
        more = all_ids(CONFIG.model_copy(update=update), ScriptedTeacher(), 0)
        assert more[:6] == plain

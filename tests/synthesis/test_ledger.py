import asyncio
import sqlite3
from pathlib import Path

import pytest

from preceptor.errors import ArtifactError, StorageError
from preceptor.records import Reply
from preceptor.synthesis.commits import Commits
from preceptor.synthesis.ledger import Ledger
from preceptor.synthesis.ledger_entries import (
    Verdict,
    answering,
    asking,
    charging,
    closing,
    failing,
    judging,
)
from preceptor.teachers.calls import Call, Message, Sampling, make_call


def call(number: int, text: str = "Write one task.") -> Call:
    messages = [Message("system", "You write tasks."), Message("user", f"{text} {number}")]
    note = {"request": number, "seeds": ["bio-001", "bio-002"]}
    return make_call("m@1", "task", "teacher", messages, Sampling(), number, note=note)


CALLS = [call(number) for number in range(3)]
REPLIES = [
    Reply("a", 1, 2, True, 0.25, "m-2023"),
    Reply("", 3, 0, True),
    Reply("ü\n'", 5, 6, False, 0.5),
]


def filled(path: Path) -> Path:
    with Ledger(path) as ledger:
        ledger.write(asking(one, "m@1") for one in CALLS)
        ledger.write(answering(one, reply) for one, reply in zip(CALLS, REPLIES, strict=True))
    return path


def test_replies_outlive_the_process(tmp_path: Path) -> None:
    with Ledger(filled(tmp_path / "deep" / "ledger.sqlite")) as ledger:
        assert [ledger.outcome(one.id) for one in CALLS] == REPLIES
        assert ledger.outcome(call(9).id) is None


def test_a_call_that_was_only_asked_has_no_outcome_and_is_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        ledger.write([asking(CALLS[0], "m@1")])
    with Ledger(path) as ledger:
        assert ledger.outcome(CALLS[0].id) is None
        ledger.write([asking(CALLS[0], "m@1"), answering(CALLS[0], REPLIES[0])])
        assert ledger.outcome(CALLS[0].id) == REPLIES[0]


def test_asking_again_does_not_lose_a_reply(tmp_path: Path) -> None:
    with Ledger(filled(tmp_path / "ledger.sqlite")) as ledger:
        ledger.write([asking(CALLS[0], "m@1")])
        assert ledger.outcome(CALLS[0].id) == REPLIES[0]


def test_a_failed_call_says_why(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.write([asking(CALLS[0], "m@1"), failing(CALLS[0], "the prompt is too long")])
        assert ledger.outcome(CALLS[0].id) == "the prompt is too long"


def test_entries_are_written_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.write(asking(one, "m@1") for one in CALLS)
        broken = answering(CALLS[1], Reply(None, 1, 1, True))  # type: ignore[arg-type]
        with pytest.raises(sqlite3.IntegrityError):
            ledger.write([answering(CALLS[0], REPLIES[0]), broken])
        assert ledger.outcome(CALLS[0].id) is None


def test_totals_count_replies_and_lost_attempts_of_every_run(tmp_path: Path) -> None:
    path = filled(tmp_path / "ledger.sqlite")
    with Ledger(path) as ledger:
        ledger.write([charging(CALLS[0].id, "timed out", 100, 0.125)])
    with Ledger(path) as ledger:
        totals = ledger.totals()
    assert (totals.dollars, totals.tokens, totals.calls) == (0.875, 117, 4)


def test_what_was_on_its_way_at_a_kill_is_charged_once(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        ledger.write(asking(one, "m@1", 100, 0.5) for one in CALLS)
        ledger.write([answering(CALLS[0], REPLIES[0]), closing(CALLS[1].id)])
    with Ledger(path) as ledger:
        assert ledger.charge_what_was_cut() == 1
        totals = ledger.totals()
        assert (totals.dollars, totals.tokens, totals.calls) == (0.75, 103, 2)
        assert ledger.charge_what_was_cut() == 0
        assert ledger.totals() == totals
        assert ledger.outcome(CALLS[2].id) is None


def test_a_model_is_observed_by_its_replies_and_by_what_was_kept_of_them(tmp_path: Path) -> None:
    few = [
        make_call(
            "m@1", "task", "teacher", [Message("user", "x")], Sampling(), n, note={"tasks": n}
        )
        for n in (1, 2, 4)
    ]
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        for one, tokens in zip(few, (100, 200, 400), strict=True):
            ledger.write([asking(one, "m@1"), answering(one, Reply("t", 5, tokens, True))])
        ledger.write(
            judging("c", Verdict(f"t{n}", few[n].id, 0, verdict, "", "", None))
            for n, verdict in enumerate(("kept", "too similar", "kept"))
        )
        found, other = ledger.observed("m@1"), ledger.observed("m@2")
    assert (found.replies, found.mean, found.low, found.high) == (3, 100, 100, 100)
    assert (found.judged, found.kept) == (3, 2)
    assert (other.replies, other.judged) == (0, 0)


def test_a_call_is_found_with_all_that_is_known_of_it(tmp_path: Path) -> None:
    with Ledger(filled(tmp_path / "ledger.sqlite")) as ledger:
        found = ledger.call(CALLS[0].id)
    assert found is not None
    assert found["messages"] == [["system", "You write tasks."], ["user", "Write one task. 0"]]
    assert found["note"] == {"request": 0, "seeds": ["bio-001", "bio-002"]}
    assert found["sampling"] == Sampling().to_json()
    assert (found["model"], found["state"], found["answered_by"]) == ("m@1", "answered", "m-2023")
    assert found["asked_at"] <= found["answered_at"]


def test_verdicts_stand_by_course_and_the_last_one_counts(tmp_path: Path) -> None:
    first = Verdict("t-0", CALLS[0].id, 0, "kept", "", "bio-001", 0.5)
    other = Verdict("t-0", CALLS[0].id, 0, "too similar", "ROUGE-L 0.8", "", None)
    with Ledger(filled(tmp_path / "ledger.sqlite")) as ledger:
        ledger.write([judging("a", first), judging("b", first), judging("b", other)])
        found = {row["course"]: row["verdict"] for row in ledger.verdict("t-0")}
    assert found == {"a": "kept", "b": "too similar"}


def test_calls_about_a_task_are_found(tmp_path: Path) -> None:
    about = make_call(
        *("m@1", "answer", "teacher", [Message("user", "Answer.")], Sampling(), 1),
        note={"task": "t-0", "part": 0},
    )
    with Ledger(filled(tmp_path / "ledger.sqlite")) as ledger:
        ledger.write([asking(about, "m@1")])
        assert [found["id"] for found in ledger.calls_about("t-0")] == [about.id]


def test_commits_from_an_event_loop_are_all_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    many = [call(number) for number in range(300)]

    async def write(ledger: Ledger) -> None:
        commits = Commits(ledger)
        commits.later(judging("a", Verdict("t", many[0].id, 0, "kept", "", "", None)))
        await asyncio.gather(*(commits.write(asking(one, "m@1")) for one in many))
        await asyncio.gather(*(commits.write(answering(one, REPLIES[0])) for one in many))
        # What has been waited for is there for every other connection.
        with Ledger(path) as other:
            assert all(other.outcome(one.id) == REPLIES[0] for one in many)
        commits.later(judging("b", Verdict("t", many[0].id, 0, "kept", "", "", None)))
        await commits.flush()
        commits.close()

    with Ledger(path) as ledger:
        asyncio.run(write(ledger))
        assert {row["course"] for row in ledger.verdict("t")} == {"a", "b"}


def test_what_waits_when_an_interrupt_comes_twice_is_written_all_the_same(tmp_path: Path) -> None:
    async def write(ledger: Ledger) -> None:
        commits = Commits(ledger)
        commits.later(asking(CALLS[0], "m@1"))
        commits.later(charging(CALLS[0].id, "interrupted", 7, 0.5))
        commits.close()

    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        asyncio.run(write(ledger))
        assert ledger.totals().tokens == 7


def test_a_failed_commit_is_told_to_all_that_wait_for_it(tmp_path: Path) -> None:
    async def write(ledger: Ledger) -> list[object]:
        commits = Commits(ledger)
        ledger._writes.execute("PRAGMA max_page_count = 1")
        big = [call(number, "x" * 100_000) for number in range(3)]
        found = await asyncio.gather(
            *(commits.write(asking(one, "m@1")) for one in big), return_exceptions=True
        )
        commits.close()
        return list(found)

    with Ledger(filled(tmp_path / "ledger.sqlite")) as ledger:
        assert all(isinstance(found, StorageError) for found in asyncio.run(write(ledger)))


def test_a_full_disk_is_named_and_the_replies_stay(tmp_path: Path) -> None:
    with Ledger(filled(tmp_path / "ledger.sqlite")) as ledger:
        ledger._writes.execute("PRAGMA max_page_count = 1")
        with pytest.raises(StorageError, match=r"no space is left.*ledger\.sqlite"):
            ledger.write([asking(call(7, "x" * 100_000), "m@1")])
        assert ledger.outcome(CALLS[0].id) == REPLIES[0]


def test_a_ledger_of_another_version_is_named(tmp_path: Path) -> None:
    path = filled(tmp_path / "ledger.sqlite")
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 1")
    connection.close()
    with pytest.raises(ArtifactError, match="of version 1, and this Preceptor reads version 3"):
        Ledger(path)


def test_ids_follow_all_that_decides_a_reply_and_nothing_else() -> None:
    messages = [Message("user", "Write one task.")]

    def id(**changes: object) -> str:
        given = {
            "model": "m@1",
            "kind": "task",
            "role": "teacher",
            "messages": messages,
            "sampling": Sampling(),
            "seed": 0,
        }
        return make_call(**(given | changes)).id  # type: ignore[arg-type]

    different = [
        {"model": "m@2"},
        {"kind": "vote"},
        {"messages": [Message("system", "Write one task.")]},
        {"messages": [*messages, Message("assistant", "Instruction:")]},
        {"sampling": Sampling(temperature=0.5)},
        {"sampling": Sampling(stop=("###",))},
        {"seed": 1},
        {"schema": {"type": "object"}},
        {"opening": "Instruction:"},
    ]
    found = {id(), *(id(**change) for change in different)}
    assert len(found) == len(different) + 1
    assert id(note={"request": 7}) == id(role="answers") == id()


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

"""Conversations survive every format that can hold them, and no other takes them quietly."""

import json
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from preceptor.data.conversation import Conversation, RecordProblem, Turn, exchanges, single
from preceptor.data.files import ENDINGS
from preceptor.data.formats import FORMATS, format_of, read_conversations, write_conversations
from preceptor.data.tally import Tally
from preceptor.errors import RowError
from tests.data.made import conversations, single_exchanges

LISTS = ("sharegpt", "messages")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("formats")


def through(folder: Path, name: str, ending: str, given: list[Conversation]) -> list[Conversation]:
    path = folder / f"{name}{ending}"
    write_conversations(path, name, given, Tally())
    return list(read_conversations(path, name, Tally()))


@pytest.mark.parametrize("ending", ENDINGS)
@given(given_=st.lists(single_exchanges(), min_size=1, max_size=4))
def test_single_exchanges_survive_every_format(
    folder: Path, ending: str, given_: list[Conversation]
) -> None:
    for name in FORMATS:
        assert through(folder, name, ending, given_) == given_


@pytest.mark.parametrize("ending", ENDINGS)
@given(given_=st.lists(conversations(), min_size=1, max_size=4))
def test_any_conversation_survives_the_lists_of_turns(
    folder: Path, ending: str, given_: list[Conversation]
) -> None:
    for name in LISTS:
        assert through(folder, name, ending, given_) == given_


@given(given_=conversations())
def test_alpaca_holds_a_conversation_whole_or_refuses_it(given_: Conversation) -> None:
    form = FORMATS["alpaca"]
    try:
        record = form.dump(given_)
    except RecordProblem:
        return
    assert form.parse(record, Counter()) == given_


@given(given_=single_exchanges())
def test_a_record_goes_through_all_formats_in_turn(folder: Path, given_: Conversation) -> None:
    there = [given_]
    for name in ("alpaca", "sharegpt", "messages", "alpaca"):
        there = through(folder, name, ".jsonl", there)
    assert there == [given_]


def parsed(name: str, record: dict[str, object], notes: Counter[str] | None = None) -> Conversation:
    return FORMATS[name].parse(record, Counter() if notes is None else notes)


def test_sharegpt_is_read_under_either_formats_names() -> None:
    turns = (Turn("user", "Hi."), Turn("assistant", "Hello."))
    for sides in (("human", "gpt"), ("user", "assistant"), ("Human", "chatgpt")):
        values = [{"from": side, "value": t.content} for side, t in zip(sides, turns, strict=True)]
        assert parsed("sharegpt", {"conversations": values}).turns == turns
    contents = [{"role": t.role, "content": t.content} for t in turns]
    assert parsed("sharegpt", {"conversations": contents, "system": "Be kind."}) == Conversation(
        turns, "Be kind."
    )


def test_messages_may_be_cut_into_parts_of_text() -> None:
    content = [{"type": "text", "text": "Good "}, {"type": "text", "text": "day."}]
    messages = [{"role": "user", "content": content}, {"role": "assistant", "content": "Yes."}]
    assert parsed("messages", {"messages": messages}).turns[0].content == "Good day."


def test_other_fields_of_a_record_are_kept_and_those_of_a_turn_counted() -> None:
    notes: Counter[str] = Counter()
    record = {
        "id": 7,
        "difficulty": 3,
        "metadata": {"topic": "sepsis"},
        "messages": [
            {"role": "user", "content": "Q", "name": "Ann"},
            {"role": "assistant", "content": "A", "weight": 0},
        ],
    }
    found = parsed("messages", record, notes)
    assert (found.id, dict(found.extra)) == ("7", {"difficulty": 3, "topic": "sepsis"})
    assert dict(notes) == {"a turn's 'name' left behind": 1, "a turn's 'weight' left behind": 1}


def test_alpacas_history_is_read_as_earlier_turns() -> None:
    record = {"instruction": "And now?", "output": "Yes.", "history": [["Q", "A"]], "system": "S"}
    found = parsed("alpaca", record)
    assert [turn.text for turn in found.turns] == ["Q", "A", "And now?", "Yes."]
    assert found.system == "S"
    assert [one.output for one in exchanges(found)] == ["A", "Yes."]


@pytest.mark.parametrize(
    ("name", "record", "problem"),
    [
        ("alpaca", {"instruction": "Do.", "input": ""}, "output is missing; the record has inst"),
        ("alpaca", {"instruction": " ", "output": "x"}, "instruction is empty"),
        ("alpaca", {"instruction": "Do.", "output": 3}, "output is no text but int"),
        ("alpaca", {"instruction": "Do.", "output": "x", "history": "h"}, "history is no list"),
        ("sharegpt", {"conversations": []}, "conversations is no list of turns"),
        ("sharegpt", {"conversations": ["x"]}, "turn 1 is no object"),
        ("sharegpt", {"conversations": [{"from": "tool", "value": "x"}]}, "side 'tool' is unknown"),
        ("sharegpt", {"conversations": [{"from": "system", "value": "x"}]}, "nothing but the sys"),
        ("messages", {"messages": [{"role": "user", "content": None}]}, "turn 1 says nothing"),
        (
            "messages",
            {"messages": [{"role": "user", "content": "a"}, {"role": "system", "content": "b"}]},
            "turn 2 is the system's",
        ),
        (
            "messages",
            {"messages": [{"role": "user", "content": [{"type": "image_url", "url": "u"}]}]},
            "turn 1 says nothing that is text",
        ),
    ],
)
def test_what_is_wrong_with_a_record_is_said(
    name: str, record: dict[str, object], problem: str
) -> None:
    with pytest.raises(RecordProblem, match=problem):
        parsed(name, record)


def test_exchanges_need_sides_in_turn() -> None:
    question, answer = Turn("user", "Q"), Turn("assistant", "A")
    for turns, problem in [
        ((answer,), "begins with the assistant"),
        ((question, question), "two user's turns in a row"),
        ((question, answer, question), "ends in a question"),
    ]:
        with pytest.raises(RecordProblem, match=problem):
            list(exchanges(Conversation(turns)))


def test_a_conversation_that_a_format_cannot_hold_stops_or_is_counted(tmp_path: Path) -> None:
    turns = (Turn("user", "Q"), Turn("assistant", "A"))
    given_ = [Conversation(turns * 2, id="long"), Conversation(turns, id="short")]
    path = tmp_path / "out.jsonl"
    with pytest.raises(RowError, match="record long: Alpaca holds one exchange, and the conv"):
        write_conversations(path, "alpaca", given_, Tally())
    assert list(tmp_path.iterdir()) == []
    tally = Tally(skip=True)
    write_conversations(path, "alpaca", given_, tally)
    assert (tally.records, sum(tally.skipped.values())) == (1, 1)
    assert json.loads(path.read_text())["id"] == "short"
    with pytest.raises(RowError, match=r"nothing is left to write .*one exchange"):
        write_conversations(path, "alpaca", given_[:1], Tally(skip=True))
    assert json.loads(path.read_text())["id"] == "short"  # what was there stays


def test_parquet_columns_are_those_of_the_format(tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    write_conversations(path, "messages", [single("Q", "", "A", extra={"n": [1]})], Tally())
    table = pq.read_table(path)
    assert table.column_names == ["messages", "id", "source", "metadata"]
    assert table.to_pylist()[0]["metadata"] == '{"n": [1]}'


def test_a_files_format_is_recognised_by_its_first_record(tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    for name in FORMATS:
        write_conversations(path, name, [single("Q", "", "A")], Tally())
        assert format_of(path) == name
    path.write_text('[{"prompt": "Q", "completion": "A"}]')
    with pytest.raises(RowError, match=r"record 1: none of alpaca, .* has the fields prompt, comp"):
        format_of(path)

"""Instruction sets come in ready to be mixed: rows, a task file, nothing lost without a word."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preceptor.data.conversation import Conversation, Turn, exchanges, single
from preceptor.data.formats import FORMATS, write_conversations
from preceptor.data.instructions import Imported, Wanted, import_instructions
from preceptor.data.tally import Tally
from preceptor.errors import ArtifactError, RowError, TaskError
from preceptor.records import Example
from preceptor.tasks.lint import lint_task
from preceptor.tasks.source import read_rows
from preceptor.tasks.task import prepare
from preceptor.tasks.taskfile import read_task
from preceptor.tasks.template import render
from tests.data.made import SAID

SEVERAL = Conversation(
    (
        Turn("user", "Hi."),
        Turn("assistant", "Hello."),
        Turn("user", "And this?", "5 mg"),
        Turn("assistant", "A dose."),
    ),
    system="Be brief.",
    id="several",
)


def imported(
    root: Path, given_: list[Conversation], name: str = "own", form: str = "messages", **more: Any
) -> Imported:
    path = root / f"{form}.jsonl"
    write_conversations(path, form, given_, Tally())
    wanted = Wanted(name, **more)
    return import_instructions(path, form, wanted, root, True, Tally())


def examples(root: Path, made: Imported, template: str = "as_written") -> list[Example]:
    task = read_task(made.folder / f"{made.task.task.name}.yaml")
    chosen = next(one for one in task.templates if one.id == template)
    rows = read_rows(task, "train", root)
    return [render(task, chosen, ready, row) for row in rows if (ready := prepare(task, row))]


@pytest.mark.parametrize("store", ["jsonl", "parquet"])
def test_a_set_of_single_exchanges_is_rows_of_three_texts(tmp_path: Path, store: str) -> None:
    given_ = [
        single("Name it.", "5 mg", "A dose.", id="a", source="notes", extra={"n": 1}),
        single("Say hello.", "", "Hello.", id="b"),
    ]
    made = imported(tmp_path, given_, store=store)
    assert (made.rows, made.survey.own_ids) == (2, True)
    assert made.task.task.fields == {
        "id": "str",
        **dict.fromkeys(("instruction", "input", "output"), "str"),
    }
    found = examples(tmp_path, made)
    assert [(one.prompt, one.target) for one in found] == [
        ("Name it.\n\n5 mg", "A dose."),
        ("Say hello.", "Hello."),
    ]
    assert [one.row for one in found] == ["own/train/a", "own/train/b"]
    if store == "jsonl":
        first = json.loads((made.folder / "train.jsonl").read_text().split("\n")[0])
        assert first["source"] == "notes"
        assert first["metadata"] == {"n": 1}


@pytest.mark.parametrize("store", ["jsonl", "parquet"])
def test_every_exchange_of_a_conversation_is_an_example_after_what_was_said_before(
    tmp_path: Path, store: str
) -> None:
    made = imported(tmp_path, [SEVERAL, single("Go.", "", "Gone.")], store=store)
    assert (made.rows, made.survey.exchanges, made.survey.several) == (2, 3, 1)
    found = examples(tmp_path, made)
    assert [(one.prompt, one.target) for one in found] == [
        ("Be brief.\n\nHi.", "Hello."),
        ("Be brief.\n\nUser: Hi.\n\nAssistant: Hello.\n\nAnd this?\n\n5 mg", "A dose."),
        ("Go.", "Gone."),
    ]
    assert found[1].row.endswith("#1")


def test_empty_answers_are_rows_that_the_task_leaves_out(tmp_path: Path) -> None:
    made = imported(tmp_path, [single("Go.", "", " "), single("Come.", "", "Here.")])
    assert (made.rows, made.survey.without_output) == (2, 1)
    assert [one.target for one in examples(tmp_path, made)] == ["Here."]


def test_sources_of_records_are_provenance(tmp_path: Path) -> None:
    names = ["SQuAD v2", "", "bio-asq", "SQuAD v2", "own", "数据"]
    made = imported(tmp_path, [single(f"Do {n}.", "", "x", source=s) for n, s in enumerate(names)])
    assert made.task.task.provenance == ("own", "bio_asq", "squad_v2")
    many = [single(f"Do {n}.", "", "x", source=f"s{n // 2 if n < 4 else n}") for n in range(300)]
    found = imported(tmp_path, many).task.task.provenance
    assert (len(found), found[0], {"s0", "s1"} <= set(found)) == (201, "own", True)
    assert list(found[1:]) == sorted(found[1:])
    assert imported(tmp_path, many, provenance=("mine",)).task.task.provenance == ("mine",)


def test_ids_are_made_where_the_files_do_not_serve(tmp_path: Path) -> None:
    made = imported(tmp_path, [single("Go.", "", "x", id="a"), single("Come.", "", "y", id="a")])
    lines = (made.folder / "train.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["id"] for row in rows] == ["own-000000", "own-000001"]
    assert rows[0]["metadata"] == {"id": "a"}


@given(st.lists(st.tuples(SAID, SAID, SAID), min_size=1, max_size=4))
@settings(max_examples=25)
def test_the_first_template_asks_in_the_files_own_words(
    tmp_path_factory: pytest.TempPathFactory, texts: list[tuple[str, str, str]]
) -> None:
    root = tmp_path_factory.mktemp("own")
    made = imported(root, [single(*text) for text in texts])
    wanted = [(f"{a}\n\n{b}".strip(), c.strip()) for a, b, c in texts]
    assert [(one.prompt, one.target) for one in examples(root, made)] == wanted


@pytest.mark.parametrize("given_", [[single("Go.", "now", "x")], [SEVERAL]], ids=["one", "several"])
def test_lint_finds_nothing_wrong_with_the_templates(
    tmp_path: Path, given_: list[Conversation]
) -> None:
    made = imported(tmp_path, given_)
    task = made.task.task
    assert len(task.templates) == 10
    assert lint_task(task, read_rows(task, "train", tmp_path)) == []


def test_what_makes_no_example_is_refused_and_nothing_is_left_behind(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    question = Conversation((Turn("user", "Q"),))
    write_conversations(path, "messages", [single("Go.", "", "x"), question], Tally())
    with pytest.raises(RowError, match=r"bad\.jsonl, line 2: the conversation ends in a question"):
        import_instructions(path, "messages", Wanted("own"), tmp_path, False, Tally())
    assert [p.name for p in tmp_path.iterdir()] == ["bad.jsonl"]
    tally = Tally(skip=True)
    assert import_instructions(path, "messages", Wanted("own"), tmp_path, False, tally).rows == 1
    assert sum(tally.skipped.values()) == 1


def test_only_what_an_import_wrote_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    write_conversations(path, "messages", [single("Go.", "", "x")], Tally())

    def again(overwrite: bool) -> Imported:
        return import_instructions(path, "messages", Wanted("own"), tmp_path, overwrite, Tally())

    again(False)
    with pytest.raises(ArtifactError, match="is there already"):
        again(False)
    again(True)
    (tmp_path / "own" / "test.jsonl").write_text("{}\n")
    with pytest.raises(ArtifactError, match=r"holds test\.jsonl, which preceptor data did not"):
        again(True)
    assert (tmp_path / "own" / "test.jsonl").exists()


def test_a_wrong_cluster_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="unknown cluster 'sentimnt'; did you mean 'sentiment'"):
        imported(tmp_path, [single("Go.", "", "x")], cluster="sentimnt")
    assert not (tmp_path / "own").exists()


@pytest.mark.parametrize("name", ["alpaca", "bioinstruct", "chatdoctor5k", "alpaca_en_demo"])
def test_real_instruction_sets_come_in_whole(tmp_path: Path, name: str) -> None:
    root = os.environ.get("PRECEPTOR_DATA")
    if not root:
        pytest.skip(f"REAL ROWS OF {name} NOT IMPORTED: set PRECEPTOR_DATA to their folder")
    path = Path(root) / name / "train.jsonl"
    before = path.read_bytes()
    made = import_instructions(path, "alpaca", Wanted("own"), tmp_path, False, Tally())
    assert path.read_bytes() == before
    rows = [json.loads(line) for line in before.decode().split("\n") if line]
    assert made.rows == len(rows)
    again = [json.loads(s) for s in (made.folder / "train.jsonl").read_text().split("\n") if s]
    assert [row["output"] for row in again] == [row["output"] for row in rows]
    assert len(examples(tmp_path, made)) == sum(bool(row["output"].strip()) for row in rows)
    # The same through the other formats: the rows are equal, whatever they came as.
    conversations = [FORMATS["alpaca"].parse(row, Tally().notes) for row in rows]
    assert all(len(list(exchanges(one))) == 1 for one in conversations)
    for form in ("sharegpt", "messages"):
        other = imported(tmp_path, conversations, "other", form)
        found = (other.folder / "train.jsonl").read_text().replace("other-", "own-")
        assert found == (made.folder / "train.jsonl").read_text()

import json
from pathlib import Path

import pytest

from preceptor.decontamination.items import benchmark, find_roles
from preceptor.errors import RowError
from preceptor.records import Row
from preceptor.tasks.task import Task, prepare
from preceptor.tasks.taskfile import parse_task
from tests.decontamination.made import numbered

READING = """\
task: reading
title: Reading
cluster: reading_comprehension
licence: CC0-1.0
about: Questions about passages.
source: {folder: reading, splits: {test: test}}
provenance: [reading]
fields: {text: str, asked: str, said: str, heading: str}
values:
  text: text | tidy
  opening: text.split()[:6] | join(" ")
  asked: asked | tidy
  heading: heading
  hint: '"the words to say are " ~ said'
answer: said
references: '[said, said | upper, "other " ~ said]'
metric: exact_match
templates:
  - {id: ask, prompt: "{{ heading }}: {{ opening }}\\n{{ text }}\\n{{ asked }}"}
  - {id: turned, inverted: true, prompt: "{{ hint }}", target: "{{ asked }}"}
"""


def reading(long: int = 60, asked: int = 9, values: str = "") -> tuple[Task, list[dict[str, str]]]:
    rows = [
        {
            "text": numbered(1000 * i, long),
            "asked": numbered(1000 * i + 500, asked) + "?",
            "said": f"answer{i}",
            "heading": "A heading",
        }
        for i in range(4)
    ]
    return parse_task(READING + values, "reading.yaml"), rows


def roles(task: Task, rows: list[dict[str, str]]) -> dict[str, str]:
    made = [prepare(task, Row("reading", "test", str(i), row)) for i, row in enumerate(rows)]
    return dict(find_roles(task, [one for one in made if one is not None]))


def test_the_long_text_is_the_passage_and_pieces_of_it_and_labels_are_nothing() -> None:
    assert roles(*reading()) == {"text": "passage", "asked": "question"}


def test_texts_of_like_length_are_questions() -> None:
    assert roles(*reading(long=30, asked=20)) == {"text": "question", "asked": "question"}
    assert roles(*reading(long=15, asked=6)) == {"text": "question", "asked": "question"}


def test_a_text_alone_is_the_question() -> None:
    assert roles(*reading(asked=2)) == {"text": "question"}


def test_short_texts_are_the_question_where_there_is_nothing_else() -> None:
    found = roles(*reading(long=3, asked=2))
    assert found == {"text": "question", "asked": "question", "heading": "question"}


def test_items_come_from_the_task(tmp_path: Path) -> None:
    task, rows = reading()
    (tmp_path / "reading").mkdir()
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "reading" / "test.jsonl").write_text(lines)
    made = benchmark(task, "test", tmp_path)
    assert (made.task, made.split, made.rows, made.passages) == ("reading", "test", 4, ("text",))
    item = made.items[2]
    assert item.id == "reading/test/2"
    assert item.questions == (rows[2]["asked"],)
    assert item.passages == (rows[2]["text"],)
    assert (item.options, item.answers) == ((), ("answer2", "ANSWER2", "other answer2"))
    with pytest.raises(RowError, match="no split 'train'"):
        benchmark(task, "train", tmp_path)


def test_the_digest_of_the_texts_changes_with_any_of_them(tmp_path: Path) -> None:
    task, rows = reading()
    (tmp_path / "reading").mkdir()
    seen = set()
    for change in ({}, {"text": numbered(1, 60)}, {"asked": numbered(2, 9)}, {"said": "no"}):
        text = "".join(json.dumps(row) + "\n" for row in [rows[0] | change, *rows[1:]])
        (tmp_path / "reading" / "test.jsonl").write_text(text)
        seen.add(benchmark(task, "test", tmp_path).texts)
    assert len(seen) == 4

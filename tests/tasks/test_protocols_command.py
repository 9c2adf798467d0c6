"""``preceptor tasks protocols``: the table, one protocol's facts, and rows by it."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from preceptor.cli.tasks import app
from preceptor.errors import InputError, RowError, TaskError
from preceptor.tasks.protocol import load_protocols
from tests.tasks.protocol_rows import MADE_UP


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["protocols", *arguments])
    if isinstance(result.exception, InputError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PRECEPTOR_DATA", raising=False)
    monkeypatch.setenv("COLUMNS", "120")


def put(root: Path, folder: str, split: str, *rows: Mapping[str, object]) -> list[str]:
    path = root / folder / f"{split}.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return ["--data", str(root)]


def test_all_protocols_are_listed() -> None:
    output = run()
    assert all(name in output for name in load_protocols())
    listed = {entry["protocol"]: entry for entry in json.loads(run("--json"))}
    assert list(listed) == list(load_protocols())
    assert listed["lm_eval/winogrande"] == {
        "protocol": "lm_eval/winogrande",
        "task": "winogrande",
        "folder": "winogrande",
        "split": "validation",
        "form": "partial",
        "metrics": ["acc"],
        "shots": 0,
        "usual_shots": 5,
    }


def test_a_protocol_is_shown_without_rows_and_a_wrong_name_is_refused() -> None:
    output = run("lm_eval/boolq")
    assert "aps/super_glue boolq" in output
    assert "No rows are here: they would be in boolq in the data root" in output
    with pytest.raises(TaskError, match="did you mean 'lm_eval/boolq'"):
        run("lm_eval/bolq")


def test_rows_are_shown_with_the_gold_continuation_marked(tmp_path: Path) -> None:
    data = put(tmp_path, "boolq", "test", *[MADE_UP["boolq"]] * 3)
    output = run("lm_eval/boolq", *data)
    assert output.count("Question: is rain wet?") == 2
    assert "\u21d2 ' yes'  gold" in output
    assert "\u00b7 ' no'" in output
    found = json.loads(run("lm_eval/boolq", *data, "--rows", "1", "--json"))
    assert found["note"].endswith("test.jsonl, in place of the hub's validation.")
    [shown] = found["rows"]
    assert [(one["continuation"], one["gold"]) for one in shown["requests"]] == [
        (" no", False),
        (" yes", True),
    ]


def test_several_contexts_are_shown_with_the_right_one(tmp_path: Path) -> None:
    data = put(tmp_path, "winogrande", "test", MADE_UP["winogrande"])
    [shown] = json.loads(run("lm_eval/winogrande", *data, "--json"))["rows"]
    assert [one["gold"] for one in shown["requests"]] == [False, True]
    assert run("lm_eval/winogrande", *data).count("\u21d2") == 1


def test_exemplars_stand_before_and_must_suffice(tmp_path: Path) -> None:
    put(tmp_path, "boolq", "train", *({**MADE_UP["boolq"], "idx": i} for i in range(5)))
    data = put(tmp_path, "boolq", "test", MADE_UP["boolq"])
    output = run("lm_eval/boolq", *data, "--shots", "3")
    assert output.count("Question: is rain wet?") == 4
    assert "3 exemplars of train" in output
    with pytest.raises(RowError, match="5 exemplars of a pool of 5 rows"):
        run("lm_eval/boolq", *data, "--shots", "5")


def test_only_the_protocols_rows_are_shown_and_another_layout_is_said(tmp_path: Path) -> None:
    rows = [{**MADE_UP["mmlu"], "subject": name} for name in ("virology", "anatomy")]
    data = put(tmp_path, "mmlu_medical", "test", *rows)
    [shown] = json.loads(run("lm_eval/mmlu_anatomy", *data, "--json"))["rows"]
    assert shown["row"] == "1"
    with pytest.raises(RowError, match=r"none of the rows in .* is one of lm_eval/mmlu_medical"):
        run("lm_eval/mmlu_medical_genetics", *data)
    put(tmp_path, "boolq", "test", {"sentence": "x"})
    found = json.loads(run("lm_eval/boolq", *data, "--json"))
    assert found["rows"] == []
    assert "another layout" in found["note"]

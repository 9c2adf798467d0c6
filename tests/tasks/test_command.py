import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from preceptor.cli.tasks import app
from preceptor.errors import InputError
from tests.tasks.examples import RAIN


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Options that add a task with rows: two templates, so lint has something to say."""
    monkeypatch.delenv("PRECEPTOR_DATA", raising=False)
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "rain.yaml").write_text(RAIN)
    (tmp_path / "data" / "rain").mkdir(parents=True)
    rows = [{"line": f"[bold]Line {i}", "label": i % 2 - (i == 0)} for i in range(4)]
    text = "\n".join(json.dumps(row) for row in rows)
    (tmp_path / "data" / "rain" / "train.jsonl").write_text(text)
    return ["--tasks-folder", str(tmp_path / "tasks"), "--data", str(tmp_path / "data")]


def run(*arguments: str, exit_code: int = 0) -> str:
    result = CliRunner().invoke(app, list(arguments))
    if isinstance(result.exception, InputError):
        raise result.exception
    assert result.exit_code == exit_code, result.output
    return result.output


def test_list_groups_tasks_and_says_whose_rows_are_here(own: list[str]) -> None:
    output = run("list", *own)
    assert "natural_language_inference" in output
    assert "visit_feedback" in output
    entries = {entry["task"]: entry for entry in json.loads(run("list", "--json", *own))}
    assert entries["rain"]["splits_here"] == ["train"]
    assert (entries["rain"]["templates"], entries["rain"]["inverted"]) == (2, 1)


def test_show_prints_source_and_templates(own: list[str]) -> None:
    output = run("show", "rain", *own[:2])
    assert "Does it rain?" in output
    assert "{{ options_block }}" in output
    assert json.loads(run("show", "rain", "--json", *own[:2]))["kind"] == "options"


def test_preview_shows_the_first_kept_rows_as_they_are(own: list[str]) -> None:
    output = run("preview", "rain", "--rows", "1", "--template", "plain", *own)
    assert "rain/train/1" in output
    assert "[bold]Line 1" in output
    assert "write_a_line" not in output
    examples = json.loads(run("preview", "rain", "--json", *own))
    assert [example["id"] for example in examples] == [
        "rain/train/1/plain",
        "rain/train/1/write_a_line",
        "rain/train/2/plain",
        "rain/train/2/write_a_line",
    ]


def test_lint_exits_with_one_when_there_are_errors(own: list[str]) -> None:
    assert "has 2 templates" in run("lint", "rain", *own, exit_code=1)
    findings = json.loads(run("lint", "rain", "--json", *own, exit_code=1))
    assert findings[0]["task"] == "rain"
    assert "1 tasks: 0 errors" in run("lint", "visit_feedback", *own)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "rian"], "no task 'rian'; did you mean 'rain'"),
        (["preview", "rain", "--template", "plan"], "no template 'plan'; did you mean 'plain'"),
        (["preview", "rain", "--split", "test"], "no test.jsonl"),
        (["lint", "sentimnt"], "did you mean 'sentiment'"),
    ],
)
def test_what_is_not_there_is_bad_input(own: list[str], arguments: list[str], message: str) -> None:
    options = own[:2] if arguments[0] == "show" else own
    with pytest.raises(InputError, match=message):
        run(*arguments, *options)

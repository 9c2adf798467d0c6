"""The command that writes tasks for lm-eval."""

import json
from pathlib import Path

import typer
from typer.testing import CliRunner

from preceptor.cli.export import lm_eval_export
from preceptor.errors import RowError

APP = typer.Typer()
APP.command()(lm_eval_export)


def test_named_tasks_are_written_and_told(tmp_path: Path) -> None:
    names = ["bench_questions", "plain_words"]
    said = CliRunner().invoke(APP, [*names, "-o", str(tmp_path), "--rows", "2"])
    assert said.exit_code == 0, said.output
    first, second, _, command = said.output.splitlines()
    assert first.startswith("preceptor_bench_questions: ")
    assert first.endswith(" templates, 2 rows")
    assert second.endswith(" templates, 2 rows; lm-eval has no rouge_l")
    assert command == (
        f"lm_eval run --include_path {tmp_path} "
        "--tasks preceptor_bench_questions,preceptor_plain_words ..."
    )
    assert {path.name for path in tmp_path.iterdir()} == set(names)
    written = (tmp_path / "plain_words" / "plain_words_leaflet.jsonl").read_text(encoding="utf-8")
    assert written.count("\n") == 2


def test_json_for_machines(tmp_path: Path) -> None:
    said = CliRunner().invoke(
        APP, ["plain_words", "-o", str(tmp_path), "--split", "train", "--json"]
    )
    (one,) = json.loads(said.output)
    assert one["group"] == "preceptor_plain_words"
    assert one["folder"] == str(tmp_path / "plain_words")
    assert one["not_equal"] == ["rouge_l"]
    assert (one["rows"] > 2, one["left_out"]) == (True, 0)


def test_tasks_of_a_category_without_rows_are_left_out_and_told(tmp_path: Path) -> None:
    runner = CliRunner(env={"PRECEPTOR_DATA": ""})
    said = runner.invoke(APP, ["category:other", "category:qa", "-o", str(tmp_path), "--rows", "2"])
    assert said.exit_code == 0, said.output
    assert "preceptor_bench_questions: " in said.output
    assert "\nnot exported: " in said.output
    assert "but no data root is set" in said.output
    none = runner.invoke(APP, ["coreference", "-o", str(tmp_path / "no"), "--json"])
    assert isinstance(none.exception, RowError)
    assert none.exception.exit_code == 2
    assert {"task", "not_exported"} == set(json.loads(none.output)[0])
    assert not (tmp_path / "no").exists()
    named = runner.invoke(APP, ["category:qa", "pubmed_qa", "-o", str(tmp_path / "no")])
    assert isinstance(named.exception, RowError)
    assert str(named.exception).startswith("pubmed_qa needs rows")


def test_rows_that_are_not_here_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    names = ["plain_words", "rte"]
    said = CliRunner(env={"PRECEPTOR_DATA": ""}).invoke(APP, [*names, "-o", str(tmp_path)])
    assert isinstance(said.exception, RowError)
    assert list(tmp_path.iterdir()) == []

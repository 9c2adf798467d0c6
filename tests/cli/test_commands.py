"""Every command says what it does, prints JSON for machines, and stops where it should."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from preceptor import __version__
from preceptor.cli.main import app
from tests.cli.recipes import RECIPE, STAGES, Place, snapshot


def _commands() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = [()]
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        found.append((name,))
        found += [(name, inner) for inner in getattr(command, "commands", {})]
    return found


COMMANDS = _commands()


def test_the_commands_are_those_of_the_design() -> None:
    verbs = {"demo", "run", "plan", "synthesize", "mix", "tune", "evaluate", "report"}
    assert {command[0] for command in COMMANDS if command} == verbs | {"tasks", "data"}
    inner = {group: set[str]() for group in ("tasks", "data", "synthesize")}
    for command in COMMANDS:
        if len(command) > 1:
            inner[command[0]].add(command[1])
    assert inner == {
        "tasks": {"list", "show", "preview", "protocols", "fetch", "lint", "figure"},
        "synthesize": {"run", "show", "rejections", "card"},
        "data": {"import", "export", "card", "decontaminate", "lm-eval"},
    }


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(place: Place, command: tuple[str, ...]) -> None:
    done = place.call(*command, "--help")
    assert (done.code, done.err) == (0, "")
    assert re.search(rf"Usage: .*{' '.join(command)}", done.out)
    if len(command) > 1 or (command and command not in (("tasks",), ("data",), ("synthesize",))):
        assert "--json" in done.out


def test_no_command_at_all_prints_the_commands(place: Place) -> None:
    done = place.call()
    assert done.code == 2
    assert "synthesize" in done.out + done.err


def test_the_version_is_printed(place: Place) -> None:
    done = place.run("--version")
    assert (done.code, done.out, done.err) == (0, f"{__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "culprit"),
    [
        (["runn", RECIPE], "runn"),
        (["run"], "RECIPE"),
        (["run", RECIPE, "--jsn"], "--jsn"),
        (["tasks", "lst"], "lst"),
        (["tasks", "preview", "drug_orders", "--rows", "none"], "--rows"),
    ],
)
def test_bad_use_exits_with_2_and_names_it(
    place: Place, arguments: list[str], culprit: str
) -> None:
    done = place.call(*arguments)
    assert (done.code, done.out) == (2, "")
    assert culprit in done.err


def test_the_tasks_are_listed_as_json(place: Place) -> None:
    done = place.run("tasks", "list", "--json")
    assert (done.code, done.err) == (0, "")
    entries = {entry["task"]: entry for entry in done.json}
    assert entries["drug_orders"]["splits_here"] == ["train", "test"]
    assert entries["rte"]["splits_here"] == []


def test_a_plan_counts_and_writes_nothing(place: Place) -> None:
    before = snapshot(place.folder)
    done = place.call("plan", RECIPE, "-o", "planned", "--json")
    assert (done.code, done.err) == (0, "")
    lines = {line["stage"]: line for line in done.json["lines"]}
    assert list(lines) == ["synthesis", "tuning", "scores of base", "scores of tuned"]
    assert lines["synthesis"]["what"] == "4 calls"
    assert lines["tuning"]["what"] == "40 examples"
    assert lines["scores of base"]["what"] == "12 items"
    assert all(line["tokens"] > 0 and line["seconds"] > 0 for line in lines.values())
    assert done.json["memory_bytes"] > 0
    assert "in all about" in place.call("plan", RECIPE).out
    assert snapshot(place.folder) == before


@pytest.mark.parametrize(
    ("command", "last"),
    [
        ("synthesize", "synthesis"),
        ("mix", "mixture"),
        ("tune", "adapter"),
        ("evaluate", "scores-tuned"),
        ("report", "report"),
    ],
)
def test_a_stages_command_stops_after_it(
    place: Place, stepwise: Path, command: str, last: str
) -> None:
    """The commands go on from each other, in the order of the stages."""
    done = place.call(command, RECIPE, "-o", str(stepwise), "--json")
    assert (done.code, done.err) == (0, "")
    reached = STAGES[: STAGES.index(last) + 1]
    assert tuple(done.json["artifacts"]) == reached
    assert bool(done.json["report"]) == (last == "report")
    assert {path.name.rsplit("-", 1)[0] for path in stepwise.glob("*-*")} == set(reached)


@pytest.fixture(scope="module")
def stepwise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for the commands of all stages."""
    return tmp_path_factory.mktemp("stepwise") / "run"

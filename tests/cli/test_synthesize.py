"""The synthesis by itself: a preview, a run, and the way of one task."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.cli.recipes import Place

ONLY = "synthesis.yaml"
LOOSE = {  # a tiny random model writes no tasks: what it writes is looked at as it is
    "mixture": None,
    "evaluation": None,
    "tuning": None,
    "synthesis.requests": 6,
}


@pytest.fixture
def recipe(place: Place) -> str:
    return place.recipe(LOOSE, ONLY)


def test_a_recipe_may_end_with_its_synthesis(place: Place, recipe: str, tmp_path: Path) -> None:
    run = place.call("run", recipe, "-o", str(tmp_path / "run"), "--json")
    assert run.code == 0
    assert list(run.json["artifacts"]) == ["synthesis"]
    assert run.json["report"] is None
    counts = run.json["artifacts"]["synthesis"]["counts"]
    assert counts["requests"] == 6
    assert counts["ended"] == "all 6 requests were sent"
    again = place.call("synthesize", recipe, "-o", str(tmp_path / "run"), "--json")
    assert not again.json["artifacts"]["synthesis"]["fresh"]
    tune = place.call("tune", recipe, "-o", str(tmp_path / "run"))
    assert (tune.code, tune.out) == (2, "")
    assert "ends with its synthesis: it names no mixture" in tune.err


def test_the_recipe_may_follow_the_options(place: Place, recipe: str, tmp_path: Path) -> None:
    done = place.call("synthesize", "--json", "-o", str(tmp_path / "run"), recipe)
    assert done.code == 0
    assert list(done.json["artifacts"]) == ["synthesis"]


def test_a_preview_asks_and_publishes_nothing(place: Place, recipe: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    done = place.call("synthesize", recipe, "-o", str(folder), "--preview", "1", "--json")
    assert done.code == 0
    assert done.json["counts"]["requests"] == len(done.json["rejected"]) + len(done.json["kept"])
    assert not list(folder.glob("synthesis-*"))
    shown = place.call("synthesize", recipe, "-o", str(folder), "--preview", "1")
    assert "whole tasks in 6 requests" in shown.out
    run = place.call("synthesize", recipe, "-o", str(folder), "--json")
    timings = json.loads(
        (Path(run.json["artifacts"]["synthesis"]["folder"]) / "timings.json").read_text()
    )
    assert timings["requests_asked"] == 0


def test_the_way_of_a_rejected_task_is_shown(place: Place, recipe: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    made = place.call("synthesize", recipe, "-o", str(folder), "--json")
    table = pq.read_table(
        Path(made.json["artifacts"]["synthesis"]["folder"]) / "rejections.parquet"
    )
    row = table.to_pylist()[0]
    id = f"{row['request_id']}-{row['position']}"
    found = place.call("synthesize", "show", id, "-o", str(folder), "--json").json
    assert [verdict["verdict"] for verdict in found["verdicts"]] == [row["reason"]]
    assert found["calls"][0]["id"] == row["request_id"]
    assert len(found["calls"][0]["note"]["seeds"]) == 3
    shown = place.call("synthesize", "show", id, "-o", str(folder)).out
    assert row["reason"] in shown
    assert "[reply]" in shown
    listed = place.call("synthesize", "rejections", "-o", str(folder)).out
    assert row["reason"] in listed
    as_json = place.call("synthesize", "rejections", "-o", str(folder), "--json").json
    (reasons,) = as_json.values()
    assert sum(group["count"] for group in reasons.values()) == table.num_rows


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "x-0"], "there is no synthesis below runs/"),
        (["show", "x-0", "-o", "nowhere"], "there is no synthesis in nowhere"),
        (["rejections", "-o", "nowhere"], "there is no synthesis in nowhere"),
        (["nowhere.yaml"], "there is no recipe nowhere.yaml"),
        (["nowhere.yaml", "--preview", "5"], "there is no recipe nowhere.yaml"),
    ],
)
def test_what_is_not_there_is_named(place: Place, arguments: list[str], message: str) -> None:
    done = place.call("synthesize", *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert done.err.count("\n") == 1


def test_an_unknown_id_is_named(place: Place, recipe: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    place.call("synthesize", recipe, "-o", str(folder), "--preview", "1")
    done = place.call("synthesize", "show", "0123-0", "-o", str(folder))
    assert done.code == 2
    assert "knows '0123-0'; ids stand in instructions.parquet" in done.err


def test_an_endpoint_without_its_key_is_named_before_anything_is_sent(
    place: Place, tmp_path: Path
) -> None:
    name = place.recipe(
        LOOSE
        | {
            "synthesis.teacher": {
                "model": "gpt-4",
                "endpoint": "https://api.openai.com/v1",
                "key": "NO_SUCH_KEY",
            }
        },
        ONLY,
    )
    done = place.call("synthesize", name, "-o", str(tmp_path / "run"))
    assert (done.code, done.out) == (2, "")
    assert "NO_SUCH_KEY" in done.err
    plan = place.call("plan", name, "--json").json
    assert plan["synthesis"]["requests"]["likely"] == 6

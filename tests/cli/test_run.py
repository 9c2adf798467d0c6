import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

import peft
import pytest
import torch

from preceptor.artifact import digest, file_digest, read_json
from preceptor.model import lora
from preceptor.model.loading import load
from tests.cli.recipes import RECIPE, STAGES, Done, Place, published, snapshot, stages


class _References(HTMLParser):
    """Everything that a browser would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        names = ("src", "href", "xlink:href", "srcset", "action", "poster", "data")
        self.found += [value or "" for name, value in attrs if name in names]


def _fresh(done: Done) -> dict[str, bool]:
    assert done.code == 0, done.err
    return {name: made["fresh"] for name, made in done.json["artifacts"].items()}


def test_a_run_publishes_every_stage_and_says_where_the_report_is(
    uninterrupted: tuple[Path, Done],
) -> None:
    folder, done = uninterrupted
    made = stages(folder)
    assert set(made) == set(STAGES)
    for path in made.values():
        assert read_json(path / "manifest.json")["files"], path
    report = made["report"] / "report.html"
    assert done.out.rstrip().endswith(f"Open the report: {report}")
    assert [stage for stage in STAGES if f"{stage}  done in" not in done.out] == []
    assert done.err == ""
    assert not any((folder / ".work").iterdir())


def test_the_report_needs_nothing_but_itself(finished: Path) -> None:
    page = (stages(finished)["report"] / "report.html").read_text(encoding="utf-8")
    references = _References()
    references.feed(page)
    assert {"html", "svg", "table"} <= references.tags
    assert not {"script", "iframe", "object", "embed"} & references.tags
    assert "#" in {one[:1] for one in references.found}
    assert [one for one in references.found if not one.startswith(("#", "data:"))] == []
    assert "@import" not in page
    assert "A tiny run" in page


def test_a_second_run_skips_every_stage_and_writes_nothing(place: Place, finished: Path) -> None:
    before = snapshot(finished)
    done = place.run("run", RECIPE, "-o", str(finished), "--json")
    assert _fresh(done) == dict.fromkeys(STAGES, False)
    assert snapshot(finished) == before
    assert done.err == ""


def test_two_folders_hold_the_same_bytes_and_json_is_all_of_stdout(
    place: Place, finished: Path
) -> None:
    done = place.run("run", RECIPE, "-o", "again", "--json")
    assert _fresh(done) == dict.fromkeys(STAGES, True)
    assert done.out.startswith("{")
    assert done.json["recipe"] == "tiny"
    assert done.err == ""
    assert published(place.folder / "again") == published(finished)
    for name, made in done.json["artifacts"].items():
        manifest = read_json(place.folder / made["folder"] / "manifest.json")
        assert (manifest["stage"], manifest["digest"]) == (name, made["digest"])
        assert manifest["counts"] == made["counts"]


@pytest.mark.parametrize(
    ("change", "rerun"),
    [
        ("evaluation.rows=2", ["scores-base", "scores-tuned", "report"]),
        ("tuning.rank=2", ["adapter", "scores-tuned", "report"]),
        ("evaluation.level=0.9", ["report"]),
        ("mixture.examples=39", ["mixture", "adapter", "scores-tuned", "report"]),
        # A random model writes no whole task: whatever the filters are, the same nothing is kept,
        # and what is made of the same bytes is not made again.
        ("synthesis.rouge_l=0.5", ["synthesis", "report"]),
    ],
)
def test_a_change_reruns_only_what_depends_on_it(
    place: Place, finished: Path, tmp_path: Path, change: str, rerun: list[str]
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    before = published(folder)
    fresh = _fresh(place.call("run", RECIPE, "-o", str(folder), "--set", change, "--json"))
    assert [stage for stage in STAGES if fresh[stage]] == rerun
    assert before.items() <= published(folder).items()


def test_other_filters_ask_the_teacher_nothing_twice(
    place: Place, finished: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    change = "synthesis.rouge_l=0.5"
    done = place.call("synthesize", RECIPE, "-o", str(folder), "--set", change, "--json")
    made = place.folder / done.json["artifacts"]["synthesis"]["folder"]
    assert read_json(made / "timings.json")["requests_asked"] == 0


def test_peft_loads_the_adapter_and_computes_what_we_do(place: Place, finished: Path) -> None:
    adapter = stages(finished)["adapter"] / "adapter"
    ids = torch.tensor([[0, 17, 4, 250, 33, 90]])
    ours, theirs = (load(str(place.folder / "model"), "float32", "cpu").model for _ in range(2))
    with torch.inference_mode():
        base = theirs(input_ids=ids).logits
        tuned = peft.PeftModel.from_pretrained(theirs, str(adapter))
        expected = tuned(input_ids=ids).logits
        lora.load(adapter, ours)
        found = ours(input_ids=ids).logits
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert (expected - base).abs().max() > 1e-3


def test_each_stages_inputs_are_the_digests_of_those_before(place: Place, finished: Path) -> None:
    manifests = {name: read_json(path / "manifest.json") for name, path in stages(finished).items()}
    inputs = {name: manifest["inputs"] for name, manifest in manifests.items()}
    digests = {name: manifest["digest"] for name, manifest in manifests.items()}
    assert inputs["mixture"]["synthesis"] == digests["synthesis"]
    assert inputs["adapter"]["mixture"] == digests["mixture"]
    assert inputs["scores-tuned"]["adapter"] == digests["adapter"]
    assert inputs["scores-tuned"] == inputs["scores-base"] | {"adapter": digests["adapter"]}
    before = [stage for stage in STAGES if stage != "report"]
    assert inputs["report"] == {name: digests[name] for name in before}
    model = load(str(place.folder / "model")).fingerprint
    assert model == inputs["synthesis"]["teacher"] == inputs["adapter"]["base"]
    assert model == inputs["scores-base"]["base"]


def test_a_manifest_lists_every_file_with_its_hash(finished: Path) -> None:
    for path in stages(finished).values():
        manifest = read_json(path / "manifest.json")
        files = {
            file.relative_to(path).as_posix(): {
                "sha256": file_digest(file),
                "bytes": file.stat().st_size,
            }
            for file in path.rglob("*")
            if file.is_file() and file.name not in ("manifest.json", "timings.json")
        }
        assert manifest["files"] == files
        assert manifest["digest"] == digest(files)
        assert path.name == f"{manifest['stage']}-{manifest['key']}"


def test_no_file_says_where_it_was_made(place: Place, finished: Path) -> None:
    needle = json.dumps(str(place.folder.parent))[1:-1].encode()
    found = [name for name, content in published(finished).items() if needle in content]
    assert found == []

"""A stage's output: published whole or not at all, resumed to the same bytes, guarded."""

import errno
import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import pytest

from preceptor import artifact
from preceptor.artifact import (
    Artifact,
    Work,
    claimed,
    content_key,
    produce,
    storage_errors,
    write_atomically,
    write_json,
)
from preceptor.errors import ArtifactError, StorageError

Build = Callable[[Work], Mapping[str, Any]]


class Killed(BaseException):
    """What stops a stage from outside."""


class Counting:
    """A stage that squares four numbers, a journal file each; may be killed before one of them."""

    def __init__(self) -> None:
        self.computed: list[int] = []
        self.kill_at: int | None = None

    def __call__(self, work: Work) -> dict[str, Any]:
        lines = []
        for number in range(4):
            kept = work.journal / f"{number}.txt"
            if not kept.exists():
                if number == self.kill_at:
                    raise Killed
                self.computed.append(number)
                write_atomically(kept, b"%d\n" % number**2)
            lines.append(kept.read_bytes())
        (work.files / "part").mkdir(exist_ok=True)
        (work.files / "part" / "squares.txt").write_bytes(b"".join(lines))
        write_json(work.files / "sums.json", {"sum": 14, "ö": "é"})
        work.timings["computed"] = len(self.computed)
        return {"squares": 4}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "run"


def make(root: Path, build: Build, config: Mapping[str, Any] | None = None) -> Artifact:
    return produce(root, "squares", config or {"n": 4}, {"data": "d1"}, build)


def published(root: Path) -> list[str]:
    return sorted(p.name for p in root.iterdir() if not p.name.startswith("."))


def content(folder: Path) -> dict[str, bytes]:
    """All that must not differ from run to run."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != artifact.TIMINGS
    }


def test_a_stage_is_published_with_what_made_it(root: Path) -> None:
    made = make(root, Counting())
    assert made.fresh
    assert published(root) == [f"squares-{content_key('squares', {'n': 4}, {'data': 'd1'})}"]
    assert made.path == root / published(root)[0]
    assert set(content(made.path)) == {"manifest.json", "sums.json", "part/squares.txt"}
    assert made.file("part/squares.txt").read_text() == "0\n1\n4\n9\n"
    manifest = made.manifest
    assert manifest["config"] == {"n": 4}
    assert manifest["inputs"] == {"data": "d1"}
    assert made.counts == {"squares": 4}
    assert set(manifest["files"]) == {"part/squares.txt", "sums.json"}
    assert manifest["files"]["sums.json"]["sha256"] == artifact.file_digest(made.file("sums.json"))
    assert made.digest == artifact.digest(manifest["files"])
    assert set(manifest["libraries"]) == set(artifact.LIBRARIES)
    assert made.timings()["computed"] == 4
    assert made.timings()["seconds"] >= 0
    assert not list((root / ".work").iterdir())


def test_a_stage_that_is_done_is_skipped(root: Path) -> None:
    stage = Counting()
    first = make(root, stage)
    again = make(root, stage)
    assert stage.computed == [0, 1, 2, 3]
    assert (first.fresh, again.fresh) == (True, False)
    assert again.path == first.path
    assert again.manifest == first.manifest
    assert again.manifest == artifact.read_json(first.file("manifest.json"))


def test_what_decides_the_content_decides_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    key = content_key("squares", {"n": 4, "m": [1]}, {"a": "1", "b": "2"})
    assert key == content_key("squares", {"m": [1], "n": 4}, {"b": "2", "a": "1"})
    assert len(key) == 12
    others = {
        content_key("cubes", {"n": 4, "m": [1]}, {"a": "1", "b": "2"}),
        content_key("squares", {"n": 5, "m": [1]}, {"a": "1", "b": "2"}),
        content_key("squares", {"n": 4, "m": [1]}, {"a": "1", "b": "3"}),
        content_key("squares", {"n": 4, "m": [1]}, {"a": "1"}),
    }
    monkeypatch.setattr(artifact, "__version__", "another")
    others.add(content_key("squares", {"n": 4, "m": [1]}, {"a": "1", "b": "2"}))
    assert len(others | {key}) == 6


@pytest.mark.parametrize("cut", range(4))
def test_a_killed_stage_publishes_nothing_and_goes_on_to_the_same_bytes(
    root: Path, tmp_path: Path, cut: int
) -> None:
    whole = make(tmp_path / "whole", Counting())
    stage = Counting()
    stage.kill_at = cut
    with pytest.raises(Killed):
        make(root, stage)
    assert published(root) == []
    (scratch,) = (root / ".work").iterdir()
    assert sorted(p.name for p in (scratch / "journal").iterdir()) == [
        f"{n}.txt" for n in range(cut)
    ]
    stage.kill_at = None
    resumed = make(root, stage)
    assert stage.computed == [0, 1, 2, 3]
    assert resumed.fresh
    assert resumed.path.name == whole.path.name
    assert content(resumed.path) == content(whole.path)
    assert not (resumed.path / "journal").exists()


@pytest.mark.parametrize("where", ["_publish", "write_manifest"])
def test_a_stage_killed_while_it_is_published_goes_on_to_the_same_bytes(
    root: Path, tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = make(tmp_path / "whole", Counting())

    def killed(*args: object) -> NoReturn:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):  # noqa: PT012
        if where == "_publish":
            patch.setattr(artifact, "_publish", killed)
        else:
            patch.setattr(artifact.os, "replace", _failing(os.replace, "manifest.json", Killed()))
        make(root, Counting())
    resumed = make(root, Counting())
    assert content(resumed.path) == content(whole.path)
    assert not make(root, Counting()).fresh


def _failing(real: Callable[..., None], name: str, error: BaseException) -> Callable[..., None]:
    """The real function, but for paths that end in a name."""

    def replace(source: Path, target: Path) -> None:
        if target.name == name:
            raise error
        real(source, target)

    return replace


@pytest.mark.parametrize(
    "damage",
    [
        *("cut", "gone", "no manifest", "not JSON", "no files", "a list"),
        "same size",
    ],
)
def test_a_published_folder_that_was_changed_is_refused(root: Path, damage: str) -> None:
    made = make(root, Counting())
    manifest = made.file("manifest.json")
    match damage:
        case "cut":
            made.file("part/squares.txt").write_text("0\n")
        case "same size":
            made.file("part/squares.txt").write_text("0\n1\n4\n8\n")
        case "gone":
            made.file("sums.json").unlink()
        case "no manifest":
            manifest.unlink()
        case "not JSON":
            manifest.write_text('{"files":')
        case "no files":
            manifest.write_text("{}")
        case "a list":
            manifest.write_text("[]")
    with pytest.raises(ArtifactError, match=r"delete the folder .* and run again") as refused:
        make(root, Counting())
    assert str(made.path) in str(refused.value)


def test_timings_are_nobodys_input(root: Path) -> None:
    made = make(root, Counting())
    made.file("timings.json").unlink()
    again = make(root, Counting())
    assert not again.fresh
    assert again.timings() == {}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_one_line_and_changes_nothing_that_was_there(root: Path, code: int) -> None:
    before = make(root, Counting())
    there = content(before.path)
    stage = Counting()

    def full(work: Work) -> Mapping[str, Any]:
        stage.kill_at = 2
        try:
            return stage(work)
        except Killed:
            raise OSError(code, "No space left on device") from None

    with pytest.raises(StorageError, match=r"no space is left .* unchanged\. Free some") as refused:
        make(root, full, {"n": 5})
    assert refused.value.exit_code == 2
    assert "\n" not in str(refused.value)
    assert published(root) == [before.path.name]
    assert content(before.path) == there
    stage.kill_at = None
    assert make(root, stage, {"n": 5}).fresh
    assert stage.computed == [0, 1, 2, 3]


def test_a_file_is_replaced_whole_or_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "value.json"
    write_json(path, {"b": 1, "a": "é"})
    assert path.read_text(encoding="utf-8") == '{\n  "b": 1,\n  "a": "é"\n}\n'

    def full(descriptor: int) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(artifact.os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            write_json(path, {"b": 2})
    assert artifact.read_json(path) == {"b": 1, "a": "é"}
    write_json(path, {"b": 3})
    assert artifact.read_json(path) == {"b": 3}
    assert [p.name for p in tmp_path.iterdir()] == ["value.json"]


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.EPERM])
def test_a_disk_that_may_not_be_written_is_one_line(tmp_path: Path, code: int) -> None:
    with (
        pytest.raises(StorageError, match="x may not be written; choose another"),
        storage_errors(tmp_path),
    ):
        raise OSError(code, "no", "x")
    with (
        pytest.raises(StorageError, match=f"{tmp_path} may not be written"),
        storage_errors(tmp_path),
    ):
        raise OSError(code, "no")


def test_a_file_that_may_not_grow_is_said(tmp_path: Path) -> None:
    with (
        pytest.raises(StorageError, match=r"cannot be written \(File too large\); choose"),
        storage_errors(tmp_path),
    ):
        raise OSError(errno.EFBIG, "File too large")


def test_other_errors_of_a_disk_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), storage_errors(tmp_path):
        (tmp_path / "nothing").read_text()


def refused(root: Path, owner: str, why: str) -> None:
    with pytest.raises(ArtifactError, match=why), claimed(root, owner):
        pytest.fail("the folder was given out")


def test_a_folder_is_claimed_for_one_recipe(root: Path) -> None:
    with claimed(root, "mine"):
        (root / "mixture-1").mkdir()
    with claimed(root, "mine"):
        pass
    refused(root, "yours", "belongs to the recipe 'mine', not to 'yours'")


def test_foreign_files_are_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    refused(tmp_path, "mine", "holds files that no recipe wrote")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]
    refused(tmp_path / "thesis.tex", "mine", "is a file; name a folder")


@pytest.mark.parametrize("text", ["", "[]", "{}", '"mine"', "\udcff"])
def test_a_marker_that_cannot_be_read_is_refused(root: Path, text: str) -> None:
    root.mkdir()
    (root / "run.json").write_text(text, encoding="utf-8", errors="surrogateescape")
    refused(root, "mine", r"run\.json cannot be read")


def test_an_empty_folder_may_be_claimed_and_so_may_one_whose_claim_was_cut(tmp_path: Path) -> None:
    (tmp_path / "run.lock").touch()
    with claimed(tmp_path, "mine"):
        assert artifact.read_json(tmp_path / "run.json")["recipe"] == "mine"


def test_a_folder_claimed_on_a_full_disk_can_be_claimed_once_there_is_room(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(artifact.os, "fsync", full)
        with pytest.raises(StorageError, match="no space is left"), claimed(root, "mine"):
            pytest.fail("a folder was given out whose claim is not on the disk")
    with claimed(root, "mine"):
        pass


def test_two_calls_in_one_process_do_not_share_a_folder(root: Path) -> None:
    with claimed(root, "mine"):
        refused(root, "mine", "another process is at work")
        with (root / "run.lock").open() as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with claimed(root, "mine"):
        pass


HOLD = """
import sys
from pathlib import Path
from preceptor.artifact import claimed
with claimed(Path(sys.argv[1]), "mine"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_folder_is_free_again_when_the_process_that_held_it_was_killed(root: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        refused(root, "mine", "another process is at work")
        other.kill()
    with claimed(root, "mine"):
        pass

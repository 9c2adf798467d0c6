"""A whole run in seconds: a recipe for a tiny model, the command, and what a run leaves behind."""

import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
import yaml

from preceptor import artifact
from preceptor.cli.main import main

STAGES = ("synthesis", "mixture", "adapter", "scores-base", "scores-tuned", "report")
RECIPE = "recipe.yaml"
CONTENT: dict[str, Any] = {
    "name": "tiny",
    "title": "A tiny run",
    "seed": 7,
    "model": "model",
    "synthesis": {
        "seeds": "biomedical",
        "requests": 4,
        "teacher": {"model": "model", "max_new_tokens": 64, "batch": 2, "dtype": "float32"},
    },
    "mixture": {
        "tasks": ["visit_feedback", "biology_facts", "drug_orders", "does_it_follow"],
        "hold_out": ["natural_language_inference"],
        "examples": 40,
        "instructions": 0.1,
    },
    "tuning": {
        "rank": 4,
        "learning_rate": 1e-2,
        "batch_tokens": 256,
        "pass_tokens": 256,
        "dtype": "float32",
        "checkpoint_every": 2,
    },
    "evaluation": {
        "tasks": ["does_it_follow", "bench_findings"],
        "rows": 3,
        "templates": 2,
        "pass_tokens": 512,
        "generation_batch": 1,  # many small passes: there is time to be killed between two
        "resamples": 100,
    },
}


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """All of stdout as one JSON value."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Place:
    """A folder with the tiny model and its recipe, in which commands are given."""

    folder: Path

    def recipe(self, changes: Mapping[str, Any] | None = None, name: str = RECIPE) -> str:
        """Write the recipe with values for dotted keys (None takes a key out); returns its name."""
        content = deepcopy(CONTENT)
        for key, value in (changes or {}).items():
            *outer, last = key.split(".")
            inner = content
            for part in outer:
                inner = inner[part]
            inner[last] = value
            if value is None:
                del inner[last]
        (self.folder / name).write_text(yaml.safe_dump(content, sort_keys=False))
        return name

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The command in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "preceptor.cli.main", *arguments],
            cwd=self.folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str) -> Done:
        """The command in a process of its own, to its end."""
        with self.start(*arguments) as process:
            out, err = process.communicate()
        return Done(process.returncode, out, err)

    def call(self, *arguments: str) -> Done:
        """The command in this process, which has imported torch already."""
        out, err, before = io.StringIO(), io.StringIO(), os.getcwd()
        threads = torch.get_num_threads()
        artifact.source_commit.cache_clear()
        try:
            os.chdir(self.folder)
            torch.set_num_threads(1)
            with (
                patch.object(sys, "argv", ["preceptor", *arguments]),
                patch.dict(os.environ, environment(), clear=True),
                redirect_stdout(out),
                redirect_stderr(err),
            ):
                main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
            return Done(code, out.getvalue(), err.getvalue())
        finally:
            os.chdir(before)
            torch.set_num_threads(threads)
            artifact.source_commit.cache_clear()
        raise AssertionError("the command line ended without an exit code")


def environment() -> dict[str, str]:
    """One thread, no network, no rows but those in the package, and no commit in a manifest.

    The commit is the one thing in an artifact that can change while tests run: someone commits.
    """
    own = {
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "COLUMNS": "200",
        "GIT_CEILING_DIRECTORIES": str(Path(artifact.__file__).parent.parent),
    }
    return {k: v for k, v in os.environ.items() if not k.startswith("PRECEPTOR_")} | own


def stages(folder: Path) -> dict[str, Path]:
    """The published folder of each stage. A run with the same recipe has one of each."""
    found = {}
    for path in sorted(folder.glob("*-*/")):
        stage = path.name.rsplit("-", 1)[0]
        assert stage not in found, f"two artifacts of {stage}"
        found[stage] = path
    return found


def published(folder: Path) -> dict[str, bytes]:
    """Every file that must be the same in any run of the recipe, by path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.name not in (artifact.TIMINGS, "run.lock", "ledger.sqlite")
        and ".work" not in path.relative_to(folder).parts
    }


def snapshot(folder: Path) -> dict[str, tuple[int, str]] | None:
    """Everything below a folder with when it was written and its hash; None when it is not there.

    Folders count too, so that an empty one that was made shows.
    """
    if not folder.exists():
        return None
    return {
        path.relative_to(folder).as_posix(): (
            path.stat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder",
        )
        for path in [folder, *sorted(folder.rglob("*"))]
        if path.name != "run.lock"  # opened for writing by every run, and always empty
    }

"""What is written beside the code holds: recipes, the README's commands, no machine's paths."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from preceptor.cli.main import app
from preceptor.recipe import read_recipe
from preceptor.tasks.catalogue import load_tasks, select

ROOT = Path(__file__).parents[1]
RECIPES = sorted((ROOT / "recipes").rglob("*.yaml"))
FOLDERS = ("src", "tests", "docs", "recipes", "benchmarks")
README = ROOT / "README.md"


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_recipe_is_valid_and_names_tasks_of_the_library(path: Path) -> None:
    recipe = read_recipe(path)
    assert recipe.name == path.stem
    tasks = load_tasks()
    if not recipe.tunes:
        assert recipe.synthesis is not None
        return
    assert select(tasks, [*recipe.mixture.tasks, *recipe.evaluation.tasks])


def test_the_demos_recipe_is_there() -> None:
    assert ROOT / "recipes" / "demo.yaml" in RECIPES


def _targets() -> set[str]:
    """What make can be asked for."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))


def _commands(text: str) -> Iterator[list[str]]:
    """Commands in a page: lines of its code blocks, and what stands in backticks."""
    blocks = re.findall(r"^(?: {4}|\t)(.+)$", text, re.MULTILINE)
    for fenced in re.findall(r"^```[a-z]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        blocks += fenced.splitlines()
    for line in [*blocks, *re.findall(r"`([^`\n]+)`", text)]:
        found = re.match(r"\s*(?:\$ )?(?:\.venv/bin/)?((?:make|preceptor) [^#]*)", line)
        if found:
            yield shlex.split(found[1])


def test_the_readme_names_how_to_see_it_and_how_to_test_it() -> None:
    commands = list(_commands(README.read_text(encoding="utf-8")))
    assert ["make", "demo"] in commands
    assert ["make", "test"] in commands


@pytest.mark.parametrize(
    "page",
    [README, *sorted((ROOT / "docs").glob("*.md"))],
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_a_pages_commands_exist(page: Path) -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    for program, *arguments in _commands(page.read_text(encoding="utf-8")):
        words = [argument for argument in arguments if not argument.startswith("-")]
        if program == "make":
            assert set(words) <= _targets(), f"{page.name}: make {' '.join(words)}"
            continue
        assert not words or words[0] in commands, f"{page.name}: preceptor {words[0]}"
        inner = getattr(commands.get(words[0]), "commands", None) if words else None
        if inner and len(words) > 1 and not words[1].endswith(".yaml"):
            assert words[1] in inner, f"{page.name}: preceptor {' '.join(words[:2])}"


def test_no_file_holds_a_path_of_one_machine() -> None:
    needles = ["/" + folder + "/" for folder in ("work", "root")]
    found = [
        f"{path.relative_to(ROOT)}: {needle}"
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
        for needle in needles
        if needle.encode() in path.read_bytes()
    ]
    assert found == []

"""Recipes: read whole, refused in one line that names the key and what is wrong with it."""

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from preceptor.cli.main import recipes_folder
from preceptor.errors import RecipeError
from preceptor.recipe import Recipe, read_recipe

LEAST = """\
name: least
mixture: {tasks: [rte], examples: 8}
evaluation: {tasks: [rte]}
"""


def read(folder: Path, text: str = "", changes: dict[str, object] | None = None) -> Recipe:
    """A recipe with the least that one needs, and some keys more or in their place."""
    path = folder / "recipe.yaml"
    content = yaml.safe_load(LEAST) | (yaml.safe_load(text) or {})
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return read_recipe(path, changes)


@pytest.mark.parametrize("path", sorted(recipes_folder().glob("*.yaml")), ids=lambda p: p.stem)
def test_every_recipe_that_comes_with_the_project_is_one(path: Path) -> None:
    assert read_recipe(path).name


def test_what_is_not_named_has_its_default(tmp_path: Path) -> None:
    recipe = read(tmp_path)
    assert recipe.folder == Path("runs/least")
    assert recipe.synthesis is None
    assert recipe.model == "embedded:smollm2-135m"
    assert recipe.mixture.tasks == ("rte",)
    assert recipe.tuning.rank == 16
    assert recipe.evaluation.level == 0.95
    assert read(tmp_path, "output: out/there\n").folder == Path("out/there")
    with pytest.raises(ValidationError, match="frozen"):
        recipe.seed = 3  # type: ignore[misc]


def test_numbers_are_read_as_people_write_them(tmp_path: Path) -> None:
    """YAML 1.1 takes 5e-4 for a text."""
    (tmp_path / "recipe.yaml").write_text(LEAST + "tuning: {learning_rate: 5e-4}\n")
    assert read_recipe(tmp_path / "recipe.yaml").tuning.learning_rate == 5e-4


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(LEAST, encoding="utf-8-sig")
    assert read_recipe(tmp_path / "recipe.yaml").name == "least"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sead: 3", "unknown key 'sead'; did you mean 'seed'?"),
        ("extend: other.yaml", "unknown key 'extend'; did you mean 'extends'?"),
        ("tuning: {rnak: 3}", "unknown key 'tuning.rnak'; did you mean 'rank'?"),
        ("synthesis: {teacher: {modle: a/b}}", "'synthesis.teacher.modle'; did you mean 'model'?"),
        # The misspelling is named, and not the key that is missing because of it.
        ("mixture: {tasks: [rte], exmaples: 8}", "'mixture.exmaples'; did you mean 'examples'?"),
        ("tuning: {zzz: 3}", "unknown key 'tuning.zzz'; known are rank, alpha, dropout"),
        ("evaluation: {rows: 3}", "the key 'evaluation.tasks' is missing"),
        ("tuning: 5", "tuning: has keys of its own: .*rank"),
        ("tuning:", "tuning: has keys of its own: .*rank.*, found nothing None"),
        ("mixture: [rte]", r"mixture: has keys of its own: tasks, .*, found list \['rte'\]"),
        ("tuning: {rank: many}", "tuning.rank: input should be a valid integer.* str 'many'"),
        ("tuning: {rank: 0}", "tuning.rank: input should be greater than or equal to 1.* int 0"),
        ("tuning: {learning_rate: .nan}", "learning_rate: input should be a finite number"),
        ("tuning: {schedule: step}", "tuning.schedule: input should be 'constant', 'linear' or"),
        ("evaluation: {tasks: [3]}", r"evaluation.tasks.0: input should be a valid string"),
        ("evaluation: {tasks: []}", "evaluation.tasks: .* at least 1 item"),
        ("seed: -1", "seed: input should be greater than or equal to 0, found int -1"),
        ("title: 5", "title: input should be a valid string, found int 5"),
        ("name: Ünfit", "name: string should match pattern"),
        ("1: 2", "1: keys should be strings, found int 1"),
    ],
)
def test_a_wrong_key_or_value_is_refused_in_one_line(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(RecipeError, match=message) as refused:
        read(tmp_path, text)
    assert str(refused.value).startswith(f"{tmp_path / 'recipe.yaml'}: ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "is not YAML .*line [12]"),
        ("title: 2020-99-99", "is not YAML .*month"),
        ("[" * 3000, "is not YAML"),
        ("a: !!python/object/apply:os.getcwd []", "is not YAML .*python/object"),
        ("", "a recipe is a mapping of keys, found nothing"),
        ("- a\n- b", "a recipe is a mapping of keys, found list"),
        ("demo", "a recipe is a mapping of keys, found str"),
    ],
)
def test_what_is_no_recipe_at_all_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=message) as refused:
        read_recipe(path)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_recipe_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"there is no recipe .*nowhere\.yaml; name a YAML file"):
        read_recipe(tmp_path / "nowhere.yaml")
    with pytest.raises(RecipeError, match="cannot be read as text"):
        read_recipe(tmp_path)
    (tmp_path / "bytes.yaml").write_bytes(b"name: \xff\xfe")
    with pytest.raises(RecipeError, match="cannot be read as text"):
        read_recipe(tmp_path / "bytes.yaml")


def test_a_recipe_changes_the_keys_of_the_one_it_extends(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(
        LEAST + "seed: 3\ntuning: {rank: 4, alpha: 9}\nsynthesis: {requests: 7}\n"
    )
    (tmp_path / "middle.yaml").write_text(
        "extends: base.yaml\ntuning: {rank: 8}\nmixture: {tasks: [cb, boolq]}\n"
    )
    path = tmp_path / "top.yaml"
    path.write_text("extends: middle.yaml\nname: top\nsynthesis: null\n")
    recipe = read_recipe(path)
    assert (recipe.name, recipe.seed) == ("top", 3)
    assert (recipe.tuning.rank, recipe.tuning.alpha) == (8, 9.0)
    assert recipe.mixture.tasks == ("cb", "boolq")  # a list is replaced, not added to
    assert recipe.mixture.examples == 8
    assert recipe.synthesis is None


def test_what_a_recipe_extends_may_be_in_another_folder(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "one.yaml").write_text(LEAST)
    (tmp_path / "base" / "two.yaml").write_text("extends: one.yaml\nseed: 5\n")
    path = tmp_path / "top.yaml"
    path.write_text("extends: base/two.yaml\nname: top\n")
    assert read_recipe(path).seed == 5
    path.write_text("extends: base/three.yaml\n")
    with pytest.raises(RecipeError, match=r"there is no recipe .*three\.yaml"):
        read_recipe(path)


@pytest.mark.parametrize("circle", [["recipe"], ["recipe", "a"], ["recipe", "a", "b"]])
def test_recipes_that_extend_each_other_are_refused(tmp_path: Path, circle: list[str]) -> None:
    for name, other in zip(circle, [*circle[1:], circle[0]], strict=True):
        (tmp_path / f"{name}.yaml").write_text(f"extends: {other}.yaml\n")
    with pytest.raises(RecipeError, match=r"extends itself by way of recipe\.yaml"):
        read_recipe(tmp_path / "recipe.yaml")


def test_changes_are_put_in_place_of_the_files_values(tmp_path: Path) -> None:
    changes: dict[str, object] = {
        "tuning.rank": 4,
        "seed": 11,
        "synthesis.teacher.temperature": 0.0,
        "mixture.tasks": ["cb"],
    }
    recipe = read(tmp_path, "tuning: {rank: 2, alpha: 3}\nseed: 1\n", changes)
    assert (recipe.tuning.rank, recipe.tuning.alpha, recipe.seed) == (4, 3.0, 11)
    assert recipe.synthesis is not None
    assert recipe.synthesis.teacher.temperature == 0.0
    assert recipe.mixture.tasks == ("cb",)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("tuning.rank", 0, "tuning.rank: input should be greater"),
        ("tuning.rnak", 4, "unknown key 'tuning.rnak'; did you mean 'rank'?"),
        ("name.first", "x", "name.first: name has no keys below it"),
        ("tuning", 4, "tuning: has keys of its own: .*rank"),
    ],
)
def test_a_change_is_checked_like_a_file(
    tmp_path: Path, key: str, value: object, message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        read(tmp_path, "", {key: value})


def test_paths_are_relative_to_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / "recipes"
    (folder / "weights").mkdir(parents=True)
    keys = {"data": "../rows", "tasks_folder": "tasks", "model": "weights", "output": "out"}
    recipe = read(folder, yaml.safe_dump({**keys, "synthesis": {"seeds": "own.jsonl"}}))
    assert recipe.data == str(folder / ".." / "rows")
    assert recipe.tasks_folder == str(folder / "tasks")
    assert recipe.model == str(folder / "weights")
    assert recipe.folder == Path("out")
    assert recipe.synthesis is not None
    assert recipe.synthesis.seeds == str(folder / "own.jsonl")
    named = read(folder, "data: /rows\ntasks_folder: ~/tasks\nmodel: org/name\n")
    assert named.data == "/rows"
    assert named.tasks_folder == str(tmp_path / "home" / "tasks")
    assert named.model == "org/name"
    packaged = read(folder, "synthesis: {seeds: biomedical}\n")
    assert packaged.synthesis is not None
    assert packaged.synthesis.seeds == "biomedical"


def test_the_teachers_path_is_relative_to_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    recipe = read(tmp_path, "synthesis: {teacher: {model: weights}}\n")
    assert recipe.synthesis is not None
    assert recipe.synthesis.teacher.model == str(tmp_path / "weights")


def test_a_path_is_relative_to_the_recipe_that_it_stands_in(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "one.yaml").write_text(LEAST + "data: rows\n")
    (tmp_path / "top.yaml").write_text("extends: base/one.yaml\n")
    assert read_recipe(tmp_path / "top.yaml").data == str(tmp_path / "base" / "rows")


@pytest.mark.parametrize("text", ["tuning: {rank: yes}", "seed: 1\nseed: 2"])
def test_slips_of_the_pen_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "recipe.yaml").write_text(LEAST + text)
    with pytest.raises(RecipeError):
        read_recipe(tmp_path / "recipe.yaml")

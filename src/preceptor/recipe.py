"""A recipe: one YAML file for a whole run, checked whole before any work starts.

A stage that is not named is not run. ``extends: other.yaml`` takes another recipe's keys first and
changes only what stands in this one. Paths are relative to the recipe's folder, but for ``output``,
which is relative to where the command is given.
"""

import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from preceptor import strict_yaml
from preceptor.config import Config
from preceptor.errors import RecipeError
from preceptor.evaluation.config import EvaluationConfig
from preceptor.mixture.config import MixtureConfig
from preceptor.synthesis.config import SynthesisConfig
from preceptor.synthesis.seedbank import packaged_sets
from preceptor.tasks.names import did_you_mean
from preceptor.tuning.config import TuningConfig


class Recipe(Config):
    """Everything that a run needs to know."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    title: str = ""
    seed: int = Field(0, ge=0)
    """Of every draw of the run."""
    output: str = ""
    """Folder of the run; runs/<name> when empty."""
    model: str = "embedded:smollm2-135m"
    """The base: hub id, local folder, GGUF file or embedded:<name>."""
    prompt_format: Literal["auto", "chat", "alpaca", "flan", "plain"] = "auto"
    """What stands around a prompt: chat, alpaca, flan, plain, or auto."""
    data: str | None = Field(None, min_length=1)
    """Folder of data sets; $PRECEPTOR_DATA when not set."""
    tasks_folder: str | None = Field(None, min_length=1)
    """A folder of your own task files, beside the library."""
    synthesis: SynthesisConfig | None = None
    mixture: MixtureConfig = Field(
        default_factory=lambda: MixtureConfig.model_construct(examples=0)
    )
    tuning: TuningConfig = TuningConfig()
    evaluation: EvaluationConfig = Field(
        default_factory=lambda: EvaluationConfig.model_construct(tasks=())
    )

    @model_validator(mode="before")
    @classmethod
    def _names_its_stages(cls, content: Any) -> Any:
        """Mixture and evaluation come together; a recipe with neither only synthesises."""
        if isinstance(content, dict):
            there = [name for name in ("mixture", "evaluation") if name in content]
            if len(there) == 1 or (not there and content.get("synthesis") is None):
                lacking = next(n for n in ("mixture", "evaluation") if n not in content)
                raise PydanticCustomError("missing", "missing", {"key": lacking})
        return content

    @property
    def tunes(self) -> bool:
        """It goes on to a mixture, an adapter, scores and a report; else it ends with synthesis."""
        return "mixture" in self.model_fields_set

    @property
    def folder(self) -> Path:
        """Where the run's artifacts go."""
        return Path(self.output or f"runs/{self.name}")


def read_recipe(path: Path, changes: Mapping[str, object] | None = None) -> Recipe:
    """A recipe from its file.

    Args:
        changes: Values for dotted keys (``tuning.rank``), put in place of the file's.

    Raises:
        RecipeError: The file is missing, is not YAML, has an unknown key (the nearest known one is
            named), or a value out of range.
    """
    content = _content(path, ())
    for key, value in (changes or {}).items():
        if key == "extends":
            raise RecipeError("extends cannot be set from outside; write a recipe that has it")
        _put(content, key.split("."), value, key)
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        raise RecipeError(f"{path}: {_problem(error)}") from error


def label(model: str) -> str:
    """A model's name without the folders of this machine: which one it is, its fingerprint says."""
    return Path(model).name if os.path.exists(model) else model


def recorded(config: Config, exclude: Collection[str] = ()) -> dict[str, Any]:
    """Settings as manifests hold them: without what only says where things lie on this machine.

    Seeds, rows and models are recorded by their digests.

    Args:
        exclude: Further names to be left out, wherever they stand.
    """
    content: dict[str, Any] = config.model_dump(mode="json")
    _strip(content, (*UNRECORDED, *exclude))
    return content


UNRECORDED = ("output", "data", "tasks_folder", "path")
"""Settings that say where something lies; what lies there is recorded by its digest."""


def _strip(content: dict[str, Any], without: Collection[str]) -> None:
    for name, value in list(content.items()):
        if isinstance(value, dict) and name not in without:
            _strip(value, without)
        elif name in without or (name == "seeds" and _is_path(value)):
            del content[name]
        elif name == "model" and isinstance(value, str):
            content[name] = label(value)


def _is_path(value: object) -> bool:
    return isinstance(value, str) and value not in packaged_sets()


def _content(path: Path, before: tuple[Path, ...]) -> dict[str, Any]:
    try:
        content = strict_yaml.load(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise RecipeError(f"there is no recipe {path}; name a YAML file") from error
    except strict_yaml.NotYaml as error:
        raise RecipeError(f"{path} is not YAML ({error})") from error
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} cannot be read as text ({error})") from error
    if not isinstance(content, dict):
        raise RecipeError(f"{path}: a recipe is a mapping of keys, found {_kind(content)}")
    _place(content, path.parent)
    parent = content.pop("extends", None)
    if parent is None:
        return content
    other = (path.parent / str(parent)).resolve()
    if other in (*before, path.resolve()):
        raise RecipeError(f"{path} extends itself by way of {other.name}")
    return _merged(_content(other, (*before, path.resolve())), content)


def _place(content: dict[str, Any], folder: Path) -> None:
    """Make the paths in a recipe's own file relative to where the command is given."""
    for keys, name, sure in _paths(content):
        value = keys.get(name)
        if not isinstance(value, str) or not value:
            continue
        beside = folder / Path(value).expanduser()
        # A model or a set of seeds may be named in other ways than by a path.
        if sure or value.endswith(".jsonl") or os.path.exists(beside):
            keys[name] = str(beside)


def _paths(content: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str, bool]]:
    """Where paths may stand: the mapping, the key, and whether it is surely a path."""

    def inner(keys: dict[str, Any], name: str) -> dict[str, Any]:
        found = keys.get(name)
        return found if isinstance(found, dict) else {}

    yield content, "data", True
    yield content, "tasks_folder", True
    yield content, "model", False
    synthesis = inner(content, "synthesis")
    yield synthesis, "seeds", False
    yield inner(synthesis, "passages"), "path", True
    yield inner(synthesis, "semantic"), "model", False
    for group in (synthesis, inner(synthesis, "answers"), inner(synthesis, "categories")):
        teacher = inner(group, "teacher")
        if not teacher.get("endpoint"):
            yield teacher, "model", False


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        there = merged.get(key)
        if isinstance(there, dict) and isinstance(value, dict):
            merged[key] = _merged(there, value)
        else:
            merged[key] = value
    return merged


def _put(content: dict[str, Any], keys: list[str], value: object, whole: str) -> None:
    for key in keys[:-1]:
        inner = content.setdefault(key, {})
        if not isinstance(inner, dict):
            raise RecipeError(f"{whole}: {key} has no keys below it")
        content = inner
    content[keys[-1]] = value


def _problem(error: ValidationError) -> str:
    problems = error.errors()
    unknown = [problem for problem in problems if problem["type"] == "extra_forbidden"]
    return _one(unknown[0] if unknown else problems[0])


def _one(problem: ErrorDetails) -> str:
    keys = [str(key) for key in problem["loc"]]
    where = ".".join(keys)
    if problem["type"] == "extra_forbidden":
        return f"unknown key {where!r}{did_you_mean(keys[-1], _known(keys[:-1]))}"
    if problem["type"] == "missing":
        where = where or str(problem["ctx"]["key"])
        return f"the key {where!r} is missing"
    message = problem["msg"][:1].lower() + problem["msg"][1:]
    if problem["type"] == "value_error":  # our own words, about a group of settings as a whole
        return f"{where}: {message.removeprefix('value error, ')}"
    if problem["type"] == "literal_error":
        keys = [key for key in keys if not key.startswith("literal[")]
        where = ".".join(keys)
    if problem["type"] == "model_type":
        message = f"has keys of its own: {', '.join(_known(keys))}"
    if problem["type"] == "tuple_type":
        message = "input should be a list"
    return f"{where}: {message}, found {_kind(problem['input'])} {problem['input']!r:.60}"


def _known(keys: list[str]) -> list[str]:
    """Keys that may stand at a place in a recipe."""
    model: Any = Recipe
    for key in keys:
        annotation = model.model_fields[key].annotation
        inner = getattr(annotation, "__args__", (annotation,))
        model = next(t for t in inner if isinstance(t, type) and issubclass(t, BaseModel))
    known = list(model.model_fields)
    return [*known, "extends"] if model is Recipe else known


def _kind(value: object) -> str:
    return "nothing" if value is None else type(value).__name__

"""A recipe: one YAML file for a whole run, checked whole before any work starts.

A stage that is not named is not run. ``extends: other.yaml`` takes another recipe's keys first and
changes only what stands in this one. Paths are relative to the recipe's folder, but for ``output``,
which is relative to where the command is given.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from preceptor.errors import RecipeError
from preceptor.evaluation.config import EvaluationConfig
from preceptor.mixture.config import MixtureConfig
from preceptor.synthesis.config import SynthesisConfig
from preceptor.tasks.names import did_you_mean
from preceptor.tuning.config import TuningConfig


class Recipe(BaseModel):
    """Everything that a run needs to know."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    title: str = ""
    seed: int = Field(0, ge=0)
    """Of every draw of the run."""
    output: str = ""
    """Folder of the run; runs/<name> when empty."""
    model: str = "embedded:smollm2-135m"
    """The base: hub id, local folder, GGUF file or embedded:<name>."""
    prompt_format: str = "auto"
    """What stands around a prompt: chat, alpaca, flan, plain, or auto."""
    data: str | None = None
    """Folder of data sets; $PRECEPTOR_DATA when not set."""
    tasks_folder: str | None = None
    """A folder of your own task files, beside the library."""
    synthesis: SynthesisConfig | None = None
    mixture: MixtureConfig
    tuning: TuningConfig = TuningConfig()
    evaluation: EvaluationConfig

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
        _put(content, key.split("."), value, key)
    for key in ("data", "tasks_folder"):
        if isinstance(content.get(key), str):
            content[key] = str(path.parent / Path(content[key]).expanduser())
    synthesis = content.get("synthesis")
    if isinstance(synthesis, dict) and str(synthesis.get("seeds", "")).endswith(".jsonl"):
        synthesis["seeds"] = str(path.parent / synthesis["seeds"])
    if isinstance(content.get("model"), str) and (path.parent / content["model"]).exists():
        content["model"] = str(path.parent / content["model"])
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        raise RecipeError(f"{path}: {_problem(error)}") from error


def _content(path: Path, before: tuple[Path, ...]) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise RecipeError(f"there is no recipe {path}; name a YAML file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} cannot be read as text ({error})") from error
    # PyYAML lets out a ValueError for a date like 2020-99-99, and nests as deep as Python does.
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise RecipeError(f"{path} is not YAML ({' '.join(str(error).split())})") from error
    if not isinstance(content, dict):
        raise RecipeError(f"{path}: a recipe is a mapping of keys, found {_kind(content)}")
    parent = content.pop("extends", None)
    if parent is None:
        return content
    other = (path.parent / str(parent)).resolve()
    if other in (*before, path.resolve()):
        raise RecipeError(f"{path} extends itself by way of {other.name}")
    return _merged(_content(other, (*before, path.resolve())), content)


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
        return f"the key {where!r} is missing"
    message = problem["msg"][:1].lower() + problem["msg"][1:]
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

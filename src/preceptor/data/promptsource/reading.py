"""A ``templates.yaml`` of promptsource, read without building any object but ours.

dataset: super_glue
subset: rte
templates:
  <id>: !Template
    name: ...
    jinja: a prompt ||| a target
    answer_choices: Yes ||| No          # Jinja; a list in older files; null for open answers
    metadata: !TemplateMetadata
      choices_in_prompt: true
      original_task: true
      metrics: [Accuracy]
      languages: [en]
    reference: ...
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from preceptor.errors import TaskError

TAGS = ("!Template", "!TemplateMetadata", "!TemplateGroup")
"""Tags that are read, all as plain mappings. Any other is refused."""


@dataclass(frozen=True, slots=True)
class PromptTemplate:
    """One template as promptsource has it."""

    id: str
    name: str
    jinja: str
    answer_choices: str | tuple[str, ...] | None = None
    """Jinja that renders to choices with ||| between them; a list in older files."""
    reference: str = ""
    original_task: bool | None = None
    """It asks for what the data set was made to ask for."""
    choices_in_prompt: bool | None = None
    metrics: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PromptFile:
    """All templates of one data set."""

    dataset: str
    subset: str
    templates: tuple[PromptTemplate, ...]


class _Loader(yaml.SafeLoader):
    """A safe loader that knows promptsource's tags."""


def _plain(loader: _Loader, node: yaml.Node) -> dict[Any, Any]:
    if not isinstance(node, yaml.MappingNode):
        raise yaml.constructor.ConstructorError(
            None, None, f"{node.tag} should be a mapping", node.start_mark
        )
    return loader.construct_mapping(node, deep=True)


for _tag in TAGS:
    _Loader.add_constructor(_tag, _plain)


def read_prompts(path: Path) -> PromptFile:
    """A file's templates.

    Raises:
        TaskError: It cannot be read, is not YAML, has another tag, or is not of this layout.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        value = yaml.load(text, Loader=_Loader)  # a SafeLoader
    except (OSError, UnicodeDecodeError) as error:
        raise TaskError(f"{path} cannot be read as text ({error})") from error
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise TaskError(f"{path}{line}: not promptsource's YAML ({error.problem})") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise TaskError(f"{path}: not YAML ({' '.join(str(error).split())})") from error
    given = value.get("templates") if isinstance(value, dict) else None
    if not isinstance(given, dict) or not given:
        raise TaskError(
            f"{path} has no mapping of templates; name a templates.yaml of promptsource "
            "(dataset, subset, templates)"
        )
    templates = tuple(_template(str(id), entry, path) for id, entry in given.items())
    return PromptFile(
        _text(value.get("dataset", value.get("dataset_name"))),
        _text(value.get("subset", value.get("subset_name"))),
        templates,
    )


def _template(id: str, entry: Any, path: Path) -> PromptTemplate:
    where = f"{path}, template {id}"
    if not isinstance(entry, dict):
        raise TaskError(f"{where}: should be a mapping, found {type(entry).__name__}")
    jinja = entry.get("jinja")
    if not isinstance(jinja, str) or not jinja.strip():
        raise TaskError(f"{where}: jinja is missing or empty")
    choices = entry.get("answer_choices")
    if isinstance(choices, list):
        choices = tuple(str(choice) for choice in choices)
    elif choices is not None and not isinstance(choices, str):
        raise TaskError(f"{where}: answer_choices should be text, found {type(choices).__name__}")
    metadata = entry.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    return PromptTemplate(
        id=_text(entry.get("id")) or id,
        name=_text(entry.get("name")) or id,
        jinja=jinja,
        answer_choices=choices or None,
        reference=_text(entry.get("reference")),
        # Before version 0.1 the key was task_template.
        original_task=_flag(metadata.get("original_task", metadata.get("task_template"))),
        choices_in_prompt=_flag(metadata.get("choices_in_prompt")),
        metrics=_texts(metadata.get("metrics", metadata.get("metric"))),
        languages=_texts(metadata.get("languages")),
    )


def _text(value: Any) -> str:
    return " ".join(str(value).split()) if isinstance(value, str | int | float) else ""


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _texts(value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    return tuple(one for one in values if isinstance(one, str))

"""Task files written so that a person can read and change them, and checked before they are."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from preceptor.tasks.task import Task
from preceptor.tasks.taskfile import parse_task

_INLINE = ("source", "fields", "provenance", "names", "words", "held_out_with")
"""Keys whose mapping or list stands on one line."""


@dataclass(frozen=True, slots=True)
class TaskText:
    """A task file that was written, and what it says when read."""

    text: str
    task: Task


@dataclass(frozen=True, slots=True)
class TemplateText:
    """One template with a remark that stands above it."""

    keys: Mapping[str, Any]
    remark: str = ""


class _Inline(dict[str, Any]):
    pass


class _InlineList(list[Any]):
    pass


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _mapping(dumper: yaml.SafeDumper, value: _Inline) -> yaml.MappingNode:
    return dumper.represent_mapping("tag:yaml.org,2002:map", value.items(), flow_style=True)


def _list(dumper: yaml.SafeDumper, value: _InlineList) -> yaml.SequenceNode:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=True)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(_Inline, _mapping)
_Dumper.add_representer(_InlineList, _list)


def write_task(
    keys: Mapping[str, Any], templates: Sequence[TemplateText], remark: str, where: str
) -> TaskText:
    """A task file's text.

    Args:
        keys: All but ``templates``, in the order wanted; those that are empty are left out.
        templates: In order.
        remark: What stands above everything, a line a line.
        where: Begins the message of an error.

    Raises:
        TaskError: It would not be a task file.
    """
    given = {key: _shaped(key, value) for key, value in keys.items() if value not in ("", [], {})}
    parts = [_remark(remark, ""), _yaml(given), "templates:\n"]
    for template in templates:
        entry = _yaml([dict(template.keys)])
        parts.append(_remark(template.remark, "  "))
        parts.append("".join(f"  {line}" if line.strip() else line for line in _lines(entry)))
    text = "".join(parts)
    return TaskText(text, parse_task(text, where))


def _yaml(value: Any) -> str:
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10**9, indent=2
    )
    return text


def _lines(text: str) -> list[str]:
    # Not splitlines(): a text may hold a form feed or U+2028, which begin no line in YAML's sense.
    return [f"{line}\n" for line in text.removesuffix("\n").split("\n")]


def _remark(text: str, indent: str) -> str:
    return "".join(f"{indent}# {' '.join(line.split())}\n" for line in text.split("\n") if line)


def _shaped(key: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        inner = {name: _shaped(name, item) for name, item in value.items()}
        return _Inline(inner) if key in _INLINE else inner
    if isinstance(value, list | tuple):
        return _InlineList(value) if key in _INLINE else list(value)
    return value


def verbatim(text: str) -> str:
    """A text as Jinja that renders to it."""
    if not any(mark in text for mark in ("{{", "{%", "{#")):
        return text
    if "endraw" in text:
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return '{{ "' + escaped + '" }}'
    return "{% raw %}" + text + "{% endraw %}"


def quoted(text: str) -> str:
    """A text as a string of Jinja's expressions."""
    return json.dumps(text, ensure_ascii=False)

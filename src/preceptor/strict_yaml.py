"""YAML in which a key given twice is an error, and not silently the last one's."""

from collections.abc import Hashable
from typing import Any

import yaml

# libyaml's parser where PyYAML was built with it: it reads the same and is ten times as quick.
_Base: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[valid-type,misc]
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is there twice", key_node.start_mark
                )
            if isinstance(key, Hashable):
                seen.add(key)
        made: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return made


class NotYaml(ValueError):
    """The text is not YAML; the message says where and why."""


def load(text: str) -> object:
    """The value of a YAML text, built of plain types only.

    Raises:
        NotYaml: It is not YAML, or a key stands twice.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise NotYaml(f"{line}{error.problem}") from error
    # PyYAML lets out a ValueError for a date like 2020-99-99, and nests as deep as Python does.
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise NotYaml(" ".join(str(error).split())) from error

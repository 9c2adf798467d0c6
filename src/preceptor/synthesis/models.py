"""The models of a synthesis: their names and versions at once, their weights when they are asked.

A run that finds all its replies in the ledger loads no weights and opens no connection.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from preceptor.artifact import digest
from preceptor.records import Reply
from preceptor.synthesis.config import SynthesisConfig
from preceptor.teachers.calls import BatchModel, Call
from preceptor.teachers.config import TeacherConfig

Open = Callable[[TeacherConfig], BatchModel]
"""Loads a model that runs in the process."""


@dataclass(frozen=True, slots=True)
class Models:
    """What answers, by role (``SynthesisConfig.teachers``)."""

    names: Mapping[str, str]
    """Role to name and version: part of every call's id."""
    here: Mapping[str, BatchModel] = field(default_factory=dict)
    """Those in the process. A role that is not here is behind its endpoint."""


class _WhenAsked:
    """A model in the process that is loaded by the first call that the ledger cannot answer."""

    def __init__(self, name: str, fingerprint: str, load: Callable[[], BatchModel]) -> None:
        self.name, self.fingerprint = name, fingerprint
        self._load = load
        self._model: BatchModel | None = None

    def check(self, call: Call) -> None:
        """As the model itself."""
        self._loaded().check(call)

    def complete(self, calls: Sequence[Call]) -> list[Reply]:
        """As the model itself."""
        return self._loaded().complete(calls)

    def _loaded(self) -> BatchModel:
        if self._model is None:
            self._model = self._load()
        return self._model


def synthesis_models(
    config: SynthesisConfig,
    fingerprint: Callable[[str], str],
    label: Callable[[str], str],
    kind: Callable[[str], str],
    open_here: Open,
) -> Models:
    """The models that a synthesis asks.

    Args:
        fingerprint: SHA-256 of a local model's files, by its name in the recipe.
        label: Its name without the folders of this machine.
        kind: The type of numbers that its ``dtype`` setting means here.
        open_here: Called at most once for each role.
    """
    names: dict[str, str] = {}
    here: dict[str, BatchModel] = {}
    for role, teacher in config.teachers().items():
        if not teacher.local:
            # Where it is asked does not matter, and is not part of a call: a proxy changes nothing.
            how = digest({"api": teacher.api, "structured": teacher.asks_json})[:8]
            names[role] = f"{teacher.model}@{how}"
            continue
        version = fingerprint(teacher.model)
        name = label(teacher.model)
        names[role] = f"{name}@{version}/{kind(teacher.dtype)}"
        here[role] = _opened(name, version, teacher, open_here)
    return Models(names, here)


def _opened(name: str, version: str, teacher: TeacherConfig, open_here: Open) -> BatchModel:
    return _WhenAsked(name, version, lambda: open_here(teacher))

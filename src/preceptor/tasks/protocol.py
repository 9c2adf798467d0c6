"""A protocol: another harness's prompt, splits and scoring, so that a number can be compared.

Ours are the ten templates of a task; a protocol is the one wording that published results were
made with. It is data: one YAML file each, ``protocols/<harness>/<task>.yaml``, named after its
place. What a model sees is the harness's, byte by byte (``tests/tasks/test_protocols.py``).
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, field, fields
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal, Never

from pydantic import ConfigDict, Field, StrictInt, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from preceptor import artifact, strict_yaml
from preceptor.errors import TaskError
from preceptor.tasks.expressions import ExpressionError
from preceptor.tasks.names import did_you_mean
from preceptor.tasks.protocol_language import names_in_expression, names_in_template
from preceptor.tasks.task import FieldType

PROTOCOLS = Path(str(resources.files("preceptor.tasks").joinpath("protocols")))
Metric = Literal["acc", "acc_norm", "f1"]
Draw = Literal["first", "random", "random_without_item"]
_STRICT = ConfigDict(extra="forbid")
_REVISION = re.compile(r"[0-9a-f]{40}|refs/convert/parquet")


@dataclass(frozen=True, config=_STRICT)
class Mirror:
    """What the protocol is equal to."""

    task: str
    """Its name in the harness."""
    version: str
    """The version that the harness gives the task; ``Yaml`` where its file says none."""
    release: str
    """Of the harness: the one that equality was tested with."""


@dataclass(frozen=True, config=_STRICT)
class ProtocolSource:
    """Where the harness takes its rows from."""

    hub: str
    """The data set's id on the Hugging Face hub."""
    revision: str
    evaluation: str
    """The hub's split that is scored."""
    exemplars: str
    """The hub's split that few-shot exemplars are drawn from."""
    folder: str
    """The same data in a folder of the data root."""
    config: str = ""
    keep: str = ""
    """Expression: rows of a folder that holds several of the hub's configurations."""
    adapt: dict[str, str] = field(default_factory=dict)
    """Field to an expression over rows of another published layout; used where a row lacks it."""


@dataclass(frozen=True, config=_STRICT)
class Protocol:
    """A protocol file's content. Texts are Jinja over ``fields`` and ``values``."""

    protocol: str
    about: str
    mirrors: Mirror
    task: str
    """The library's task on the same rows: its provenance and licence are the protocol's."""
    source: ProtocolSource
    fields: dict[str, FieldType]
    gold: str
    """Expression for the index of the right choice, from 0."""
    metrics: tuple[Metric, ...]
    values: dict[str, str] = field(default_factory=dict)
    """Expressions, each over the fields and the values above it."""
    prompt: str = ""
    """One context; the choices are its continuations."""
    choices: tuple[str, ...] | str = ""
    """The texts themselves, or an expression for them."""
    contexts: str = ""
    """Or several contexts, an expression: the choices stand in them (partial evaluation)..."""
    continuation: str = ""
    """... and one text goes on after each."""
    description: str = ""
    """Stands once before everything, exemplars included."""
    delimiter: str = " "
    """Between a context and its continuation; counted with the continuation."""
    separator: str = "\n\n"
    """After each exemplar."""
    draw: Draw = "random"
    """How the harness chooses exemplars (``protocol_render.draw_exemplars``)."""
    shots: Annotated[StrictInt, Field(ge=0)] = 0
    """Exemplars that the harness shows unless told otherwise."""
    usual_shots: Annotated[StrictInt, Field(ge=0)] = 0
    """Exemplars in most published tables, where that is another number; 0 where it is none."""

    @property
    def name(self) -> str:
        """Harness and task: ``lm_eval/boolq``."""
        return self.protocol

    @property
    def digest(self) -> str:
        """SHA-256 of the content."""
        return artifact.digest(asdict(self))


_ADAPTER = TypeAdapter(Protocol)


def load_protocols(folder: Path = PROTOCOLS) -> dict[str, Protocol]:
    """All protocols below a folder, by name and sorted by it.

    Raises:
        TaskError: The folder has none, or a file is wrong.
    """
    paths = sorted(folder.rglob("*.yaml"))
    if not paths:
        raise TaskError(f"{folder} has no protocols (*.yaml); name a folder with protocol files")
    found = [read_protocol(path, folder) for path in paths]
    return {one.name: one for one in sorted(found, key=lambda one: one.name)}


def protocol(name: str) -> Protocol:
    """A protocol of the package.

    Raises:
        TaskError: There is none of that name (the nearest is named).
    """
    known = _library()
    if name not in known:
        near = did_you_mean(name, known, "preceptor tasks protocols")
        raise TaskError(f"there is no protocol {name!r}{near}")
    return known[name]


@cache
def _library() -> Mapping[str, Protocol]:
    return load_protocols()


def read_protocol(path: Path, folder: Path) -> Protocol:
    """A protocol from its file, which is named after it below ``folder``.

    Raises:
        TaskError: The file cannot be read, is not YAML, has an unknown key or a wrong value, uses a
            name that is not defined, or is not named after its protocol.
    """
    try:
        found = parse_protocol(path.read_text(encoding="utf-8-sig"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise TaskError(f"{path} cannot be read as text ({error})") from error
    name = path.relative_to(folder).with_suffix("").as_posix()
    if found.name != name:
        raise TaskError(f"{path}: protocol is {found.name!r}; by its place it is {name!r}")
    return found


def parse_protocol(text: str, where: str) -> Protocol:
    """A protocol from the text of its file; ``where`` begins every message.

    Raises:
        TaskError: As for ``read_protocol``.
    """
    try:
        content = strict_yaml.load(text)
    except strict_yaml.NotYaml as error:
        raise TaskError(f"{where}: not YAML ({error})") from error
    if not isinstance(content, dict):
        raise TaskError(f"{where}: a protocol file is a mapping, found {type(content).__name__}")
    try:
        found = _ADAPTER.validate_python(content)
    except ValidationError as error:
        raise TaskError(f"{where}: {_problem(error)}") from error
    try:
        _check_form(found)
        _check_names(found)
    except TaskError as error:
        raise TaskError(f"{where}: {error}") from error
    return found


def _problem(error: ValidationError) -> str:
    problems = error.errors()
    # A misspelt key is also a missing one: name the misspelling.
    unknown = [one for one in problems if one["type"] == "unexpected_keyword_argument"]
    first = (unknown or problems)[0]
    inside, key = ".".join(map(str, first["loc"][:-1])), str(first["loc"][-1])
    at = f" in {inside}" if inside else ""
    if unknown:
        record = {"source": ProtocolSource, "mirrors": Mirror}.get(inside, Protocol)
        return f"unknown key {key!r}{at}{did_you_mean(key, [f.name for f in fields(record)])}"
    if first["type"] == "missing":
        return f"key {key!r} is missing{at}"
    value = first["input"]
    said = first["msg"][:1].lower() + first["msg"][1:]
    # Where a key may be one of two forms, pydantic puts the form's type into the place.
    where = ".".join(str(part) for part in first["loc"] if not str(part).startswith("tuple["))
    return f"{where}: {said}, found {type(value).__name__} {value!r:.60}"


def _check_form(found: Protocol) -> None:
    """What holds between keys."""
    for key in ("protocol", "about", "task", "fields", "gold", "metrics"):
        if not getattr(found, key):
            _refuse(f"{key} is empty")
    forms = {"prompt": ("prompt", "choices"), "contexts": ("contexts", "continuation")}
    given = {key for form in forms.values() for key in form if getattr(found, key)}
    if given not in (set(forms["prompt"]), set(forms["contexts"])):
        _refuse(
            "prompt with choices, or contexts with continuation is needed, found "
            + (", ".join(sorted(given)) or "none")
        )
    if not _REVISION.fullmatch(found.source.revision):
        _refuse(
            f"source.revision {found.source.revision!r} is neither a commit of 40 hex digits nor "
            "refs/convert/parquet"
        )
    if isinstance(found.choices, tuple) and len(found.choices) < 2:
        _refuse("choices has one text; two are the least")
    for name in found.source.adapt:
        if name not in found.fields:
            _refuse(f"source.adapt: unknown field {name!r}{did_you_mean(name, found.fields)}")


def _check_names(found: Protocol) -> None:
    """Every expression and template is one, and uses only what is defined."""
    # Rows of other layouts have fields of their own: only the form of what reads them is known.
    for key, text in {"keep": found.source.keep, **found.source.adapt}.items():
        _check(f"source.{key}", text, None, False)
    scope = set(found.fields)
    for name, text in found.values.items():
        if not name.isidentifier():
            _refuse(f"values: {name!r} cannot be a value's name")
        _check(f"values.{name}", text, scope, False)
        scope.add(name)
    _check("gold", found.gold, scope, False)
    _check("contexts", found.contexts, scope, False)
    _check("prompt", found.prompt, scope, True)
    _check("continuation", found.continuation, scope, True)
    if isinstance(found.choices, str):
        _check("choices", found.choices, scope, False)


def _check(key: str, text: str, scope: set[str] | None, template: bool) -> None:
    if not text:
        return
    try:
        used = names_in_template(text) if template else names_in_expression(text)
    except ExpressionError as error:
        raise TaskError(f"{key}: {error}") from error
    for name in sorted(used - scope) if scope is not None else ():
        _refuse(f"{key}: unknown name {name!r}{did_you_mean(name, sorted(scope or ()))}")


def _refuse(what: str) -> Never:
    raise TaskError(what)

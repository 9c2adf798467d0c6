"""A task: where rows come from, what the right answer is, how it is asked for and scored.

One YAML file a task (``docs/tasks.md``), read by ``taskfile``; this module holds what was read and
turns a row into the values that templates use.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Annotated, Any, Literal, Never

from pydantic import ConfigDict, Field, StrictBool, StrictFloat, StrictInt
from pydantic.dataclasses import dataclass

from preceptor import artifact
from preceptor.errors import RowError
from preceptor.records import Row
from preceptor.tasks.expressions import ExpressionError, Together, evaluate
from preceptor.tasks.transforms import tidy

Metric = Literal[
    "accuracy",
    "rouge_l",
    "rouge_1",
    "bleu",
    "edit_similarity",
    "entity_f1",
    "exact_match",
    "token_f1",
]
SetMetric = Literal["f1", "macro_f1", "matthews", "pearson", "spearman"]
Access = Literal["open", "elsewhere", "request", "gated", "gone"]
FieldType = Literal[
    "str",
    "int",
    "float",
    "bool",
    "list",
    "dict",
    "str?",
    "int?",
    "float?",
    "bool?",
    "list?",
    "dict?",
]
"""Those with a question mark may be missing or null: an expression then finds none."""
LabelValue = StrictBool | StrictInt | StrictFloat | str
ANSWER_TARGET = "{{ answer }}"
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_STRICT)
class Source:
    """Where the rows are: a folder of the data root, or rows shipped in the package."""

    splits: dict[str, str]
    """Our split to the file's name without its ending."""
    folder: str = ""
    package: str = ""
    hub: str = ""
    """The data set's id on the Hugging Face hub."""
    config: str = ""
    """Its configuration there."""
    revision: str = ""
    """A commit there, or ``refs/convert/parquet``: the hub's own conversion, which needs no
    script."""
    hub_splits: dict[str, str] = dataclasses.field(default_factory=dict)
    """Our split to a slice of the hub's, such as ``train[:-200]`` (``slices``)."""
    rename: dict[str, str] = dataclasses.field(default_factory=dict)
    """Our field to the source's."""
    layout: str = ""
    """Whose label ids the rows in the folder have: a key of ``labels.ids``; empty for the hub's.
    Rows that were fetched from the hub have the hub's."""
    size: Annotated[StrictInt, Field(ge=0)] = 0
    """Rows of the hub's training split; 0 where not known."""
    access: Access = "open"
    how: str = ""
    """How to get the files that cannot simply be fetched, and where to put them."""

    @property
    def dataset(self) -> str:
        """The name that rows carry."""
        return self.folder or self.package


@dataclass(frozen=True, config=_STRICT)
class Labels:
    """The answer is a label."""

    field: str
    """Expression for the label's value in the row."""
    names: dict[LabelValue, str]
    """Value to name."""
    words: dict[str, str]
    """Name to the words that a model reads and writes: the options, in this order."""
    ids: dict[str, dict[LabelValue, str]] = dataclasses.field(default_factory=dict)
    """Value to name in other published copies, by ``source.layout``: ids differ between them."""


@dataclass(frozen=True, config=_STRICT)
class Choices:
    """The answer is one of the texts that the row brings."""

    options: str
    """Expression for the list of texts."""
    answer: str
    """Expression for the index of the right one, from 0, or for a list of several right ones."""


@dataclass(frozen=True, config=_STRICT)
class Template:
    """One wording of a task."""

    id: str
    prompt: str
    target: str = ANSWER_TARGET
    inverted: StrictBool = False
    """What is asked for is a field and not the answer (FLAN, section 2.1)."""


@dataclass(frozen=True, config=_STRICT)
class Task:
    """A task file's content; ``docs/tasks.md`` says what each field means."""

    task: str
    title: str
    licence: str
    about: str
    source: Source
    provenance: tuple[str, ...]
    fields: dict[str, FieldType]
    values: dict[str, str]
    metric: Metric
    templates: tuple[Template, ...]
    cluster: str = ""
    category: str = ""
    keep: str = ""
    labels: Labels | None = None
    choices: Choices | None = None
    answer: str = ""
    references: str = ""
    each: str = ""
    collection: str = ""
    corpora: tuple[str, ...] = ()
    held_out_with: tuple[str, ...] = ()
    reported: tuple[SetMetric, ...] = ()
    sample: tuple[dict[str, Any], ...] = ()
    max_new_tokens: Annotated[StrictInt, Field(gt=0)] = 64

    @property
    def name(self) -> str:
        """The task's name, which is its file's."""
        return self.task

    @property
    def kind(self) -> Literal["options", "text"]:
        """Whether the answer is one of some options or free text."""
        return "text" if self.answer else "options"

    @property
    def digest(self) -> str:
        """SHA-256 of the content: the same for files that differ in layout, comments or sample."""
        content = asdict(self)
        del content["sample"]
        return artifact.digest(_ordered(content))


@dataclasses.dataclass(frozen=True, slots=True)
class Prepared:
    """A row with everything that a template may use."""

    values: Mapping[str, object]
    answer: str
    options: tuple[str, ...] = dataclasses.field(default=())
    """Empty for free text."""
    gold: int = -1
    """Index of the right option, the first of several; -1 for free text."""
    references: tuple[str, ...] = dataclasses.field(default=())
    """Every text that counts as right; empty where that is the answer alone."""


ITEM, ITEM_NUMBER = "item", "item_number"
"""Fields of a row that ``each`` made: an item of the source's row, and its place from 0."""


def expand(task: Task, row: Row) -> list[Row]:
    """A source's row as the rows of the task: itself, or one for each item of ``task.each``.

    Raises:
        RowError: The expression fails, or is no list.
    """
    if not task.each:
        return [row]
    items = _evaluated(task, row, "each", task.each, _checked_fields(task, row, ()))
    if not isinstance(items, list | tuple):
        _refuse(task, row, f"each should be a list, found {_shown(items)}")
    return [
        Row(
            row.dataset,
            row.split,
            f"{row.id}#{number}",
            {**row.fields, ITEM: item, ITEM_NUMBER: number},
            row.layout,
        )
        for number, item in enumerate(items)
    ]


def prepare(task: Task, row: Row) -> Prepared | None:
    """Check a row and compute its values and answer.

    None for a row to leave out: ``keep`` is false, or two of its options are equal or one is empty,
    so that the right one could not be told from the rest (rows of MedMCQA are like that). The texts
    of choices are tidied, so that each is one line of the options block; a free answer is stripped.

    Raises:
        RowError: A field is missing or of another type, an expression fails, the label's value is
            unknown, there are fewer than two options, or the answer is empty or out of range.
    """
    scope = _checked_fields(task, row, (ITEM, ITEM_NUMBER) if task.each else ())
    right = _right(task)
    made = _together(tuple(task.values.items()), right, task.keep)(scope)
    if made is not None:
        values, results = made
        return _prepared(task, row, values, results.__getitem__) if results else None
    # Something failed. Again, one expression after another, to say which.
    if task.keep and not _evaluated(task, row, "keep", task.keep, scope):
        return None
    values = {}
    for name, expression in task.values.items():
        values[name] = scope[name] = _evaluated(task, row, f"values.{name}", expression, scope)
    texts = dict(right)
    return _prepared(task, row, values, lambda key: _evaluated(task, row, key, texts[key], scope))


_Expressions = tuple[tuple[str, str], ...]


@lru_cache(maxsize=1024)
def _together(values: _Expressions, right: _Expressions, keep: str) -> Together:
    return Together(dict(values), dict(right), keep)


def _right(task: Task) -> _Expressions:
    """The expressions that say what is right, by their keys in the task file."""
    if task.labels is not None:
        return (("labels.field", task.labels.field),)
    if task.choices is not None:
        options, answer = task.choices.options, task.choices.answer
        return ("choices.options", options), ("choices.answer", answer)
    if task.references:
        return ("answer", task.answer), ("references", task.references)
    return (("answer", task.answer),)


def _prepared(
    task: Task, row: Row, values: dict[str, object], result: Callable[[str], object]
) -> Prepared | None:
    """A row whose values are there. ``result``: of an expression, by its key."""
    if task.labels is not None:
        return _labelled(task, row, task.labels, values, result("labels.field"))
    if task.choices is not None:
        return _chosen(task, row, values, result)
    answer = result("answer")
    if not isinstance(answer, str):
        _refuse(task, row, f"answer should be text, found {_shown(answer)}")
    if not answer.strip():
        _refuse(task, row, "answer is empty; leave such rows out with keep")
    references = _references(task, row, answer, result("references")) if task.references else ()
    return Prepared(values, answer.strip(), references=references)


def _references(task: Task, row: Row, answer: str, texts: object) -> tuple[str, ...]:
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        _refuse(task, row, f"references should be a list of texts, found {_shown(texts)}")
    found = dict.fromkeys((answer.strip(), *(text.strip() for text in texts)))
    return tuple(text for text in found if text)


def _labelled(
    task: Task, row: Row, labels: Labels, values: dict[str, object], value: object
) -> Prepared:
    layout = row.layout
    names = labels.ids[layout] if layout else labels.names
    name = names.get(value) if isinstance(value, bool | int | float | str) else None
    if name is None:
        known = ", ".join(repr(known) for known in names)
        key = f"labels.ids.{layout}" if layout else "labels.names"
        _refuse(task, row, f"label {_shown(value)} is not among {key} ({known})")
    gold = list(labels.words).index(name)
    options = tuple(labels.words.values())
    return Prepared(values, options[gold], options, gold)


def _chosen(
    task: Task, row: Row, values: dict[str, object], result: Callable[[str], object]
) -> Prepared | None:
    texts = result("choices.options")
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        _refuse(task, row, f"choices.options should be a list of texts, found {_shown(texts)}")
    options = tuple(tidy(text) for text in texts)
    if len(options) < 2:
        _refuse(task, row, f"choices.options should be two texts or more, found {_shown(texts)}")
    found = result("choices.answer")
    golds: list[int] = []
    for gold in found if isinstance(found, list | tuple) else [found]:
        if isinstance(gold, bool) or not isinstance(gold, int):
            _refuse(task, row, f"choices.answer should be an index, found {_shown(gold)}")
        golds.append(gold)
    if not golds:
        _refuse(task, row, "choices.answer is an empty list; leave such rows out with keep")
    for gold in golds:
        if not 0 <= gold < len(options):
            last = len(options) - 1
            _refuse(task, row, f"choices.answer is {gold}, but the options are 0 to {last}")
    if len(set(options)) < len(options) or not all(options):
        return None
    right = tuple(options[gold] for gold in golds) if len(golds) > 1 else ()
    return Prepared(values, options[golds[0]], options, golds[0], right)


_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "list": (list,),
    "dict": (dict,),
}
_TYPES |= {f"{kind}?": (*types, type(None)) for kind, types in _TYPES.items()}


def _checked_fields(task: Task, row: Row, more: Sequence[str]) -> dict[str, object]:
    """The row's fields that expressions may use; ``more`` of them are there of any type."""
    fields = row.fields
    scope: dict[str, object] = {name: fields[name] for name in more}
    for name, declared in task.fields.items():
        value = scope[name] = fields.get(name)
        # By the very type: a bool is an int to Python, not to a task.
        if type(value) in _TYPES[declared]:
            continue
        kind = declared.rstrip("?")
        if name not in fields:
            there = ", ".join(fields) or "none"
            _refuse(task, row, f"field {name!r} ({kind}) is missing; the row has {there}")
        _refuse(task, row, f"field {name!r} should be {kind}, found {_shown(value)}")
    return scope


def _evaluated(
    task: Task, row: Row, key: str, expression: str, scope: Mapping[str, object]
) -> object:
    try:
        return evaluate(expression, scope)
    except ExpressionError as error:
        _refuse(task, row, f"{key}: {error}")


def _refuse(task: Task, row: Row, what: str) -> Never:
    raise RowError(
        f"{row.dataset}/{row.split}, row {row.id}: {what}; "
        f"correct the row, or the task file of {task.name!r}"
    )


def _shown(value: object) -> str:
    text = repr(value)
    kind = "null" if value is None else type(value).__name__
    return f"{kind} {text[:60]}{'…' if len(text) > 60 else ''}" if value is not None else kind


def _ordered(value: object) -> object:
    """Mappings as lists of pairs: their order matters, and JSON would make 1 and "1" one key."""
    if isinstance(value, dict):
        return [[key, _ordered(item)] for key, item in value.items()]
    if isinstance(value, list | tuple):
        return [_ordered(item) for item in value]
    return value

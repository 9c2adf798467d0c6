"""The peer of ``render``: the same templates in plain Jinja, through ``datasets.map``.

Expressions and templates of a task file are compiled once with ``jinja2.Environment`` and our
filters; a row is JSON text, as in the data folders. Nothing of ours runs besides the filters.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import jinja2
from transformers import PreTrainedTokenizerBase

from preceptor.tasks import cleaning, transforms
from preceptor.tasks.task import Task

Expression = Callable[..., Any]
BATCH = 1000
"""The batch size of ``datasets.map``."""
MODES: dict[str, tuple[bool, int | None]] = {
    "map": (False, None),
    "batched map": (True, None),
    "batched map in two processes": (True, 2),
}
"""Whether in batches, and in how many processes."""


@dataclass(frozen=True)
class Compiled:
    """What a user of Jinja would make of a task file."""

    fields: tuple[str, ...]
    values: dict[str, Expression]
    field: Expression | None
    names: Mapping[Any, str]
    words: Mapping[str, str]
    choices: tuple[Expression, Expression] | None
    answer: Expression | None
    templates: tuple[tuple[jinja2.Template, jinja2.Template], ...]
    """Prompt and target."""


def compiled(task: Task) -> Compiled:
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    environment.filters.update(
        tidy=transforms.tidy,
        lines=transforms.lines,
        detokenise=transforms.detokenise,
        entities=transforms.entities,
        **cleaning.FILTERS,
    )

    def expression(text: str) -> Expression:
        return environment.compile_expression(text, undefined_to_none=False)

    labels, choices = task.labels, task.choices
    layout = task.source.layout
    names = (labels.ids[layout] if layout else labels.names) if labels else {}
    return Compiled(
        fields=(*task.fields, *(("item", "item_number") if task.each else ())),
        values={name: expression(text) for name, text in task.values.items()},
        field=expression(labels.field) if labels else None,
        names=names,
        words=labels.words if labels else {},
        choices=(expression(choices.options), expression(choices.answer)) if choices else None,
        answer=expression(task.answer) if task.answer else None,
        templates=tuple(
            (environment.from_string(t.prompt), environment.from_string(t.target))
            for t in task.templates
        ),
    )


class Peer:
    """Rendering and tokenising, an example or a batch at a time."""

    def __init__(self, tasks: Mapping[str, Task], tokenizer: PreTrainedTokenizerBase) -> None:
        self.tasks = {name: compiled(task) for name, task in tasks.items()}
        self.tokenizer = tokenizer
        self.last: tuple[str, str, dict[str, Any]] = ("", "", {})
        begin, end = tokenizer("")["input_ids"], tokenizer.eos_token_id
        self.begin = begin[:1] if begin and begin[0] == tokenizer.bos_token_id else []
        self.end = [end]

    def texts(self, name: str, number: int, row: str) -> tuple[str, str]:
        """Prompt and target of a row under a template."""
        # What a row is under its other templates it is under this one.
        if self.last[:2] != (name, row):
            self.last = name, row, self.values(name, row)
        prompt, target = self.tasks[name].templates[number]
        return prompt.render(self.last[2]).strip(), target.render(self.last[2]).strip()

    def values(self, name: str, row: str) -> dict[str, Any]:
        """Everything that a template of the task may use."""
        task, fields = self.tasks[name], json.loads(row)
        scope = {field: fields.get(field) for field in task.fields}
        values = {}
        for value, expression in task.values.items():
            values[value] = scope[value] = expression(scope)
        if task.field is not None:
            answer = task.words[task.names[task.field(scope)]]
            options = list(task.words.values())
        elif task.choices is not None:
            options = [transforms.tidy(text) for text in task.choices[0](scope)]
            gold = task.choices[1](scope)
            answer = options[gold[0] if isinstance(gold, list) else gold]
        else:
            assert task.answer is not None
            options, answer = [], task.answer(scope).strip()
        values["answer"] = answer
        if options:
            values["options"] = options
            values["options_block"] = "\n".join(["OPTIONS:", *(f"- {o}" for o in options)])
        return values

    def one(self, example: dict[str, Any]) -> dict[str, Any]:
        """For ``map``."""
        prompt, target = self.texts(example["task"], example["template"], example["row"])
        return {
            "prompt": [*self.begin, *self._encode(prompt), *self.end],
            "target": [*self._encode(target), *self.end],
        }

    def many(self, batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
        """For ``map(batched=True)``."""
        columns = (batch["task"], batch["template"], batch["row"])
        texts = [self.texts(*one) for one in zip(*columns, strict=True)]
        prompts = self._encode([prompt for prompt, _ in texts])
        targets = self._encode([target for _, target in texts])
        return {
            "prompt": [[*self.begin, *ids, *self.end] for ids in prompts],
            "target": [[*ids, *self.end] for ids in targets],
        }

    def _encode(self, text: str | list[str]) -> list[Any]:
        encoded = self.tokenizer(
            text, add_special_tokens=False, split_special_tokens=True, return_attention_mask=False
        )
        ids: list[Any] = encoded["input_ids"]
        return ids


peer: Peer
"""Reached by name in the processes of ``map``: compiled templates cannot be pickled."""


def one(example: dict[str, Any]) -> dict[str, Any]:
    return peer.one(example)


def many(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return peer.many(batch)


def mapped(own: Peer, data: datasets.Dataset, to: Path, mode: str) -> datasets.Dataset:
    """The data set of token ids, written to a new file of the folder."""
    global peer
    peer = own
    batched, processes = MODES[mode]
    # In one process the tokenizer's threads use every core; two processes are both cores.
    os.environ["TOKENIZERS_PARALLELISM"] = "false" if processes else "true"
    to.mkdir(exist_ok=True)
    number = len(list(to.iterdir()))
    return data.map(
        many if batched else one,
        batched=batched,
        batch_size=BATCH,
        num_proc=processes,
        remove_columns=data.column_names,
        features=datasets.Features(
            {name: datasets.List(datasets.Value("uint32")) for name in ("prompt", "target")}
        ),
        cache_file_name=str(to / f"{number}.arrow"),
        new_fingerprint=f"{number:016x}",  # else all that the function reaches would be hashed
        load_from_cache_file=False,
    )

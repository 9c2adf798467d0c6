"""Evaluation as a stage: one model's scores on a set of items, kept pass by pass.

Every pass or batch leaves a file in the journal as soon as it is scored, so a killed run goes on
where it stopped and scores nothing twice.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from preceptor import progress
from preceptor.artifact import Work
from preceptor.evaluation import options
from preceptor.evaluation.config import EvaluationConfig
from preceptor.evaluation.items import Items
from preceptor.evaluation.metrics import METRICS, best
from preceptor.evaluation.scores import read_scores, write_scores
from preceptor.model.formats import encode_prompt, stop_ids
from preceptor.model.generation import generate
from preceptor.model.loading import LoadedModel
from preceptor.records import Example, Score
from preceptor.tasks.task import Task

SCORES = "scores.parquet"


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt whose answer is free text."""

    example: Example
    prompt: tuple[int, ...]
    max_new_tokens: int


@dataclass(frozen=True, slots=True)
class _Run:
    """What all scoring functions need."""

    loaded: LoadedModel
    model: str
    prompt_format: str
    tasks: Mapping[str, Task]


def evaluate(
    config: EvaluationConfig,
    loaded: LoadedModel,
    model: str,
    prompt_format: str,
    tasks: Sequence[Task],
    items: Items,
    work: Work,
) -> dict[str, Any]:
    """Score every item: options by rank classification, free text by greedy generation.

    Args:
        model: What the scores call the model, such as base or tuned.

    Returns:
        Counts: items scored, by kind, and those left out because they exceed the model's context,
        by task.
    """
    run = _Run(loaded, model, prompt_format, {task.name: task for task in tasks})
    questions, asked, too_long = _encoded(run, items.examples)
    shards: list[tuple[str, int, Callable[[], list[Score]]]] = []
    for number, group in enumerate(options.passes(questions, config.pass_tokens)):
        chosen = [questions[i] for i in group]
        shards.append((f"options-{number:05}", len(group), partial(_ranked, run, chosen)))
    for number, batch in enumerate(_batches(asked, config.generation_batch)):
        shards.append((f"text-{number:05}", len(batch), partial(_written, run, batch)))
    scores: list[Score] = []
    with progress.bar(f"evaluate {model}", len(questions) + len(asked)) as bar:
        for name, count, compute in shards:
            path = work.journal / f"{name}.parquet"
            if path.exists():
                scores.extend(read_scores(path))
                bar.resume(count)
                continue
            scores.extend(_kept(path, compute()))
            bar.advance(count)
    place = {example.id: i for i, example in enumerate(items.examples)}
    scores.sort(key=lambda score: place[score.example])
    write_scores(work.files / SCORES, scores)
    return {
        "items": len(scores),
        "options": len(questions),
        "generation": len(asked),
        "left_out_rows": items.left_out,
        "left_out_too_long": dict(sorted(too_long.items())),
    }


def _kept(path: Path, scores: list[Score]) -> list[Score]:
    aside = path.with_suffix(".aside")
    write_scores(aside, scores)
    aside.rename(path)
    return scores


def _encoded(
    run: _Run, examples: Sequence[Example]
) -> tuple[list[options.Question], list[Asked], Counter[str]]:
    """Items as tokens; those that do not fit into the context are left out and counted."""
    context = getattr(run.loaded.model.config.get_text_config(), "max_position_embeddings", 1 << 30)
    questions: list[options.Question] = []
    asked: list[Asked] = []
    too_long: Counter[str] = Counter()
    for example in examples:
        if example.options:
            question = options.encode_question(run.loaded, run.prompt_format, example)
            fits = question.longest <= context
            if fits:
                questions.append(question)
        else:
            prompt = tuple(encode_prompt(run.loaded.tokenizer, run.prompt_format, example.prompt))
            new = run.tasks[example.task].max_new_tokens
            fits = len(prompt) + new <= context
            if fits:
                asked.append(Asked(example, prompt, new))
        if not fits:
            too_long[example.task] += 1
    return questions, asked, too_long


def _batches(asked: Sequence[Asked], size: int) -> list[list[Asked]]:
    """Prompts of like length and limit together: the least padding and the least waiting."""
    order = sorted(asked, key=lambda a: (a.max_new_tokens, len(a.prompt), a.example.id))
    batches: list[list[Asked]] = []
    for one in order:
        full = not batches or len(batches[-1]) == size
        if full or batches[-1][0].max_new_tokens != one.max_new_tokens:
            batches.append([])
        batches[-1].append(one)
    return batches


def _ranked(run: _Run, questions: Sequence[options.Question]) -> list[Score]:
    found = options.score(run.loaded, questions)
    return [
        _score(
            run,
            question.example,
            "options",
            question.prompt,
            question.example.options[scored.best],
            scored,
        )
        for question, scored in zip(questions, found, strict=True)
    ]


def _written(run: _Run, batch: Sequence[Asked]) -> list[Score]:
    tokenizer = run.loaded.tokenizer
    answers = generate(
        run.loaded,
        [one.prompt for one in batch],
        batch[0].max_new_tokens,
        stop_ids=stop_ids(tokenizer, run.prompt_format),
    )
    return [
        _score(
            run,
            one.example,
            "generation",
            one.prompt,
            str(tokenizer.decode(list(answer.ids), skip_special_tokens=True)).strip(),
            options.Scored((), ()),
        )
        for one, answer in zip(batch, answers, strict=True)
    ]


def _score(
    run: _Run,
    example: Example,
    kind: str,
    prompt: Sequence[int],
    output: str,
    scored: options.Scored,
) -> Score:
    metric = run.tasks[example.task].metric
    return Score(
        example=example.id,
        model=run.model,
        task=example.task,
        cluster=example.cluster,
        category=example.category,
        template=example.template,
        row=example.row,
        kind=kind,
        prompt=str(run.loaded.tokenizer.decode(list(prompt))),
        target=example.target,
        options=example.options,
        log_likelihoods=scored.log_likelihoods,
        option_tokens=scored.tokens,
        output=output,
        metric=metric,
        value=best(METRICS[metric], output, example.references or (example.target,)),
    )

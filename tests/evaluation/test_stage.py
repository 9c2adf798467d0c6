"""Evaluation as a stage: every item scored once, whatever stops it in between."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from preceptor.artifact import Artifact, Work, produce
from preceptor.evaluation import stage
from preceptor.evaluation.config import EvaluationConfig
from preceptor.evaluation.items import Items, evaluation_items
from preceptor.evaluation.metrics import METRICS
from preceptor.evaluation.options import Question, encode_question
from preceptor.evaluation.scores import read_scores
from preceptor.model import loading
from preceptor.model.formats import encode_prompt, encode_target, stop_ids
from preceptor.model.generation import Generated, generate
from preceptor.model.loading import LoadedModel
from preceptor.records import Score
from preceptor.tasks.task import Task
from tests.exact import load_exact
from tests.mixture.toys import toy

CONFIG = EvaluationConfig(
    tasks=("sentiment",), split="train", rows=5, pass_tokens=200, generation_batch=4
)
STYLE = "alpaca"


def copying(folder: Path, name: str, rows: int = 6, **changes: object) -> Task:
    """A task whose answer is free text: the row's own."""
    templates = [
        {"id": "ask", "prompt": "Say again: {{ text }}"},
        {"id": "tell", "prompt": "{{ text }} Again?"},
    ]
    given = {"labels": None, "answer": "text", "metric": "rouge_l", "max_new_tokens": 6}
    return toy(folder, name, rows, templates=templates, **(given | changes))


@pytest.fixture
def tasks(tmp_path: Path) -> list[Task]:
    return [
        toy(tmp_path, "first", 6),
        copying(tmp_path, "copy"),
        copying(tmp_path, "exact", metric="exact_match", max_new_tokens=4),
        toy(tmp_path, "second", 6),
    ]


@pytest.fixture
def llama(tiny_model: Path) -> LoadedModel:
    return loading.load(str(tiny_model), "float32", "cpu")


def asked(folder: Path, tasks: Sequence[Task]) -> Items:
    return evaluation_items(CONFIG, tasks, folder, 0)


def made(
    folder: Path,
    loaded: LoadedModel,
    tasks: Sequence[Task],
    items: Items,
    config: EvaluationConfig = CONFIG,
) -> Artifact:
    """The stage's artifact, as the pipeline makes it."""

    def build(work: Work) -> dict[str, Any]:
        return stage.evaluate(config, loaded, "base", STYLE, tasks, items, work)

    return produce(folder, "scores-base", config.model_dump(mode="json"), {}, build)


def scores(artifact: Artifact) -> list[Score]:
    return read_scores(artifact.file(stage.SCORES))


def test_every_item_has_a_score_in_the_items_order(
    tmp_path: Path, llama: LoadedModel, tasks: list[Task]
) -> None:
    items = asked(tmp_path, tasks)
    artifact = made(tmp_path / "run", llama, tasks, items)
    found = scores(artifact)
    assert [score.example for score in found] == [example.id for example in items.examples]
    assert artifact.counts == {
        "items": 40,
        "options": 20,
        "generation": 20,
        "left_out_rows": {},
        "left_out_too_long": {},
    }
    metrics = {task.name: task.metric for task in tasks}
    for score, example in zip(found, items.examples, strict=True):
        assert score.model == "base"
        assert score.kind == ("options" if example.options else "generation")
        assert (score.task, score.cluster, score.template, score.row, score.target) == (
            example.task,
            "sentiment",
            example.template,
            example.row,
            example.target,
        )
        ids = encode_prompt(llama.tokenizer, STYLE, example.prompt)
        assert score.prompt == llama.tokenizer.decode(ids)
        assert score.metric == metrics[example.task]
        assert score.value == METRICS[score.metric](score.output, example.target)
        assert score.options == example.options
        if example.options:
            best = score.log_likelihoods.index(max(score.log_likelihoods))
            assert score.output == example.options[best]
            assert score.option_tokens == tuple(
                len(encode_target(llama.tokenizer, STYLE, option, stop=False))
                for option in example.options
            )
        else:
            assert score.log_likelihoods == score.option_tokens == ()


def test_generated_answers_are_those_of_the_model_alone(
    tmp_path: Path, llama: LoadedModel, tasks: list[Task]
) -> None:
    items = asked(tmp_path, tasks)
    limits = {task.name: task.max_new_tokens for task in tasks}
    stops = stop_ids(llama.tokenizer, STYLE)
    found = [s for s in scores(made(tmp_path / "run", llama, tasks, items)) if not s.options]
    assert len(found) == 20
    for score, example in zip(found, [e for e in items.examples if not e.options], strict=True):
        prompt = encode_prompt(llama.tokenizer, STYLE, example.prompt)
        (answer,) = generate(llama, [prompt], limits[example.task], stop_ids=stops)
        text = llama.tokenizer.decode(list(answer.ids), skip_special_tokens=True)
        assert score.output == str(text).strip()


def test_generated_answers_are_scored_by_their_tasks_metric(
    tmp_path: Path, llama: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = [
        copying(tmp_path, "copy", 3),
        copying(tmp_path, "exact", 3, metric="exact_match", max_new_tokens=4),
    ]

    def answering(
        loaded: LoadedModel, prompts: Sequence[Sequence[int]], limit: int, *, stop_ids: object
    ) -> list[Generated]:
        """The row's text when it is number 1, else the half of it."""
        texts = [loaded.tokenizer.decode(list(prompt)) for prompt in prompts]
        name = "copy" if limit == 6 else "exact"
        answers = [f" {name} text 1\n" if "text 1" in text else f"{name} text" for text in texts]
        ids = [encode_target(loaded.tokenizer, STYLE, text, stop=False) for text in answers]
        return [Generated(tuple(one), finished=True) for one in ids]

    monkeypatch.setattr(stage, "generate", answering)
    values = {
        (score.task, score.row): (score.output, score.value)
        for score in scores(made(tmp_path / "run", llama, tasks, asked(tmp_path, tasks)))
    }
    assert values == {
        ("copy", "copy/train/0"): ("copy text", 0.8),  # two of three words: F of 1 and 2/3
        ("copy", "copy/train/1"): ("copy text 1", 1.0),
        ("copy", "copy/train/2"): ("copy text", 0.8),
        ("exact", "exact/train/0"): ("exact text", 0.0),
        ("exact", "exact/train/1"): ("exact text 1", 1.0),
        ("exact", "exact/train/2"): ("exact text", 0.0),
    }


class Counted:
    """The stage's two ways to score, counting what they are asked and killed after so many."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.left = 1_000
        options, written = stage.options.score, stage.generate

        def scored(loaded: LoadedModel, questions: Sequence[Question]) -> Any:
            self._count([question.example.id for question in questions])
            return options(loaded, questions)

        def generated(
            loaded: LoadedModel, prompts: Sequence[Sequence[int]], *a: Any, **k: Any
        ) -> Any:
            self._count([str(tuple(prompt)) for prompt in prompts])
            return written(loaded, prompts, *a, **k)

        monkeypatch.setattr(stage.options, "score", scored)
        monkeypatch.setattr(stage, "generate", generated)

    def _count(self, ids: list[str]) -> None:
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        self.asked.extend(ids)


@pytest.mark.parametrize("shards", [0, 1, 4, 9, 11])
def test_a_killed_stage_goes_on_to_the_same_bytes_and_scores_nothing_twice(
    tmp_path: Path,
    llama: LoadedModel,
    tasks: list[Task],
    shards: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    items = asked(tmp_path, tasks)
    whole = made(tmp_path / "whole", llama, tasks, items)
    counted = Counted(monkeypatch)
    counted.left = shards
    with pytest.raises(KeyboardInterrupt):
        made(tmp_path / "cut", llama, tasks, items)
    assert not list((tmp_path / "cut").glob("scores-*"))
    assert (len(counted.asked) > 0) == (shards > 0)
    counted.left = 1_000
    resumed = made(tmp_path / "cut", llama, tasks, items)
    assert len(counted.asked) == len(set(counted.asked)) == 40
    for name in ("manifest.json", *whole.manifest["files"]):
        assert resumed.file(name).read_bytes() == whole.file(name).read_bytes()
    assert not made(tmp_path / "cut", llama, tasks, items).fresh
    assert len(counted.asked) == 40


def test_a_shard_cut_while_it_was_written_is_scored_again(
    tmp_path: Path, llama: LoadedModel, tasks: list[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    items = asked(tmp_path, tasks)
    whole = made(tmp_path / "whole", llama, tasks, items)
    real = stage.write_scores

    def half(path: Path, found: Sequence[Score]) -> None:
        real(path, found)
        path.write_bytes(path.read_bytes()[:100])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(stage, "write_scores", half)
        with pytest.raises(KeyboardInterrupt):
            made(tmp_path / "cut", llama, tasks, items)
    assert made(tmp_path / "cut", llama, tasks, items).digest == whole.digest


@pytest.mark.parametrize(
    "changes", [{"pass_tokens": 1, "generation_batch": 1}, {"pass_tokens": 9999}]
)
def test_how_items_share_passes_changes_no_score(
    tmp_path: Path, tiny_model: Path, tasks: list[Task], changes: dict[str, int]
) -> None:
    exact = load_exact(tiny_model)
    items = asked(tmp_path, tasks)
    one = scores(made(tmp_path / "one", exact, tasks, items))
    other = CONFIG.model_copy(update=changes)
    again = scores(made(tmp_path / "other", exact, tasks, items, other))
    for a, b in zip(one, again, strict=True):
        assert a.log_likelihoods == pytest.approx(b.log_likelihoods, abs=1e-9, rel=0)
        assert replace(a, log_likelihoods=()) == replace(b, log_likelihoods=())


def long(folder: Path, make: Callable[..., Task], name: str) -> Task:
    """Three rows, the last of which no context of 512 holds."""
    texts = ["A short text.", "Another one.", "The patient was given furosemide. " * 80]
    return make(folder, name, [{"text": text, "label": 0} for text in texts])


def test_items_too_long_for_the_context_are_left_out_and_counted(
    tmp_path: Path, llama: LoadedModel
) -> None:
    tasks = [long(tmp_path, toy, "pick"), long(tmp_path, copying, "copy"), toy(tmp_path, "fine", 2)]
    items = asked(tmp_path, tasks)
    artifact = made(tmp_path / "run", llama, tasks, items)
    assert artifact.counts["left_out_too_long"] == {"copy": 2, "pick": 2}
    assert artifact.counts["items"] == len(items.examples) - 4 == 12
    assert {score.row for score in scores(artifact)} == {
        *("pick/train/0", "pick/train/1", "copy/train/0", "copy/train/1"),
        *("fine/train/0", "fine/train/1"),
    }


@pytest.mark.parametrize("kind", ["options", "text"])
def test_an_item_that_just_fits_is_scored(tmp_path: Path, llama: LoadedModel, kind: str) -> None:
    task = toy(tmp_path, "one", 1) if kind == "options" else copying(tmp_path, "one", 1)
    items = asked(tmp_path, [task])
    items = Items(items.examples[:1], {})
    if kind == "options":
        longest = encode_question(llama, STYLE, items.examples[0]).longest
    else:
        prompt = encode_prompt(llama.tokenizer, STYLE, items.examples[0].prompt)
        longest = len(prompt) + task.max_new_tokens
    llama.model.config.max_position_embeddings = longest
    assert made(tmp_path / "fits", llama, [task], items).counts["items"] == 1
    llama.model.config.max_position_embeddings = longest - 1
    counts = made(tmp_path / "not", llama, [task], items).counts
    assert (counts["items"], counts["left_out_too_long"]) == (0, {"one": 1})


def test_left_out_rows_of_the_items_are_passed_on(
    tmp_path: Path, llama: LoadedModel, tasks: list[Task]
) -> None:
    items = Items(asked(tmp_path, tasks).examples[:4], {"first": 3})
    assert made(tmp_path / "run", llama, tasks, items).counts["left_out_rows"] == {"first": 3}


def test_the_model_is_left_without_gradients(
    tmp_path: Path, llama: LoadedModel, tasks: list[Task]
) -> None:
    before = torch.random.get_rng_state()
    made(tmp_path / "run", llama, tasks, asked(tmp_path, tasks))
    assert all(p.grad is None and not p.requires_grad for p in llama.model.parameters())
    assert torch.equal(torch.random.get_rng_state(), before)

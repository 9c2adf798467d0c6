"""The forms that examples take: few-shot, without options, inverted; and rates that differ."""

from collections import Counter
from pathlib import Path

import pytest

from preceptor.errors import RecipeError, RowError
from preceptor.mixture import stage
from preceptor.mixture.config import MixtureConfig
from preceptor.records import Example
from preceptor.tasks import catalogue
from preceptor.tasks.fewshot import PLAIN
from preceptor.tasks.task import Task
from tests.mixture.toys import instruction, library, toy


@pytest.fixture
def toys(tmp_path: Path) -> dict[str, Task]:
    return library(toy(tmp_path, "big", 80), toy(tmp_path, "small", 20))


def mixed(folder: Path, tasks: dict[str, Task], **config: object) -> list[Example]:
    return list(made(folder, tasks, **config)[0].examples())


def made(folder: Path, tasks: dict[str, Task], encoder: object = None, **config: object):  # type: ignore[no-untyped-def]
    asked = MixtureConfig.model_validate({"tasks": ["sentiment"], "examples": 300, **config})
    needs = stage.Needs(folder, encoder, cache=folder / "cache")  # type: ignore[arg-type]
    chosen = catalogue.select(tasks, asked.tasks)
    return stage.prepare_mixture(asked, chosen, tasks, [], needs, 0)


def test_a_share_is_few_shot_with_exemplars_of_the_same_template(
    tmp_path: Path, toys: dict[str, Task]
) -> None:
    asked: dict[str, object] = {"inverted": False}
    examples = mixed(tmp_path, toys, few_shot={"share": 0.5, "shots": 4}, **asked)
    plain = {(e.row, e.template): e for e in mixed(tmp_path, toys, **asked)}
    few = [example for example in examples if example.shots]
    assert 100 < len(few) < 200
    assert {example.shots for example in few} == {1, 2, 3, 4}
    for example in few:
        *exemplars, query = example.prompt.split(PLAIN.next)
        assert len(exemplars) == example.shots
        assert example.id.endswith(f"@{example.shots}")
        assert query == plain[example.row, example.template].prompt
        assert query not in [shown.partition(PLAIN.answer)[0] for shown in exemplars]


def test_few_shot_prompts_keep_to_their_budget(tmp_path: Path, toys: dict[str, Task]) -> None:
    examples = mixed(tmp_path, toys, few_shot={"share": 1, "shots": 16, "tokens": 60})
    assert max(len(example.prompt) for example in examples) <= 4 * 60
    assert any(example.shots for example in examples)


def test_a_share_lists_no_options(tmp_path: Path, toys: dict[str, Task]) -> None:
    examples = mixed(tmp_path, toys, options={"share": 0.3}, inverted=False)
    shown = sum(example.options_shown for example in examples)
    assert 60 < shown < 120
    for example in examples:
        assert example.options_shown == ("OPTIONS:" in example.prompt)
        assert example.target == example.options[example.gold]


def test_marks_and_orders_are_drawn_where_asked(tmp_path: Path, toys: dict[str, Task]) -> None:
    drawn = {"order": "drawn", "marker": "drawn", "answer": "mark"}
    examples = mixed(tmp_path, toys, options=drawn, inverted=False)
    assert {"A", "B", "1", "2", "negative", "positive"} == {one.target for one in examples}
    assert all(example.target == example.options[example.gold] for example in examples)


def test_inverted_examples_have_the_share_that_is_asked_for(
    tmp_path: Path, toys: dict[str, Task]
) -> None:
    for share in (0.0, 0.1, 0.6):
        found = sum(example.inverted for example in mixed(tmp_path, toys, inverted=share))
        assert abs(found - 300 * share) <= 3 * (300 * share * (1 - share)) ** 0.5
    assert sum(example.inverted for example in mixed(tmp_path, toys)) > 60


def test_example_i_is_the_same_however_it_is_reached(tmp_path: Path, toys: dict[str, Task]) -> None:
    asked = {"few_shot": {"share": 0.4}, "options": {"share": 0.5, "order": "drawn"}}
    mixture, _, _ = made(tmp_path, toys, **asked)
    forwards = list(mixture.examples())
    assert [mixture[i] for i in range(299, -1, -1)] == forwards[::-1]
    assert mixture[17:20] == forwards[17:20]
    again, _, _ = made(tmp_path, toys, **asked)
    assert list(again.examples(250)) == forwards[250:]


def test_rates_can_be_equal_fixed_or_tempered(tmp_path: Path, toys: dict[str, Task]) -> None:
    def counts(**config: object) -> dict[str, int]:
        return dict(Counter(example.task for example in mixed(tmp_path, toys, **config)))

    assert counts() == {"big": 240, "small": 60}
    assert counts(rates="equal") == {"big": 150, "small": 150}
    assert counts(rates="fixed", weights={"big": 1, "small": 5}) == {"big": 50, "small": 250}
    assert counts(temperature=2.0) == {"big": 200, "small": 100}
    with pytest.raises(RecipeError, match="'bigg' is not mixed"):
        counts(rates="fixed", weights={"bigg": 1})
    with pytest.raises(RecipeError, match="none for small"):
        counts(rates="fixed", weights={"big": 1})
    with pytest.raises(RecipeError, match="tokenizer"):
        counts(rates="tokens")


def test_tasks_of_the_same_rows_share_a_rate(tmp_path: Path, toys: dict[str, Task]) -> None:
    source = {"folder": "big", "splits": {"train": "train"}}
    tasks = toys | library(toy(tmp_path / "more", "twin", source=source))
    _, lines, _ = made(tmp_path, tasks)
    found = {line.task: line for line in lines}
    assert (found["big"].examples, found["twin"].examples, found["small"].examples) == (
        120,
        120,
        60,
    )
    assert found["big"].same_rows_as == ("twin",)
    _, lines, _ = made(tmp_path, tasks, shared_rows="each")
    assert {line.task: line.rate for line in lines} == {"big": 80, "twin": 80, "small": 20}


def test_instructions_alone_make_a_mixture(tmp_path: Path) -> None:
    asked = MixtureConfig(examples=50, instructions=1.0)
    needs = stage.Needs(cache=tmp_path)
    written = [instruction(n) for n in range(10)]
    mixture, lines, _ = stage.prepare_mixture(asked, [], {}, written, needs, 0)
    assert len(mixture) == 30, "each is used three times at most"
    assert [line.share for line in lines] == [1.0]
    with pytest.raises(RecipeError, match="no instruction is there"):
        stage.prepare_mixture(asked, [], {}, [], needs, 0)


def test_held_out_skills_and_corpora_leave_with_their_clusters(tmp_path: Path) -> None:
    tasks = library(
        toy(tmp_path, "passages", cluster="reading_comprehension", corpora=["wikihow"]),
        toy(tmp_path, "dialogues", held_out_with=["reading_comprehension"]),
        toy(tmp_path, "howto", corpora=["wikihow"]),
        toy(tmp_path, "rest"),
    )

    def kept(exclusions: str) -> set[str]:
        asked = MixtureConfig.model_validate(
            {
                "tasks": ["sentiment"],
                "examples": 1,
                "hold_out": ["reading_comprehension"],
                "exclusions": exclusions,
            }
        )
        reasons = stage.left_out(asked, list(tasks.values()), tasks, tmp_path)
        return {name for name, reason in reasons.items() if not reason}

    assert kept("paper") == {"dialogues", "howto", "rest"}
    assert kept("provenance") == {"howto", "rest"}
    assert kept("corpora") == {"rest"}


def test_tasks_whose_rows_are_not_here_can_be_left_out(
    tmp_path: Path, toys: dict[str, Task]
) -> None:
    gone = {"folder": "gone", "splits": {"train": "train"}}
    tasks = toys | library(toy(tmp_path / "more", "gone", source=gone))
    with pytest.raises(RowError, match=r"gone, split train: no train\.jsonl"):
        made(tmp_path, tasks)
    _, lines, _ = made(tmp_path, tasks, missing="leave_out")
    reasons = {line.task: line.held_out_reason for line in lines}
    assert reasons == {"big": "", "small": "", "gone": "its rows are not here (access: open)"}

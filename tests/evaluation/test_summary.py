import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preceptor.errors import StageError
from preceptor.evaluation.summary import Summary, summarise
from preceptor.records import Score
from preceptor.statistics.paired import holm
from tests.evaluation import made

NLI = "natural_language_inference"
TITLES = {"rte": "RTE", "cb": "CB", "ner": "Entities", "notes": "Notes"}

Table = list[list[float]]
"""Rows by templates."""


def scores(model: str, task: str, table: Table, **other: Any) -> list[Score]:
    build = made.score if task in ("rte", "cb") else made.text
    return [
        build(task, row, f"t{column}", value, model=model, **other)
        for row, values in enumerate(table)
        for column, value in enumerate(values)
    ]


def compare(base: Sequence[Score], tuned: Sequence[Score], **other: Any) -> Summary:
    return summarise({"base": base, "tuned": tuned}, TITLES, [NLI], resamples=100, **other)


BASE = scores("base", "rte", [[1, 0], [0, 0], [1, 0], [0, 0]])
TUNED = scores("tuned", "rte", [[1, 1], [0, 1], [1, 1], [1, 0]])


def test_task_is_described_by_its_items() -> None:
    (task,) = compare(BASE, TUNED).tasks
    assert (task.task, task.title, task.cluster, task.category) == ("rte", "RTE", NLI, "")
    assert (task.kind, task.metric) == ("options", "accuracy")
    assert (task.n_items, task.n_rows, task.n_templates) == (8, 4, 2)


def test_score_is_the_mean_over_templates_with_sd_worst_and_best() -> None:
    (task,) = compare(BASE, TUNED).tasks
    base, tuned = task.models["base"], task.models["tuned"]
    assert base.template_means == {"t0": 0.5, "t1": 0.0}
    assert (base.templates.mean, base.templates.low, base.templates.high) == (0.25, 0.0, 0.5)
    assert base.templates.sd == pytest.approx((2 * 0.25**2) ** 0.5)
    assert base.interval.mean == 0.25
    assert tuned.interval.mean == 0.75
    assert tuned.interval.low <= 0.75 <= tuned.interval.high
    assert (tuned.interval.n, tuned.interval.clusters) == (8, 4)


def test_difference_is_tuned_minus_base_by_row() -> None:
    (task,) = compare(BASE, TUNED).tasks
    assert list(task.differences) == ["tuned"]
    found = task.differences["tuned"]
    assert found.paired.difference == 0.5
    assert (found.paired.wins, found.paired.losses, found.paired.ties) == (4, 0, 4)
    # All four rows gain one template: two of sixteen sign patterns reach that.
    assert found.paired.p_value == 2 / 16
    assert found.relative_gain == 2.0


def test_templates_weigh_the_same_when_an_item_was_left_out() -> None:
    base, tuned = BASE[:-1], TUNED[:-1]
    (task,) = compare(base, tuned).tasks
    assert task.models["tuned"].template_means == {"t0": 0.75, "t1": 1.0}
    assert task.models["tuned"].interval.mean == pytest.approx(0.875)
    assert task.differences["tuned"].paired.difference == pytest.approx(0.625)
    assert task.n_items == 7


def test_p_values_are_corrected_over_tasks_and_over_groups_apart() -> None:
    qa: dict[str, Any] = {"category": "qa"}
    base = BASE + scores("base", "cb", [[0]] * 6, **qa)
    tuned = TUNED + scores("tuned", "cb", [[1]] * 6, **qa)
    found = compare(base, tuned)
    for family in (found.tasks, found.groups):
        raw = [entry.differences["tuned"].paired.p_value for entry in family]
        assert [entry.differences["tuned"].p_holm for entry in family] == holm(raw)
    assert [task.differences["tuned"].p_holm for task in found.tasks] == [2 / 16, 2 * 2 / 64]


def test_chance_is_the_mean_of_one_over_the_number_of_options() -> None:
    three = ("a", "b", "c", "d")
    base = [BASE[0], replace(BASE[1], options=three, log_likelihoods=(-1.0, -2.0, -3.0, -4.0))]
    (task,) = compare(base, [replace(s, model="tuned") for s in base]).tasks
    assert task.chance == (1 / 2 + 1 / 4) / 2


def test_share_of_the_most_frequent_answer_shows_a_bias() -> None:
    outputs = ["yes", "no", "no", "yes"]
    base = [replace(s, output=o) for s, o in zip(BASE[:4], outputs, strict=True)]
    tuned = [TUNED[0], replace(TUNED[1], output="no"), *TUNED[2:4]]
    (task,) = compare(base, tuned).tasks
    answers = task.models["tuned"].options
    assert answers is not None
    assert (answers.top_output, answers.top_share) == ("yes", 0.75)
    answers = task.models["base"].options
    assert answers is not None
    assert (answers.top_output, answers.top_share) == ("no", 0.5)
    assert task.models["base"].written is None


def test_ties_are_counted_between_the_two_likeliest_options_only() -> None:
    likelihoods = [(-1.0, -1.0 - 1e-12, -9.0), (-1.0, -5.0, -5.0), (-1.0, -1.001, -1.5), (0.0, 0.0)]
    base = [replace(s, log_likelihoods=one) for s, one in zip(BASE[:4], likelihoods, strict=True)]
    answers = compare(base, TUNED[:4]).tasks[0].models["base"].options
    assert answers is not None
    assert answers.ties == 2


def test_written_answers_are_counted_empty_long_and_none() -> None:
    outputs = ["none", " \n", "fever; dry cough", ""]
    entities = scores("base", "ner", [[0]] * 4, category="ie", metric="entity_f1")
    entities = [replace(s, output=o) for s, o in zip(entities, outputs, strict=True)]
    notes = scores("base", "notes", [[0]], category="gen", metric="rouge_l", output="none")
    both = entities + notes
    found = compare(both, [replace(s, model="tuned") for s in both])
    ner, gen = (task.models["base"].written for task in found.tasks)
    assert ner is not None
    assert (ner.empty_share, ner.mean_words, ner.none_share) == (0.5, 1.0, 0.25)
    assert gen is not None
    assert gen.none_share is None
    assert found.tasks[0].chance is None
    assert found.tasks[0].models["base"].options is None


def test_groups_are_the_held_out_cluster_then_categories_that_have_a_task() -> None:
    def both(model: str, gain: float) -> list[Score]:
        return [
            *scores(
                model, "notes", [[0.2 + gain]] * 3, cluster="", category="gen", metric="rouge_l"
            ),
            *scores(
                model, "ner", [[0.0 + gain]] * 3, cluster="", category="ie", metric="entity_f1"
            ),
            *scores(model, "rte", [[0.0 + gain], [0.5]]),
            *scores(model, "cb", [[1.0], [1.0], [1.0 - gain]], category="ie"),
        ]

    found = compare(both("base", 0.0), both("tuned", 0.5))
    groups = {(group.kind, group.name): group for group in found.groups}
    assert list(groups) == [("cluster", NLI), ("category", "ie"), ("category", "gen")]
    held_out = groups["cluster", NLI]
    assert (held_out.tasks, held_out.metric) == (("rte", "cb"), "accuracy")
    assert held_out.models["base"].mean == pytest.approx((0.25 + 1.0) / 2)
    assert held_out.models["tuned"].mean == pytest.approx((0.5 + 5 / 6) / 2)
    change = held_out.differences["tuned"]
    assert change.paired.difference == pytest.approx((0.25 - 1 / 6) / 2)
    assert change.relative_gain == pytest.approx((0.25 - 1 / 6) / 2 / 0.625)
    assert groups["category", "ie"].metric == ""
    assert groups["category", "gen"].differences["tuned"].relative_gain == pytest.approx(2.5)


def test_a_cluster_that_is_not_held_out_is_no_group() -> None:
    found = summarise({"base": BASE, "tuned": TUNED}, TITLES, ["sentiment"], resamples=100)
    assert found.groups == ()


def test_a_group_of_one_task_says_what_the_task_says() -> None:
    found = compare(BASE, TUNED)
    (task,), (group,) = found.tasks, found.groups
    assert group.differences == task.differences
    assert group.models == {name: model.interval for name, model in task.models.items()}


def test_relative_gain_over_a_base_of_zero_is_none() -> None:
    base = [replace(s, value=0.0) for s in BASE]
    found = compare(base, TUNED)
    assert found.tasks[0].differences["tuned"].relative_gain is None
    assert found.groups[0].differences["tuned"].relative_gain is None


def test_every_model_is_compared_with_the_first() -> None:
    third = [replace(s, model="other", value=0.0) for s in BASE]
    models = {"base": BASE, "tuned": TUNED, "other": third}
    found = summarise(models, TITLES, [NLI], resamples=100)
    assert (found.base, found.models) == ("base", ("base", "tuned", "other"))
    differences = found.tasks[0].differences
    assert {m: d.paired.difference for m, d in differences.items()} == {
        "tuned": 0.5,
        "other": -0.25,
    }


@pytest.mark.parametrize(
    ("base", "tuned", "message"),
    [
        (
            BASE,
            TUNED[:5] + TUNED[6:],
            "'tuned' has no score for item 'rte/test/2/t1', which 'base'",
        ),
        (BASE[1:], TUNED, "'base' has no score for item 'rte/test/0/t0', which 'tuned' has"),
        (BASE, [*TUNED, TUNED[0]], "'tuned' has two scores for item 'rte/test/0/t0'"),
        (BASE, [replace(TUNED[0], metric="f1"), *TUNED[1:]], "'rte' disagree on .*'f1'"),
        (
            scores("base", "x", [[1]]),
            scores("tuned", "x", [[1]]),
            "task 'x' has scores but no title",
        ),
    ],
)
def test_scores_that_cannot_be_compared_are_refused(
    base: list[Score], tuned: list[Score], message: str
) -> None:
    with pytest.raises(StageError, match=message) as caught:
        compare(base, tuned)
    assert "\n" not in str(caught.value)


def test_no_model_at_all_is_refused() -> None:
    with pytest.raises(StageError, match="evaluate a model first"):
        summarise({}, TITLES, [])


@settings(deadline=None, max_examples=25)
@given(
    rows=st.lists(st.tuples(*[st.floats(0, 1)] * 4), min_size=1, max_size=6),
    order=st.randoms(use_true_random=False),
)
def test_summary_is_json_and_the_order_of_the_tuned_scores_does_not_matter(
    rows: list[tuple[float, ...]], order: Any
) -> None:
    base = scores("base", "rte", [[a, b] for a, b, _, _ in rows])
    tuned = scores("tuned", "rte", [[c, d] for _, _, c, d in rows])
    found = compare(base, tuned).to_json()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    for task in found["tasks"]:
        for model in task["models"].values():
            interval = model["interval"]
            assert 0 <= interval["low"] <= interval["mean"] <= interval["high"] <= 1
    mixed = list(tuned)
    order.shuffle(mixed)
    assert compare(base, mixed).to_json() == found

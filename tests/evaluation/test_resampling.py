import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from preceptor.evaluation import resampling
from preceptor.evaluation.resampling import Bootstrap, Sample
from preceptor.statistics.intervals import mean_interval
from preceptor.statistics.paired import paired_difference

QUICK = Bootstrap(0.95, 200, 0)
ITEMS = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from("abc"), st.floats(0, 1)), min_size=1, max_size=30
)


def fold(task: str, table: list[list[float]]) -> Sample:
    """A sample from rows by templates."""
    rows = [f"{g:03}" for g, row in enumerate(table) for _ in row]
    templates = [str(t) for row in table for t in range(len(row))]
    where = resampling.layout(rows, templates)
    return resampling.sample(task, [value for row in table for value in row], where)


def random_task(name: str, rows: int, seed: int, chance: float = 0.5) -> Sample:
    rng = np.random.default_rng(seed)
    return fold(name, (rng.random((rows, 3)) < chance).astype(float).tolist())


def test_rows_are_sorted_and_templates_kept_in_the_order_met() -> None:
    where = resampling.layout(["r2", "r1", "r2"], ["t9", "t1", "t1"])
    assert where.templates == ("t9", "t1")
    assert where.counts.tolist() == [[0, 1], [1, 1]]


def test_with_every_template_a_row_contributes_its_mean() -> None:
    found = fold("x", [[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    assert found.rows.tolist() == [0.5, 1.0, 0.0]
    assert found.template_means.tolist() == pytest.approx([2 / 3, 1 / 3])


@given(items=ITEMS)
def test_mean_of_the_rows_is_the_mean_of_the_template_means(
    items: list[tuple[int, str, float]],
) -> None:
    rows, templates, values = (list(column) for column in zip(*items, strict=True))
    where = resampling.layout([str(row) for row in rows], templates)
    found = resampling.sample("x", values, where)
    by_hand = [np.mean([v for _, t, v in items if t == template]) for template in where.templates]
    assert found.template_means.tolist() == pytest.approx(by_hand)
    assert found.rows.mean() == pytest.approx(np.mean(by_hand))


def test_templates_of_unequal_size_weigh_the_same_and_do_not_widen_the_interval() -> None:
    # Template 0 is always right and template 1 always wrong; one row lacks template 1.
    found = resampling.score([fold("x", [[1.0, 0.0], [1.0, 0.0], [1.0]])], QUICK)
    assert (found.mean, found.low, found.high) == (0.5, 0.5, 0.5)
    assert (found.n, found.clusters) == (5, 3)


def test_linearised_interval_is_near_one_that_computes_template_means_each_time() -> None:
    rng = np.random.default_rng(5)
    values = rng.random((60, 1)) * 0.6 + np.array([0.4, 0.2, 0.0])
    there = rng.random((60, 3)) < 0.8
    rows, templates = np.nonzero(there)
    where = resampling.layout([f"{r:02}" for r in rows], [str(t) for t in templates])
    found = resampling.score(
        [resampling.sample("x", values[there].tolist(), where)], Bootstrap(0.95, 4000, 0)
    )
    means = []
    for _ in range(4000):
        drawn = rng.integers(0, 60, size=60)
        kept, present = values[drawn], there[drawn]
        means.append(np.mean([kept[present[:, t], t].mean() for t in range(3)]))
    assert [found.low, found.high] == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.006)


def test_one_task_gives_the_interval_and_test_of_its_items_clustered_by_row() -> None:
    base, other = random_task("x", 14, 1, 0.4), random_task("x", 14, 2, 0.7)
    clusters = np.repeat(np.arange(14), 3).tolist()
    score, expected = (
        resampling.score([base], QUICK),
        mean_interval(base.values, clusters, resamples=200),
    )
    assert [score.mean, score.low, score.high, score.stderr] == pytest.approx(
        [expected.mean, expected.low, expected.high, expected.stderr]
    )
    assert (score.n, score.clusters) == (42, 14)
    found = resampling.difference([base], [other], QUICK)
    paired = paired_difference(base.values, other.values, clusters, resamples=200)
    assert [found.difference, found.low, found.high, found.p_value] == pytest.approx(
        [paired.difference, paired.low, paired.high, paired.p_value]
    )
    assert (found.n, found.clusters) == (paired.n, paired.clusters)
    assert (found.wins, found.losses, found.ties) == (paired.wins, paired.losses, paired.ties)


def test_tasks_of_a_group_weigh_the_same_whatever_their_size() -> None:
    small, large = fold("x", [[1.0], [1.0]]), fold("y", [[0.0]] * 10)
    found = resampling.score([small, large], QUICK)
    # Nothing varies within a task, so the difference between tasks adds no width.
    assert (found.mean, found.low, found.high, found.stderr) == (0.5, 0.5, 0.5, 0.0)
    assert (found.n, found.clusters) == (12, 12)


def test_group_interval_is_near_the_normal_one_with_many_rows() -> None:
    tasks = [random_task("x", 300, 3, 0.2), random_task("y", 150, 4, 0.6)]
    found = resampling.score(tasks, Bootstrap(0.95, 4000, 0))
    stderr = np.sqrt(sum(t.rows.var(ddof=1) / len(t.rows) for t in tasks)) / 2
    assert found.stderr == pytest.approx(stderr)
    assert found.high - found.mean == pytest.approx(1.96 * stderr, rel=0.06)
    assert found.mean - found.low == pytest.approx(1.96 * stderr, rel=0.06)


def test_group_interval_of_few_rows_is_wider_than_the_normal_one() -> None:
    tasks = [random_task("x", 4, 3), random_task("y", 5, 4)]
    found = resampling.score(tasks, Bootstrap(0.95, 4000, 0))
    assert found.high - found.low > 1.1 * 2 * 1.96 * found.stderr


def test_rows_of_two_tasks_are_not_drawn_together() -> None:
    # Equal tasks drawn in step would have the width of one of them, not of the mean of two.
    one = random_task("x", 200, 3)
    two = Sample("y", one.values, one.rows, one.template_means)
    alone, both = resampling.score([one], QUICK), resampling.score([one, two], QUICK)
    assert both.high - both.low == pytest.approx((alone.high - alone.low) / np.sqrt(2), rel=0.15)


def test_group_scores_stay_between_0_and_1() -> None:
    tasks = [fold("x", [[1.0]] * 3 + [[0.9]]), fold("y", [[1.0]] * 3 + [[0.95]])]
    found = resampling.score(tasks, QUICK)
    assert found.low < found.mean < found.high == 1.0


def test_group_difference_is_paired_row_by_row() -> None:
    base = [random_task("x", 30, 1), random_task("y", 12, 2)]
    raised = [Sample(s.task, s.values + 0.1, s.rows + 0.1, s.template_means + 0.1) for s in base]
    found = resampling.difference(base, raised, QUICK)
    # Both models move together, so a constant gain leaves nearly no width.
    assert [found.difference, found.low, found.high] == pytest.approx([0.1, 0.1, 0.1])
    assert found.p_value < 0.001
    assert (found.wins, found.losses, found.ties, found.clusters) == (126, 0, 0, 42)


def test_sign_flips_of_a_group_weigh_its_tasks_the_same() -> None:
    base = [fold("x", [[1.0], [0.0]]), fold("y", [[0.0], [0.0], [0.0], [0.0]])]
    other = [fold("x", [[0.0], [0.0]]), fold("y", [[1.0], [1.0], [1.0], [0.0]])]
    found = resampling.difference(base, other, QUICK)
    # A row of x counts 1/4 in the mean over the tasks, a row of y 1/8: -2 + 3 eighths.
    assert found.difference == pytest.approx(1 / 8)
    # 2 and three times 1, whatever their signs, are never less than 1 apart from 0. With equal
    # weights, four times 1 would reach the observed 2 in ten of sixteen patterns.
    assert found.p_value == 1.0


def test_a_task_with_one_row_leaves_the_error_of_its_group_unknown() -> None:
    tasks = [random_task("x", 20, 1), fold("y", [[1.0, 0.0]])]
    found = resampling.score(tasks, QUICK)
    assert found.low == found.mean == found.high
    assert not found.determined
    assert not resampling.difference(tasks, tasks, QUICK).determined


def test_same_seed_same_interval_and_another_seed_another() -> None:
    tasks = [random_task("x", 20, 1), random_task("y", 20, 2)]
    assert resampling.score(tasks, QUICK) == resampling.score(tasks, QUICK)
    assert resampling.score(tasks, QUICK) != resampling.score(tasks, Bootstrap(0.95, 200, 1))

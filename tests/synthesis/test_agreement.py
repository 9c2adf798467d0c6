import json
import os
from collections import Counter
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preceptor.records import Seed
from preceptor.synthesis.agreement import Estimate, agreement, labels, rule_agreement, task_id
from preceptor.synthesis.categories import CATEGORIES
from preceptor.synthesis.seedbank import load_seeds

Pairs = st.lists(st.tuples(st.sampled_from(CATEGORIES), st.sampled_from(CATEGORIES)), min_size=1)


def test_kappa_worked_out_by_hand() -> None:
    # 50 tasks: both say qa 20 times, both gen 15; 10 are labelled gen and predicted qa, 5 the other
    # way. Agreed 0.7; chance 0.6 * 0.5 + 0.4 * 0.5 = 0.5; kappa 0.2 / 0.5.
    predicted = ["qa"] * 20 + ["gen"] * 5 + ["qa"] * 10 + ["gen"] * 15
    labelled = ["qa"] * 25 + ["gen"] * 25
    found = agreement(predicted, labelled)
    assert found.n == 50
    assert found.accuracy.value == pytest.approx(0.7)
    assert found.kappa is not None
    assert found.kappa.value == pytest.approx(0.4)
    assert found.confusion == ((20, 0, 5, 0), (0, 0, 0, 0), (10, 0, 15, 0), (0, 0, 0, 0))
    precision, recall = found.precision["qa"], found.recall["qa"]
    assert precision is not None
    assert recall is not None
    assert (precision.value, recall.value) == (pytest.approx(20 / 30), pytest.approx(0.8))
    assert found.precision["ie"] is found.recall["other"] is None


def test_wilsons_interval_as_published() -> None:
    # 81 of 263: 0.2553 to 0.3662 (Newcombe 1998, table I, score method without correction).
    found = agreement(["qa"] * 263, ["qa"] * 81 + ["ie"] * 182).accuracy
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)


@settings(deadline=None, max_examples=30)
@given(Pairs)
def test_kappa_is_that_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    predicted, labelled = [p for p, _ in pairs], [t for _, t in pairs]
    found = agreement(predicted, labelled)
    table = metrics.confusion_matrix(labelled, predicted, labels=list(CATEGORIES))
    assert found.confusion == tuple(map(tuple, table))
    if len({*predicted, *labelled}) == 1:
        assert found.kappa is None
        return
    assert found.kappa is not None
    assert found.kappa.value == pytest.approx(metrics.cohen_kappa_score(labelled, predicted))
    assert found.kappa.low <= found.kappa.value <= found.kappa.high


@given(Pairs)
@settings(deadline=None, max_examples=30)
def test_the_order_of_tasks_is_no_matter(pairs: list[tuple[str, str]]) -> None:
    once = agreement([p for p, _ in pairs], [t for _, t in pairs])
    turned = pairs[::-1]
    assert agreement([p for p, _ in turned], [t for _, t in turned]) == once


@pytest.mark.parametrize(
    ("predicted", "labelled"), [([], []), (["qa"], ["qa", "ie"]), (["qa"], ["poem"])]
)
def test_what_cannot_be_compared_is_said(predicted: list[str], labelled: list[str]) -> None:
    with pytest.raises(ValueError, match=r"give one of each|is not one of"):
        agreement(predicted, labelled)


def test_labels_are_enough_and_hold_no_text() -> None:
    counts = Counter((label.drawn, label.held_out) for label in labels().values())
    assert counts["random", True] + counts["random", False] == 160
    assert counts["all", False] == 80
    assert min(counts["random", True], counts["random", False]) >= 60
    assert {label.category for label in labels().values()} == set(CATEGORIES)
    assert all(len(id) == 16 and int(id, 16) >= 0 for id in labels())


def test_an_id_is_of_the_three_texts() -> None:
    one = task_id("a", "b", "c")
    assert one == task_id("a", "b", "c")
    assert len({one, task_id("a", "bc", ""), task_id("b", "a", "c")}) == 3
    canonical = b'{"input":"b","instruction":"a","output":"c"}'
    assert one == sha256(canonical).hexdigest()[:16]


def test_the_rules_on_the_seeds() -> None:
    seeds = load_seeds("biomedical")
    assert rule_agreement(seeds) is None  # the rules were written beside them
    found = rule_agreement(seeds, held_out=False)
    assert found is not None
    assert found.n == 80
    assert found.accuracy.value >= 0.95


def test_rows_without_a_label_are_passed_over() -> None:
    seed = load_seeds("biomedical")[0]
    other = replace(seed, output="Something else.")
    assert rule_agreement([other], held_out=False) is None
    found = rule_agreement([other, seed], held_out=False)
    assert found is not None
    assert found.n == 1


def test_the_rules_on_rows_that_they_were_not_written_beside() -> None:
    """The figures of docs/categories.md."""
    root = os.environ.get("PRECEPTOR_DATA")
    if not root:
        pytest.skip("PRECEPTOR_DATA is not set: the labelled rows of BioInstruct are not here")
    rows = []
    for split in ("train", "test"):
        text = (Path(root) / "bioinstruct" / f"{split}.jsonl").read_text(encoding="utf-8")
        for line in text.splitlines():
            row = json.loads(line)
            rows.append(Seed("", row["instruction"], row["input"], row["output"], "", ""))
    found = rule_agreement(rows)
    assert found is not None
    assert found.n == 129
    assert found.accuracy.value == pytest.approx(109 / 129)
    assert found.kappa is not None
    assert found.kappa.value == pytest.approx(0.770, abs=0.001)
    assert isinstance(found.recall["ie"], Estimate)

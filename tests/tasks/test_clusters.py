import pytest

from preceptor.errors import TaskError
from preceptor.tasks.clusters import CLUSTERS, excluded_with

RC_CS = "reading_comprehension_with_commonsense"


@pytest.mark.parametrize(
    ("held_out", "excluded"),
    [
        (["natural_language_inference"], {"paraphrase"}),
        (["paraphrase"], {"natural_language_inference"}),
        (["reading_comprehension"], {RC_CS}),
        (["commonsense"], {RC_CS}),
        ([RC_CS], {"reading_comprehension", "commonsense"}),
        (["sentiment"], set()),
        ([], set()),
    ],
)
def test_exclusions_are_those_of_the_paper(held_out: list[str], excluded: set[str]) -> None:
    assert set(excluded_with(held_out)) == excluded


def test_a_held_out_cluster_is_not_also_excluded() -> None:
    assert excluded_with(["natural_language_inference", "paraphrase"]) == {}


def test_a_reason_names_both_clusters() -> None:
    reason = excluded_with(["paraphrase"])["natural_language_inference"]
    assert "paraphrase" in reason
    assert "natural_language_inference" in reason


def test_exclusion_is_mutual() -> None:
    for one in CLUSTERS:
        for other in excluded_with([one]):
            assert one in excluded_with([other])


def test_an_unknown_cluster_is_refused_with_the_nearest() -> None:
    with pytest.raises(TaskError, match="did you mean 'paraphrase'"):
        excluded_with(["paraphrases"])

from preceptor.synthesis.card.groups import groups
from preceptor.synthesis.categories import categorise
from preceptor.synthesis.seedbank import load_seeds
from tests.synthesis.card.made import plain, real


def test_a_category_that_is_said_stays_and_others_come_by_rule() -> None:
    rule = categorise("What is insulin?", "", "A hormone.")
    found = groups(
        [
            plain("What is insulin?", output="A hormone."),
            plain("What is insulin?", category="other", category_rule="votes"),
        ]
    ).categories
    assert found.given == 1
    assert found.counts == {"other": 1, rule[0]: 1}
    assert found.by == {rule[1]: 1, "votes": 1}


def test_votes_are_compared_with_the_category() -> None:
    found = groups(
        [
            plain("Do.", category="qa", category_vote="qa"),
            plain("Do.", category="qa", category_vote="ie, qa, qa"),
            plain("Do.", category="qa", category_vote="gen"),
            plain("Do.", category="qa"),
        ]
    ).categories
    assert (found.voted, found.votes_agree) == (3, 2)


def test_what_is_not_said_is_not_counted() -> None:
    found = groups(
        [
            plain("Do.", topic="a", view="patient", kind="list", difficulty=3, flags={"dose": "5"}),
            plain("Do.", topic="b", difficulty=3),
            plain("Do.", topic="b"),
        ]
    )
    assert found.topics == {"b": 2, "a": 1}
    assert found.distinct_topics == 2
    assert found.views == {"patient": 1}
    assert found.kinds == {"list": 1}
    assert found.difficulties == {"3": 2}
    assert found.flags == {"dose": 1}


def test_rules_are_measured_on_the_labelled_of_these_records() -> None:
    found = groups(real("bioinstruct")).categories
    assert found.labelled == "records"
    assert found.agreement.n >= 60
    assert found.agreement.accuracy.low <= found.agreement.accuracy.value < 1


def test_where_none_is_labelled_they_are_measured_on_our_seeds() -> None:
    found = groups([plain("What is insulin?")]).categories
    assert found.labelled == "seeds"
    assert found.agreement.n == len(load_seeds("biomedical"))

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preceptor.synthesis.categories import CATEGORIES, NO_RULE
from preceptor.synthesis.votes import VOTE_SCHEMA, decide, read_vote, vote_messages


@pytest.mark.parametrize(
    ("text", "vote"),
    [
        ("qa", "qa"),
        (" IE.\n", "ie"),
        ("**Gen**", "gen"),
        ('{"category": "other"}', "other"),
        ('```json\n{"category": "QA"}\n```', "qa"),
        ('Here you are: {"category": "ie", "why": "not qa"}', "ie"),
        ("QA - it asks for facts, which is not IE", "qa"),
        ("Information extraction (IE)", "ie"),
        ("This is question answering.", "qa"),
        ("The category is: gen", "gen"),
        ("Category: other\nOther tasks would be qa.", "other"),
        ("I would say generation, since a letter is written.", "gen"),
        ("<think>qa or ie? The latter.</think>\nie", "ie"),
        ("<think>it could be qa", ""),
        ("qa or ie", ""),
        ("qa, ie", ""),
        ("qa: facts\nie: spans", ""),
        ("It is not qa.", ""),
        ("It isn't ie", ""),
        ("Anything other than qa", ""),
        ("i.e. the answer", ""),
        ("generated", ""),
        ("", ""),
        ('{"category": "poem"}', ""),
        ('{"category": 3}', ""),
        ("{" * 5000 + "}", ""),
    ],
)
def test_a_reply_is_read(text: str, vote: str) -> None:
    assert read_vote(text) == vote


@given(st.text())
def test_any_reply_is_a_category_or_unclear(text: str) -> None:
    assert read_vote(text) in {*CATEGORIES, ""}


@given(st.sampled_from(CATEGORIES), st.sampled_from([str.lower, str.upper, str.title]))
def test_a_category_alone_is_read_in_any_case(category: str, case) -> None:  # type: ignore[no-untyped-def]
    assert read_vote(case(category)) == category
    assert read_vote(json.dumps({"category": case(category)})) == category


@pytest.mark.parametrize(
    ("votes", "how", "rule", "expected"),
    [
        (["gen", "gen", "gen"], "rule", "question", ("qa", "question")),
        (["gen", "gen", "qa"], "vote", "question", ("gen", "vote 2 of 3")),
        (["qa", "qa"], "vote", "question", ("qa", "vote 2 of 2")),
        (["gen", "qa"], "vote", "question", ("qa", "question (no majority of votes)")),
        (["gen", "", ""], "vote", "question", ("qa", "question (no majority of votes)")),
        (
            ["gen", "gen", "ie", "other"],
            "vote",
            "question",
            ("qa", "question (no majority of votes)"),
        ),
        ([], "vote", "question", ("qa", "question (no votes)")),
        (["gen"], "vote if no rule fired", "question", ("qa", "question")),
        (["gen"], "vote if no rule fired", NO_RULE, ("gen", "vote 1 of 1")),
        ([""], "vote if no rule fired", NO_RULE, ("qa", "none fired (no majority of votes)")),
    ],
)
def test_who_decides(votes: list[str], how, rule: str, expected: tuple[str, str]) -> None:  # type: ignore[no-untyped-def]
    assert decide("qa", rule, votes, how) == expected


@given(st.lists(st.sampled_from([*CATEGORIES, ""]), max_size=9), st.sampled_from(CATEGORIES))
def test_nothing_but_more_than_half_outvotes_a_rule(votes: list[str], ruled: str) -> None:
    category, by = decide(ruled, "question", votes, "vote")
    if by.startswith("vote"):
        assert 2 * votes.count(category) > len(votes)
    else:
        assert category == ruled
        assert by.startswith("question (no ")


def test_a_model_is_shown_the_whole_task_and_every_category() -> None:
    (message,) = vote_messages('Say "hi".', "Größe: 2", "Line one\nline two")
    assert message.role == "user"
    for category in CATEGORIES:
        assert f"\n{category}: " in message.content
    start, end = message.content.index("{"), message.content.rindex("}")
    assert json.loads(message.content[start : end + 1]) == {
        "instruction": 'Say "hi".',
        "input": "Größe: 2",
        "output": "Line one\nline two",
    }


def test_the_schema_allows_the_categories_and_nothing_else() -> None:
    assert VOTE_SCHEMA["properties"]["category"]["enum"] == list(CATEGORIES)
    assert VOTE_SCHEMA["additionalProperties"] is False

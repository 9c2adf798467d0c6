"""What is kept does not depend on the order in which replies arrive."""

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preceptor import draws
from preceptor.records import Reply
from preceptor.synthesis.config import SynthesisConfig
from preceptor.synthesis.course import CALL_FAILED, PAST_TARGET, Course
from preceptor.synthesis.parse import format_task
from preceptor.teachers.calls import Call
from tests.synthesis.scripted import SEEDS, WORDS, Listing, course_of, invented, reply

CONFIGS = {
    "bioinstruct": {"requests": 40},
    "a target": {"target": 9, "requests": 200},
    "bootstrapping": {
        "protocol": "bioinstruct",
        "machine_demonstrations": 2,
        "lag": 5,
        "requests": 40,
    },
    "quotas": {
        "quotas": {"topic": {"heart": 0.5, "lung": 0.5}, "difficulty": {1: 0.2, 5: 0.8}},
        "lag": 7,
        "target": 10,
        "requests": 300,
    },
    "answers and votes": {
        "answers": {"separate": True},
        "categories": {"votes": 3, "decide": "vote"},
        "requests": 60,
    },
    "self-instruct": {
        "protocol": "self-instruct",
        "tasks_per_request": 2,
        "lag": 3,
        "requests": 20,
        "categories": {"votes": 1},
    },
}


def drive(
    course: Course,
    script: Callable[[Call], Reply | str],
    pick: Callable[[int], int] = lambda n: 0,
    most: int = 16,
) -> list[str]:
    """Answer everything, any open call next; returns the ids of the calls in the order asked."""
    flying: list[Call] = []
    asked = []
    while not course.ended:
        for role in ("teacher", "answers", "votes"):
            if role in course._queues:
                calls = course.ready(role, most - len(flying))
                flying += calls
                asked += [call.id for call in calls]
        assert flying, "nothing is asked and nothing has ended"
        call = flying.pop(pick(len(flying)))
        course.receive(call, script(call))
    return asked


def failing_sometimes(call: Call) -> Reply | str:
    if draws.uniform(call.seed, "fails", call.id) < 0.12:
        return "the endpoint gave 6 errors in a row"
    return invented(call)


def listed(call: Call) -> Reply | str:
    """Self-Instruct's first stage answers with a list."""
    if call.kind != "task":
        return failing_sometimes(call)
    lines = []
    for n in range(9, 11):
        words = [draws.choose(WORDS, call.seed, n, i) for i in range(6)]
        lines.append(f"{n}. Explain {' '.join(words)}.")
    return reply("\n".join(lines))


def script_of(name: str) -> Callable[[Call], Reply | str]:
    return listed if name == "self-instruct" else failing_sometimes


@pytest.mark.parametrize("name", CONFIGS)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_the_order_of_arrival_changes_nothing(name: str, data: st.DataObject) -> None:
    config = SynthesisConfig.model_validate(CONFIGS[name])
    plain, shuffled = Listing(), Listing()
    expected = course_of(config, plain)
    asked = drive(expected, script_of(name))
    order = data.draw(st.integers(0, 2**32))
    most = data.draw(st.integers(1, 60))
    turn = iter(range(10**9))
    course = course_of(config, shuffled)
    again = drive(
        course, script_of(name), lambda n: draws.integer(n, order, "next", next(turn)), most
    )
    assert shuffled.events == plain.events
    assert course.ended == expected.ended
    assert len(set(again)) == len(again)
    if config.target is None:
        assert set(again) == set(asked)


@pytest.mark.parametrize("name", CONFIGS)
def test_every_course_keeps_and_rejects(name: str) -> None:
    config = SynthesisConfig.model_validate(CONFIGS[name])
    sink = Listing()
    drive(course_of(config, sink), script_of(name))
    ids = [one.id for one in sink.instructions]
    assert len(ids) > 5
    assert len(set(ids)) == len(ids)
    assert CALL_FAILED in sink.reasons
    if config.target is not None:
        assert len(ids) == config.target


def test_a_target_is_met_exactly_and_the_rest_of_its_reply_is_named() -> None:
    def two(call: Call) -> Reply:
        words = [draws.choose(WORDS, call.seed, i) for i in range(14)]
        first = format_task(f"Explain {' '.join(words[:7])}.", "", "It is so.")
        second = format_task(f"Name the {' '.join(words[7:])}.", "", "That one.")
        return reply(f"{first}\n\n{second}")

    sink = Listing()
    course = course_of(SynthesisConfig.model_validate({"target": 5}), sink)
    drive(course, two)
    assert len(sink.instructions) == 5
    assert Counter(sink.reasons)[PAST_TARGET] == 1
    assert course.ended == "the target of 5 is reached"


def test_few_requests_are_sent_past_a_target() -> None:
    def one(call: Call) -> Reply:
        return reply(format_task(f"Explain the {call.id} of {call.seed} please.", "", "It is so."))

    config = SynthesisConfig.model_validate({"target": 100})
    course = course_of(config, Listing())
    asked = drive(course, one, most=64)
    assert 100 <= len(asked) <= 130


def test_the_floor_ends_a_run_that_finds_nothing_new() -> None:
    same = reply(format_task("Explain how the kidney filters blood.", "", "By its glomeruli."))
    config = SynthesisConfig.model_validate(
        {"target": 50, "floor": {"rate": 0.1, "over": 30}, "protocol": "bioinstruct"}
    )
    sink = Listing()
    course = course_of(config, sink)
    drive(course, lambda call: same)
    assert "under the floor of 10.0%" in course.ended
    assert len(sink.instructions) == 1
    assert course.emitted == 30


def test_a_preview_is_the_beginning_of_the_run() -> None:
    config = SynthesisConfig.model_validate({"requests": 60})
    whole, few = Listing(), Listing()
    drive(course_of(config, whole), invented)
    drive(course_of(config, few, few=3), invented)
    assert len(few.instructions) == 3
    assert few.instructions == whole.instructions[:3]


def test_a_seed_more_leaves_most_requests_as_they_were() -> None:
    config = SynthesisConfig.model_validate({"requests": 200})
    with_all, with_fewer = (
        {call.id for call in course_of(config, Listing(), seeds=seeds).ready("teacher", 200)}
        for seeds in (SEEDS, SEEDS[:-1])
    )
    kept = len(with_all & with_fewer)
    # A request shows three of 80 seeds: 3.75% of them show the last one.
    assert 180 <= kept < 200


@pytest.mark.parametrize("separate", [False, True])
def test_quotas_are_of_what_is_kept_and_a_target_is_reached(separate: bool) -> None:
    """A task that falls after it was accepted holds no place."""

    def script(call: Call) -> Reply:
        if call.kind == "answer":
            return reply("" if call.seed % 7 == 0 else "It is the left kidney.")
        words = " ".join(draws.choose(WORDS, call.seed, place) for place in range(8))
        verb = ("Extract", "Which", "Summarise")[call.seed % 3]
        return reply(format_task(f"{verb} {words}.", "A short note.", "It is the left kidney."))

    quotas = {"difficulty": {1: 0.5, 5: 0.5}, "category": {"ie": 0.5, "qa": 0.5}}
    config = SynthesisConfig.model_validate(
        {"quotas": quotas, "target": 40, "answers": {"separate": separate}, "lag": 8}
    )
    sink = Listing()
    drive(course_of(config, sink), script)
    kept = sink.instructions
    assert Counter(one.difficulty for one in kept) == {1: 20, 5: 20}
    assert Counter(one.category for one in kept) == {"ie": 20, "qa": 20}
    assert len(sink.reasons) < 400


def test_bootstrapping_shows_what_was_accepted_lag_requests_before() -> None:
    config = SynthesisConfig.model_validate({"machine_demonstrations": 2, "lag": 4, "requests": 60})
    sink = Listing()
    drive(course_of(config, sink), invented)
    by_request = {one.request_id: one for one in sink.instructions}
    order = [value[0] for kind, value in sink.events if kind == "call"]
    places = {id: number for number, id in enumerate(order)}
    machine = [
        (places[one.request_id], places[shown.rsplit("-", 1)[0]])
        for one in by_request.values()
        for shown in one.seed_ids
        if shown.rsplit("-", 1)[0] in places
    ]
    assert machine
    assert all(shown < request - 3 for request, shown in machine)

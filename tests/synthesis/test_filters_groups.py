from preceptor.synthesis.filters import FilterConfig, judge_group
from preceptor.synthesis.parse import Parsed


def group(*pairs: tuple[str, str]) -> list[Parsed]:
    return [Parsed(n, "Classify it.", input, output, "") for n, (input, output) in enumerate(pairs)]


def reasons(*pairs: tuple[str, str], off: tuple[str, ...] = ()) -> dict[int, str]:
    dropped = judge_group(group(*pairs), FilterConfig(off=off))
    return {place: drop.reason for place, drop in dropped.items()}


def test_one_input_with_two_outputs_drops_the_whole_task() -> None:
    pairs = (("a", "x"), ("b", "x"), ("a", "y"))
    assert reasons(*pairs) == dict.fromkeys(range(3), "same input, other output")
    assert reasons(*pairs, off=("same_input_other_output",)) == {}


def test_without_an_input_many_outputs_may_be_right() -> None:
    assert reasons(("", "x"), ("", "y")) == {}


def test_of_equal_instances_the_first_stays() -> None:
    pairs = (("a", "x"), ("b", "y"), ("a", "x"), ("", "z"), ("", "z"))
    assert reasons(*pairs) == {2: "repeated instance", 4: "repeated instance"}
    assert judge_group(group(*pairs))[2].detail == "of instance 0"
    assert reasons(*pairs, off=("repeated_instance",)) == {}


def test_an_empty_group_has_nothing_to_drop() -> None:
    assert judge_group([]) == {}

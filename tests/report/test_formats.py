"""Numbers as the page writes them."""

import pytest

from preceptor.report import formats


@pytest.mark.parametrize(
    ("score", "text"),
    [(0.1234, "+12.3"), (-0.1234, "\N{MINUS SIGN}12.3"), (0.0, "0.0"), (-0.0001, "0.0")],
)
def test_differences_carry_a_sign_and_zero_has_none(score: float, text: str) -> None:
    assert formats.signed(score) == text


def test_p_values_below_three_digits_are_not_written_as_zero() -> None:
    assert formats.p_value(0.0002) == "< 0.001"
    assert formats.p_value(0.0234) == "0.023"


def test_counts_are_set_apart_and_text_is_left_alone() -> None:
    assert formats.count(1234567) == "1,234,567"
    assert formats.count(0.0003) == "0.0003"
    assert formats.count("n/a") == "n/a"


def test_unknown_metrics_are_named_by_their_words() -> None:
    assert formats.metric("rouge_l") == "ROUGE-L"
    assert formats.metric("my_metric") == "my metric"

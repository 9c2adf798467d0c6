"""Which price counts, and that a missing one stops a budget in dollars before it starts."""

from pathlib import Path

import pytest

from preceptor.errors import RecipeError
from preceptor.teachers import prices
from preceptor.teachers.config import BudgetConfig, Price, TeacherConfig
from preceptor.teachers.open import known_price
from preceptor.teachers.prices import price_of, read_table

OPENAI = "https://api.openai.com/v1"


@pytest.fixture(autouse=True)
def _no_table_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PRECEPTOR_PRICES", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def teacher(model: str, endpoint: str = OPENAI, price: Price | None = None) -> TeacherConfig:
    return TeacherConfig(model=model, endpoint=endpoint, price=price)


def test_the_papers_teacher_has_a_price_with_a_day() -> None:
    known = price_of(teacher("gpt-4"))
    assert known is not None
    assert known.price == Price(input=30, output=60)
    assert "as of 20" in known.source


@pytest.mark.parametrize(
    ("model", "output"),
    [("gpt-4o", 10), ("gpt-4o-2024-05-13", 15), ("gpt-4o-mini", 0.6), ("openai/gpt-4o", 10)],
)
def test_versions_and_smaller_sisters_are_told_apart(model: str, output: float) -> None:
    known = price_of(teacher(model))
    assert known is not None
    assert known.price.output == output


@pytest.mark.parametrize("model", ["gpt-4o-audio-preview", "gpt-4-32k", "my-gpt-4", "gpt-4.15"])
def test_a_name_that_only_looks_alike_has_no_price(model: str) -> None:
    assert price_of(teacher(model)) is None


def test_every_line_of_our_table_has_a_day_and_a_name_once() -> None:
    entries = prices._our_table()
    assert all(len(entry.as_of) == 10 for entry in entries)
    assert len({entry.model for entry in entries}) == len(entries)
    assert all(0 < entry.input <= entry.output for entry in entries)


def test_the_recipe_comes_before_the_users_table_and_that_before_ours(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = tmp_path / "prices.yaml"
    own.write_text("- {model: 'gpt-4|house-model', input: 1, output: 2}\n")
    monkeypatch.setenv("PRECEPTOR_PRICES", str(own))
    recipe = Price(input=5, output=6)
    assert price_of(teacher("gpt-4", price=recipe)).price == recipe  # type: ignore[union-attr]
    mine = price_of(teacher("gpt-4"))
    assert mine is not None
    assert (mine.price.input, mine.source) == (1, str(own))
    assert price_of(teacher("house-model")) is not None
    assert price_of(teacher("gpt-4o")).price.input == 2.5  # type: ignore[union-attr]


def test_the_users_table_is_found_in_the_home_folder(tmp_path: Path) -> None:
    folder = tmp_path / ".config" / "preceptor"
    folder.mkdir(parents=True)
    (folder / "prices.yaml").write_text("- {model: x-1, input: 1, output: 2, as_of: 2026-01-02}\n")
    known = price_of(teacher("x-1"))
    assert known is not None
    assert known.source.endswith("prices.yaml, as of 2026-01-02")


def test_models_on_this_machine_cost_nothing() -> None:
    assert price_of(TeacherConfig()).price == Price(input=0, output=0)  # type: ignore[union-attr]
    here = price_of(teacher("some-folder", "http://127.0.0.1:8000/v1"))
    assert here is not None
    assert here.price.output == 0


def test_a_known_name_behind_a_proxy_on_this_machine_has_its_price() -> None:
    known = price_of(teacher("gpt-4", "http://localhost:4000/v1"))
    assert known is not None
    assert known.price.output == 60


def test_an_unknown_price_stops_a_budget_in_dollars_only() -> None:
    config = teacher("nobody-knows")
    assert known_price(config, BudgetConfig(tokens=5)) is None
    with pytest.raises(RecipeError, match=r"'nobody-knows' is unknown.*teacher\.price"):
        known_price(config, BudgetConfig(dollars=5))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1", "is not a list"),
        ("- {model: x, input: 1}", "entry 1: output"),
        ("- {model: x, input: 1, output: 1}\n- {model: '(', input: 1, output: 1}", "entry 2"),
        ("- {model: x, input: -1, output: 1}", "entry 1: input"),
        ("- {model: x, input: 1, output: 1, cached: 0}", "cached"),
        ("- {", "is not YAML"),
    ],
)
def test_a_wrong_table_is_named_with_the_place(text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        read_table(text, "mine.yaml")


def test_a_table_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRECEPTOR_PRICES", "/nowhere/prices.yaml")
    with pytest.raises(RecipeError, match="PRECEPTOR_PRICES"):
        price_of(teacher("gpt-4"))

from pathlib import Path

import pytest

from preceptor.artifact import Work
from preceptor.synthesis.config import SynthesisConfig
from preceptor.synthesis.estimate import (
    ANSWER_TOKENS,
    KEPT,
    TASK_TOKENS,
    SynthesisEstimate,
    estimate_synthesis,
)
from preceptor.synthesis.stage import Sources, synthesise
from tests.synthesis.scripted import NAME, SEEDS, ScriptedModel, models

PRICED = {"endpoint": "https://example.org/v1", "key": "", "model": "m"}


def ten(messages: object) -> int:
    """Every prompt has ten tokens."""
    return 10


def estimated(ledger: Path | None = None, **given: object) -> SynthesisEstimate:
    config = SynthesisConfig.model_validate(given)
    return estimate_synthesis(config, SEEDS, (), 0, ten, ledger, NAME)


def test_each_model_is_paid_its_own_price() -> None:
    found = estimated(
        requests=100,
        teacher={**PRICED, "price": {"input": 1e6, "output": 0}},
        answers={"teacher": {**PRICED, "price": {"input": 0, "output": 1e6}}},
    )
    assert found.dollars is not None
    accepted = 100 * KEPT[1]
    assert found.calls.likely == 100 + accepted
    assert found.dollars.likely == pytest.approx(100 * 10 + accepted * ANSWER_TOKENS[1])
    assert found.reply_tokens.high == 100 * TASK_TOKENS[2] + 100 * KEPT[2] * ANSWER_TOKENS[2]


def test_one_unknown_price_leaves_the_dollars_unknown() -> None:
    assert estimated(requests=9, teacher=PRICED).dollars is None
    assert estimated(requests=9, teacher=PRICED).prices == ("m: price unknown",)


def test_a_run_of_its_own_replaces_what_was_assumed(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite"
    assert "assumed" in estimated(ledger, target=500).basis
    config = SynthesisConfig(requests=60)
    work = Work(tmp_path / "w")
    counts = synthesise(config, Sources(SEEDS), models(ScriptedModel()), ledger, work)
    found = estimated(ledger, target=500)
    assert f"{counts['kept']:,} tasks kept of 60 requests" in found.basis
    assert found.requests.likely == pytest.approx(500 * 60 / counts["kept"], abs=1)
    assert found.requests.low < found.requests.likely < found.requests.high
    each = counts["reply_tokens"] / 60
    assert found.reply_tokens.likely == pytest.approx(each * found.requests.likely)


def test_self_instructs_further_calls_are_counted() -> None:
    found = estimated(requests=10, protocol="self-instruct", tasks_per_request=8)
    assert found.calls.likely == 10 + 2 * 10 * 8 * KEPT[1]

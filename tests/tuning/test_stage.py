"""Tuning as a stage: what it writes and counts, and that a killed one leaves the same folder."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel

from preceptor.artifact import Artifact, Work, produce
from preceptor.errors import StageError
from preceptor.model import attention, forward, loading, lora
from preceptor.model.loading import LoadedModel
from preceptor.model.segments import example as root
from preceptor.model.segments import lay_out
from preceptor.records import Example
from preceptor.tuning.config import TuningConfig
from preceptor.tuning.preflight import encode
from preceptor.tuning.stage import tune
from tests.tuning.cutting import killed_after

CONFIG = TuningConfig(
    rank=4,
    dropout=0.1,
    batch_tokens=160,
    pass_tokens=120,
    max_length=150,
    epochs=2,
    checkpoint_every=2,
    dtype="float32",
)
LONG = 3
"""Examples of ``EXAMPLES`` with more than ``CONFIG.max_length`` tokens."""
EXAMPLES = [
    Example(
        id=f"a/train/{n}/x",
        task="a",
        cluster="sentiment",
        category="",
        template="x",
        inverted=False,
        prompt="Is the patient well? " * (20 if n < LONG else 1 + n % 3),
        target=("yes", "no", "it is not possible to tell")[n % 3],
        options=(),
        gold=-1,
        row=f"a/train/{n}",
    )
    for n in range(16)
]


@pytest.fixture
def llama(tiny_model: Path) -> LoadedModel:
    return loading.load(str(tiny_model), "float32", "cpu")


def made(folder: Path, loaded: LoadedModel) -> Artifact:
    """The stage's artifact, as the pipeline makes it."""

    def build(work: Work) -> dict[str, Any]:
        try:
            return tune(CONFIG, loaded, "alpaca", EXAMPLES, 7, work)
        finally:
            lora.detach(loaded.model)

    return produce(folder, "adapter", CONFIG.model_dump(mode="json"), {}, build)


def test_the_stage_writes_an_adapter_and_its_losses_and_counts_them(
    tmp_path: Path, llama: LoadedModel
) -> None:
    artifact = made(tmp_path, llama)
    names = {"adapter/adapter_config.json", "adapter/adapter_model.safetensors", "losses.json"}
    assert set(artifact.manifest["files"]) == names
    losses = json.loads(artifact.file("losses.json").read_text())
    kept = encode(EXAMPLES, llama.tokenizer, "alpaca", CONFIG.max_length).kept
    counts = artifact.counts
    assert counts["examples"] == len(kept) == len(EXAMPLES) - LONG
    assert counts["left_out"] == {"too long": LONG}
    assert counts["steps"] == len(losses) > 4
    assert counts["tokens"] == 2 * sum(one.length for one in kept)
    assert counts["target_tokens"] == 2 * sum(len(one.target) for one in kept)
    assert sum(step["tokens"] for step in losses) == counts["tokens"]
    assert (counts["first_loss"], counts["last_loss"]) == (losses[0]["loss"], losses[-1]["loss"])
    assert 0 < counts["fill"] <= 1
    assert counts["trainable_parameters"] == sum(
        4 * sum(module.weight.shape)
        for name, module in llama.model.named_modules()
        if isinstance(module, torch.nn.Linear) and name != "lm_head"
    )
    assert counts["base_parameters"] == sum(p.numel() for p in llama.model.parameters())
    assert counts["dtype"] == "float32"
    assert artifact.timings()["tokens_per_second"] > 0


def test_the_saved_adapter_is_the_trained_one_here_and_in_peft(
    tmp_path: Path, tiny_model: Path, llama: LoadedModel
) -> None:
    tune(CONFIG, llama, "alpaca", EXAMPLES, 7, Work(tmp_path))
    one = encode(EXAMPLES, llama.tokenizer, "alpaca", CONFIG.max_length).kept[0]
    forest = lay_out([root(one.prompt, one.target)])
    expected = forward.target_log_probabilities(llama.model, forest)
    again = loading.load(str(tiny_model), "float32", "cpu")
    attention.install(again.model)
    untuned = forward.target_log_probabilities(again.model, forest)
    assert (expected - untuned).abs().max() > 1e-3
    lora.load(tmp_path / "files" / "adapter", again.model)
    assert torch.equal(forward.target_log_probabilities(again.model, forest), expected)
    base = loading.load(str(tiny_model), "float32", "cpu").model
    peft = PeftModel.from_pretrained(base, str(tmp_path / "files" / "adapter")).eval()
    ids = torch.tensor([[*one.prompt, *one.target]])
    rows = peft(ids, use_cache=False).logits[0, len(one.prompt) - 1 : -1].log_softmax(-1)
    theirs = rows[range(len(one.target)), list(one.target)].detach()
    torch.testing.assert_close(theirs, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("calls", [1, 5, 9])
def test_a_killed_stage_goes_on_to_the_same_bytes(
    tmp_path: Path, llama: LoadedModel, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    whole = made(tmp_path / "whole", llama)
    with killed_after(monkeypatch, calls):
        made(tmp_path / "cut", llama)
    assert not any((tmp_path / "cut").glob("adapter-*"))
    resumed = made(tmp_path / "cut", llama)
    assert resumed.digest == whole.digest
    assert resumed.counts == whole.counts
    for name in ("manifest.json", *whole.manifest["files"]):
        assert resumed.file(name).read_bytes() == whole.file(name).read_bytes()


def test_a_resumed_run_states_no_speed(
    tmp_path: Path, llama: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its seconds are those of a part of the work."""
    with killed_after(monkeypatch, 9):
        made(tmp_path, llama)
    assert "tokens_per_second" not in made(tmp_path, llama).timings()


def test_a_mixture_of_which_nothing_is_left_stops_before_the_model_is_changed(
    tmp_path: Path, llama: LoadedModel
) -> None:
    with pytest.raises(StageError, match=rf"{LONG} too long"):
        tune(CONFIG, llama, "alpaca", EXAMPLES[:LONG], 7, Work(tmp_path))
    assert not any(isinstance(m, lora.LoraLinear) for m in llama.model.modules())

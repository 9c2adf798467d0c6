"""The training loop: one step equals PEFT's, and a run that was cut equals one that was not."""

import copy
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import MagicMock

import pytest
import torch
from peft import PeftModel
from torch.nn.functional import cross_entropy

from preceptor.errors import StageError
from preceptor.model import attention, forward, lora
from preceptor.tuning import loop
from preceptor.tuning.config import TuningConfig
from preceptor.tuning.loop import StepRecord, learning_rate, train
from preceptor.tuning.packing import Bin, Plan, plan
from preceptor.tuning.preflight import Encoded
from tests.tuning.cutting import killed_after
from tests.tuning.decoders import adapted, decoder, rows

Gradients = dict[str, torch.Tensor]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [0.5, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
        ("linear", [0.5, 1, 1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125]),
        (
            "cosine",
            [0.5, 1, 1, 0.961940, 0.853553, 0.691342, 0.5, 0.308658, 0.146447, 0.038060],
        ),
    ],
)
def test_the_learning_rate_rises_then_falls_towards_zero(
    schedule: str, expected: list[float]
) -> None:
    config = TuningConfig.model_validate(
        {"schedule": schedule, "warmup": 0.2, "learning_rate": 3e-4}
    )
    rates = [learning_rate(step, 10, config) for step in range(10)]
    assert rates == pytest.approx([3e-4 * share for share in expected], rel=1e-5)


def test_without_a_warm_up_the_first_step_has_the_whole_rate() -> None:
    config = TuningConfig(warmup=0, learning_rate=1e-3)
    assert learning_rate(0, 10, config) == 1e-3
    assert learning_rate(0, 1, TuningConfig(learning_rate=1e-3)) == 1e-3


def ours(family: str, data: Sequence[Encoded], bins: Sequence[Bin]) -> tuple[float, Gradients]:
    """Loss and gradients of one step of the loop, in float64."""
    loaded = decoder(family, torch.float64)
    adapters = adapted(loaded)
    attention.install(loaded.model)
    loss, targets, tokens = loop._accumulate(loaded, data, bins)
    assert targets == sum(len(data[i].target) for one in bins for i in one)
    assert tokens == sum(data[i].length for one in bins for i in one)
    gradients: Gradients = {}
    for name, adapter in adapters.items():
        for side, parameter in (("A", adapter.lora_a), ("B", adapter.lora_b)):
            assert parameter.grad is not None
            gradients[f"{name}.lora_{side}"] = parameter.grad
    others = [p for n, p in loaded.model.named_parameters() if "lora_" not in n]
    assert all(p.grad is None for p in others)
    return loss, gradients


def theirs(family: str, data: Sequence[Encoded], folder: Path) -> tuple[float, Gradients]:
    """The same from PEFT and transformers: a forward pass a row, unpacked, the prompt masked."""
    loaded = decoder(family, torch.float64)
    lora.save(folder, adapted(loaded), 8.0, 0.0, "tiny")
    base = decoder(family, torch.float64).model
    base.set_attn_implementation("sdpa")  # transformers' eager code takes softmax in float32
    model = PeftModel.from_pretrained(base, str(folder), is_trainable=True)
    losses, count = [], 0
    for one in data:
        ids = torch.tensor([[*one.prompt, *one.target]])
        labels = torch.tensor([[-100] * len(one.prompt) + list(one.target)])
        logits = model(ids, attention_mask=torch.ones_like(ids), use_cache=False).logits
        losses.append(cross_entropy(logits[0, :-1], labels[0, 1:], reduction="sum"))
        count += len(one.target)
    loss = torch.stack(losses).sum() / count
    loss.backward()
    gradients = {
        name.removeprefix(lora.PREFIX).removesuffix(".default.weight"): parameter.grad
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }
    return float(loss.detach()), gradients


@pytest.mark.parametrize("family", ["llama", "qwen3", "gemma3_text"])
def test_a_step_on_packed_rows_equals_peft_on_separate_ones(family: str, tmp_path: Path) -> None:
    data = rows(7)
    loss, gradients = ours(family, data, [(0, 3, 5), (1,), (6, 2, 4)])
    expected, their_gradients = theirs(family, data, tmp_path)
    assert loss == pytest.approx(expected, abs=1e-8, rel=0)
    assert set(gradients) == set(their_gradients)
    assert len(gradients) == 2 * 2 * 7
    for name, gradient in gradients.items():
        assert gradient.abs().max() > 1e-6
        torch.testing.assert_close(gradient, their_gradients[name], rtol=0, atol=1e-8)


def test_how_examples_are_put_into_bins_changes_nothing() -> None:
    data = rows(6)
    one, one_gradients = ours("llama", data, [(0, 1, 2, 3, 4, 5)])
    many, many_gradients = ours("llama", data, [(4,), (2, 0), (5, 1, 3)])
    assert one == pytest.approx(many, abs=1e-12, rel=0)
    for name, gradient in one_gradients.items():
        torch.testing.assert_close(gradient, many_gradients[name], rtol=1e-10, atol=1e-12)


class Run:
    """A training run in a folder of its own."""

    config = TuningConfig(
        learning_rate=2e-2, dropout=0.2, weight_decay=0.01, warmup=0.2, checkpoint_every=3
    )

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = rows(24)
        lengths = [one.length for one in self.data]
        self.plan: Plan = plan(lengths, 0, 2, 60, 30)
        self.checkpoint = folder / "checkpoint.safetensors"

    def go(self) -> tuple[list[StepRecord], dict[str, bytes]]:
        """Train a new model from the checkpoint, if any: its history and its adapter's bytes."""
        loaded = decoder()
        adapters = lora.attach(loaded.model, 4, 8.0, self.config.dropout, lora.ALL_LINEAR, seed=3)
        history = train(loaded, adapters, self.data, self.plan, self.config, 5, self.checkpoint)
        lora.save(self.folder / "adapter", adapters, 8.0, 0.2, "tiny")
        files = {path.name: path.read_bytes() for path in (self.folder / "adapter").iterdir()}
        return history, files


@pytest.fixture(scope="module")
def uncut(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[StepRecord], dict[str, bytes]]:
    return Run(tmp_path_factory.mktemp("uncut")).go()


def passes(run: Run) -> int:
    return sum(map(len, run.plan.steps))


@pytest.mark.parametrize("share", [0.0, 0.2, 0.45, 0.7, 0.999])
def test_a_run_that_was_cut_leaves_the_same_bits(
    share: float,
    tmp_path: Path,
    uncut: tuple[list[StepRecord], dict[str, bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = Run(tmp_path)
    assert max(map(len, run.plan.steps)) > 1  # some cuts are inside a step
    with killed_after(monkeypatch, int(share * passes(run))):
        run.go()
    assert run.checkpoint.exists() == (share >= 0.45)
    torch.rand(7)  # nor does it matter what was drawn in between
    history, files = run.go()
    assert history == uncut[0]
    assert files == uncut[1]


def test_a_run_that_was_cut_twice_leaves_the_same_bits_and_repeats_little(
    tmp_path: Path,
    uncut: tuple[list[StepRecord], dict[str, bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = Run(tmp_path)
    total = passes(run)
    for calls in (total // 2, total // 3):
        with killed_after(monkeypatch, calls):
            run.go()
    kept = loop._restore(run.checkpoint, {}, torch.optim.AdamW([torch.zeros(1)]))
    assert kept == uncut[0][: len(kept)]
    assert len(kept) >= len(uncut[0]) // 2
    with monkeypatch.context() as patch:
        calls = MagicMock(side_effect=forward.loss_sum)
        patch.setattr(forward, "loss_sum", calls)
        assert run.go() == uncut
    assert calls.call_count == sum(len(step) for step in run.plan.steps[len(kept) :])


def test_the_history_says_what_every_step_did(
    uncut: tuple[list[StepRecord], dict[str, bytes]], tmp_path: Path
) -> None:
    run, (history, _) = Run(tmp_path), uncut
    assert [record.step for record in history] == list(range(len(run.plan.steps)))
    assert sum(record.tokens for record in history) == run.plan.tokens
    assert sum(record.target_tokens for record in history) == 2 * sum(
        len(one.target) for one in run.data
    )
    rates = [learning_rate(step, len(history), run.config) for step in range(len(history))]
    assert [record.learning_rate for record in history] == rates


def test_dropout_depends_on_the_seed_of_the_run(
    uncut: tuple[list[StepRecord], dict[str, bytes]], tmp_path: Path
) -> None:
    run = Run(tmp_path)
    loaded = decoder()
    adapters = lora.attach(loaded.model, 4, 8.0, run.config.dropout, lora.ALL_LINEAR, seed=3)
    other = train(loaded, adapters, run.data, run.plan, run.config, 6, run.checkpoint)
    assert other[0].loss == uncut[0][0].loss  # B is zero: dropout has nothing to drop yet
    assert other[0].gradient_norm != uncut[0][0].gradient_norm


def test_a_tiny_model_learns_four_examples_by_heart_and_its_base_stays(tmp_path: Path) -> None:
    data = rows(4)
    loaded = decoder()
    before = copy.deepcopy(loaded.model.state_dict())
    adapters = lora.attach(loaded.model, 8, 16.0, 0.0, lora.ALL_LINEAR, seed=0)
    config = TuningConfig(learning_rate=1e-2, epochs=40)
    lengths = [one.length for one in data]
    history = train(
        loaded, adapters, data, plan(lengths, 0, 40, 64, 64), config, 0, tmp_path / "checkpoint"
    )
    assert history[0].loss > 3
    assert history[-1].loss < 0.1
    assert not any(adapter.training for adapter in adapters.values())
    lora.detach(loaded.model)
    for name, tensor in loaded.model.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_gradients_are_clipped_to_the_norm_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    norms: list[float] = []
    real = torch.optim.AdamW.step

    def noted(self: torch.optim.AdamW) -> None:
        squares = [p.grad.pow(2).sum() for g in self.param_groups for p in g["params"]]
        norms.append(float(torch.stack(squares).sum().sqrt()))
        real(self)

    monkeypatch.setattr(torch.optim.AdamW, "step", noted)
    data = rows(4)
    loaded = decoder()
    config = TuningConfig(clip=1e-3)
    made = plan([one.length for one in data], 0, 1, 1, 64)
    history = train(loaded, adapted(loaded), data, made, config, 0, tmp_path / "checkpoint")
    assert min(record.gradient_norm for record in history) > 1e-3
    assert norms == pytest.approx([1e-3] * len(history), rel=1e-2)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path, bad: float) -> None:
    data = rows(4)
    loaded = decoder()
    adapters = adapted(loaded)
    next(iter(adapters.values())).lora_b.data[0, 0] = bad
    made = plan([one.length for one in data], 0, 1, 64, 64)
    config = TuningConfig(checkpoint_every=1)
    # Some processors' attention kernels drop a NaN on the way forward; the gradient shows it still.
    with pytest.raises(StageError, match=r"step 0: the loss is .*nan.*; lower tuning\.learning"):
        train(loaded, adapters, data, made, config, 0, tmp_path / "checkpoint")
    assert not (tmp_path / "checkpoint").exists()

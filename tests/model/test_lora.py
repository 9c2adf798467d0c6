"""Adapters: PEFT's layout and PEFT's numbers."""

from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import PreTrainedModel

from preceptor.errors import ModelError
from preceptor.model import lora
from tests.model.families import tiny

IDS = torch.tensor([[5, 9, 33, 2, 71, 8]])


def adapted(model: PreTrainedModel, rank: int = 4) -> dict[str, lora.LoraLinear]:
    """Adapters whose update is not zero."""
    adapters = lora.attach(model, rank, 8.0, 0.0, lora.ALL_LINEAR, seed=3)
    generator = torch.Generator().manual_seed(1)
    for adapter in adapters.values():
        adapter.lora_b.data.normal_(std=0.1, generator=generator)
    return adapters


def test_a_saved_adapter_gives_the_same_logits_through_peft(tmp_path: Path) -> None:
    model = tiny("llama", torch.float32)
    lora.save(tmp_path, adapted(model), 8.0, 0.0, "tiny")
    expected = model(IDS, use_cache=False).logits
    theirs = PeftModel.from_pretrained(tiny("llama", torch.float32), str(tmp_path)).eval()
    torch.testing.assert_close(theirs(IDS, use_cache=False).logits, expected, rtol=0, atol=1e-5)


def test_loading_restores_the_same_bytes(tmp_path: Path) -> None:
    model = tiny("qwen3", torch.float32)
    lora.save(tmp_path / "a", adapted(model), 8.0, 0.0, "tiny")
    again = tiny("qwen3", torch.float32)
    lora.save(tmp_path / "b", lora.load(tmp_path / "a", again), 8.0, 0.0, "tiny")
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_new_adapter_changes_nothing_and_merging_equals_the_adapter() -> None:
    model = tiny("llama")
    before = model(IDS, use_cache=False).logits
    adapters = lora.attach(model, 4, 8.0, 0.0, lora.ALL_LINEAR, seed=0)
    assert len(adapters) == 2 * 7
    torch.testing.assert_close(model(IDS, use_cache=False).logits, before, rtol=0, atol=0)
    for adapter in adapters.values():
        torch.nn.init.normal_(adapter.lora_b, std=0.1)
    tuned = model(IDS, use_cache=False).logits
    assert (tuned - before).abs().max() > 1e-3
    lora.merge(model)
    torch.testing.assert_close(model(IDS, use_cache=False).logits, tuned, rtol=0, atol=1e-10)
    assert not any(isinstance(m, lora.LoraLinear) for m in model.modules())


def test_detaching_leaves_the_base_and_only_adapters_are_trainable() -> None:
    model = tiny("gemma3_text")
    before = model(IDS, use_cache=False).logits
    adapted(model)
    trainable = [n for n, p in model.named_parameters() if p.requires_grad]
    assert trainable
    assert all("lora_" in name for name in trainable)
    lora.detach(model)
    torch.testing.assert_close(model(IDS, use_cache=False).logits, before, rtol=0, atol=0)


def test_the_start_depends_on_the_layer_and_not_on_which_others_are_adapted() -> None:
    few = lora.attach(tiny("llama"), 4, 8.0, 0.0, ["v_proj"], seed=5)
    many = lora.attach(tiny("llama"), 4, 8.0, 0.0, lora.ALL_LINEAR, seed=5)
    assert len(few) == 2
    for name, adapter in few.items():
        assert torch.equal(adapter.lora_a, many[name].lora_a)


def test_a_layer_name_that_does_not_exist_is_refused_with_the_ones_that_do() -> None:
    with pytest.raises(ModelError, match=r"'qq'.*down_proj"):
        lora.attach(tiny("llama"), 4, 8.0, 0.0, ["qq"], seed=0)


def test_an_adapter_for_another_base_is_refused(tmp_path: Path) -> None:
    lora.save(tmp_path, adapted(tiny("llama", torch.float32)), 8.0, 0.0, "tiny")
    with pytest.raises(ModelError, match="another base"):
        lora.load(tmp_path, tiny("phi3", torch.float32))
    with pytest.raises(ModelError, match="no readable adapter"):
        lora.load(tmp_path / "nowhere", tiny("llama", torch.float32))

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from preceptor.errors import ModelError
from preceptor.model import attention, lora
from preceptor.model.formats import encode_prompt
from preceptor.model.generation import (
    Generated,
    attention_as,
    decode,
    generate,
)
from preceptor.model.loading import LoadedModel, load
from preceptor.model.sampling import Decoding
from tests.tiny import FAMILIES, make_tiny_model

TEXTS = ("Hi", "Name the diseases in this sentence, and be quick about it.", "yes or no?")


@pytest.fixture(scope="module", params=FAMILIES)
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    folder = make_tiny_model(tmp_path_factory.mktemp("generation"), request.param)
    return load(str(folder), dtype="float32", device="cpu")


@pytest.fixture
def llama(tiny_model: Path) -> LoadedModel:
    return load(str(tiny_model), dtype="float32", device="cpu")


def _prompts(loaded: LoadedModel, texts: Sequence[str] = TEXTS) -> list[list[int]]:
    return [encode_prompt(loaded.tokenizer, "plain", text) for text in texts]


@torch.no_grad()
def _by_hand(loaded: LoadedModel, prompt: list[int], new: int) -> tuple[int, ...]:
    """Greedy decoding without a cache, a padding or a batch."""
    ids = list(prompt)
    for _ in range(new):
        ids.append(int(loaded.model(torch.tensor([ids]), use_cache=False).logits[0, -1].argmax()))
    return tuple(ids[len(prompt) :])


def test_a_greedy_batch_is_what_each_prompt_gives_alone(loaded: LoadedModel) -> None:
    prompts = _prompts(loaded)
    batch = generate(loaded, prompts, 10, stop_ids=[])
    assert [answer.ids for answer in batch] == [_by_hand(loaded, p, 10) for p in prompts]
    assert not any(answer.finished for answer in batch)


def test_generation_works_on_a_model_that_runs_forests(loaded: LoadedModel) -> None:
    expected = generate(loaded, _prompts(loaded), 12, stop_ids=[])
    with attention_as(loaded.model, attention.NAME):
        assert generate(loaded, _prompts(loaded), 12, stop_ids=[]) == expected
        assert loaded.model.config._attn_implementation == attention.NAME


def test_an_answer_ends_before_the_first_stop_token(llama: LoadedModel) -> None:
    prompts = _prompts(llama)
    free = generate(llama, prompts, 12, stop_ids=[])
    stop = free[1].ids[5]
    answers = generate(llama, prompts, 12, stop_ids=[stop])
    for whole, answer in zip(free, answers, strict=True):
        cut = whole.ids.index(stop) if stop in whole.ids else len(whole.ids)
        assert answer == Generated(whole.ids[:cut], finished=stop in whole.ids)
    assert answers[1].finished


DRAWN = Decoding(16, temperature=1.0, top_p=0.9, seed=7)


def _drawn(
    loaded: LoadedModel, prompts: Sequence[Sequence[int]], *rows: Decoding
) -> list[Generated]:
    return decode(loaded, prompts, rows, stop_ids=[])


def test_a_row_is_what_it_is_alone_whatever_is_beside_it(loaded: LoadedModel) -> None:
    """Rows end at different steps, so most of the batch is gone before the last row is done."""
    prompts = _prompts(loaded)
    rows = [DRAWN, Decoding(9), Decoding(23, temperature=1.3, presence_penalty=1.0, seed=2**63)]
    alone = [_drawn(loaded, [p], row)[0] for p, row in zip(prompts, rows, strict=True)]
    assert [len(answer.ids) for answer in alone] == [16, 9, 23]
    assert _drawn(loaded, prompts, *rows) == alone
    assert _drawn(loaded, prompts[::-1], *rows[::-1]) == alone[::-1]
    assert _drawn(loaded, prompts[1:] + prompts[1:], *rows[1:], *rows[1:]) == alone[1:] * 2


def test_a_row_follows_its_own_seed(llama: LoadedModel) -> None:
    prompt = _prompts(llama)[1]
    first, again, other = _drawn(llama, [prompt] * 3, DRAWN, DRAWN, replace(DRAWN, seed=8))
    assert first == again != other


def test_a_tiny_top_p_or_temperature_is_greedy(llama: LoadedModel) -> None:
    prompts = _prompts(llama)
    greedy = generate(llama, prompts, 16, stop_ids=[])
    for row in (replace(DRAWN, top_p=1e-6), replace(DRAWN, temperature=1e-30, top_p=1.0)):
        assert _drawn(llama, prompts, *[row] * 3) == greedy


def test_a_batch_draws_as_its_model_says(llama: LoadedModel) -> None:
    """2,000 first tokens against the softmax of one pass: total variation within the noise."""
    prompt = _prompts(llama)[0]
    with torch.no_grad():
        logits = llama.model(torch.tensor([prompt])).logits[0, -1]
    expected = (logits / 0.7).softmax(dim=-1)
    rows = [Decoding(1, temperature=0.7, seed=seed) for seed in range(2000)]
    drawn = torch.tensor([a.ids[0] for a in _drawn(llama, [prompt] * 2000, *rows)])
    found = torch.bincount(drawn, minlength=len(expected)) / 2000
    noise = (expected / 2000).sqrt().sum() / 2
    assert (found - expected).abs().sum() / 2 < noise


def test_a_penalised_row_does_not_repeat_itself(llama: LoadedModel) -> None:
    (answer,) = _drawn(llama, [_prompts(llama)[0]], Decoding(60, presence_penalty=1e4))
    assert len(set(answer.ids)) == 60
    assert len(set(generate(llama, [_prompts(llama)[0]], 60, stop_ids=[])[0].ids)) < 60


def test_a_guide_forbids_tokens_and_ends_a_row(llama: LoadedModel) -> None:
    class Even:
        """Even tokens only, three of them."""

        def forbid(self, logits: torch.Tensor) -> None:
            logits[1::2] = -torch.inf

        def ended(self, ids: Sequence[int]) -> bool:
            return len(ids) == 3

    prompts, rows = _prompts(llama), [DRAWN, Decoding(2), Decoding(5)]
    answers = decode(llama, prompts, rows, stop_ids=[], guides=[Even(), Even(), None])
    assert [len(answer.ids) for answer in answers] == [3, 2, 5]
    assert [answer.finished for answer in answers] == [True, False, False]
    assert not any(token % 2 for answer in answers[:2] for token in answer.ids)
    assert answers[2] == _drawn(llama, [prompts[2]], rows[2])[0]


def test_the_callers_random_numbers_are_left_alone(llama: LoadedModel) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    _drawn(llama, _prompts(llama), *[DRAWN] * 3)
    assert torch.equal(torch.rand(4), expected)


def test_adapters_take_part_without_dropout_and_stay_in_training(llama: LoadedModel) -> None:
    plain = generate(llama, _prompts(llama), 12, stop_ids=[])
    adapters = lora.attach(llama.model, 4, 8.0, 0.5, "all-linear", seed=0)
    llama.model.train()
    assert generate(llama, _prompts(llama), 12, stop_ids=[]) == plain  # B starts at zero
    for adapter in adapters.values():
        torch.nn.init.normal_(adapter.lora_b, std=0.5)
    adapted = generate(llama, _prompts(llama), 12, stop_ids=[])
    assert llama.model.training
    llama.model.eval()  # type: ignore[no-untyped-call]
    assert adapted == generate(llama, _prompts(llama), 12, stop_ids=[]) != plain


def test_no_prompts_give_no_answers(llama: LoadedModel) -> None:
    assert generate(llama, [], 4, stop_ids=[]) == []


@pytest.mark.parametrize(("prompt", "new"), [([], 4), ([5], 0)])
def test_an_empty_prompt_or_answer_is_refused(
    llama: LoadedModel, prompt: list[int], new: int
) -> None:
    with pytest.raises(ValueError, match=r"no tokens|at least 1"):
        generate(llama, [prompt], new, stop_ids=[])


def test_what_exceeds_the_context_is_refused(llama: LoadedModel) -> None:
    prompt = [5] * 500
    assert len(generate(llama, [prompt], 12, stop_ids=[])[0].ids) == 12
    with pytest.raises(ModelError, match=r"500 tokens and 13 new ones exceed .* context of 512"):
        generate(llama, [[5], prompt], 13, stop_ids=[])


def test_the_old_attention_is_back_after_an_error(llama: LoadedModel) -> None:
    attention.install(llama.model)
    inside: list[object] = []

    def fail() -> None:
        with attention_as(llama.model, "sdpa"):
            inside.append(llama.model.config._attn_implementation)
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail()
    assert inside == ["sdpa"]
    assert llama.model.config._attn_implementation == attention.NAME


def test_generation_is_silent(llama: LoadedModel, capfd: pytest.CaptureFixture[str]) -> None:
    decode(llama, _prompts(llama), [DRAWN] * 3, stop_ids=[2])
    assert capfd.readouterr() == ("", "")

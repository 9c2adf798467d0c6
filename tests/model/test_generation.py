from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from preceptor.errors import ModelError
from preceptor.model import attention, lora
from preceptor.model.formats import encode_prompt, stop_ids
from preceptor.model.generation import Generated, LocalTeacher, attention_as, generate
from preceptor.model.loading import LoadedModel, load
from preceptor.records import Reply
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


def test_sampling_depends_on_the_seed_alone(llama: LoadedModel) -> None:
    def sampled(seed: int) -> list[Generated]:
        return generate(
            llama, _prompts(llama), 16, seed=seed, stop_ids=[], temperature=1.0, top_p=0.9
        )

    first = sampled(7)
    torch.rand(3)
    assert sampled(7) == first != sampled(2**64 - 1)


def test_a_tiny_top_p_is_greedy(llama: LoadedModel) -> None:
    prompts = _prompts(llama)
    sampled = generate(llama, prompts, 16, temperature=1.0, top_p=1e-6, stop_ids=[])
    assert sampled == generate(llama, prompts, 16, stop_ids=[])


def test_sampling_covers_the_whole_vocabulary(llama: LoadedModel) -> None:
    """A hidden top-k of 50 is transformers' default, and no recipe of ours would say so."""
    drawn = generate(llama, _prompts(llama, ["a"] * 200), 1, temperature=50.0, stop_ids=[])
    assert len({answer.ids for answer in drawn}) > 100


def test_the_callers_random_numbers_are_left_alone(llama: LoadedModel) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    generate(llama, _prompts(llama), 4, stop_ids=[], temperature=1.0, top_p=0.9)
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
    generate(llama, _prompts(llama), 4, stop_ids=[2], temperature=1.0, top_p=0.9)
    assert capfd.readouterr() == ("", "")


def test_a_teacher_answers_in_chat_format_and_counts_tokens(llama: LoadedModel) -> None:
    teacher = LocalTeacher(llama, temperature=0.0, top_p=1.0, max_new_tokens=10)
    replies = teacher.complete(TEXTS, seed=1)
    tokenizer = llama.tokenizer
    prompts = [encode_prompt(tokenizer, "chat", text) for text in TEXTS]
    expected = generate(llama, prompts, 10, stop_ids=stop_ids(tokenizer, "chat"))
    assert replies == [
        Reply(
            str(tokenizer.decode(list(answer.ids), skip_special_tokens=True)),
            len(prompt),
            len(answer.ids),
            answer.finished,
        )
        for prompt, answer in zip(prompts, expected, strict=True)
    ]
    assert (teacher.name, teacher.fingerprint) == (llama.name, llama.fingerprint)


def test_a_teachers_sampling_follows_its_seed(llama: LoadedModel) -> None:
    teacher = LocalTeacher(llama, temperature=1.0, top_p=0.95, max_new_tokens=16)
    assert teacher.complete(TEXTS, 1) == teacher.complete(TEXTS, 1) != teacher.complete(TEXTS, 2)


def test_a_teacher_without_a_chat_template_is_asked_in_alpaca_format(tiny_model: Path) -> None:
    bare = load(str(tiny_model), dtype="float32")
    bare.tokenizer.chat_template = None
    reply = LocalTeacher(bare, 0.0, 1.0, 2).complete(["Hi"], 0)[0]
    assert reply.prompt_tokens == len(encode_prompt(bare.tokenizer, "alpaca", "Hi"))

"""Option scores: a forest of prompts equals one plain forward pass an option."""

import copy
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedModel

from preceptor import draws
from preceptor.evaluation.config import EvaluationConfig
from preceptor.evaluation.items import evaluation_items
from preceptor.evaluation.options import Question, Scored, encode_question, passes, score
from preceptor.model.loading import LoadedModel
from preceptor.records import Example
from tests.exact import load_exact
from tests.mixture.toys import toy

FORMATS = ("chat", "alpaca", "flan", "plain")
EMPTY = Example("e", "t", "", "", "x", False, "p", "a", ("a", "b"), 0, "r")


@pytest.fixture(scope="module")
def exact(tiny_model: Path) -> LoadedModel:
    return load_exact(tiny_model)


@pytest.fixture(scope="module")
def plain(exact: LoadedModel) -> PreTrainedModel:
    """The same weights, run by transformers alone."""
    model = copy.deepcopy(exact.model)
    model.set_attn_implementation("sdpa")
    return model


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> tuple[Example, ...]:
    """Passages under three templates, so that prompts share their beginnings; 2 and 4 options."""
    folder = tmp_path_factory.mktemp("toys")
    about = "The patient was given 40 mg of furosemide and the swelling went down. "
    texts = [{"text": about * (1 + n % 3) + str(n), "label": n % 2} for n in range(5)]
    templates = [
        {"id": "ask", "prompt": "{{ text }}\nGood or bad?\n{{ options_block }}"},
        {"id": "tell", "prompt": "{{ text }}\nGood or not?\n{{ options_block }}"},
        {"id": "short", "prompt": "{{ text }}"},
    ]
    names = {"names": {0: "a", 1: "b", 2: "c", 3: "d"}}
    words = {"a": "no", "b": "not at all", "c": "it is not possible to tell", "d": "yes"}
    tasks = [
        toy(folder, "pair", texts, templates=templates),
        toy(
            folder,
            "four",
            texts,
            templates=templates,
            labels={"field": "label", **names, "words": words},
        ),
    ]
    config = EvaluationConfig(tasks=("pair", "four"), split="train")
    return evaluation_items(config, tasks, folder, 0).examples


def alone(plain: PreTrainedModel, question: Question) -> list[float]:
    """Log-likelihoods of the options, each by a forward pass of its own without our attention."""
    sums = []
    for option in question.options:
        ids = torch.tensor([[*question.prompt, *option]])
        with torch.no_grad():
            logits = plain(ids, attention_mask=torch.ones_like(ids), use_cache=False).logits
        rows = logits[0, len(question.prompt) - 1 : -1].log_softmax(-1)
        sums.append(float(rows[range(len(option)), list(option)].sum()))
    return sums


def together(
    loaded: LoadedModel, questions: Sequence[Question], pass_tokens: int
) -> dict[str, Scored]:
    """As the stage does it, by the id of the example."""

    def found() -> Iterator[tuple[str, Scored]]:
        for group in passes(questions, pass_tokens):
            chosen = [questions[i] for i in group]
            for question, scored in zip(chosen, score(loaded, chosen), strict=True):
                yield question.example.id, scored

    return dict(found())


@pytest.mark.parametrize("style", FORMATS)
def test_scores_equal_a_plain_pass_for_each_option(
    exact: LoadedModel, plain: PreTrainedModel, examples: tuple[Example, ...], style: str
) -> None:
    questions = [encode_question(exact, style, example) for example in examples]
    scores = together(exact, questions, 2048)
    assert len(scores) == len(examples) == 30
    for question in questions:
        scored = scores[question.example.id]
        assert scored.log_likelihoods == pytest.approx(alone(plain, question), abs=1e-9, rel=0)
        assert scored.tokens == tuple(map(len, question.options))


@pytest.mark.parametrize("pass_tokens", [1, 300, 1000])
def test_scores_do_not_depend_on_what_else_is_in_the_pass_nor_on_the_order(
    exact: LoadedModel, examples: tuple[Example, ...], pass_tokens: int
) -> None:
    questions = [encode_question(exact, "alpaca", example) for example in examples]
    expected = together(exact, questions, 100_000)
    shuffled = [questions[i] for i in draws.sample(len(questions), len(questions), pass_tokens)]
    found = together(exact, shuffled, pass_tokens)
    for id, scored in expected.items():
        assert found[id].log_likelihoods == pytest.approx(scored.log_likelihoods, abs=1e-9, rel=0)
        assert found[id].best == scored.best


def test_a_prompt_and_its_options_are_encoded_apart_and_without_a_stop(
    exact: LoadedModel, examples: tuple[Example, ...]
) -> None:
    question = encode_question(exact, "alpaca", examples[-1])
    end = exact.tokenizer.eos_token_id
    texts = [exact.tokenizer.decode(option) for option in question.options]
    assert tuple(texts) == examples[-1].options
    assert all(end not in option for option in question.options)
    assert question.longest == len(question.prompt) + max(map(len, question.options))


def test_options_that_begin_alike_or_with_one_another_are_scored_apart(
    exact: LoadedModel, plain: PreTrainedModel
) -> None:
    prompt = tuple(range(20, 40))
    options = ((50, 51), (50, 51, 52), (50,), (50, 51), (50, 53))
    questions = [Question(EMPTY, prompt, options), Question(EMPTY, prompt, options[:2])]
    for question, scored in zip(questions, score(exact, questions), strict=True):
        assert scored.log_likelihoods == pytest.approx(alone(plain, question), abs=1e-9, rel=0)


def test_a_prompt_that_goes_on_like_anothers_option_is_scored_for_itself(
    exact: LoadedModel, plain: PreTrainedModel
) -> None:
    prompt = tuple(range(20, 40))
    questions = [
        Question(EMPTY, prompt, ((50, 51, 52), (60,))),
        Question(EMPTY, (*prompt, 50, 51), ((52,), (53, 54))),
        Question(EMPTY, (20,), ((21,), (50,))),
    ]
    for question, scored in zip(questions, score(exact, questions), strict=True):
        assert scored.log_likelihoods == pytest.approx(alone(plain, question), abs=1e-9, rel=0)


def test_the_first_of_equals_is_the_best(exact: LoadedModel) -> None:
    assert Scored((-2.0, -1.0, -1.0), (1, 1, 1)).best == 1
    assert Scored((-1.0, -1.0), (1, 1)).best == 0
    level = copy.deepcopy(exact.model)
    level.get_output_embeddings().weight.data.zero_()  # every token is equally likely
    blank = LoadedModel(
        level, exact.tokenizer, "", exact.path, "", exact.dtype, torch.device("cpu")
    )
    options = ((50, 51), (60,), (61,), (62,))
    (scored,) = score(blank, [Question(EMPTY, (20, 21), options)])
    assert len(set(scored.log_likelihoods[1:])) == 1
    assert scored.best == 1


questions_ = st.lists(
    st.builds(
        lambda prompt, options: Question(EMPTY, tuple(prompt), tuple(map(tuple, options))),
        st.lists(st.integers(3, 5), min_size=1, max_size=12),
        st.lists(st.lists(st.integers(3, 5), min_size=1, max_size=4), min_size=2, max_size=4),
    ),
    max_size=12,
)


def cost(question: Question, before: Question | None = None) -> int:
    """Tokens that a question adds to a pass after another one."""
    shared = 0
    if before is not None:
        pairs = zip(before.prompt, question.prompt, strict=False)
        shared = next(
            (i for i, (a, b) in enumerate(pairs) if a != b),
            min(len(before.prompt), len(question.prompt)),
        )
    return len(question.prompt) - shared + sum(map(len, question.options))


@given(questions_, st.integers(1, 80))
def test_passes_cover_every_question_once_and_keep_to_their_size(
    questions: list[Question], pass_tokens: int
) -> None:
    groups = passes(questions, pass_tokens)
    assert Counter(i for group in groups for i in group) == dict.fromkeys(range(len(questions)), 1)
    prompts = [questions[i].prompt for group in groups for i in group]
    assert prompts == sorted(prompts)
    for group in groups:
        members = [questions[i] for i in group]
        after = [None, *members[:-1]]
        tokens = sum(cost(one, before) for one, before in zip(members, after, strict=True))
        assert len(group) == 1 or tokens <= pass_tokens


@given(questions_, st.integers(1, 80))
def test_passes_ask_for_the_same_whatever_the_order(
    questions: list[Question], pass_tokens: int
) -> None:
    """Not so where prompts are equal: their options may then change places."""
    unique = list({question.prompt: question for question in questions}.values())
    there = [[unique[i] for i in group] for group in passes(unique, pass_tokens)]
    turned = unique[::-1]
    assert there == [[turned[i] for i in group] for group in passes(turned, pass_tokens)]

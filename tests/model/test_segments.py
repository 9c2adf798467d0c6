"""A forest in one pass equals separate, unpacked forward passes."""

import copy
from unittest import mock

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedModel

from preceptor import draws
from preceptor.errors import ModelError
from preceptor.model import attention, forward
from preceptor.model.loading import load
from preceptor.model.segments import (
    FAMILY_TOKENS,
    Segment,
    Tree,
    example,
    lay_out,
    share_prefixes,
)
from tests.model.families import FAMILIES, tiny


def tokens(length: int, *key: str | int) -> tuple[int, ...]:
    return tuple(3 + draws.integer(94, 7, *key, i) for i in range(length))


def path(tree: Tree, index: int) -> tuple[int, ...]:
    """The tokens from a segment's root to its end."""
    segment = tree[index]
    before = path(tree, segment.parent) if segment.parent >= 0 else ()
    return (*before, *segment.tokens)


def wide_softmax(x: torch.Tensor, dim: int, dtype: torch.dtype | None = None) -> torch.Tensor:
    return torch.softmax(x, dim)


def separate(model: PreTrainedModel, tree: Tree, index: int) -> torch.Tensor:
    """Log-probabilities of a segment's targets by transformers' own eager forward pass.

    Eager attention takes its softmax in float32 whatever the model is in; here it keeps float64.
    """
    segment = tree[index]
    assert segment.targets_from is not None
    whole = path(tree, index)
    ids = torch.tensor([whole])
    with mock.patch.object(torch.nn.functional, "softmax", wide_softmax):
        scores = model(ids, attention_mask=torch.ones_like(ids), use_cache=False).logits[0]
    scored = len(segment.tokens) - segment.targets_from
    rows = scores[-scored - 1 : -1].log_softmax(-1)
    return rows[range(scored), list(whole[-scored:])]


FORESTS: dict[str, list[Tree]] = {
    "packing": [
        example(tokens(n, "p", n), tokens(m, "t", n)) for n, m in [(9, 3), (4, 7), (13, 1)]
    ],
    "options": [
        share_prefixes([((*tokens(11, "q", i), *tokens(n, "o", i, n)), 11) for n in (1, 4, 2)])
        for i in range(2)
    ],
    "shared passage": [
        (
            Segment(tokens(12, "passage")),
            Segment(tokens(5, "first"), 0, 3),
            Segment(tokens(6, "second"), 0),
            Segment(tokens(2, "yes"), 2, 0),
            Segment(tokens(3, "no"), 2, 0),
            Segment(tokens(7, "third"), 0, 1),
        )
    ],
    "long siblings": [
        (
            Segment(tokens(3, "root")),
            Segment(tokens(FAMILY_TOKENS // 2 + 1, "a"), 0, 90),
            Segment(tokens(FAMILY_TOKENS // 2, "b"), 0, 90),
        )
    ],
}


@pytest.mark.parametrize("shape", FORESTS)
@pytest.mark.parametrize("family", FAMILIES)
def test_one_pass_equals_separate_passes(family: str, shape: str) -> None:
    model, trees = tiny(family), FORESTS[shape]
    expected = [
        separate(model, tree, i)
        for tree in trees
        for i in range(len(tree))
        if tree[i].targets_from is not None
    ]
    attention.install(model)
    forest = lay_out(trees)
    together = forward.target_log_probabilities(model, forest)
    order = torch.argsort(forest.owners, stable=True)
    torch.testing.assert_close(together[order], torch.cat(expected), rtol=0, atol=1e-9)


@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_of_a_shared_passage_equal_the_separate_ones(family: str) -> None:
    (tree,) = FORESTS["shared passage"]
    one, other = tiny(family), tiny(family)
    loss = -sum(
        separate(one, tree, i).sum() for i, s in enumerate(tree) if s.targets_from is not None
    )
    assert isinstance(loss, torch.Tensor)
    one.get_input_embeddings().weight.requires_grad_(False)
    other.get_input_embeddings().weight.requires_grad_(False)
    other.get_output_embeddings().weight.requires_grad_(False)
    loss.backward()
    attention.install(other)
    together = forward.loss_sum(other, lay_out([tree]))
    together.backward()
    torch.testing.assert_close(together, loss, rtol=0, atol=1e-9)
    theirs = dict(one.named_parameters())
    compared = 0
    for name, parameter in other.named_parameters():
        if parameter.requires_grad and "lm_head" not in name:
            torch.testing.assert_close(parameter.grad, theirs[name].grad, rtol=1e-9, atol=1e-9)
            compared += 1
    assert compared > 10


def test_head_chunks_change_neither_loss_nor_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    forest = lay_out(FORESTS["packing"])
    results = []
    for rows in (1000, 3):
        monkeypatch.setattr(forward, "HEAD_ROWS", rows)
        model = tiny("llama")
        model.get_output_embeddings().weight.requires_grad_(False)
        attention.install(model)
        loss = forward.loss_sum(model, forest)
        loss.backward()
        gradient = model.get_decoder().layers[0].mlp.up_proj.weight.grad
        results.append((loss.detach(), gradient))
    torch.testing.assert_close(results[0], results[1], rtol=1e-12, atol=1e-12)


def test_a_forest_must_reach_the_attention_layers() -> None:
    model = copy.deepcopy(tiny("llama"))
    attention.install(model)
    with pytest.raises(RuntimeError, match="without a forest"):
        model(torch.tensor([[3, 4, 5]]))


sequences = st.lists(
    st.tuples(st.lists(st.integers(3, 5), min_size=2, max_size=12), st.integers(1, 11)).map(
        lambda pair: (pair[0], min(pair[1], len(pair[0]) - 1))
    ),
    min_size=1,
    max_size=8,
)


@given(sequences, st.integers(1, 4))
def test_sharing_prefixes_keeps_every_sequence_and_its_targets(
    given_: list[tuple[list[int], int]], shortest: int
) -> None:
    tree = share_prefixes(given_, shortest)
    for i, (whole, first) in enumerate(given_):
        leaf = len(tree) - len(given_) + i
        assert path(tree, leaf) == tuple(whole)
        start = tree[leaf].targets_from
        assert start is not None
        assert tree[leaf].tokens[start:] == tuple(whole[first:])
    lay_out([tree])


def test_prefixes_are_found_below_a_beginning_too_short_to_share() -> None:
    long = tokens(20, "long")
    members = [((1, *long, 5, 6), 22), ((1, *long, 7, 6), 22), ((1, 90, 91), 2)]
    tree = share_prefixes(members, shortest=8)
    assert sum(len(s.tokens) for s in tree) == 21 + 2 + 2 + 3


@settings(max_examples=20)
@given(sequences)
def test_a_shared_forest_scores_like_its_sequences_packed(
    given_: list[tuple[list[int], int]],
) -> None:
    model = tiny("llama")
    attention.install(model)
    packed = lay_out([example(t[:first], t[first:]) for t, first in given_])
    alone = forward.target_log_probabilities(model, packed)
    shared = lay_out([share_prefixes(given_, shortest=1)])
    together = forward.target_log_probabilities(model, shared)
    order = torch.argsort(shared.owners, stable=True)
    torch.testing.assert_close(together[order], alone, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ((Segment(()),), "no tokens"),
        ((Segment((1,), parent=0),), "not an earlier one"),
        ((Segment((1, 2), targets_from=0),), "nothing predicts"),
    ],
)
def test_impossible_trees_are_refused(tree: Tree, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        lay_out([tree])


@pytest.mark.parametrize("shape", FORESTS)
@pytest.mark.parametrize("window", [None, 5])
def test_the_varlen_plan_describes_the_same_attention(shape: str, window: int | None) -> None:
    forest = lay_out(FORESTS[shape])
    heads, width = 2, 4
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 1, heads, forest.size, width, dtype=torch.float64)
    expected, _ = attention.forest_attention(
        torch.nn.Identity(), q, k, v, None, scaling=0.5, sliding_window=window, forest=forest
    )
    plan = attention.VarlenPlan(forest, torch.device("cpu"))
    index_q = plan.query_index if plan.query_index is not None else torch.arange(forest.size)
    index_k = plan.key_index if plan.key_index is not None else torch.arange(forest.size)
    out = torch.empty(forest.size, heads, width, dtype=torch.float64)
    for number in range(len(plan.query_starts) - 1):  # what a varlen kernel does
        queries = index_q[plan.query_starts[number] : plan.query_starts[number + 1]]
        keys = index_k[plan.key_starts[number] : plan.key_starts[number + 1]]
        lag = torch.arange(len(queries))[:, None] + len(keys) - len(queries)
        reach = lag - torch.arange(len(keys))
        seen = (reach >= 0) & (reach < (window or 10**6))
        assert len(queries) <= plan.longest_query
        assert len(keys) <= plan.longest_key
        part = torch.nn.functional.scaled_dot_product_attention(
            q[:, :, queries], k[:, :, keys], v[:, :, keys], attn_mask=seen, scale=0.5
        )
        out[queries] = part[0].transpose(0, 1)
    torch.testing.assert_close(out[None], expected, rtol=0, atol=1e-12)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("shape", FORESTS)
def test_varlen_on_cuda_equals_blocks_on_cpu(shape: str) -> None:
    model = tiny("llama", torch.float32)
    attention.install(model)
    forest = lay_out(FORESTS[shape])
    expected = forward.target_log_probabilities(model, forest)
    model.to("cuda", torch.bfloat16)
    got = forward.target_log_probabilities(model, forest.to(torch.device("cuda")))
    torch.testing.assert_close(got.cpu(), expected, rtol=0.1, atol=0.15)


@pytest.mark.embedded
def test_the_embedded_model_scores_a_forest_like_separate_passes() -> None:
    try:
        loaded = load("embedded:smollm2-135m", "float32")
    except ModelError as error:
        pytest.skip(f"THE EMBEDDED MODEL IS NOT INSTALLED: {error}")
    model, trees = loaded.model, FORESTS["packing"] + FORESTS["options"] + FORESTS["shared passage"]
    alone = [
        separate(model, tree, i)
        for tree in trees
        for i, segment in enumerate(tree)
        if segment.targets_from is not None
    ]
    attention.install(model)
    forest = lay_out(trees)
    together = forward.target_log_probabilities(model, forest)
    order = torch.argsort(forest.owners, stable=True)
    torch.testing.assert_close(together[order], torch.cat(alone), rtol=0, atol=2e-3)

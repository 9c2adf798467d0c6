import torch
from hypothesis import given
from hypothesis import strategies as st

from preceptor.model.sampling import LIKELY, Decoding, at, next_tokens, nucleus

WEIGHTS = st.lists(st.integers(0, 9), min_size=1, max_size=2 * LIKELY).filter(any)
NUMBERS = st.floats(0, 1, exclude_max=True)


def _by_hand(weights: list[int], top_p: float) -> list[bool]:
    """Which tokens a nucleus holds, as exactly as fractions of small integers allow."""
    order = sorted(range(len(weights)), key=lambda i: -weights[i])
    kept, before = [False] * len(weights), 0
    for i in order:
        if before and before / sum(weights) >= top_p:
            break
        kept[i] = True
        before += weights[i]
    return kept


@given(weights=WEIGHTS, top_p=st.sampled_from([0.1237, 0.5003, 0.8991, 0.9999]))
def test_a_nucleus_is_the_smallest_head_of_that_probability(
    weights: list[int], top_p: float
) -> None:
    probabilities = torch.tensor([weights, weights], dtype=torch.float64)
    probabilities /= probabilities.sum(dim=-1, keepdim=True)
    first, second = nucleus(probabilities, torch.tensor([[top_p], [0.5003]]))
    for row, share in ((first, top_p), (second, 0.5003)):
        expected = _by_hand(weights, share)
        kept = row > 0
        # Of tokens of one probability any may be the last: how many, not which.
        assert sorted(probabilities[0][kept].tolist()) == sorted(
            p for p, k in zip(probabilities[0].tolist(), expected, strict=True) if k and p
        )
        assert torch.equal(row[kept], probabilities[0][kept])


@given(weights=WEIGHTS, numbers=st.lists(NUMBERS, min_size=1, max_size=4))
def test_a_number_falls_on_the_weight_that_covers_it(
    weights: list[int], numbers: list[float]
) -> None:
    table = torch.tensor([weights] * len(numbers), dtype=torch.float32)
    for token, number in zip(at(table, numbers), numbers, strict=True):
        point = number * sum(weights)
        assert weights[token] > 0
        assert sum(weights[:token]) <= point or number > 1 - 1e-9
        assert point <= sum(weights[: token + 1])


def test_the_largest_number_falls_on_the_last_possible_token() -> None:
    weights = torch.tensor([[0.1] * 3 + [0.0]])
    assert at(weights, [1 - 2.0**-53]) == [2]
    assert at(weights, [0.0]) == [0]


def test_a_token_that_may_not_come_never_comes() -> None:
    logits = torch.full((1, 7), -torch.inf)
    logits[0, [2, 5]] = torch.tensor([1.0, -60.0])
    for seed in range(40):
        rows = [Decoding(1, temperature=30.0, top_p=0.99, seed=seed)]
        assert next_tokens(logits.clone(), rows, [[]])[0] in (2, 5)


def test_a_penalty_is_taken_once_and_only_from_what_was_written() -> None:
    logits = torch.tensor([[1.0, 2.0, 0.5]] * 2)
    rows = [Decoding(9, presence_penalty=0.8)] * 2
    assert next_tokens(logits.clone(), rows, [[], [1, 1, 1]]) == [1, 1]
    rows = [Decoding(9, presence_penalty=1.2)] * 2
    assert next_tokens(logits, rows, [[], [1, 1, 1]]) == [1, 0]
    torch.testing.assert_close(logits, torch.tensor([[1.0, 2.0, 0.5], [1.0, 0.8, 0.5]]))

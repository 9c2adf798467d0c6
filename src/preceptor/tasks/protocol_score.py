"""Scores of a protocol from log-likelihoods, as lm-eval computes them.

``acc``: the choice with the largest summed log-likelihood is right, the first of equals counts.
``acc_norm``: the same after division by the choice's length in characters, without delimiter.
``f1``: F1 of each class (index of choice) against the rest, averaged over classes without weights.
"""

from collections.abc import Sequence

from preceptor.tasks.protocol import Protocol
from preceptor.tasks.protocol_render import Rendered


def chosen(rendered: Rendered, log_likelihoods: Sequence[float], normalise: bool = False) -> int:
    """Index of the choice that a model prefers.

    Args:
        rendered: The item.
        log_likelihoods: One a choice, in the order of ``rendered.requests``, in nats.
        normalise: Divide by the lengths of the choices, in characters.

    Raises:
        ValueError: There is not one log-likelihood a choice.
    """
    if len(log_likelihoods) != len(rendered.choices):
        raise ValueError(f"{len(log_likelihoods)} values for {len(rendered.choices)} choices")
    lengths = [len(choice) if normalise else 1 for choice in rendered.choices]
    # An empty choice can be anything per character; it is never preferred.
    rates = [
        value / length if length else float("-inf")
        for value, length in zip(log_likelihoods, lengths, strict=True)
    ]
    return rates.index(max(rates))


def scores(
    protocol: Protocol, items: Sequence[Rendered], log_likelihoods: Sequence[Sequence[float]]
) -> dict[str, float]:
    """The protocol's metrics over a set of items, by lm-eval's names.

    Raises:
        ValueError: There are no items, or not one list of log-likelihoods an item.
    """
    if not items:
        raise ValueError("no items to score")
    pairs = list(zip(items, log_likelihoods, strict=True))
    raw = [(chosen(item, values), item.gold) for item, values in pairs]
    found: dict[str, float] = {}
    for metric in protocol.metrics:
        if metric == "acc":
            found[metric] = _accuracy(raw)
        elif metric == "acc_norm":
            found[metric] = _accuracy([(chosen(i, v, normalise=True), i.gold) for i, v in pairs])
        else:
            classes = max(len(item.choices) for item in items)
            found[metric] = sum(_f1(raw, one) for one in range(classes)) / classes
    return found


def _accuracy(answers: Sequence[tuple[int, tuple[int, ...]]]) -> float:
    return sum(answer in gold for answer, gold in answers) / len(answers)


def _f1(answers: Sequence[tuple[int, tuple[int, ...]]], one: int) -> float:
    """F1 of a class against the rest; 0 where it is neither given nor right."""
    given = sum(answer == one for answer, _ in answers)
    right = sum(gold[0] == one for _, gold in answers)
    both = sum(answer == one == gold[0] for answer, gold in answers)
    return 2 * both / (given + right) if given + right else 0.0

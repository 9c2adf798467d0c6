"""The exact tokens that will be trained on, and what is wrong with them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from transformers import PreTrainedTokenizerBase

from preceptor.errors import StageError
from preceptor.model.formats import encode_prompt, encode_target
from preceptor.records import Example


@dataclass(frozen=True, slots=True)
class Encoded:
    """An example as token ids: the prompt in its format, and the target with its stop token."""

    id: str
    prompt: tuple[int, ...]
    target: tuple[int, ...]

    @property
    def length(self) -> int:
        """Tokens in all."""
        return len(self.prompt) + len(self.target)


@dataclass(slots=True)
class Preflight:
    """What may be trained on, and how many examples may not, by reason."""

    kept: list[Encoded] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def encode(
    examples: Sequence[Example],
    tokenizer: PreTrainedTokenizerBase,
    prompt_format: str,
    max_length: int,
) -> Preflight:
    """Encode examples and check every one on its exact tokens.

    A target is never cut: an example that is too long is left out whole.

    Raises:
        StageError: A target does not end in the stop token of the format, the model's beginning
            token stands twice, or no example is left.
    """
    pairs = (
        (
            encode_prompt(tokenizer, prompt_format, example.prompt),
            encode_target(tokenizer, prompt_format, example.target),
        )
        for example in examples
    )
    return check((example.id for example in examples), pairs, tokenizer, max_length)


def check(
    ids: Iterable[str],
    pairs: Iterable[tuple[Sequence[int], Sequence[int]]],
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
) -> Preflight:
    """Check every example on its exact tokens: what was encoded before, or is now.

    Args:
        ids: Of the examples.
        pairs: Token ids of prompt and target of each.

    Raises:
        StageError: As for ``encode``.
    """
    result = Preflight()
    for id, (prompt, target) in zip(ids, pairs, strict=True):
        encoded = Encoded(id, tuple(prompt), tuple(target))
        _check(encoded, tokenizer)
        if len(target) < 2:
            result.left_out["no target"] += 1
        elif encoded.length > max_length:
            result.left_out["too long"] += 1
        else:
            result.kept.append(encoded)
    if not result.kept:
        why = ", ".join(f"{n} {reason}" for reason, n in sorted(result.left_out.items()))
        raise StageError(
            f"no example is left to train on ({why or 'the mixture is empty'}); "
            f"raise tuning.max_length (now {max_length}) or change the mixture"
        )
    return result


def _check(encoded: Encoded, tokenizer: PreTrainedTokenizerBase) -> None:
    begin = tokenizer.bos_token_id
    if encoded.prompt[:2].count(begin) > 1 and begin is not None:
        raise StageError(f"{encoded.id}: the beginning token stands twice; use another format")
    ends = set(tokenizer.all_special_ids)
    if encoded.target and encoded.target[-1] not in ends:
        raise StageError(
            f"{encoded.id}: the target does not end in a stop token, so stopping could not be "
            "learned; use another format"
        )

"""Rank classification: the log-likelihood of every option, each prompt computed once.

The score of an option is the sum of its tokens' log-probabilities after the prompt, without a stop
token and without normalisation for length; the option with the highest sum is the answer (FLAN, and
lm-evaluation-harness's ``acc``). Prompt and option are tokenised apart, so no token spans the seam.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from preceptor.model import attention, forward
from preceptor.model.formats import encode_prompt, encode_target
from preceptor.model.loading import LoadedModel
from preceptor.model.segments import lay_out, share_prefixes
from preceptor.records import Example


@dataclass(frozen=True, slots=True)
class Question:
    """An item as token ids."""

    example: Example
    prompt: tuple[int, ...]
    options: tuple[tuple[int, ...], ...]

    @property
    def longest(self) -> int:
        """Tokens of the prompt with its longest option."""
        return len(self.prompt) + max(len(option) for option in self.options)


@dataclass(frozen=True, slots=True)
class Scored:
    """What a model makes of a question's options."""

    log_likelihoods: tuple[float, ...]
    """Per option, summed over its tokens, in nats."""
    tokens: tuple[int, ...]
    """Per option, how many tokens it has."""

    @property
    def best(self) -> int:
        """Index of the likeliest option; the first of equals."""
        return self.log_likelihoods.index(max(self.log_likelihoods))


def encode_question(loaded: LoadedModel, prompt_format: str, example: Example) -> Question:
    """Token ids of an item's prompt and of each of its options."""
    return Question(
        example,
        tuple(encode_prompt(loaded.tokenizer, prompt_format, example.prompt)),
        tuple(
            tuple(encode_target(loaded.tokenizer, prompt_format, option, stop=False))
            for option in example.options
        ),
    )


def passes(questions: Sequence[Question], pass_tokens: int) -> list[list[int]]:
    """Indices of the questions that share a forward pass, each of about ``pass_tokens`` tokens.

    Questions are put in the order of their prompts' tokens, so that those which begin alike (the
    same passage under several templates, the same opening of a chat) share that beginning.
    """
    order = sorted(range(len(questions)), key=lambda i: (questions[i].prompt, i))
    groups: list[list[int]] = []
    room = 0
    before: tuple[int, ...] = ()
    for index in order:
        question = questions[index]
        cost = sum(map(len, question.options)) + len(question.prompt)
        new = cost - _common(before, question.prompt)
        if not groups or new > room:
            groups.append([])
            room, new = pass_tokens, cost
        groups[-1].append(index)
        room -= new
        before = question.prompt
    return groups


def _common(a: Sequence[int], b: Sequence[int]) -> int:
    for index, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return index
    return min(len(a), len(b))


def score(loaded: LoadedModel, questions: Sequence[Question]) -> list[Scored]:
    """All options of some questions in one forward pass.

    Equal to one pass an option: within 1e-9 in float64, within float noise in float32.
    """
    attention.install(loaded.model)
    sequences = [
        ((*question.prompt, *option), len(question.prompt))
        for question in questions
        for option in question.options
    ]
    tree = share_prefixes(sequences)
    forest = lay_out([tree]).to(loaded.device)
    found = forward.target_log_probabilities(loaded.model, forest).double()
    sums = torch.zeros(len(tree), dtype=torch.float64, device=loaded.device)
    leaves = sums.index_add_(0, forest.owners, found)[-len(sequences) :].tolist()
    results: list[Scored] = []
    for question in questions:
        count = len(question.options)
        results.append(Scored(tuple(leaves[:count]), tuple(map(len, question.options))))
        del leaves[:count]
    return results

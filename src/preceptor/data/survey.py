"""A file of conversations looked at once, so that its rows and task file fit what is in it."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from preceptor.data.conversation import Conversation, RecordProblem, exchanges

TOKENS_A_WORD = 1.5
LEAST_TOKENS, MOST_TOKENS = 64, 2048


@dataclass(frozen=True, slots=True)
class Survey:
    """What is in a file."""

    conversations: int
    exchanges: int
    several: int
    """Conversations of more than one exchange."""
    with_system: int
    without_output: int
    """Exchanges whose answer is empty."""
    own_ids: bool
    """Every conversation has an id, and no two the same."""
    max_new_tokens: int
    """Room for 19 of 20 answers, by their words."""
    sources: Mapping[str, int] = field(default_factory=dict)
    """Where conversations come from, in the file's words, to how many do."""


def check_usable(conversation: Conversation) -> None:
    """Refuse what cannot be made into questions with answers.

    Raises:
        RecordProblem: Sides do not take turns, or a question is empty.
    """
    for one in exchanges(conversation):
        if not (one.instruction.strip() or one.input.strip()):
            raise RecordProblem("a question is empty")


def survey(conversations: Iterable[Conversation]) -> Survey:
    """Count once over all; memory holds ids, sources and a table of lengths only."""
    found = several = systems = empty = pairs = 0
    ids: set[str] = set()
    words: Counter[int] = Counter()
    sources: Counter[str] = Counter()
    for conversation in conversations:
        found += 1
        ids.add(conversation.id)
        if conversation.source.strip():
            sources[conversation.source.strip()] += 1
        systems += bool(conversation.system)
        here = list(exchanges(conversation))
        several += len(here) > 1
        pairs += len(here)
        empty += sum(not one.output.strip() for one in here)
        words.update(len(one.output.split()) for one in here)
    own_ids = len(ids) == found and "" not in ids
    return Survey(found, pairs, several, systems, empty, own_ids, new_tokens(words), sources)


def new_tokens(words: Counter[int]) -> int:
    """How long a generated answer may be: a power of two that holds 19 of 20 answers."""
    wanted = quantile(words, 0.95) * TOKENS_A_WORD
    room = 1 << math.ceil(math.log2(max(wanted, 1)))
    return min(max(room, LEAST_TOKENS), MOST_TOKENS)


def quantile(counts: Counter[int], share: float) -> int:
    """The least value that so large a share of what was counted does not exceed; 0 of nothing."""
    rest = share * counts.total()
    for value in sorted(counts):
        rest -= counts[value]
        if rest <= 0:
            return value
    return max(counts, default=0)

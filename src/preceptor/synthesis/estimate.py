"""What a synthesis would take before it starts: calls, tokens and dollars, each with its spread.

Prompts are rendered as the run renders them. What nobody can know before is the length of replies
and the share of tasks that is kept: until the run's own ledger has replies of the same model, both
are taken from wide bounds that are stated with the result.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from preceptor.records import Seed
from preceptor.synthesis.config import SynthesisConfig
from preceptor.synthesis.ledger import Ledger, Observed
from preceptor.synthesis.parse import Parsed
from preceptor.synthesis.passages import Passage
from preceptor.synthesis.protocols import protocol
from preceptor.synthesis.protocols.answers import ask_answer
from preceptor.synthesis.protocols.base import Ask, Draft, TaskProtocol, Wanted
from preceptor.synthesis.requests import separate_answers, task_sampling
from preceptor.synthesis.votes import vote_messages
from preceptor.synthesis.wishes import Wishes, empty_view
from preceptor.teachers.calls import Message, Sampling
from preceptor.teachers.config import BudgetConfig
from preceptor.teachers.open import known_price
from preceptor.teachers.prices import KnownPrice

Count = Callable[[Sequence[Message]], int]
"""Tokens of a prompt."""

FREELY = BudgetConfig()
"""No limit: an estimate is made also where a price is unknown."""
SAMPLED = 200
"""Prompts whose tokens are counted, where there are more."""
ENOUGH = 20
"""Replies in the ledger from which on its own measure is taken."""
TASK_TOKENS = (50, 110, 250)
"""Of a task in a reply: BioInstruct's released records have some 70 words."""
KEPT = (0.3, 0.6, 0.9)
"""Of the tasks asked for, those that are kept."""
ANSWER_TOKENS = (20.0, 80.0, 300.0)
INSTANCE_TOKENS = (30.0, 120.0, 500.0)
LABEL_TOKENS = (1.0, 4.0, 16.0)


@dataclass(frozen=True, slots=True)
class Spread:
    """A number that is not known yet."""

    low: float
    likely: float
    high: float

    def __str__(self) -> str:
        if self.low == self.high:
            return f"{self.likely:,.0f}"
        return f"{self.likely:,.0f} ({self.low:,.0f} to {self.high:,.0f})"


@dataclass(frozen=True, slots=True)
class SynthesisEstimate:
    """Of a whole synthesis; what the ledger has already is not taken off."""

    requests: Spread
    calls: Spread
    """Requests, and the further calls about each task."""
    prompt_tokens: Spread
    reply_tokens: Spread
    dollars: Spread | None
    """None where a model's price is unknown."""
    prices: tuple[str, ...]
    """Where each price stands."""
    basis: str

    def to_json(self) -> dict[str, Any]:
        """As JSON writes it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Kind:
    """Calls of one kind, by the role that answers them."""

    role: str
    per_task: float
    """Calls for each accepted task; 0 for the requests themselves."""
    prompt: float
    """Tokens, a mean."""
    reply: tuple[float, ...]
    """Tokens: low, likely, high."""


def estimate_synthesis(
    config: SynthesisConfig,
    seeds: Sequence[Seed],
    passages: Sequence[Passage],
    seed: int,
    count: Count,
    ledger: Path | None = None,
    model: str = "",
) -> SynthesisEstimate:
    """Calls, tokens and dollars of a synthesis.

    Args:
        count: Tokens of a prompt, exact or estimated.
        ledger: Of the run; what it measured for the same ``model`` replaces the wide bounds.
        model: The teacher's name and version, as the ledger has it.

    Raises:
        RecipeError: The user's price table cannot be read.
    """
    way = protocol(config.protocol, config.domain)
    tasks = config.tasks_per_request or way.defaults.tasks_per_request
    seen = _observed(ledger, model)
    kept = _kept_share(seen, tasks)
    requests = _requests(config, tasks, kept)
    prompt = _prompt_tokens(config, way, seeds, passages, seed, count, int(requests.high))
    sampling = task_sampling(config, way.defaults)
    reply = _reply_tokens(seen, tasks, sampling)
    kinds = [_Kind("teacher", 0.0, prompt, reply), *_further(config, way, seeds, count)]
    prices = {role: known_price(teacher, FREELY) for role, teacher in config.teachers().items()}
    sums = [_summed(kinds, which, requests, kept, tasks, config, prices) for which in range(3)]
    known = all(prices.values())
    return SynthesisEstimate(
        requests,
        calls=Spread(*(one.calls for one in sums)),
        prompt_tokens=Spread(*(one.prompt for one in sums)),
        reply_tokens=Spread(*(one.reply for one in sums)),
        dollars=Spread(*(one.dollars for one in sums)) if known else None,
        prices=tuple(
            f"{config.teachers()[role].model}: {found.source if found else 'price unknown'}"
            for role, found in prices.items()
        ),
        basis=_basis(seen),
    )


@dataclass(frozen=True, slots=True)
class _Sum:
    calls: float
    prompt: float
    reply: float
    dollars: float


def _summed(
    kinds: Sequence[_Kind],
    which: int,
    requests: Spread,
    kept: tuple[float, float, float],
    tasks: int,
    config: SynthesisConfig,
    prices: Mapping[str, KnownPrice | None],
) -> _Sum:
    """The low, likely or high sum. With a target few are kept where many requests are needed."""
    asked = (requests.low, requests.likely, requests.high)[which]
    share = kept[2 - which] if config.target is not None else kept[which]
    accepted = asked * tasks * share
    calls = prompt = reply = dollars = 0.0
    for kind in kinds:
        number = accepted * kind.per_task if kind.per_task else asked
        price = prices[kind.role]
        tokens = (number * kind.prompt, number * kind.reply[which])
        calls, prompt, reply = calls + number, prompt + tokens[0], reply + tokens[1]
        if price is not None:
            dollars += (tokens[0] * price.price.input + tokens[1] * price.price.output) / 1e6
    return _Sum(calls, prompt, reply, dollars)


def _observed(ledger: Path | None, model: str) -> Observed | None:
    if ledger is None or not ledger.exists():
        return None
    with Ledger(ledger) as there:
        seen = there.observed(model)
    return seen if seen.replies >= ENOUGH else None


def _kept_share(seen: Observed | None, tasks: int) -> tuple[float, float, float]:
    if seen is None or not seen.judged:
        return KEPT
    share = seen.kept / (seen.judged * tasks)
    # Two standard errors of a count; tasks of one reply are not independent, so it is a floor.
    error = 2 * math.sqrt(max(seen.kept, 1)) / (seen.judged * tasks)
    return max(share - error, 0.01), max(share, 0.01), share + error


def _requests(config: SynthesisConfig, tasks: int, kept: Sequence[float]) -> Spread:
    most = config.most_requests
    if config.target is None:
        assert most is not None
        return Spread(most, most, most)
    needed = [math.ceil(config.target / (tasks * share)) for share in reversed(kept)]
    return Spread(*(min(one, most) if most is not None else one for one in needed))


def _reply_tokens(seen: Observed | None, tasks: int, sampling: Sampling) -> tuple[float, ...]:
    most = float(sampling.max_new_tokens)
    if seen is not None:
        return tuple(min(one * tasks, most) for one in (seen.low, seen.mean, seen.high))
    return tuple(min(tokens * tasks, most) for tokens in TASK_TOKENS)


def _prompt_tokens(
    config: SynthesisConfig,
    way: TaskProtocol,
    seeds: Sequence[Seed],
    passages: Sequence[Passage],
    seed: int,
    count: Count,
    requests: int,
) -> float:
    wishes, view = Wishes(config, way.defaults, seeds, passages, seed), empty_view()
    tasks = config.tasks_per_request or way.defaults.tasks_per_request
    with_output = not separate_answers(config, way.defaults)
    number = min(requests, SAMPLED)
    found = 0
    for index in range(number):
        shown, wanted = wishes.shown(index, (), view), wishes.wanted(index, view)
        ask = way.ask(shown, wanted, tasks, config.teacher.asks_json, with_output)
        found += count(ask.messages)
    return found / max(number, 1)


def _further(
    config: SynthesisConfig, way: TaskProtocol, seeds: Sequence[Seed], count: Count
) -> list[_Kind]:
    """Calls about accepted tasks, as they would be about seeds."""
    some = seeds[: min(len(seeds), 20)]
    roles = config.teachers()
    found: list[_Kind] = []
    for kind, reply in (("classify", LABEL_TOKENS), ("instance", INSTANCE_TOKENS)):
        asks = [ask for one in some for ask in _protocol_asks(way, one, kind)]
        if asks:
            prompt = sum(count(ask.messages) for ask in asks) / len(asks)
            found.append(_Kind("teacher", 1.0, prompt, reply))
    if separate_answers(config, way.defaults):
        role = "answers" if "answers" in roles else "teacher"
        asks = [ask_answer(one.instruction, one.input, Wanted()) for one in some]
        prompt = sum(count(ask.messages) for ask in asks) / len(asks)
        found.append(_Kind(role, 1.0, prompt, ANSWER_TOKENS))
    if config.categories.votes:
        role = "votes" if "votes" in roles else "teacher"
        prompt = sum(
            count(vote_messages(one.instruction, one.input, one.output)) for one in some
        ) / len(some)
        found.append(_Kind(role, float(config.categories.votes), prompt, LABEL_TOKENS))
    return found


def _protocol_asks(way: TaskProtocol, seed: Seed, kind: str) -> list[Ask]:
    """The protocol's call of a kind about a seed, if it comes to one."""
    draft = Draft(Parsed(0, seed.instruction, "", "", ""), Wanted())
    while (ask := way.next(draft)) is not None:
        if ask.kind == kind:
            return [ask]
        draft = way.absorb(draft, ask.kind, "no", True)
    return []


def _basis(seen: Observed | None) -> str:
    if seen is None:
        return (
            f"assumed: {TASK_TOKENS[0]} to {TASK_TOKENS[2]} tokens a task, {KEPT[0]:.0%} to "
            f"{KEPT[2]:.0%} kept; a preview or a begun run measures both"
        )
    kept = (
        f"{seen.kept:,} tasks kept of {seen.judged:,} requests"
        if seen.judged
        else f"assumed: {KEPT[0]:.0%} to {KEPT[2]:.0%} kept"
    )
    return (
        f"measured on {seen.replies:,} replies of this run's ledger: {seen.mean:.0f} tokens for "
        f"each task asked for; {kept}"
    )


def estimated_tokens(messages: Sequence[Message]) -> int:
    """Four characters a token, for a tokenizer that is not here."""
    return sum(-(-len(message.content) // 4) + 4 for message in messages)

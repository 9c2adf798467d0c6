"""How much each source gives: the mixture's table before anything is drawn."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from preceptor import draws
from preceptor.errors import RecipeError
from preceptor.mixture.config import MixtureConfig
from preceptor.mixture.pools import INSTRUCTION_EPOCHS, SYNTHESISED, InstructionPool, TaskPool
from preceptor.mixture.rates import (
    Rate,
    apportion,
    by_tokens,
    mixing_rates,
    normalised,
    same_rows,
)
from preceptor.mixture.tables import Line
from preceptor.mixture.tokens import Encoder
from preceptor.tasks.names import did_you_mean

SAMPLE = 256
"""Examples of a task by which the tokens of all are judged."""


def amounts(
    config: MixtureConfig,
    found: Sequence[TaskPool],
    written: InstructionPool,
    encoder: Encoder | None,
    seed: int,
    known: Collection[str] = (),
) -> list[Line]:
    """A line for each task, and one for instructions where they are asked for.

    Args:
        known: Tasks that may have a weight though they were left out.

    Raises:
        RecipeError: Weights do not fit the tasks, or rates by tokens have no tokenizer.
    """
    asked = round(config.instructions * config.examples)
    instructions = min(asked, INSTRUCTION_EPOCHS * len(written))
    rest = config.examples - instructions if found else 0
    total = instructions + rest
    tokens = {pool.task.name: _mean_tokens(pool, encoder, seed) for pool in found}
    groups = _groups(config, found)
    rates = _rates(config, found, groups, tokens, known) if found else []
    counts = apportion([rate.probability for rate in rates], rest) if rest else [0] * len(rates)
    if config.rates == "proportional" and config.temperature == 1.0 and rest:
        counts = apportion([rate.rate for rate in rates], rest)  # whole numbers: exact
    lines = [
        Line(
            task=pool.task.name,
            cluster=pool.task.cluster,
            category=pool.task.category,
            rows=pool.found,
            cap=config.rows_cap,
            left_out=pool.left_out,
            contaminated=pool.contaminated,
            usable=rate.rows,
            rate=rate.rate,
            probability=rate.probability * rest / total,
            examples=count,
            share=count / total,
            epochs=count / rate.rows,
            templates=len(pool.templates),
            same_rows_as=tuple(
                other
                for group in groups
                if rate.task in group
                for other in group
                if other != rate.task
            ),
            expected_tokens=tokens[rate.task],
        )
        for pool, rate, count in zip(found, rates, counts, strict=True)
    ]
    if asked:
        lines.append(_instruction_line(written, instructions, total, encoder))
    promised = sum(line.expected_tokens * line.examples for line in lines)
    return [
        replace(line, expected_token_share=line.expected_tokens * line.examples / promised)
        if promised
        else line
        for line in lines
    ]


def _groups(config: MixtureConfig, found: Sequence[TaskPool]) -> list[dict[str, int]]:
    if config.shared_rows == "each":
        return []
    return same_rows(
        {
            pool.task.name: (pool.store.source, np.asarray(pool.store.places)[pool.chosen])
            for pool in found
        }
    )


def _rates(
    config: MixtureConfig,
    found: Sequence[TaskPool],
    groups: Sequence[Mapping[str, int]],
    tokens: Mapping[str, float],
    known: Collection[str],
) -> list[Rate]:
    rows = {pool.task.name: len(pool) for pool in found}
    if config.rates == "fixed":
        return normalised(rows, _weights(config, rows, known))
    if config.rates == "equal":
        return mixing_rates(rows, 1, groups=groups)
    rates = mixing_rates(rows, config.rate_maximum, config.temperature, groups)
    if config.rates == "proportional":
        return rates
    if not all(tokens.values()):
        raise RecipeError("mixture.rates: tokens needs the base's tokenizer; name a model")
    return by_tokens(rates, tokens)


def _weights(
    config: MixtureConfig, rows: Mapping[str, int], known: Collection[str]
) -> dict[str, float]:
    for name in config.weights:
        if name not in rows and name not in known:
            raise RecipeError(f"mixture.weights: {name!r} is not mixed{did_you_mean(name, rows)}")
    for name in rows:
        if name not in config.weights:
            raise RecipeError(f"mixture.weights has none for {name}; give it one, 0 for nothing")
    return {name: config.weights[name] for name in rows}


def _mean_tokens(pool: TaskPool, encoder: Encoder | None, seed: int) -> float:
    """Tokens of an example, over a keyed sample of the rows."""
    if encoder is None:
        return 0.0
    places = draws.sample(len(pool), SAMPLE, seed, "tokens", pool.task.name)
    examples = [pool.example(place, 0, seed) for place in places]
    pairs = encoder.pairs([(one.prompt, one.target) for one in examples])
    return sum(len(prompt) + len(target) for prompt, target in pairs) / len(pairs)


def _instruction_line(
    written: InstructionPool, count: int, total: int, encoder: Encoder | None
) -> Line:
    usable = len(written)
    share = count / total if total else 0.0
    pairs = encoder.pairs([(e.prompt, e.target) for e in written.rows]) if encoder else []
    return Line(
        task=SYNTHESISED,
        cluster="",
        category="",
        rows=written.found,
        cap=written.found,
        left_out=written.found - usable - written.contaminated,
        contaminated=written.contaminated,
        usable=usable,
        probability=share,
        examples=count,
        share=share,
        epochs=count / usable if usable else 0.0,
        templates=1,
        expected_tokens=sum(len(p) + len(t) for p, t in pairs) / len(pairs) if pairs else 0.0,
    )

"""What the demo is scored on is in no seed and in no training row."""

import json
import re
from collections.abc import Iterator

import pytest

from preceptor.synthesis.novelty import NoveltyIndex
from preceptor.synthesis.seedbank import load_seeds
from preceptor.tasks.source import LIBRARY

EVALUATED = ("bench_questions", "bench_findings", "bench_notes", "does_it_follow")
BIOMEDICAL = EVALUATED[:3]
RUN = 8
"""Words in a row that no evaluated text may share with a training text."""


def texts(value: object) -> Iterator[str]:
    """Every string in a row, long ones only: labels and options are words of the language."""
    if isinstance(value, str):
        if len(value.split()) >= 4:
            yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def rows(package: str, split: str) -> list[dict[str, object]]:
    path = LIBRARY / "rows" / package / f"{split}.jsonl"
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def runs(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"[a-z0-9]+", text.lower())
    return {tuple(words[i : i + RUN]) for i in range(len(words) - RUN + 1)}


def seed_texts() -> list[str]:
    seeds = load_seeds("biomedical")
    return [text for s in seeds for text in (s.instruction, s.input, s.output) if text]


def training_texts() -> list[str]:
    packages = sorted(path.name for path in (LIBRARY / "rows").iterdir())
    held = [name for name in packages if name != "does_it_follow"]
    return [text for name in held for row in rows(name, "train") for text in texts(row)]


def test_there_is_something_to_compare() -> None:
    assert len(seed_texts()) > 200
    assert len(training_texts()) > 400


@pytest.mark.parametrize("package", EVALUATED)
def test_no_run_of_eight_words_is_shared_with_seeds_or_training_rows(package: str) -> None:
    known = {run for text in (*seed_texts(), *training_texts()) for run in runs(text)}
    evaluated = rows(package, "test")
    assert evaluated
    for row in evaluated:
        for text in texts(row):
            assert not runs(text) & known, f"{package}: {text!r}"


@pytest.mark.parametrize("package", BIOMEDICAL)
def test_no_evaluated_text_is_like_a_seed(package: str) -> None:
    index = NoveltyIndex()
    for number, text in enumerate(seed_texts()):
        index.add(str(number), text)
    for row in rows(package, "test"):
        for text in texts(row):
            near, score = index.nearest(text)
            assert score <= 0.5, f"{package}: {text!r} is like seed text {near}"

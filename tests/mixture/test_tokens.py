"""Token ids beside a mixture, and the cache that keeps them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preceptor.artifact import Work
from preceptor.errors import ArtifactError
from preceptor.mixture import stage, tokens
from preceptor.mixture.config import MixtureConfig
from preceptor.mixture.tokens import Cache, Pair, Tokens, read_tokens
from preceptor.tasks import catalogue
from tests.mixture.toys import library, toy

TEXT = st.text(max_size=12)


class Letters:
    """Every character is a token; counts what it is asked."""

    digest = "letters"

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def pairs(self, texts: Sequence[tuple[str, str]]) -> list[Pair]:
        self.asked += texts
        return [(self._ids(prompt), self._ids(target)) for prompt, target in texts]

    def count(self, text: str) -> int:
        return len(text)

    @staticmethod
    def _ids(text: str) -> np.ndarray:
        return np.array([ord(letter) for letter in text], np.uint32)


def pairs(cache: Cache, texts: list[tuple[str, str]]) -> list[Pair]:
    """What a look-up gives, what was new to it kept."""
    found = cache.look_up(texts)
    cache.keep(found)
    return list(Tokens(found.ids, found.lengths.cumsum().reshape(-1, 2)))


def spelled(pair: Pair) -> tuple[str, str]:
    prompt, target = ("".join(map(chr, ids)) for ids in pair)
    return prompt, target


@settings(max_examples=50)
@given(st.lists(st.lists(st.tuples(TEXT, TEXT), max_size=8), max_size=4))
def test_a_cache_gives_what_the_encoder_gives_and_asks_once(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[tuple[str, str]]]
) -> None:
    folder = tmp_path_factory.mktemp("cache")
    asked: list[tuple[str, str]] = []
    for batch in batches:
        encoder = Letters()
        cache = Cache(folder, encoder)
        assert [spelled(pair) for pair in pairs(cache, batch)] == batch
        cache.flush()
        asked += encoder.asked
    assert sorted(asked) == sorted({text for batch in batches for text in batch})


def test_a_shard_is_written_when_enough_is_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "SHARD", 10)
    cache = Cache(tmp_path, Letters())
    texts = [(f"prompt {n}", f"target {n}") for n in range(45)]
    for start in range(0, 45, 5):
        pairs(cache, texts[start : start + 5])
    assert len(list(tmp_path.iterdir())) == 4
    assert [spelled(pair) for pair in pairs(cache, texts)] == texts
    cache.flush()
    fresh = Cache(tmp_path, encoder := Letters())
    assert [spelled(pair) for pair in pairs(fresh, texts[::-1])] == texts[::-1]
    assert encoder.asked == []


def test_a_mixture_has_the_tokens_of_its_examples_and_another_tokenises_little(
    tmp_path: Path,
) -> None:
    tasks = library(toy(tmp_path, "big", 40), toy(tmp_path, "small", 10))

    def mixed(name: str, examples: int, seed: int = 0) -> tuple[Work, Letters, dict[str, object]]:
        encoder, work = Letters(), Work(tmp_path / name)
        config = MixtureConfig(tasks=("sentiment",), examples=examples)
        needs = stage.Needs(tmp_path, encoder, max_length=40, cache=tmp_path / "cache")
        chosen = catalogue.select(tasks, config.tasks)
        counts = stage.mix(config, chosen, tasks, [], needs, seed, work)
        return work, encoder, counts

    work, _, counts = mixed("one", 60)
    examples = stage.read_examples(work.files / stage.EXAMPLES)
    found = read_tokens(work.files / stage.TOKENS)
    assert [spelled(pair) for pair in found] == [(one.prompt, one.target) for one in examples]
    lengths = [len(one.prompt) + len(one.target) for one in examples]
    assert found.lengths.sum(axis=1).tolist() == lengths
    lines = stage.read_table(work.files / stage.TABLE)
    assert counts["tokens"] == sum(line.tokens for line in lines) == sum(lengths)
    assert counts["too_long"] == sum(length > 40 for length in lengths) > 0
    assert sum(line.token_share for line in lines) == pytest.approx(1)
    assert sum(line.expected_token_share for line in lines) == pytest.approx(1)
    assert sum(line.target_tokens for line in lines) == sum(len(one.target) for one in examples)

    again, encoder, _ = mixed("again", 60)
    assert again.timings["texts_tokenised"] == 0
    assert (again.files / stage.TOKENS / tokens.IDS).read_bytes() == (
        work.files / stage.TOKENS / tokens.IDS
    ).read_bytes()
    other, _, _ = mixed("other", 60, seed=1)
    assert other.timings["texts_tokenised"] < 60
    del encoder


def test_tokens_that_are_cut_or_missing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no tokens of a mixture"):
        read_tokens(tmp_path)
    np.save(tmp_path / tokens.ENDS, np.array([[2, 4]], np.int64))
    (tmp_path / tokens.IDS).write_bytes(b"\0" * 12)
    with pytest.raises(ArtifactError, match="is cut"):
        read_tokens(tmp_path)

"""Ids that are looked up word by word are what the tokenizer gives for the whole text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, trainers
from tokenizers import pre_tokenizers as pre

from preceptor.model import words
from preceptor.model.words import LLAMA_3, LONGEST, PATTERNS, Words, words_of
from tests.tiny import TEXT

BYTES = {"add_prefix_space": False, "trim_offsets": True}


def trained(cut: pre.PreTokenizer, normalizer: normalizers.Normalizer | None = None) -> Tokenizer:
    """A byte-level tokenizer that cuts texts like this, with two added tokens."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = cut
    if normalizer is not None:
        backend.normalizer = normalizer
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=500,
        special_tokens=["<|end|>"],
        initial_alphabet=pre.ByteLevel.alphabet(),
        show_progress=False,
    )
    # Words that meet across blanks and marks, so that wrong cuts would find something to merge.
    backend.train_from_iterator(
        [*TEXT, "it's don't can't we're !\n\n ?!\n - , 12 345"] * 3, trainer
    )
    backend.add_tokens([AddedToken("<tool call>", normalized=False)])
    return backend


def split(pattern: str) -> pre.PreTokenizer:
    return pre.Split(Regex(pattern), "isolated")


TOKENIZERS = {
    "gpt-2": trained(pre.ByteLevel(use_regex=True, **BYTES)),
    "smollm": trained(pre.Sequence([pre.Digits(True), pre.ByteLevel(use_regex=True, **BYTES)])),
    **{
        f"split {number}": trained(
            pre.Sequence([split(pattern), pre.ByteLevel(use_regex=False, **BYTES)]),
            normalizers.NFC() if number else None,
        )
        for number, pattern in enumerate(sorted(PATTERNS))
    },
}
PIECES = [
    *" \n\t\r.,;:!?'-()[]<>|/\\\"0123456789_",
    *["  ", "\n\n", " \n", "\r\n", "'s", "'ll", "n't", "...", "!?\n", "the", "The", "patient", "x"],
    *[
        "\u00e9",
        "e\u0301",
        "\u00df",
        "\u6771\u4eac",
        "\u0661",
        "\u00b2",
        "\u2167",
        "\u00a0",
        "\u2003",
    ],
    *[
        "\x1c",
        "\x85",
        "\u200b",
        "\u2028",
        "\U0001f600",
        "<tool call>",
        "<|end|>",
        "a" * (LONGEST + 1),
    ],
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=25).map("".join) | st.text(max_size=20)


@pytest.mark.parametrize("name", TOKENIZERS)
@settings(max_examples=300)
@given(texts=st.lists(TEXTS, max_size=5))
def test_ids_are_those_of_the_whole_text(name: str, texts: list[str]) -> None:
    found = words_of(TOKENIZERS[name])
    assert found is not None
    for _ in range(2):  # made, then looked up
        assert found.ids(texts) == found.whole(texts)


def test_most_texts_are_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    found = words_of(TOKENIZERS["smollm"])
    assert found is not None
    texts = [text for text in TEXT if "  " not in text]
    expected = found.whole(texts)
    monkeypatch.setattr(Words, "whole", lambda *_: pytest.fail("a text went to the tokenizer"))
    assert found.ids(texts) == expected


def test_what_is_remembered_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "LIMIT", 5)
    found = words_of(TOKENIZERS["gpt-2"])
    assert found is not None
    texts = [f"one {n} two" for n in range(30)]
    assert found.ids(texts) == found.whole(texts)
    assert len(found._known) <= 5


@pytest.mark.parametrize(
    "backend",
    [
        trained(pre.ByteLevel(add_prefix_space=True)),
        trained(pre.ByteLevel(use_regex=False, **BYTES)),
        trained(pre.Sequence([split(r"\w+|\W+"), pre.ByteLevel(use_regex=False, **BYTES)])),
        trained(pre.Sequence([pre.ByteLevel(use_regex=False, **BYTES), split(LLAMA_3)])),
        trained(pre.ByteLevel(use_regex=True, **BYTES), normalizers.NFKC()),
        trained(pre.Metaspace()),
    ],
)
def test_others_are_not_looked_up(backend: Tokenizer) -> None:
    assert words_of(backend) is None


def test_the_tokenizer_is_left_as_it_was() -> None:
    backend = Tokenizer.from_str(TOKENIZERS["gpt-2"].to_str())
    for before in (True, False):
        backend.encode_special_tokens = before
        found = words_of(backend)
        assert found is not None
        found.ids(["a  b", "c"])
        assert backend.encode_special_tokens == before

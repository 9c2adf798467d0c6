"""Texts encoded together are what ``formats`` gives one by one."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerBase

from preceptor.model.batch import SHORT, BatchEncoder
from preceptor.model.formats import encode_prompt, encode_target
from tests.model.test_formats import TINY, _metaspace, _without_template, smollm2
from tests.tiny import END, TURN, make_tiny_tokenizer

__all__ = ["smollm2"]

TEXT = st.text(max_size=30) | st.sampled_from(
    ["", " ", "\n\nyes\n", f"say {TURN} twice", f"{END}", "a" * (SHORT + 1), "{{ x }}", "1 234\n5"]
)


def trimming() -> PreTrainedTokenizerBase:
    """Its chat template changes the prompt: blanks at its ends are cut."""
    tokenizer = make_tiny_tokenizer()
    tokenizer.chat_template = str(tokenizer.chat_template).replace(
        "message['content']", "message['content'] | trim"
    )
    if "trim" not in str(tokenizer.chat_template):
        tokenizer.chat_template = str(tokenizer.chat_template).replace(
            "message.content", "message.content | trim"
        )
    return tokenizer


TOKENIZERS = {
    "tiny": TINY,
    "trimming": trimming(),
    "no template": _without_template(),
    "metaspace": _metaspace(),
}


def assert_equal(
    tokenizer: PreTrainedTokenizerBase, format: str, texts: list[tuple[str, str]]
) -> None:
    found = BatchEncoder(tokenizer, format).pairs(texts)
    assert [(p.tolist(), t.tolist()) for p, t in found] == [
        (encode_prompt(tokenizer, format, prompt), encode_target(tokenizer, format, target))
        for prompt, target in texts
    ]


@pytest.mark.parametrize("name", TOKENIZERS)
@settings(max_examples=40)
@given(
    format=st.sampled_from(["plain", "flan", "alpaca", "auto"]),
    texts=st.lists(st.tuples(TEXT, TEXT), max_size=6),
)
def test_a_batch_is_its_texts_one_by_one(
    name: str, format: str, texts: list[tuple[str, str]]
) -> None:
    assert_equal(TOKENIZERS[name], format, texts)


def test_the_template_that_trims_is_really_one() -> None:
    tokenizer = TOKENIZERS["trimming"]
    assert encode_prompt(tokenizer, "chat", " a ") == encode_prompt(tokenizer, "chat", "a")
    assert BatchEncoder(tokenizer, "chat")._frame is None
    assert BatchEncoder(TINY, "chat")._frame is not None


def test_the_digest_tells_formats_and_tokenizers_apart() -> None:
    encoders = [
        BatchEncoder(TINY, "plain"),
        BatchEncoder(TINY, "chat"),
        BatchEncoder(TOKENIZERS["trimming"], "chat"),
        BatchEncoder(TOKENIZERS["metaspace"], "plain"),
    ]
    assert len({encoder.digest for encoder in encoders}) == len(encoders)
    assert BatchEncoder(make_tiny_tokenizer(), "plain").digest == encoders[0].digest


@pytest.mark.parametrize("split", [True, False])
def test_the_tokenizer_is_left_as_it_was(split: bool) -> None:
    encoder = BatchEncoder(TINY, "chat")
    # The first call asks transformers for the end of a turn, and that sets the switch by itself.
    encoder.pairs([("a", "b")])
    TINY.backend_tokenizer.encode_special_tokens = split
    encoder.pairs([("c", "d")])
    assert TINY.backend_tokenizer.encode_special_tokens == split


@pytest.mark.embedded
@pytest.mark.parametrize("format", ["plain", "flan", "alpaca", "chat"])
def test_real_rows_are_encoded_the_same(smollm2: PreTrainedTokenizerBase, format: str) -> None:
    root = os.environ.get("PRECEPTOR_DATA")
    if not root:
        pytest.skip("REAL ROWS NOT ENCODED: set PRECEPTOR_DATA to their folder")
    texts = []
    for name in ("mts_dialog", "squad", "imdb", "dart", "math_dataset", "wmt22_ru_en"):
        lines = (Path(root) / name / "test.jsonl").read_text(encoding="utf-8").split("\n")
        rows = [json.loads(line) for line in lines[:20] if line]
        texts += [
            (json.dumps(row, ensure_ascii=False), str(list(row.values())[-1])) for row in rows
        ]
    assert_equal(smollm2, format, texts)

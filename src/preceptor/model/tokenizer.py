"""Text to token ids without surprises: no token appears that was not asked for.

In some tokenizers padding and end are one token (SmolLM2: both are ``<|im_end|>``). Nothing here or
in tuning masks labels by the padding id, so the end is learnt all the same.
"""

from functools import lru_cache

from transformers import PreTrainedTokenizerBase

from preceptor.errors import ModelError


def encode(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Ids of a text, and of nothing else: no token is put before or after it.

    A special token's name in the text (``</s>`` in a scraped page) is read as the characters it is,
    so that no row of a data set can end a turn or a document.
    """
    return _ids(tokenizer, text, split_special=True)


def encode_markup(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Ids of a rendered template, in which the names of special tokens stand for those tokens."""
    return _ids(tokenizer, text, split_special=False)


def encode_continuation(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Ids of a text that goes on after another one.

    Differs from :func:`encode` only where the tokenizer puts a blank before whatever it is given
    (SentencePiece models such as Llama 2's): here it does not.
    """
    if not puts_blank_first(tokenizer):
        return encode(tokenizer, text)
    lead = encode(tokenizer, "\n")
    return encode(tokenizer, "\n" + text)[len(lead) :]


@lru_cache(maxsize=8)
def puts_blank_first(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether the tokenizer puts a blank before whatever it is given."""
    apart = encode(tokenizer, "\n") + encode(tokenizer, "a")
    return encode(tokenizer, "\na") != apart


def _ids(tokenizer: PreTrainedTokenizerBase, text: str, split_special: bool) -> list[int]:
    encoded = tokenizer(
        text, add_special_tokens=False, split_special_tokens=split_special, verbose=False
    )
    ids: list[int] = encoded["input_ids"]
    return ids


def special_tokens(tokenizer: PreTrainedTokenizerBase) -> dict[str, int]:
    """Name to id of every special token."""
    added = tokenizer.added_tokens_decoder.items()
    return {token.content: index for index, token in added if token.special}


def begin_token_ids(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The begin token where the model wants one before every text, else nothing.

    Read off what the tokenizer does to an empty text: its settings are spelled in many ways.
    """
    ids: list[int] = tokenizer("")["input_ids"]
    return ids[:1] if ids and ids[0] == tokenizer.bos_token_id else []


def stop_token_id(tokenizer: PreTrainedTokenizerBase) -> int:
    """The token that ends a document.

    Raises:
        ModelError: The tokenizer has none.
    """
    stop = tokenizer.eos_token_id
    if not isinstance(stop, int):
        raise ModelError(
            "the tokenizer has no end token, so a model could not learn to stop: "
            "add eos_token to its tokenizer_config.json"
        )
    return stop


def pad_token_id(tokenizer: PreTrainedTokenizerBase) -> int:
    """The padding token, or the end token where there is none: padding is masked by position."""
    pad = tokenizer.pad_token_id
    return pad if isinstance(pad, int) else stop_token_id(tokenizer)

"""Replies held to a JSON schema: before each token, those that would break it are forbidden.

The grammars are llguidance's (extra ``structured``). JSON is written on one line, with a blank
after a comma or a colon and no other white space outside strings: a small model could go on with
white space for ever. Inside a string it still can, so ``bounded`` gives every string a length.
"""

import json
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from preceptor.errors import ModelError
from preceptor.model.loading import LoadedModel

if TYPE_CHECKING:  # an optional dependency
    from llguidance import LLMatcher

LIBRARY = "llguidance"
LAYOUT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}

LONGEST_TEXT = 1500
"""Characters of a string: some 250 words."""


def bounded(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema whose strings end: those without a length or a list of values get one.

    Schemas for endpoints have none, for strict ones refuse the keyword.
    """
    found: dict[str, Any] = {}
    for key, value in schema.items():
        if isinstance(value, Mapping):
            value = bounded(value)
        found[key] = value
    if found.get("type") == "string" and not {"enum", "const", "maxLength"} & set(found):
        found["maxLength"] = LONGEST_TEXT
    return found


def available() -> bool:
    """Whether the library is installed."""
    return find_spec(LIBRARY) is not None


class Grammars:
    """JSON schemas as grammars over one model's tokens."""

    def __init__(self, loaded: LoadedModel, stop_ids: Sequence[int]) -> None:
        """Takes half a second for a vocabulary of 50,000.

        Args:
            stop_ids: Tokens by which a reply ends; they are allowed where the JSON is whole.

        Raises:
            ModelError: The library is not installed, or does not know the model's tokenizer.
        """
        try:
            from llguidance import hf
        except ImportError as error:
            raise ModelError(
                "a reply can be held to a JSON schema only with the package llguidance: install "
                "'preceptor[structured]', or set structured to auto or off"
            ) from error
        embedding = loaded.model.get_input_embeddings().weight  # (V, D)
        assert isinstance(embedding, torch.Tensor)
        try:
            self._tokens = hf.from_tokenizer(
                loaded.tokenizer,  # type: ignore[arg-type]
                n_vocab=embedding.shape[0],
                eos_token=list(stop_ids),
            )
        except ValueError as error:
            raise ModelError(
                f"replies of {loaded.name} cannot be held to a JSON schema, as its tokenizer is "
                f"not known to llguidance ({_line(error)}): set structured to auto or off"
            ) from error
        self._compiled: dict[str, LLMatcher] = {}

    def guide(self, schema: Mapping[str, Any], opening: Sequence[int] = ()) -> "JsonGuide":
        """Holds one row of a batch to a schema.

        Args:
            opening: Tokens with which the reply already begins.

        Raises:
            ModelError: The schema is not one, uses what llguidance does not know, or does not
                allow the opening.
        """
        text = json.dumps(schema)
        if text not in self._compiled:
            self._compiled[text] = self._compile(text)
        matcher = self._compiled[text].deep_copy()
        if opening and not matcher.consume_tokens(list(opening)):
            raise ModelError(
                "the opening of a reply does not follow its JSON schema: leave one of them out"
            )
        return JsonGuide(matcher)

    def _compile(self, schema: str) -> "LLMatcher":
        from llguidance import LLMatcher

        grammar = LLMatcher.grammar_from_json_schema(schema, overrides=LAYOUT)  # type: ignore[arg-type]
        matcher = LLMatcher(self._tokens, grammar, log_level=0)
        if matcher.is_error():
            raise ModelError(
                f"replies cannot be held to the JSON schema {schema[:80]} "
                f"({_line(matcher.get_error())}): correct it, or set structured to off"
            )
        return matcher


class JsonGuide:
    """A ``model.generation.Guide`` that follows the tokens of one reply through a grammar."""

    def __init__(self, matcher: "LLMatcher") -> None:
        self._matcher = matcher

    def forbid(self, logits: torch.Tensor) -> None:
        """Set the logits (V,) of tokens that would break the schema to -inf, in place."""
        packed = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        self._check()
        allowed = np.unpackbits(packed, count=logits.shape[0], bitorder="little")
        mask = torch.from_numpy(allowed == 0).to(logits.device)
        logits.masked_fill_(mask, -torch.inf)

    def ended(self, ids: Sequence[int]) -> bool:
        """Whether the JSON is whole and nothing can follow it."""
        self._matcher.consume_token(ids[-1])
        self._check()
        return self._matcher.is_stopped()

    def _check(self) -> None:
        if self._matcher.is_error():
            raise ModelError(
                f"a reply can no longer be held to its JSON schema "
                f"({_line(self._matcher.get_error())}): make the schema simpler, or set "
                "structured to off"
            )


def _line(error: object) -> str:
    return str(error).strip().split("\n")[0][:200]

"""Many prompts and targets to token ids at once: what ``formats`` gives one by one, faster.

Texts go to the tokenizer's own batch call, which uses every core and builds no objects that nobody
reads. Equality with ``formats`` is tested for every format.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
from transformers import PreTrainedTokenizerBase

from preceptor.artifact import digest
from preceptor.model.formats import (
    ALPACA,
    SLOT,
    chat_frame,
    encode_prompt,
    encode_target,
    resolve_format,
    stop_ids,
)
from preceptor.model.tokenizer import (
    begin_token_ids,
    encode,
    puts_blank_first,
    special_tokens,
    stop_token_id,
)

Ids = npt.NDArray[np.uint32]
REMEMBERED = 20_000
"""Short targets whose ids are kept: label words come again and again."""
SHORT = 64
"""Characters of a target that is worth keeping."""


class BatchEncoder:
    """Prompts and targets of one tokenizer in one prompt format."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, format: str) -> None:
        """Decide the format.

        Raises:
            RecipeError, ModelError: As ``formats.resolve_format``.
        """
        self.tokenizer = tokenizer
        self.format = resolve_format(tokenizer, format)
        self._backend = getattr(tokenizer, "backend_tokenizer", None)
        self._targets: dict[str, Ids] = {}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what decides the ids: tokenizer, chat template and format."""
        backend = self._backend
        content = backend.to_str() if backend is not None else sorted(self.tokenizer.get_vocab())
        template = self.tokenizer.chat_template if self.format == "chat" else ""
        special = [self.tokenizer.bos_token_id, self.tokenizer.eos_token_id]
        return digest([content, str(template), special, self.format, ALPACA])

    def pairs(self, texts: Sequence[tuple[str, str]]) -> list[tuple[Ids, Ids]]:
        """Ids of prompts and of their targets, each with the format's stop token."""
        prompts = self.prompts([prompt for prompt, _ in texts])
        targets = self.targets([target for _, target in texts])
        return list(zip(prompts, targets, strict=True))

    def count(self, text: str) -> int:
        """Tokens of a piece of a prompt."""
        return len(encode(self.tokenizer, text))

    def prompts(self, texts: Sequence[str]) -> list[Ids]:
        """As ``formats.encode_prompt`` for each."""
        if self._backend is None:
            return [self._array(encode_prompt(self.tokenizer, self.format, t)) for t in texts]
        if self.format == "chat":
            return self._chat(texts)
        begin = begin_token_ids(self.tokenizer)
        end = [stop_token_id(self.tokenizer)] if self.format == "flan" else []
        if self.format == "alpaca":
            texts = [ALPACA.format(prompt=text) for text in texts]
        elif self.format == "plain":
            texts = [text.rstrip() for text in texts]
        return [self._array([*begin, *ids, *end]) for ids in self._batch(texts, split=True)]

    def targets(self, texts: Sequence[str]) -> list[Ids]:
        """As ``formats.encode_target`` for each."""
        new = [text for text in dict.fromkeys(texts) if text not in self._targets]
        made = dict(zip(new, self._new_targets(new), strict=True))
        found = [made[text] if text in made else self._targets[text] for text in texts]
        if len(self._targets) < REMEMBERED:
            self._targets |= {text: ids for text, ids in made.items() if len(text) <= SHORT}
        return found

    def _new_targets(self, texts: Sequence[str]) -> list[Ids]:
        if self._backend is None or puts_blank_first(self.tokenizer):
            return [self._array(encode_target(self.tokenizer, self.format, t)) for t in texts]
        stop = stop_ids(self.tokenizer, self.format)[0]
        if self.format == "plain":
            texts = [" " + text.lstrip() for text in texts]
        return [self._array([*ids, stop]) for ids in self._batch(texts, split=True)]

    def _chat(self, texts: Sequence[str]) -> list[Ids]:
        """The template is rendered once where it puts a prompt in as it stands."""
        frame = self._frame
        names = tuple(special_tokens(self.tokenizer))
        slow = [frame is None or any(name in text for name in names) for text in texts]
        before, after = frame or ("", "")
        ready = [before + t + after for t, by_hand in zip(texts, slow, strict=True) if not by_hand]
        encoded = iter(self._batch(ready, split=False))
        return [
            self._array(encode_prompt(self.tokenizer, "chat", text) if by_hand else next(encoded))
            for text, by_hand in zip(texts, slow, strict=True)
        ]

    @cached_property
    def _frame(self) -> tuple[str, str] | None:
        """What the chat template puts around a prompt; None where it changes the prompt itself."""
        before, _, after = chat_frame(self.tokenizer, SLOT).partition(SLOT)
        for probe in ("a", " a\n\nB: b ", "\n{{ x }} <x> 'y'\t"):
            if chat_frame(self.tokenizer, probe) != before + probe + after:
                return None
        return before, after

    def _batch(self, texts: Sequence[str], split: bool) -> list[list[int]]:
        if not texts:
            return []
        backend = self._backend
        assert backend is not None
        before = backend.encode_special_tokens
        backend.no_truncation()
        backend.no_padding()
        backend.encode_special_tokens = split
        try:
            found = backend.encode_batch_fast(list(texts), add_special_tokens=False)
        finally:
            backend.encode_special_tokens = before
        return [encoding.ids for encoding in found]

    @staticmethod
    def _array(ids: Sequence[int]) -> Ids:
        return np.asarray(ids, np.uint32)

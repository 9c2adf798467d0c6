"""Many prompts and targets to token ids at once: what ``formats`` gives one by one, faster.

Texts are looked up word by word where the tokenizer allows it (``words``), and go to its own batch
call where not. Equality with ``formats`` is tested for every format.
"""

from array import array
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
from preceptor.model.words import Words, untouched, words_of

Ids = npt.NDArray[np.uint32]
ID_BYTES = np.dtype(np.uint32).itemsize
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
        if self._words is not None:
            return len(self._words.ids([text])[0]) // ID_BYTES
        return len(encode(self.tokenizer, text))

    def prompts(self, texts: Sequence[str]) -> list[Ids]:
        """As ``formats.encode_prompt`` for each."""
        if self._backend is None:
            return [self._array(encode_prompt(self.tokenizer, self.format, t)) for t in texts]
        if self.format == "chat":
            return self._chat(texts)
        end = [stop_token_id(self.tokenizer)] if self.format == "flan" else []
        if self.format == "alpaca":
            texts = [ALPACA.format(prompt=text) for text in texts]
        elif self.format == "plain":
            texts = [text.rstrip() for text in texts]
        return self._framed(begin_token_ids(self.tokenizer), texts, end)

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
        return self._framed([], texts, [stop])

    def _chat(self, texts: Sequence[str]) -> list[Ids]:
        """The template is rendered once where it puts a prompt in as it stands."""
        frame = self._frame
        names = tuple(special_tokens(self.tokenizer))
        slow = [frame is None or any(name in text for name in names) for text in texts]
        ready = [text for text, by_hand in zip(texts, slow, strict=True) if not by_hand]
        if self._turn is not None:
            head, lead, trail, tail = self._turn
            made = iter(self._framed(head, [lead + text + trail for text in ready], tail))
        else:
            before, after = frame or ("", "")
            encoded = self._batch([before + text + after for text in ready], split=False)
            made = map(self._array, encoded)
        return [
            self._array(encode_prompt(self.tokenizer, "chat", text)) if by_hand else next(made)
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

    @cached_property
    def _turn(self) -> tuple[list[int], str, str, list[int]] | None:
        """The frame, tokenised as far as its special tokens reach: ids before, the texts that
        touch a prompt's, ids after. None where prompts cannot be looked up."""
        if self._frame is None or self._words is None:
            return None
        before, after = self._frame
        tokens = self.tokenizer.added_tokens_decoder.values()
        if any(t.lstrip or t.rstrip or t.single_word or t.normalized for t in tokens if t.special):
            return None
        names = special_tokens(self.tokenizer)
        left = max((before.rfind(n) + len(n) for n in names if n in before), default=0)
        right = min((after.find(n) for n in names if n in after), default=len(after))
        head, tail = self._batch([before[:left], after[right:]], split=False)
        return head, before[left:], after[:right], tail

    def _framed(self, before: list[int], texts: Sequence[str], after: list[int]) -> list[Ids]:
        """Ids of the texts, names of special tokens read as text, between the same others."""
        if self._words is not None:
            made = self._words.ids(texts)
        else:
            made = [array("I", ids).tobytes() for ids in self._batch(texts, split=True)]
        head, tail = (array("I", ids).tobytes() for ids in (before, after))
        return [np.frombuffer(head + ids + tail, np.uint32) for ids in made]

    @cached_property
    def _words(self) -> Words | None:
        return words_of(self._backend) if self._backend is not None else None

    def _batch(self, texts: Sequence[str], split: bool) -> list[list[int]]:
        if not texts:
            return []
        backend = self._backend
        assert backend is not None
        with untouched(backend, split):
            found = backend.encode_batch_fast(list(texts), add_special_tokens=False)
        return [encoding.ids for encoding in found]

    @staticmethod
    def _array(ids: Sequence[int]) -> Ids:
        return np.asarray(ids, np.uint32)

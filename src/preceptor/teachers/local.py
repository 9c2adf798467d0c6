"""A model in the process as a teacher: calls answered in batches, each by its own draws."""

from collections.abc import Sequence
from typing import Literal

import torch

from preceptor.errors import ModelError
from preceptor.model.formats import encode_conversation, stop_ids
from preceptor.model.generation import Generated, Guide, check_lengths, decode
from preceptor.model.loading import LoadedModel
from preceptor.model.sampling import Decoding
from preceptor.model.tokenizer import encode_continuation
from preceptor.records import Reply
from preceptor.teachers.calls import Call, CallFailedError
from preceptor.teachers.constrained import Grammars, available, bounded

Structured = Literal["auto", "schema", "json", "off"]
ANY_OBJECT = {"type": "object"}
"""What JSON mode asks for."""


class LocalModel:
    """A ``teachers.calls.BatchModel`` of a loaded model (Self-Instruct, arXiv 2212.10560, without
    an API).

    A reply is a function of its call: of messages, sampling, seed, schema and opening. What else is
    in the batch does not matter, up to rounding (see ``model.generation.decode``).
    """

    def __init__(self, loaded: LoadedModel, structured: Structured = "auto") -> None:
        """A teacher.

        Args:
            structured: How calls with a schema are answered: held to it, to any JSON object
                (``json``), or not at all (``off``); ``auto`` holds them to it where llguidance is
                installed and knows the tokenizer.

        Raises:
            ModelError: ``schema`` or ``json`` is asked for and cannot be had.
        """
        self._loaded = loaded
        self._stops = stop_ids(loaded.tokenizer, "auto")
        self._grammars = _grammars(loaded, structured, self._stops)
        self.structured: Literal["schema", "json", "off"] = (
            "off" if self._grammars is None else "json" if structured == "json" else "schema"
        )
        """How calls with a schema are answered."""
        self.name = loaded.name
        self.fingerprint = loaded.fingerprint

    def check(self, call: Call) -> None:
        """Whether a call can be answered.

        Raises:
            CallFailedError: Its prompt and reply do not fit into the model's context.
            ModelError: Its conversation does not fit into the model's chat format.
        """
        prompt = self._prompt(call)
        try:
            check_lengths(self._loaded.model, [prompt], [_decoding(call)])
        except ModelError as error:
            raise CallFailedError(str(error)) from error

    def complete(self, calls: Sequence[Call]) -> list[Reply]:
        """One reply a call, in order.

        A model without a chat template is asked in the Alpaca format. A reply that is held to a
        schema does not end at stop texts, which would break it.

        Raises:
            ModelError: A call does not fit into the model's context (see :meth:`check`), its
                conversation into its chat format, or its schema cannot be followed.
        """
        prompts = [self._prompt(call) for call in calls]
        answers = decode(
            self._loaded,
            prompts,
            [_decoding(call) for call in calls],
            stop_ids=self._stops,
            guides=[self._guide(call) for call in calls],
        )
        return [
            self._reply(call, len(prompt), answer)
            for call, prompt, answer in zip(calls, prompts, answers, strict=True)
        ]

    def _prompt(self, call: Call) -> list[int]:
        turns = [(message.role, message.content) for message in call.messages]
        return encode_conversation(self._loaded.tokenizer, turns) + self._opening(call)

    def _opening(self, call: Call) -> list[int]:
        return encode_continuation(self._loaded.tokenizer, call.opening)

    def _guide(self, call: Call) -> Guide | None:
        if call.schema is not None and self._grammars is not None:
            schema = ANY_OBJECT if self.structured == "json" else call.schema
            return self._grammars.guide(bounded(schema), self._opening(call))
        return _StopTexts(self, call.sampling.stop) if call.sampling.stop else None

    def _reply(self, call: Call, prompt_tokens: int, answer: Generated) -> Reply:
        text, finished = self.text(answer.ids, self._opening(call)), answer.finished
        held = call.schema is not None and self._grammars is not None
        stops = () if held else call.sampling.stop
        found = [place for stop in stops if (place := text.find(stop)) >= 0]
        if found:
            text, finished = text[: min(found)], True
        return Reply(call.opening + text, prompt_tokens, len(answer.ids), finished)

    def text(self, ids: Sequence[int], after: Sequence[int] = ()) -> str:
        """What tokens of a reply say after others: on its own a token may lose its blank."""
        tokenizer = self._loaded.tokenizer
        before = str(tokenizer.decode(list(after), skip_special_tokens=True))
        whole = str(tokenizer.decode([*after, *ids], skip_special_tokens=True))
        return whole.removeprefix(before)


def _grammars(loaded: LoadedModel, structured: Structured, stops: Sequence[int]) -> Grammars | None:
    if structured == "off" or (structured == "auto" and not available()):
        return None
    try:
        return Grammars(loaded, stops)
    except ModelError:
        if structured == "auto":
            return None
        raise


def _decoding(call: Call) -> Decoding:
    sampling = call.sampling
    return Decoding(
        sampling.max_new_tokens,
        sampling.temperature,
        sampling.top_p,
        sampling.presence_penalty,
        call.seed,
    )


class _StopTexts:
    """Ends a row once it has written one of some texts."""

    def __init__(self, model: LocalModel, stops: Sequence[str]) -> None:
        self._model, self._stops = model, stops
        # A token is at least a byte, and what stands before the text may be part of a character.
        self._window = max(len(stop.encode()) for stop in stops) + 4

    def forbid(self, logits: torch.Tensor) -> None:
        """Nothing."""

    def ended(self, ids: Sequence[int]) -> bool:
        """Whether one of the texts is among the newest tokens."""
        tail = self._model.text(ids[-self._window :])
        return any(stop in tail for stop in self._stops)

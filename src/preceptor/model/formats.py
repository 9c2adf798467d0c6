"""Prompt formats: what stands around a prompt and its target, token for token.

| format | prompt                                              | target                       |
| ------ | --------------------------------------------------- | ---------------------------- |
| plain  | [BOS] prompt, blanks at its end cut                 | one blank, target, EOS       |
| flan   | [BOS] prompt EOS                                    | target EOS                   |
| alpaca | [BOS] preamble, ### Instruction:, ### Response:, \\n | target EOS                   |
| chat   | the tokenizer's template, up to the assistant       | target, the template's end   |
| auto   | chat where the tokenizer has a template, else alpaca                               |

FLAN (arXiv 2109.01652) closes inputs and targets with an EOS each, as its published code does.
Prompt and target are tokenised apart, so no token spans the seam and a prompt's ids do not depend
on what follows. BOS comes once, where the model wants one; a chat template brings its own.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from preceptor.errors import ModelError, RecipeError
from preceptor.model.tokenizer import (
    begin_token_ids,
    encode,
    encode_continuation,
    encode_markup,
    special_tokens,
    stop_token_id,
)

FORMATS = ("auto", "chat", "alpaca", "flan", "plain")

ALPACA = (
    "Below is an instruction that describes a task. "
    "Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{prompt}\n\n### Response:\n"
)

SLOT = "\ue000"
"""A private-use character: stands for the content when a template's frame is wanted."""


def resolve_format(tokenizer: PreTrainedTokenizerBase, format: str) -> str:
    """The format that is meant: ``auto`` decided, others checked.

    Raises:
        RecipeError: There is no such format.
        ModelError: ``chat`` is asked for and the tokenizer has no template.
    """
    if format not in FORMATS:
        raise RecipeError(f"there is no prompt format {format!r}; there are: {', '.join(FORMATS)}")
    templated = bool(tokenizer.chat_template)
    if format == "chat" and not templated:
        raise ModelError(
            "the prompt format is chat, but this model's tokenizer has no chat template: "
            "use alpaca, flan or plain, or a model tuned for chat"
        )
    if format == "auto":
        return "chat" if templated else "alpaca"
    return format


def encode_prompt(tokenizer: PreTrainedTokenizerBase, format: str, prompt: str) -> list[int]:
    """Token ids of a prompt, up to where the target begins.

    Raises:
        RecipeError, ModelError: As :func:`resolve_format`; or the chat template fails.
    """
    format = resolve_format(tokenizer, format)
    if format == "chat":
        return _chat_prompt(tokenizer, prompt)
    begin = begin_token_ids(tokenizer)
    if format == "alpaca":
        return begin + encode(tokenizer, ALPACA.format(prompt=prompt))
    if format == "flan":
        return [*begin, *encode(tokenizer, prompt), stop_token_id(tokenizer)]
    return begin + encode(tokenizer, prompt.rstrip())


def encode_target(
    tokenizer: PreTrainedTokenizerBase, format: str, target: str, stop: bool = True
) -> list[int]:
    """Token ids of a target, ending in the format's stop token unless ``stop`` is false.

    In the plain format the target's first token carries the separating blank, as inside a
    sentence; white space that the target begins with is cut in its favour. Elsewhere the target is
    taken verbatim.

    Raises:
        RecipeError, ModelError: As :func:`encode_prompt`.
    """
    format = resolve_format(tokenizer, format)
    text = " " + target.lstrip() if format == "plain" else target
    ids = encode_continuation(tokenizer, text)
    return [*ids, _stop(tokenizer, format)] if stop else ids


def stop_ids(tokenizer: PreTrainedTokenizerBase, format: str) -> tuple[int, ...]:
    """Tokens at which a generated answer ends: the format's stop token and the document's."""
    stop = _stop(tokenizer, resolve_format(tokenizer, format))
    return tuple(dict.fromkeys((stop, stop_token_id(tokenizer))))


def _stop(tokenizer: PreTrainedTokenizerBase, format: str) -> int:
    if format == "chat":
        return _end_of_turn(tokenizer, str(tokenizer.chat_template))
    return stop_token_id(tokenizer)


@lru_cache(maxsize=8)
def _end_of_turn(tokenizer: PreTrainedTokenizerBase, template: str) -> int:
    """The first special token that the template puts after an answer, else EOS."""
    turns = [{"role": "user", "content": "."}, {"role": "assistant", "content": SLOT}]
    after = _render(tokenizer, turns, answer_next=False).rpartition(SLOT)[2]
    special = set(special_tokens(tokenizer).values())
    ends = (token for token in encode_markup(tokenizer, after) if token in special)
    return next(ends, stop_token_id(tokenizer))


def chat_frame(tokenizer: PreTrainedTokenizerBase, prompt: str) -> str:
    """The text that the chat template makes of a prompt, up to where the answer begins.

    Raises:
        ModelError: The template fails.
    """
    return _render(tokenizer, [{"role": "user", "content": prompt}], answer_next=True)


def _chat_prompt(tokenizer: PreTrainedTokenizerBase, prompt: str) -> list[int]:
    text = chat_frame(tokenizer, prompt)
    names = special_tokens(tokenizer)
    if not any(name in prompt for name in names):
        return encode_markup(tokenizer, text)
    # The prompt speaks of special tokens: only the template's own may count as such.
    frame = chat_frame(tokenizer, SLOT)
    before, _, after = frame.partition(SLOT)
    content = text[len(before) : len(text) - len(after)]
    left = max((before.rfind(n) + len(n) for n in names if n in before), default=0)
    right = min((after.find(n) for n in names if n in after), default=len(after))
    return [
        *encode_markup(tokenizer, before[:left]),
        *encode(tokenizer, before[left:] + content + after[:right]),
        *encode_markup(tokenizer, after[right:]),
    ]


def encode_conversation(
    tokenizer: PreTrainedTokenizerBase, turns: Sequence[tuple[str, str]]
) -> list[int]:
    """Token ids of a conversation, up to where the assistant's next answer begins.

    A single user's turn is encoded as :func:`encode_prompt` does in the format ``auto``. A system
    turn goes before the user's where the template has no place for one (Gemma), and where there is
    no template.

    Args:
        turns: Role ('system', 'user' or 'assistant') and content of each.

    Raises:
        ModelError: The template fails, or there is none and the assistant has spoken.
    """
    if [role for role, _ in turns] == ["user"]:
        return encode_prompt(tokenizer, "auto", turns[0][1])
    if not tokenizer.chat_template:
        if any(role == "assistant" for role, _ in turns):
            raise ModelError(
                "the tokenizer has no chat template, so no conversation with an assistant's turns "
                "can be shown to this model: use a model tuned for chat"
            )
        return encode_prompt(tokenizer, "alpaca", "\n\n".join(content for _, content in turns))
    try:
        return _conversation(tokenizer, turns)
    except ModelError:
        if [role for role, _ in turns[:2]] != ["system", "user"]:
            raise
        first = ("user", f"{turns[0][1]}\n\n{turns[1][1]}")
        return _conversation(tokenizer, [first, *turns[2:]])


def _conversation(
    tokenizer: PreTrainedTokenizerBase, turns: Sequence[tuple[str, str]]
) -> list[int]:
    names = special_tokens(tokenizer)
    contents = "".join(content for _, content in turns)
    plain = [{"role": role, "content": content} for role, content in turns]
    if not any(name in contents for name in names):
        return encode_markup(tokenizer, _render(tokenizer, plain, answer_next=True))
    # Contents speak of special tokens: masked, so that only the template's own count as such.
    mark = next(c for c in map(chr, range(ord(SLOT), 0xF900)) if c not in contents)
    numbered = sorted(names, key=len, reverse=True)
    name_of = {f"{mark}{i}{mark}": name for i, name in enumerate(numbered)}
    mask_of = {name: mask for mask, name in name_of.items()}
    special = re.compile("(" + "|".join(map(re.escape, numbered)) + ")")
    masked = re.compile(f"{mark}\\d+{mark}")
    for turn in plain:
        turn["content"] = special.sub(lambda found: mask_of[found[0]], turn["content"])
    ids: list[int] = []
    for piece in special.split(_render(tokenizer, plain, answer_next=True)):
        if piece in names:
            ids.append(names[piece])
        elif piece:
            text = masked.sub(lambda found: name_of[found[0]], piece)
            ids += encode_continuation(tokenizer, text) if ids else encode(tokenizer, text)
    return ids


def _render(
    tokenizer: PreTrainedTokenizerBase, turns: list[dict[str, str]], answer_next: bool
) -> str:
    try:
        text = tokenizer.apply_chat_template(
            turns,
            tokenize=False,
            add_generation_prompt=answer_next,
            # Templates that open a thought before the answer (Qwen3) close it at once: the
            # prompt is then what the template writes before a finished answer.
            enable_thinking=False,
        )
    except TemplateError as error:
        raise ModelError(
            f"the tokenizer's chat template fails ({error}): use another prompt format"
        ) from error
    return str(text)

"""How many tokens a call takes, before a tokenizer that is not here has counted them."""

import json

from preceptor.teachers.calls import Call
from preceptor.teachers.config import Price

CHARACTERS_A_TOKEN = 4
"""Of English text, roughly, for byte-pair tokenizers."""
MARKS = 4
"""Tokens that begin and end a turn, about."""
MARKS_AT_MOST = 16


def dollars(prompt_tokens: float, reply_tokens: float, price: Price) -> float:
    """The cost of some tokens."""
    return (prompt_tokens * price.input + reply_tokens * price.output) / 1e6


def most_tokens(call: Call) -> tuple[int, int]:
    """Tokens of the prompt and of the reply at most.

    A byte-level tokenizer makes no more tokens than there are bytes; a schema may be shown to the
    model as text, spaced out.
    """
    prompt = sum(len(message.content.encode("utf-8", "replace")) for message in call.messages)
    prompt += MARKS_AT_MOST * (len(call.messages) + 1)
    if call.schema is not None:
        prompt += 2 * len(json.dumps(call.schema))
    return prompt, call.sampling.max_new_tokens


def expected_tokens(call: Call) -> int:
    """About how many tokens a call takes, with the longest reply: for pacing, not for money."""
    return expected_prompt_tokens(call) + call.sampling.max_new_tokens


def expected_prompt_tokens(call: Call) -> int:
    """About how many tokens a prompt has."""
    return sum(estimated_tokens(message.content) + MARKS for message in call.messages)


def estimated_tokens(text: str) -> int:
    """About how many tokens a text has."""
    return -(-len(text) // CHARACTERS_A_TOKEN)

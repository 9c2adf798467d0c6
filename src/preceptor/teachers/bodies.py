"""What the OpenAI API is sent and what it sends back, as JSON; no network.

Servers differ in which parameters they take. What is left out or changed for one is decided here,
from the parameter that a 400 names: only such as change no reply, or are only a wish. Sampling that
a model does not take is an error, because records would name a sampling that never was.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from preceptor.records import Reply
from preceptor.teachers.calls import Call
from preceptor.teachers.config import Price, TeacherConfig
from preceptor.teachers.retry import Fault
from preceptor.teachers.tokens import dollars, estimated_tokens, expected_prompt_tokens

Structured = Literal["schema", "json", "off"]
LOWER: Mapping[Structured, Structured] = {"schema": "json", "json": "off"}
NAMED = re.compile(
    r"response_format|json.?schema|json_object|structured.?output|grammar|guided", re.IGNORECASE
)
LENGTH = re.compile(r"max_completion_tokens")
SAMPLING = ("temperature", "top_p", "presence_penalty", "stop")
SETTING = {"stop": "teacher.stop: []"}
THOUGHT = re.compile(r"\s*<think>.*?</think>\s*", re.DOTALL)


@dataclass(slots=True)
class Dialect:
    """What a server takes; found out by its 400s and then kept."""

    structured: Structured
    """How replies are held to their schema."""
    length: str = "max_tokens"
    """Name of the length limit."""
    seed: bool = True
    """It takes a seed."""


def body_of(call: Call, config: TeacherConfig, dialect: Dialect) -> dict[str, Any]:
    """The JSON of a request. What stands at the API's default is left out."""
    sampling = call.sampling
    body: dict[str, Any] = {"model": config.model}
    if config.api == "chat":
        body["messages"] = [{"role": m.role, "content": m.content} for m in call.messages]
    else:
        body["prompt"] = "\n\n".join(m.content for m in call.messages)
    body["temperature"] = sampling.temperature
    if sampling.top_p != 1.0:
        body["top_p"] = sampling.top_p
    if sampling.presence_penalty:
        body["presence_penalty"] = sampling.presence_penalty
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    body[dialect.length] = sampling.max_new_tokens
    if dialect.seed:
        body["seed"] = call.seed
    form = response_format(call, dialect.structured) if config.api == "chat" else None
    if form is not None:
        body["response_format"] = form
    return body


def response_format(call: Call, structured: Structured) -> dict[str, Any] | None:
    """The form that a reply is held to; JSON mode only where the prompt speaks of JSON, without
    which servers refuse it."""
    if call.schema is None or structured == "off":
        return None
    if structured == "schema":
        return {
            "type": "json_schema",
            "json_schema": {"name": call.kind, "strict": True, "schema": dict(call.schema)},
        }
    if any("json" in message.content.lower() for message in call.messages):
        return {"type": "json_object"}
    return None


def adapt(
    dialect: Dialect, body: Mapping[str, Any], said: str, config: TeacherConfig
) -> str | None:
    """Change a dialect after a 400, and say what was changed; None where it is the prompt's fault.

    Args:
        dialect: Changed in place, unless another call's 400 did so already.
        body: What was sent.
        said: What the server answered.
        config: What the recipe asks for.

    Raises:
        Fault: The recipe asks for what the model does not take.
    """
    form = body.get("response_format")
    if form is not None and NAMED.search(said):
        was: Structured = "schema" if form["type"] == "json_schema" else "json"
        if config.structured != "auto":
            raise _unfit(f"structured: {config.structured}", "teacher.structured: auto", said)
        if dialect.structured == was:
            dialect.structured = LOWER[was]
        return f"replies are held to their form by: {dialect.structured}"
    if "max_tokens" in body and LENGTH.search(said):
        dialect.length = "max_completion_tokens"
        return "max_completion_tokens instead of max_tokens"
    for name in SAMPLING:
        if name in body and _blames(said, name):
            what = SETTING.get(name, f"teacher.{name} to a value that it takes")
            raise _unfit(f"{name} {body[name]}", what, said)
    if "seed" in body and _blames(said, "seed"):
        dialect.seed = False
        return "no seed is sent: the server takes none"
    return None


def _blames(said: str, name: str) -> bool:
    """A message is about a parameter: it names it in quotes, or first."""
    return re.search(rf"['\"`]{name}['\"`]|^{name}\b", said) is not None


def _unfit(what: str, instead: str, said: str) -> Fault:
    return Fault("http 400", f"the model does not take {what}: set {instead} ({said})", "teacher")


def reply_of(call: Call, found: object, price: Price, model: str) -> tuple[Reply, str]:
    """The reply in a response's JSON, and a note about it that may be empty.

    A refusal is a reply: it was paid for, and the filters know refusals. Reasoning is not part of
    the text.

    Raises:
        Fault: There is no reply in it, or it was withheld by a content filter.
    """
    choice = _first_choice(found)
    assert isinstance(found, dict)
    text = encodable(_text(choice))
    usage, note = _usage(found), ""
    if "{" not in text and call.schema is not None:
        note = "a reply to a call with a schema is no JSON"
    if usage is None:
        usage = (expected_prompt_tokens(call), estimated_tokens(text))
        note = "usage estimated"
    reason = choice.get("finish_reason")
    if reason == "content_filter":
        fault = Fault("filtered", "the reply was withheld by a content filter", "call")
        fault.tokens = usage
        raise fault
    if reason is None and not text:
        fault = Fault("malformed", "the reply is empty and has no reason to end")
        fault.tokens = usage
        raise fault
    named = found.get("model")
    named = encodable(named) if isinstance(named, str) else model
    reply = Reply(
        text,
        *usage,
        finished=reason != "length",
        cost=dollars(*usage, price),
        model=named if named != model else "",
    )
    return reply, note


def encodable(text: str) -> str:
    """A text that UTF-8 can write: JSON's escapes can name half of a surrogate pair, and a file or
    a database takes none. Each half becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _first_choice(found: object) -> dict[str, Any]:
    choices = found.get("choices") if isinstance(found, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(first, dict):
        raise Fault("malformed", "the response holds no choice", billed=True)
    return first


def _text(choice: Mapping[str, Any]) -> str:
    message = choice.get("message")
    if message is None:
        text = choice.get("text")
        if not isinstance(text, str):
            raise Fault("malformed", "the response's choice holds no text", billed=True)
        return text
    if not isinstance(message, dict):
        raise Fault("malformed", "the response's message is no object", billed=True)
    content = message.get("content")
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, dict))
        content = "".join(part for part in parts if isinstance(part, str))
    if content is not None and not isinstance(content, str):
        raise Fault("malformed", "the response's content is no text", billed=True)
    if not content:
        refusal = message.get("refusal")
        return refusal if isinstance(refusal, str) else ""
    return _without_thought(content)


def _without_thought(content: str) -> str:
    """Local servers leave a reasoning model's thought in its text."""
    if not content.lstrip().startswith("<think>"):
        return content
    if "</think>" not in content:
        return ""
    return THOUGHT.sub("", content, count=1)


def _usage(found: Mapping[str, Any]) -> tuple[int, int] | None:
    usage = found.get("usage")
    if not isinstance(usage, dict):
        return None
    prompt, written = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if not _is_count(prompt) or not _is_count(written):
        return None
    return int(prompt), int(written)  # type: ignore[arg-type]


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**40

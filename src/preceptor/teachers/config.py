"""Which model is asked, where it is, how it samples, how fast and for how much it may be asked."""

from typing import Any, Literal

from pydantic import Field, field_validator

from preceptor.config import Config
from preceptor.teachers.calls import Sampling

NUMBERS = "0123456789.)( \n\t"


class Price(Config):
    """In dollars for a million tokens."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)


class TeacherConfig(Config):
    """A model that is asked.

    Its sampling is that of tasks and answers; a protocol's other calls (Self-Instruct's
    classification and instances) keep the protocol's own.
    """

    model: str = "embedded:smollm2-135m"
    """In the process: hub id, folder, GGUF file or embedded:<name>. Behind an endpoint: the name
    that the endpoint knows it by (GPT-4 in BioInstruct)."""
    endpoint: str = ""
    """Base URL of an OpenAI-compatible server (``https://api.openai.com/v1``), or ``litellm`` for
    any provider that LiteLLM knows; empty for a model in the process."""
    api: Literal["chat", "completions"] = "chat"
    """What the endpoint is asked through; ``completions`` is for base models."""
    key: str = "OPENAI_API_KEY"
    """Name of the environment variable that holds the key; it is never written anywhere."""
    temperature: float | None = Field(default=None, ge=0)
    """0 is greedy; None takes the protocol's. Unknown in BioInstruct."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    """None takes the protocol's."""
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    """None takes the protocol's."""
    max_new_tokens: int | None = Field(default=None, ge=1)
    """Length of a reply; None takes the protocol's, and more where more tasks are asked for."""
    stop: tuple[str, ...] = ()
    """Texts that end a reply."""
    structured: Literal["auto", "schema", "json", "off"] = "auto"
    """How a reply is held to its JSON schema: by the schema, by JSON mode, not at all, or the
    first of these that the model takes."""
    batch: int = Field(default=16, ge=1)
    """Calls that a model in the process answers together."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of a model in the process."""
    concurrency: int = Field(default=64, ge=1)
    """Calls in flight at most; how many of them is found out (see ``pacing``)."""
    requests_per_minute: float | None = Field(default=None, gt=0)
    tokens_per_minute: float | None = Field(default=None, gt=0)
    timeout: float = Field(default=300.0, gt=0)
    """Seconds for a whole reply."""
    stall: float | None = Field(default=None, gt=0)
    """Seconds in which a connection may say nothing, before replies were seen to take longer. None:
    60 seconds and a tenth of a second for each token that a reply may have. ``timeout`` at
    most."""
    attempts: int = Field(default=6, ge=1)
    """How often one call is sent at most."""
    price: Price | None = None
    """Instead of the price table's."""

    @field_validator("stop")
    @classmethod
    def _no_numbers(cls, stop: tuple[str, ...]) -> tuple[str, ...]:
        for text in stop:
            if not text.strip(NUMBERS):
                raise ValueError(
                    f"the stop text {text!r} is a number: it would cut a reply at a dose or a "
                    "value; the length limit and the parser end a list"
                )
        return stop

    @property
    def local(self) -> bool:
        """It runs in this process."""
        return not self.endpoint

    @property
    def asks_json(self) -> bool:
        """It is asked for JSON: an endpoint unless it is told off; a model in the process, which is
        small and writes labelled fields better, only when it is told to."""
        if self.structured == "auto":
            return not self.local
        return self.structured != "off"

    def sampling(self, default: Sampling) -> Sampling:
        """How it samples, where the protocol's own is the default."""

        def chosen(name: str) -> Any:
            value = getattr(self, name)
            return getattr(default, name) if value is None else value

        return Sampling(
            temperature=chosen("temperature"),
            top_p=chosen("top_p"),
            presence_penalty=chosen("presence_penalty"),
            max_new_tokens=chosen("max_new_tokens"),
            stop=self.stop or default.stop,
        )


class BudgetConfig(Config):
    """What a run may spend at most, over all its attempts; None is without limit."""

    dollars: float | None = Field(default=None, gt=0)
    tokens: int | None = Field(default=None, ge=1)
    """Of prompts and replies together."""
    calls: int | None = Field(default=None, ge=1)
    hours: float | None = Field(default=None, gt=0)
    """Of one command, from its start."""

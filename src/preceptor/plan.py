"""What a recipe would cost before it starts, from its own tokens and this machine's speed.

Tokens are counted on the rendered prompts with the model's tokenizer. Time is floating-point
operations over the machine's measured matrix-product rate: 2 N a token scored, 4 N a token trained
with a frozen base, N the parameters of the decoder without its embeddings and head (whose products
are taken at targets only). It is an estimate, within a factor of two.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NoReturn

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from preceptor.evaluation.items import evaluation_items
from preceptor.inputs import Inputs, check
from preceptor.mixture.stage import Needs, prepare_mixture
from preceptor.mixture.tables import Line
from preceptor.model.batch import BatchEncoder
from preceptor.model.formats import encode_conversation, encode_prompt, encode_target
from preceptor.model.loading import choose_device, choose_dtype, fingerprint, resolve
from preceptor.model.quiet import quiet
from preceptor.recipe import Recipe, label
from preceptor.synthesis.estimate import SynthesisEstimate, estimate_synthesis, estimated_tokens
from preceptor.synthesis.models import synthesis_models
from preceptor.synthesising import LEDGER
from preceptor.tasks.catalogue import select
from preceptor.teachers.calls import Message
from preceptor.teachers.config import TeacherConfig

EFFICIENCY = 0.6
"""Share of the matrix-product rate that passes reach; so set, the demo's plan is what it took."""
COUNTED = 5_000
"""Examples of a mixture whose tokens are all counted; those of a larger one are estimated."""
WRITING = 3.0
"""A token written costs so many tokens read: weights are fetched anew for each step."""


@dataclass(frozen=True, slots=True)
class EstimateLine:
    """One stage."""

    stage: str
    what: str
    tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """All stages."""

    lines: tuple[EstimateLine, ...]
    memory_bytes: int
    """Weights, and activations of the largest pass."""
    basis: str
    """Of the time; empty where nothing runs in the process."""
    mixture: tuple[Line, ...] = ()
    """The mixture's table before it is drawn, as if no instruction were written."""
    instructions: int = 0
    """Examples that will be instructions once they are written, in place of some of these."""
    synthesis: SynthesisEstimate | None = None
    """Calls, tokens and dollars with their spread; None without a synthesis."""

    @property
    def seconds(self) -> float:
        """Of all stages together."""
        return sum(line.seconds for line in self.lines)

    def to_json(self) -> dict[str, Any]:
        """As JSON writes it."""
        return {**asdict(self), "seconds": self.seconds}


def estimate(recipe: Recipe) -> Estimate:
    """Count a recipe's tokens and turn them into time; nothing is written and no model loaded.

    Raises:
        InputError: As for ``inputs.check``; or the model is missing.
    """
    inputs = check(recipe)
    machine = _Machine()
    lines: list[EstimateLine] = []
    synthesis = None
    if recipe.synthesis is not None:
        synthesis, line = _synthesis(recipe, inputs, machine)
        lines += [line] if line else []
    if not recipe.tunes:
        return Estimate(tuple(lines), machine.memory, machine.basis, synthesis=synthesis)
    body = machine.body(recipe.model)
    rate = machine.rate(recipe.tuning.dtype)
    tokenizer = _tokenizer(recipe.model)
    once, table = _training_tokens(recipe, inputs, tokenizer)
    trained = once * recipe.tuning.epochs
    what = f"{recipe.mixture.examples} examples"
    lines.append(EstimateLine("tuning", what, trained, 4 * body * trained / rate))
    items, read, written = _evaluation_tokens(recipe, inputs, tokenizer)
    seconds = 2 * body * (read + WRITING * written) / rate
    for name in ("base", "tuned"):
        lines.append(EstimateLine(f"scores of {name}", f"{items} items", read + written, seconds))
    machine.hold(recipe.model, recipe.tuning.pass_tokens, recipe.tuning.dtype)
    later = round(recipe.mixture.instructions * recipe.mixture.examples)
    return Estimate(
        tuple(lines), machine.memory, machine.basis, tuple(table), later, synthesis=synthesis
    )


class _Machine:
    """This machine's rate, measured when it is first needed, and the sizes of models."""

    def __init__(self) -> None:
        self.memory, self.basis = 0, ""
        self._rates: dict[str, float] = {}
        self._sizes: dict[str, tuple[int, int, Any]] = {}

    def rate(self, dtype: str) -> float:
        """Floating-point operations a second that passes reach."""
        if dtype not in self._rates:
            measured = matrix_product_rate(choose_dtype(dtype, choose_device("auto")))
            self._rates[dtype] = measured * EFFICIENCY
            self.basis = f"{measured / 1e9:.0f} GFLOP/s measured, {EFFICIENCY:.0%} of it reached"
        return self._rates[dtype]

    def body(self, model: str) -> int:
        """Parameters of a model's decoder without its embeddings."""
        return self._size(model)[1]

    def hold(self, model: str, tokens: int, dtype: str) -> None:
        """Count the weights of a model, and some 34 values a token, hidden unit and layer, kept
        for the backward pass."""
        parameters, _, config = self._size(model)
        held = 34 * config.hidden_size * config.num_hidden_layers * tokens
        size = choose_dtype(dtype, choose_device("auto")).itemsize
        self.memory = max(self.memory, (parameters + held) * size)

    def _size(self, model: str) -> tuple[int, int, Any]:
        if model not in self._sizes:
            with quiet():
                config = AutoConfig.from_pretrained(resolve(model), local_files_only=True)
                with torch.device("meta"):
                    made = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
            body = sum(p.numel() for p in made.get_decoder().parameters())
            body -= made.get_input_embeddings().weight.numel()
            parameters = sum(p.numel() for p in made.parameters())
            self._sizes[model] = (parameters, body, config.get_text_config())
        return self._sizes[model]


def _tokenizer(model: str) -> Any:
    with quiet():
        return AutoTokenizer.from_pretrained(resolve(model), local_files_only=True)


def _synthesis(
    recipe: Recipe, inputs: Inputs, machine: _Machine
) -> tuple[SynthesisEstimate, EstimateLine | None]:
    """Calls, tokens and dollars; and time, where the teacher is in the process."""
    config = recipe.synthesis
    assert config is not None
    teacher = config.teacher
    count, model = estimated_tokens, ""
    if teacher.local:
        tokenizer = _tokenizer(teacher.model)

        def count(messages: Sequence[Message]) -> int:
            turns = [(message.role, message.content) for message in messages]
            return len(encode_conversation(tokenizer, turns))

    names = synthesis_models(config, lambda name: fingerprint(resolve(name)), label, _kind, _never)
    model = names.names["teacher"]
    found = estimate_synthesis(
        *(config, inputs.seeds, inputs.passages, recipe.seed, count),
        ledger=recipe.folder / LEDGER,
        model=model,
    )
    if not teacher.local:
        return found, None
    read, written = found.prompt_tokens.likely, found.reply_tokens.likely
    rate = machine.rate(teacher.dtype)
    seconds = 2 * machine.body(teacher.model) * (read + WRITING * written) / rate
    machine.hold(teacher.model, 0, teacher.dtype)
    what = f"{found.calls.likely:,.0f} calls"
    return found, EstimateLine("synthesis", what, round(read + written), seconds)


def _kind(dtype: str) -> str:
    return str(choose_dtype(dtype, choose_device("auto"))).removeprefix("torch.")


def _never(teacher: TeacherConfig) -> NoReturn:
    raise AssertionError("a plan asks no model")


def matrix_product_rate(dtype: torch.dtype, size: int = 1024) -> float:
    """Floating-point operations a second of a square matrix product, a median."""
    device = choose_device("auto")
    a = torch.ones(size, size, dtype=dtype, device=device)
    seconds = []
    for _ in range(16):
        started = time.perf_counter()
        float((a @ a)[0, 0])
        seconds.append(time.perf_counter() - started)
    return float(2 * size**3 / sorted(seconds[1:])[7])


def _training_tokens(recipe: Recipe, inputs: Inputs, tokenizer: Any) -> tuple[int, list[Line]]:
    """Of the mixture's examples, and its table before it is drawn: counted on all of them where
    they are few, else by a sample of each task.

    Instructions that are not written yet are counted as examples of the tasks.
    """
    named = select(inputs.tasks, recipe.mixture.tasks)
    encoder = BatchEncoder(tokenizer, recipe.prompt_format)
    needs = Needs(inputs.data_root, encoder)
    mixture, lines, _ = prepare_mixture(recipe.mixture, named, inputs.tasks, [], needs, recipe.seed)
    if len(mixture) > COUNTED:
        return round(sum(line.expected_tokens * line.examples for line in lines)), lines
    pairs = encoder.pairs([(one.prompt, one.target) for one in mixture])
    return sum(len(prompt) + len(target) for prompt, target in pairs), lines


def _evaluation_tokens(recipe: Recipe, inputs: Inputs, tokenizer: Any) -> tuple[int, int, int]:
    """Items, tokens read (each prompt once) and tokens written at most."""
    style = recipe.prompt_format
    items = evaluation_items(
        recipe.evaluation, inputs.evaluated, inputs.data_root, recipe.seed
    ).examples
    limits = {task.name: task.max_new_tokens for task in inputs.evaluated}

    def length(text: str, options: Sequence[str]) -> int:
        answers = (encode_target(tokenizer, style, option, stop=False) for option in options)
        return len(encode_prompt(tokenizer, style, text)) + sum(map(len, answers))

    read = sum(length(item.prompt, item.options) for item in items)
    return len(items), read, sum(limits[item.task] for item in items if not item.options)

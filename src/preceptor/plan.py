"""What a recipe would cost before it starts, from its own tokens and this machine's speed.

Tokens are counted on the rendered prompts with the model's tokenizer. Time is floating-point
operations over the machine's measured matrix-product rate: 2 N a token scored, 4 N a token trained
with a frozen base, N the parameters of the decoder without its embeddings and head (whose products
are taken at targets only). It is an estimate, within a factor of two.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from preceptor.evaluation.items import evaluation_items
from preceptor.inputs import Inputs, check
from preceptor.mixture.stage import Needs, prepare_mixture
from preceptor.mixture.tables import Line
from preceptor.model.batch import BatchEncoder
from preceptor.model.formats import encode_prompt, encode_target
from preceptor.model.loading import choose_device, choose_dtype, resolve
from preceptor.model.quiet import quiet
from preceptor.recipe import Recipe
from preceptor.tasks.catalogue import select

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
    mixture: tuple[Line, ...] = ()
    """The mixture's table before it is drawn, as if no instruction were written."""
    instructions: int = 0
    """Examples that will be instructions once they are written, in place of some of these."""

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
    path = resolve(recipe.model)
    with quiet():
        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
        config = AutoConfig.from_pretrained(path, local_files_only=True)
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
    parameters = sum(p.numel() for p in model.parameters())
    body = sum(p.numel() for p in model.get_decoder().parameters())
    body -= model.get_input_embeddings().weight.numel()
    dtype = choose_dtype(recipe.tuning.dtype, choose_device("auto"))
    rate = matrix_product_rate(dtype) * EFFICIENCY
    lines: list[EstimateLine] = []
    if recipe.synthesis is not None:
        tokens = _synthesis_tokens(recipe, inputs, tokenizer)
        written = recipe.synthesis.requests * recipe.synthesis.teacher.max_new_tokens
        what = f"{recipe.synthesis.requests} calls"
        cost = 2 * body * (tokens + WRITING * written) / rate
        lines.append(EstimateLine("synthesis", what, tokens + written, cost))
    once, table = _training_tokens(recipe, inputs, tokenizer)
    trained = once * recipe.tuning.epochs
    seconds = 4 * body * trained / rate
    lines.append(EstimateLine("tuning", f"{recipe.mixture.examples} examples", trained, seconds))
    items, read, written = _evaluation_tokens(recipe, inputs, tokenizer)
    seconds = 2 * body * (read + WRITING * written) / rate
    for name in ("base", "tuned"):
        lines.append(EstimateLine(f"scores of {name}", f"{items} items", read + written, seconds))
    text = config.get_text_config()
    # Kept for the backward pass: some 34 values a token and hidden unit and layer.
    held = 34 * text.hidden_size * text.num_hidden_layers * recipe.tuning.pass_tokens
    memory = (parameters + held) * dtype.itemsize
    basis = f"{rate / EFFICIENCY / 1e9:.0f} GFLOP/s measured, {EFFICIENCY:.0%} of it reached"
    later = round(recipe.mixture.instructions * recipe.mixture.examples)
    return Estimate(tuple(lines), memory, basis, tuple(table), later)


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


def _synthesis_tokens(recipe: Recipe, inputs: Inputs, tokenizer: Any) -> int:
    from preceptor.synthesis.prompts import draw_demonstrations, load_template, render

    config = recipe.synthesis
    assert config is not None
    template = load_template(config.protocol)
    prompts = (
        render(
            template,
            draw_demonstrations(inputs.seeds, config.demonstrations, recipe.seed, index),
            config.tasks_per_request,
        )
        for index in range(config.requests)
    )
    return sum(len(encode_prompt(tokenizer, "auto", prompt)) for prompt in prompts)


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

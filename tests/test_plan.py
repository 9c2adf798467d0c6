"""A plan counts what a run then does."""

from pathlib import Path

import pytest

from preceptor import plan
from preceptor.artifact import Work
from preceptor.cli.main import recipes_folder
from preceptor.errors import ModelError, RecipeError
from preceptor.evaluation.items import evaluation_items
from preceptor.evaluation.options import encode_question
from preceptor.evaluation.stage import evaluate
from preceptor.inputs import check
from preceptor.mixture.stage import Needs, mix, read_examples
from preceptor.model import loading
from preceptor.model.formats import encode_prompt
from preceptor.plan import Estimate, EstimateLine, estimate
from preceptor.recipe import Recipe, read_recipe
from preceptor.synthesis.estimate import KEPT, TASK_TOKENS
from preceptor.synthesis.stage import Sources, synthesise
from preceptor.tasks.catalogue import select
from preceptor.tuning.preflight import encode
from tests.synthesis.scripted import ScriptedModel, models
from tests.tiny import make_tiny_model

ROWS, TEMPLATES = 2, 3


@pytest.fixture(scope="module")
def roomy_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model into whose context every item of the demo fits."""
    return make_tiny_model(tmp_path_factory.mktemp("roomy"), context=4096)


@pytest.fixture(autouse=True)
def known_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of 1 GFLOP/s, so that seconds follow from tokens."""
    monkeypatch.setattr(plan, "matrix_product_rate", lambda dtype: 1e9)


def demo(model: Path, **changes: object) -> Recipe:
    given = {
        "model": str(model),
        "synthesis.teacher.model": str(model),
        "tuning.dtype": "float32",
        "evaluation.rows": ROWS,
        "evaluation.templates": TEMPLATES,
        **changes,
    }
    return read_recipe(recipes_folder() / "demo.yaml", given)


@pytest.fixture(scope="module")
def recipe(roomy_model: Path) -> Recipe:
    return demo(roomy_model)


def lines(found: Estimate) -> dict[str, EstimateLine]:
    return {line.stage: line for line in found.lines}


def items_of(line: EstimateLine) -> int:
    number, _ = line.what.split()
    return int(number)


def test_the_items_planned_are_the_items_scored(recipe: Recipe, tmp_path: Path) -> None:
    found = lines(estimate(recipe))
    assert list(found) == ["synthesis", "tuning", "scores of base", "scores of tuned"]
    inputs = check(recipe)
    items = evaluation_items(recipe.evaluation, inputs.evaluated, None, recipe.seed)
    loaded = loading.load(recipe.model, "float32", "cpu")
    counts = evaluate(
        recipe.evaluation,
        loaded,
        "base",
        recipe.prompt_format,
        inputs.evaluated,
        items,
        Work(tmp_path),
    )
    assert counts["left_out_too_long"] == {}
    assert counts["items"] == len(inputs.evaluated) * ROWS * TEMPLATES
    for stage in ("scores of base", "scores of tuned"):
        assert items_of(found[stage]) == counts["items"]
    read = written = 0
    limits = {task.name: task.max_new_tokens for task in inputs.evaluated}
    for example in items.examples:
        question = encode_question(loaded, recipe.prompt_format, example)
        read += len(question.prompt) + sum(map(len, question.options))
        written += 0 if example.options else limits[example.task]
    assert found["scores of base"].tokens == read + written
    assert 0 < written < read
    body = sum(p.numel() for p in loaded.model.get_decoder().parameters())
    body -= loaded.model.get_input_embeddings().weight.numel()
    cost = 2 * body * (read + plan.WRITING * written) / (1e9 * plan.EFFICIENCY)
    assert found["scores of base"].seconds == pytest.approx(cost)


def test_the_tokens_planned_for_training_are_the_tokens_of_the_mixture(
    roomy_model: Path, tmp_path: Path
) -> None:
    """Exact where no instruction is mixed in: those do not exist yet."""
    recipe = demo(
        roomy_model, **{"mixture.instructions": 0, "tuning.epochs": 3, "tuning.max_length": 4096}
    )
    found = lines(estimate(recipe))["tuning"]
    inputs = check(recipe)
    work = Work(tmp_path)
    named = select(inputs.tasks, recipe.mixture.tasks)
    mix(recipe.mixture, named, inputs.tasks, [], Needs(), recipe.seed, work)
    examples = read_examples(work.files / "examples.parquet")
    tokenizer = loading.load(recipe.model, "float32", "cpu").tokenizer
    kept = encode(examples, tokenizer, recipe.prompt_format, 4096).kept
    assert len(kept) == recipe.mixture.examples
    assert found.what == f"{recipe.mixture.examples} examples"
    assert found.tokens == 3 * sum(one.length for one in kept)


def test_the_tokens_planned_for_the_teacher_are_those_of_its_prompts(
    recipe: Recipe, tmp_path: Path
) -> None:
    found = lines(estimate(recipe))["synthesis"]
    config = recipe.synthesis
    assert config is not None
    tokenizer = loading.load(recipe.model, "float32", "cpu").tokenizer
    model = ScriptedModel()
    ledger, sources = tmp_path / "ledger.sqlite", Sources(check(recipe).seeds)
    synthesise(config, sources, models(model), ledger, Work(tmp_path / "w"), recipe.seed)
    prompts = [call.messages[0].content for batch in model.batches for call in batch]
    assert found.what == f"{len(prompts)} calls" == f"{config.requests} calls"
    read = sum(len(encode_prompt(tokenizer, "auto", prompt)) for prompt in prompts)
    assert found.tokens == read + len(prompts) * TASK_TOKENS[1]


def test_a_synthesis_behind_an_endpoint_is_planned_in_dollars(tmp_path: Path) -> None:
    path = recipes_folder() / "bioinstruct" / "synthesize.yaml"
    found = estimate(read_recipe(path, {"output": str(tmp_path / "out")}))
    assert found.lines == ()
    assert found.synthesis is not None
    assert found.synthesis.dollars is not None
    low, likely, high = (
        getattr(found.synthesis.dollars, name) for name in ("low", "likely", "high")
    )
    assert 10 < low < likely < high
    asked = found.synthesis.requests
    assert asked.low * 10 * KEPT[2] >= 25_005 > (asked.low - 1) * 10 * KEPT[2]
    assert not (tmp_path / "out").exists()


def test_a_stage_that_is_not_run_is_not_planned(roomy_model: Path) -> None:
    recipe = demo(roomy_model, **{"mixture.instructions": 0})
    recipe = recipe.model_copy(update={"synthesis": None})
    assert list(lines(estimate(recipe))) == ["tuning", "scores of base", "scores of tuned"]


def test_a_plan_adds_up_and_writes_nothing(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = estimate(recipe)
    assert found.seconds == pytest.approx(sum(line.seconds for line in found.lines))
    assert found.memory_bytes > 4 * 30_000
    written = found.to_json()
    assert written["seconds"] == found.seconds
    assert [line["stage"] for line in written["lines"]] == list(lines(found))
    assert "1 GFLOP/s measured" in found.basis
    assert not list(tmp_path.iterdir())


def test_a_recipe_that_could_not_run_is_not_planned(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no model 'nowhere'"):
        estimate(recipe.model_copy(update={"model": "nowhere"}))
    with pytest.raises(RecipeError, match=r"mixture\.instructions"):
        estimate(recipe.model_copy(update={"synthesis": None}))

"""A recipe's stages in their order: what is done is skipped, what was cut goes on.

    synthesis ─┐
               ├─ mixture ─ tuning ─ scores of base and tuned ─ report
    data sets ─┘

Everything that can be wrong with a recipe's inputs is looked at before the first stage starts.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preceptor import progress
from preceptor.artifact import (
    Artifact,
    Work,
    claimed,
    content_key,
    digest,
    produce,
    read_json,
)
from preceptor.errors import RecipeError
from preceptor.evaluation.items import evaluation_items
from preceptor.inputs import Inputs, check
from preceptor.recipe import Recipe, label, recorded
from preceptor.records import Instruction
from preceptor.synthesis.models import Models, synthesis_models
from preceptor.synthesising import (
    LEDGER,
    benchmarks_of,
    evaluated_texts,
    sources_of,
    synthesis_inputs,
    synthesis_settings,
)
from preceptor.tasks.catalogue import select
from preceptor.teachers.config import TeacherConfig
from preceptor.teachers.open import check_teacher

if TYPE_CHECKING:  # torch and transformers take seconds to import: only stages that work need them
    from transformers import PreTrainedTokenizerBase

    from preceptor.decontamination.index import Index
    from preceptor.model.loading import LoadedModel
    from preceptor.synthesis.stage import Preview
    from preceptor.teachers.calls import BatchModel

Tell = Callable[[str, Artifact], None]
STAGES = ("synthesize", "mix", "tune", "evaluate", "report")
BASE, TUNED = "base", "tuned"
CERTIFICATE = "certificate.json"


@dataclass(slots=True)
class Outcome:
    """The artifacts of a run, by stage; those of stages that were not reached are missing."""

    inputs: Inputs
    artifacts: dict[str, Artifact]

    @property
    def report(self) -> Path | None:
        """The page to open."""
        made = self.artifacts.get("report")
        return made.file("report.html") if made else None


def run(recipe: Recipe, until: str | None = None, tell: Tell | None = None) -> Outcome:
    """Run a recipe's stages up to one of ``STAGES``.

    Args:
        until: None runs every stage that the recipe names.
        tell: Called with each artifact's name and itself as soon as it is there.

    Raises:
        InputError: Something that the recipe names is missing or wrong; nothing was changed.
        StageError: A stage failed; those before it are done and stay.
    """
    last = until or ("report" if recipe.tunes else "synthesize")
    if last != "synthesize" and not recipe.tunes:
        raise RecipeError(
            f"the recipe {recipe.name!r} ends with its synthesis: it names no mixture and no "
            "evaluation; add them, or run 'preceptor synthesize'"
        )
    with progress.bar("check inputs", 2) as bar:
        inputs = check(recipe)
        bar.advance(note="tasks, rows and seeds")
        runner = _Runner(inputs, tell)
        runner.check_models()
        bar.advance(note="models")
    with claimed(recipe.folder, recipe.name):
        for stage in STAGES[: STAGES.index(last) + 1]:
            getattr(runner, stage)()
    return Outcome(inputs, runner.made)


def preview_synthesis(recipe: Recipe, count: int) -> "Preview":
    """Make a few instructions as the recipe's run would, and stop; replies are in its ledger.

    Raises:
        RecipeError: The recipe has no synthesis.
        InputError: As for ``run``.
    """
    from preceptor.synthesis.stage import preview

    if recipe.synthesis is None:
        raise RecipeError(f"the recipe {recipe.name!r} has no synthesis to preview; add it")
    runner = _Runner(check(recipe), None)
    runner.check_models()
    with claimed(recipe.folder, recipe.name):
        models, sources = runner.synthesis_models(), sources_of(runner.inputs)
        ledger = recipe.folder / LEDGER
        return preview(recipe.synthesis, sources, models, ledger, recipe.seed, count)


def trained_on(mixture: Artifact) -> dict[str, Any]:
    """What was kept out of a mixture, as the manifests of all that follows from it say it."""
    found: dict[str, Any] = {"mixture": mixture.digest, "held_out": mixture.counts["held_out"]}
    if CERTIFICATE in mixture.manifest["files"]:
        found["certificate"] = read_json(mixture.file(CERTIFICATE))
    return found


class _Runner:
    def __init__(self, inputs: Inputs, tell: Tell | None) -> None:
        self.inputs, self.recipe, self.tell = inputs, inputs.recipe, tell
        self.root = inputs.recipe.folder
        self.made: dict[str, Artifact] = {}
        self._loaded: dict[tuple[str, str], LoadedModel] = {}
        self._prints: dict[str, str] = {}

    def check_models(self) -> None:
        """Find every model before any work starts."""
        if self.recipe.tunes:
            self.fingerprint(self.recipe.model)
        if self.recipe.synthesis is not None:
            for teacher in self.recipe.synthesis.teachers().values():
                check_teacher(teacher, self.recipe.synthesis.budget)
                if teacher.local:
                    self.fingerprint(teacher.model)

    def fingerprint(self, name: str) -> str:
        """SHA-256 of a model's files."""
        from preceptor.model import loading

        if name not in self._prints:
            self._prints[name] = loading.fingerprint(loading.resolve(name))
        return self._prints[name]

    def load(self, name: str, dtype: str) -> "LoadedModel":
        """A model, loaded once for all stages that use it in the same type."""
        from preceptor.model import loading

        kind = self.kind(dtype)
        if (name, kind) not in self._loaded:
            with progress.bar("load model", 1) as bar:
                self._loaded[name, kind] = replace(loading.load(name, dtype), name=label(name))
                bar.advance(note=name)
        return self._loaded[name, kind]

    def kind(self, dtype: str) -> str:
        """The type that a setting means on this machine: it is part of what decides a result."""
        from preceptor.model import loading

        chosen = loading.choose_dtype(dtype, loading.choose_device("auto"))
        return str(chosen).removeprefix("torch.")

    def produce(
        self,
        stage: str,
        config: Mapping[str, Any],
        inputs: Mapping[str, str],
        build: Callable[[Work], Mapping[str, Any]],
    ) -> Artifact:
        """A stage's artifact, remembered under the stage's name."""
        self.made[stage] = produce(self.root, stage, config, inputs, build)
        if self.tell is not None:
            self.tell(stage, self.made[stage])
        return self.made[stage]

    def synthesize(self) -> None:
        """Seeds to instructions."""
        config = self.recipe.synthesis
        if config is None:
            return

        models = self.synthesis_models()
        settings = synthesis_settings(self.recipe, models)
        found = synthesis_inputs(self.inputs, self.fingerprint)
        course = content_key("synthesis", settings, found)

        def build(work: Work) -> Mapping[str, Any]:
            from preceptor.synthesis.stage import synthesise

            ledger, seed, sources = self.root / LEDGER, self.recipe.seed, sources_of(self.inputs)
            return synthesise(config, sources, models, ledger, work, seed, course)

        self.produce("synthesis", settings, found, build)

    def synthesis_models(self) -> Models:
        """What the synthesis asks."""
        assert self.recipe.synthesis is not None
        return synthesis_models(
            self.recipe.synthesis, self.fingerprint, label, self.kind, self.open_here
        )

    def open_here(self, teacher: TeacherConfig) -> "BatchModel":
        """A teacher in the process."""
        from preceptor.teachers.local import LocalModel

        return LocalModel(self.load(teacher.model, teacher.dtype), teacher.structured)

    def evaluated(self) -> "Index":
        """The index of everything that the recipe measures on."""
        tasks = self.inputs.evaluated
        return evaluated_texts(self.inputs, tasks, benchmarks_of(self.inputs, tasks))

    def instructions(self) -> list[Instruction]:
        """What the synthesis kept; none without one."""
        from preceptor.synthesis.tables import read_instructions

        made = self.made.get("synthesis")
        return read_instructions(made.file("instructions.parquet")) if made else []

    def mix(self) -> None:
        """Data sets and instructions to examples."""
        config, inputs = self.recipe.mixture, self.inputs

        def build(work: Work) -> Mapping[str, Any]:
            from preceptor.mixture.stage import Needs, mix
            from preceptor.model.batch import BatchEncoder

            encoder = BatchEncoder(self.tokenizer(), self.recipe.prompt_format)
            needs = Needs(
                inputs.data_root,
                encoder,
                self.recipe.tuning.max_length,
                index=self.evaluated() if config.decontaminate else None,
            )
            return mix(
                config,
                select(inputs.tasks, config.tasks),
                inputs.tasks,
                self.instructions(),
                needs,
                self.recipe.seed,
                work,
            )

        found = inputs.digests(inputs.training, config.split)
        found["left_out"] = digest(dict(inputs.left_out))
        if "synthesis" in self.made:
            found["synthesis"] = self.made["synthesis"].digest
        found["base"] = self.fingerprint(self.recipe.model)
        if config.decontaminate:
            evaluated = inputs.digests(inputs.evaluated, self.recipe.evaluation.split)
            found |= {f"evaluated {name}": digest for name, digest in evaluated.items()}
        settings = {
            **config.model_dump(mode="json"),
            "seed": self.recipe.seed,
            "prompt_format": self.recipe.prompt_format,
            "max_length": self.recipe.tuning.max_length,
        }
        self.produce("mixture", settings, found, build)

    def tokenizer(self) -> "PreTrainedTokenizerBase":
        """The base's."""
        from preceptor.model import loading

        return loading.load_tokenizer(self.recipe.model)

    def tune(self) -> None:
        """A mixture and a base to an adapter."""
        config, mixture = self.recipe.tuning, self.made["mixture"]

        def build(work: Work) -> Mapping[str, Any]:
            from preceptor.mixture.stage import TOKENS, read_examples
            from preceptor.mixture.tokens import read_tokens
            from preceptor.model import lora
            from preceptor.tuning.stage import tune

            examples = read_examples(mixture.file("examples.parquet"))
            loaded = self.load(self.recipe.model, config.dtype)
            try:
                counts = tune(
                    config,
                    loaded,
                    self.recipe.prompt_format,
                    examples,
                    self.recipe.seed,
                    work,
                    read_tokens(mixture.path / TOKENS),
                )
                return {**counts, "trained_on": trained_on(mixture)}
            finally:
                lora.detach(loaded.model)

        self.produce(
            "adapter",
            {
                **config.model_dump(mode="json", exclude={"checkpoint_every"}),
                "dtype": self.kind(config.dtype),
                "seed": self.recipe.seed,
                "model": label(self.recipe.model),
                "prompt_format": self.recipe.prompt_format,
            },
            {"mixture": mixture.digest, "base": self.fingerprint(self.recipe.model)},
            build,
        )

    def evaluate(self) -> None:
        """Base and tuned on the same items, one artifact each: the base's outlives the adapter."""
        self._scores(BASE, {})
        self._scores(TUNED, {"adapter": self.made["adapter"].digest})

    def _scores(self, model: str, inputs: Mapping[str, str]) -> None:
        config = self.recipe.evaluation
        asked = config.model_dump(mode="json", exclude={"resamples", "level"})

        def build(work: Work) -> Mapping[str, Any]:
            from preceptor.evaluation.stage import evaluate

            items = evaluation_items(
                config, self.inputs.evaluated, self.inputs.data_root, self.recipe.seed
            )
            loaded = self.load(self.recipe.model, config.dtype)
            with self._adapted(loaded, model):
                counts = evaluate(
                    config,
                    loaded,
                    model,
                    self.recipe.prompt_format,
                    self.inputs.evaluated,
                    items,
                    work,
                )
                if model == TUNED:
                    counts["trained_on"] = self.made["adapter"].counts["trained_on"]
                return counts

        self.produce(
            f"scores-{model}",
            {
                **asked,
                "dtype": self.kind(config.dtype),
                "seed": self.recipe.seed,
                "model": model,
                "prompt_format": self.recipe.prompt_format,
            },
            {
                **self.inputs.digests(self.inputs.evaluated, config.split),
                "base": self.fingerprint(self.recipe.model),
                **inputs,
            },
            build,
        )

    @contextmanager
    def _adapted(self, loaded: "LoadedModel", model: str) -> Iterator[None]:
        from preceptor.model import lora

        if model == TUNED:
            lora.load(self.made["adapter"].file("adapter"), loaded.model)
        try:
            yield
        finally:
            lora.detach(loaded.model)

    def report(self) -> None:
        """All of it to one page, with the numbers beside it as JSON."""
        from preceptor.report.collect import write_report

        def build(work: Work) -> Mapping[str, Any]:
            return write_report(self.recipe, self.inputs.tasks, self.made, work)

        before = {name: artifact.digest for name, artifact in self.made.items()}
        self.produce("report", recorded(self.recipe), before, build)

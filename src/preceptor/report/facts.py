"""What the report is made of: plain data, gathered by whoever has the artifacts of a run.

Every value between 0 and 1 that is a score stays one here; the page shows points out of 100.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from preceptor.statistics.intervals import Interval, Spread
from preceptor.statistics.paired import Paired

HELD_OUT = "held-out cluster"
BIOMEDICAL = "biomedical"


@dataclass(frozen=True, slots=True)
class StageFacts:
    """A link of the provenance chain: one artifact."""

    name: str
    folder: str
    """Name of the artifact's folder, not its path."""
    key: str
    inputs: Mapping[str, str]
    """Name of each input to its digest."""
    counts: Mapping[str, int | float | str]


@dataclass(frozen=True, slots=True)
class KeptInstruction:
    """A synthesised task that passed every filter."""

    instruction: str
    input: str
    output: str
    category: str
    seed_ids: tuple[str, ...]
    nearest: str
    """Id of the most similar task there was; empty for the first."""
    nearest_rouge_l: float


@dataclass(frozen=True, slots=True)
class RejectedInstruction:
    """A synthesised task that a filter dropped."""

    reason: str
    instruction: str


@dataclass(frozen=True, slots=True)
class SynthesisFacts:
    """From requests to kept instructions."""

    requests: int
    parsed: int
    """Tasks found in the replies, whole or not: kept and rejected together."""
    kept: int
    rejected_by_reason: Mapping[str, int]
    kept_by_category: Mapping[str, int]
    instruction_words: tuple[int, ...]
    """Length of each kept task's instruction, in words."""
    input_words: tuple[int, ...]
    """0 where there is no input."""
    output_words: tuple[int, ...]
    kept_samples: tuple[KeptInstruction, ...]
    rejected_samples: tuple[RejectedInstruction, ...]


@dataclass(frozen=True, slots=True)
class MixtureLine:
    """One task of the mixture, or one that was left out of it."""

    task: str
    cluster: str
    category: str
    rows: int
    """Rows that the task has."""
    cap: int
    """At most so many rows are used; 0 = no cap."""
    rate: float
    """Mixing rate before it is normalised (examples-proportional: the capped number of rows)."""
    probability: float
    examples: int
    """Examples drawn."""
    share: float
    """Of all examples drawn, in [0, 1]."""
    epochs: float
    templates: int
    held_out_reason: str
    """Why the task is not in the mixture; empty when it is."""


@dataclass(frozen=True, slots=True)
class ExampleSample:
    """What the model was trained on."""

    task: str
    prompt: str
    target: str


@dataclass(frozen=True, slots=True)
class OverlapFacts:
    """The certificate of a mixture, in short."""

    items: int
    """Evaluation items that it was compared with."""
    rows_left_out: int
    """Rows and instructions that overlap with one."""
    examples: int
    """Examples checked once more when they were written."""
    examples_removed: int
    passages: int
    """Examples that hold an evaluation item's passage, and not its question: they stay."""


@dataclass(frozen=True, slots=True)
class MixtureFacts:
    """Every task considered, and a few examples."""

    lines: tuple[MixtureLine, ...]
    samples: tuple[ExampleSample, ...]
    overlap: OverlapFacts | None = None
    """What comparing it with the evaluation found; None where they were not compared."""


@dataclass(frozen=True, slots=True)
class TuningFacts:
    """What the tuning did, counted."""

    steps: int
    losses: tuple[tuple[int, float], ...]
    """(step, mean loss a target token in nats)."""
    target_tokens: int
    """Tokens that carried loss."""
    total_tokens: int
    padding_share: float
    """Of all positions computed, in [0, 1]."""
    packing_fill: float
    """Mean share of a packed row that holds tokens, in [0, 1]."""
    trainable_parameters: int
    base_parameters: int
    rank: int
    learning_rate: float


@dataclass(frozen=True, slots=True)
class ModelResult:
    """One model on one task."""

    interval: Interval
    """Mean over all items, with its interval over source rows."""
    templates: Spread
    """Mean, sd and range of the templates' means."""
    template_means: Mapping[str, float]
    unreadable: int
    """Answers in which no answer could be found; scored 0, never left out."""


@dataclass(frozen=True, slots=True)
class TaskResult:
    """Both models on one task, on the same items."""

    task: str
    title: str
    cluster: str
    category: str
    role: str
    """HELD_OUT or BIOMEDICAL."""
    kind: str
    """'options' or 'generation', as in a Score."""
    metric: str
    n_rows: int
    n_templates: int
    chance: float | None
    """Expected score of a guess among the options; None for free text."""
    base: ModelResult
    tuned: ModelResult
    paired: Paired
    p_holm: float
    """Corrected over all tasks of the report."""
    excluded: Mapping[str, int]
    """Why rows were not scored (too long, duplicate of a training row, ...) to how many."""


@dataclass(frozen=True, slots=True)
class GroupResult:
    """Both models on a group of tasks: the held-out cluster, QA, IE or GEN."""

    name: str
    """As it stands in a sentence, such as 'the held-out cluster (natural language inference)'."""
    metric: str
    """Empty when its tasks have different ones."""
    tasks: tuple[str, ...]
    base: Interval
    tuned: Interval
    paired: Paired
    p_holm: float
    """Corrected over all groups of the report."""


@dataclass(frozen=True, slots=True)
class ChangedItem:
    """An item on which the two models differ."""

    task: str
    prompt: str
    target: str
    base_output: str
    tuned_output: str


@dataclass(frozen=True, slots=True)
class EvaluationFacts:
    """The base model beside the tuned one."""

    base_model: str
    tuned_model: str
    level: float
    """Nominal coverage of every interval."""
    groups: tuple[GroupResult, ...]
    """Most important first: the first one is the page's headline."""
    tasks: tuple[TaskResult, ...]
    better: tuple[ChangedItem, ...]
    worse: tuple[ChangedItem, ...]


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """Everything on the page."""

    title: str
    recipe_name: str
    recipe: str
    """The recipe's YAML, whole."""
    seed: int
    version: str
    commit: str
    """Empty outside a checkout; ends in '+' when the tree was changed."""
    libraries: Mapping[str, str]
    stages: tuple[StageFacts, ...]
    synthesis: SynthesisFacts | None = None
    mixture: MixtureFacts | None = None
    tuning: TuningFacts | None = None
    evaluation: EvaluationFacts | None = None
    failures: tuple[str, ...] = ()
    """What did not work, a sentence each."""

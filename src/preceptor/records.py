"""What crosses a stage, a file or the network. Plain, frozen, and importing nothing of ours."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Seed:
    """A hand-written task, shown to the teacher as a demonstration."""

    id: str
    instruction: str
    input: str
    """Empty when the task needs none: the one spelling of 'no input'."""
    output: str
    category: str
    """BioInstruct's: qa, ie, gen or other."""
    topic: str
    view: str = ""
    """Whose it is, where that is known: an expert's, a student's, a patient's."""
    kind: str = ""
    """Its form, where that is known: summarisation, multiple choice, ..."""
    difficulty: int = 0
    """1 to 5; 0 where it is not known."""
    classification: bool | None = None
    """Whether its output is one of a few labels; None where nobody has said."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a teacher answered to one prompt."""

    text: str
    prompt_tokens: int
    reply_tokens: int
    finished: bool
    """It ended by itself: false when it was cut by the length limit."""
    cost: float = 0.0
    """In dollars; 0 for a model on this machine."""
    model: str = ""
    """What answered, as the endpoint names it; empty where that says nothing new."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """A task written by a teacher, with the whole way it came (BioInstruct, arXiv 2310.19975)."""

    id: str
    instruction: str
    input: str
    output: str
    category: str
    category_rule: str
    """Why it has that category: the rule that fired."""
    seed_ids: tuple[str, ...]
    """The demonstrations shown, in the order shown."""
    request_id: str
    position: int
    """Which task of the reply it was, from 0."""
    teacher: str
    """The teacher's name and the SHA-256 of its weights."""
    sampling: Mapping[str, Any]
    prompt_sha256: str
    prompt_tokens: int
    reply_tokens: int
    nearest: str
    """Id of the most similar seed or kept instruction; empty when it is the first."""
    nearest_rouge_l: float
    verdicts: Mapping[str, str] = field(default_factory=dict)
    """Filter name to 'keep' or the reason for dropping."""
    category_vote: str = ""
    """The category that a model voted for; empty where none was asked."""
    topic: str = ""
    view: str = ""
    kind: str = ""
    difficulty: int = 0
    """1 to 5; 0 where it is not known."""
    unanswerable: bool = False
    """It was asked for as a task that its input cannot answer."""
    passage_id: str = ""
    """The passage that it was grounded on."""
    call_ids: tuple[str, ...] = ()
    """Calls after the first that it took: its classification, its input, its answer."""
    cost: float = 0.0
    """Dollars: its share of the calls that it took."""
    flags: Mapping[str, str] = field(default_factory=dict)
    """Flag name to what it saw: for a reader to look at; no reason to drop."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a data set, as it was read."""

    dataset: str
    split: str
    id: str
    fields: Mapping[str, Any]
    layout: str = ""
    """Whose label ids it has, where they are not the hub's."""


@dataclass(frozen=True, slots=True)
class Example:
    """What a model sees: one row under one template."""

    id: str
    """task/split/row id/template."""
    task: str
    cluster: str
    """One of FLAN's twelve clusters, or empty."""
    category: str
    """One of BioInstruct's categories, or empty."""
    template: str
    inverted: bool
    prompt: str
    target: str
    options: tuple[str, ...]
    """The possible answers, verbatim; empty for free text and inverted templates."""
    gold: int
    """Index of the right option; -1 where there are none."""
    row: str
    """dataset/split/row id: what the example was made from."""
    references: tuple[str, ...] = ()
    """Every text that counts as right; empty where that is the target alone."""
    shots: int = 0
    """Worked exemplars before the question itself."""
    options_shown: bool = False
    """The prompt lists the options in a block."""


@dataclass(frozen=True, slots=True)
class Score:
    """One item under one template by one model: what was asked, what came back, how good it was."""

    example: str
    model: str
    task: str
    cluster: str
    category: str
    template: str
    row: str
    kind: str
    """'options' (rank classification) or 'generation'."""
    prompt: str
    """The whole text given to the model, prompt format included."""
    target: str
    options: tuple[str, ...]
    log_likelihoods: tuple[float, ...]
    """Per option, summed over its tokens, in nats; empty for generation."""
    option_tokens: tuple[int, ...]
    output: str
    """The chosen option, or the generated text."""
    metric: str
    value: float
    """The metric of the task for this item, in [0, 1]."""

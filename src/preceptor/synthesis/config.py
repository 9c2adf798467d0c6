"""What a synthesis stage can be asked for.

Known of BioInstruct (arXiv 2310.19975): three demonstrations, drawn at random from the seeds and
shown with instruction, input and output; seeds only, never the teacher's own tasks. Inferred from
the released records: the ROUGE-L threshold and Alpaca's filters. What the paper leaves open is a
setting here, and its default is our choice: tasks per request, temperature, top p, the length of a
reply, and (by ``protocol``) the wording of the prompt. Where a setting is None, the protocol's own
number is taken (``docs/synthesis-protocols.md``).
"""

from typing import Literal

from pydantic import Field, model_validator

from preceptor.config import Config
from preceptor.synthesis.categories import CATEGORIES
from preceptor.synthesis.filters.config import FilterConfig
from preceptor.teachers.config import BudgetConfig, TeacherConfig

UNTARGETED_REQUESTS = 48
"""Requests where neither their number nor a target is given."""


class FloorConfig(Config):
    """When the teacher has nothing new to say, the run ends."""

    rate: float = Field(default=0.02, ge=0, le=1)
    """Tasks kept for each task asked for; below it the run ends. 0 never ends it."""
    over: int = Field(default=200, ge=1)
    """Requests that the rate is taken over: the last so many."""


class QuotaConfig(Config):
    """Shares that are asked for, by label; a field left empty asks for nothing.

    A request asks for a label drawn by how far each is behind its share. With a target, a label
    that has its whole share takes no more, and one that has no share takes none.
    """

    category: dict[str, float] = Field(default_factory=dict)
    topic: dict[str, float] = Field(default_factory=dict)
    view: dict[str, float] = Field(default_factory=dict)
    kind: dict[str, float] = Field(default_factory=dict)
    difficulty: dict[int, float] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _shares(self) -> "QuotaConfig":
        for name in ("category", "topic", "view", "kind", "difficulty"):
            shares = getattr(self, name)
            if any(share <= 0 for share in shares.values()):
                raise ValueError(f"{name}: a share must be above 0; leave the label out instead")
            if shares and abs(sum(shares.values()) - 1) > 0.005:
                raise ValueError(f"{name}: shares add up to {sum(shares.values()):g}, not to 1")
        if unknown := [name for name in self.category if name not in CATEGORIES]:
            raise ValueError(f"category {unknown[0]!r} is not one of {', '.join(CATEGORIES)}")
        if any(not 1 <= level <= 5 for level in self.difficulty):
            raise ValueError("a difficulty is 1 to 5")
        return self


class AnswersConfig(Config):
    """Who writes the outputs."""

    separate: bool | None = None
    """In a call of its own, after the task was accepted; None as the protocol does."""
    teacher: TeacherConfig | None = None
    """Another model for them, which makes them separate; None asks the teacher."""


class CategoriesConfig(Config):
    """How a task gets its category."""

    votes: int = Field(default=0, ge=0)
    """Calls for each kept task that ask a model for its category."""
    decide: Literal["rule", "vote", "vote if no rule fired"] = "rule"
    teacher: TeacherConfig | None = None
    """Another model for the votes; None asks the teacher."""


class PassagesConfig(Config):
    """Texts that tasks are grounded on, one to a request."""

    path: str = Field(min_length=1)
    """A folder of .txt, .md, .jsonl or .nbib files, or one such file."""
    as_input: bool = False
    """The passage is the task's input, verbatim; otherwise facts are taken from it."""
    words: int = Field(default=300, ge=20)
    """Longer ones are cut into windows at the ends of sentences."""


class SemanticConfig(Config):
    """A second novelty filter: cosine similarity of sentence embeddings."""

    model: str = "minilm"
    """The kept model where it is installed, or a folder of safetensors."""
    threshold: float = Field(default=0.98, gt=0, le=1)
    """At or above it a task is a near-duplicate."""


class SynthesisConfig(Config):
    """From seed tasks to instructions."""

    seeds: str = "biomedical"
    """A packaged set, or the path of a JSONL file. The paper's 80 seeds are not published."""
    domain: str = Field(default="biomedical", min_length=1)
    """The word by which prompts name the subject."""
    protocol: Literal["bioinstruct", "alpaca", "self-instruct", "medinstruct"] = "bioinstruct"
    """Whose way it goes; the wording of all prompts is ours."""
    demonstrations: int | None = Field(default=None, ge=1)
    """Hand-written seeds shown in a prompt (BioInstruct's 3)."""
    machine_demonstrations: int | None = Field(default=None, ge=0)
    """The teacher's own accepted tasks shown in a prompt: bootstrapping. BioInstruct shows none."""
    tasks_per_request: int | None = Field(default=None, ge=1)
    """How many new tasks a prompt asks for; a reply with more is used whole. Unknown in the paper;
    Alpaca asked for 20."""
    requests: int | None = Field(default=None, ge=1)
    """How many prompts are sent at most; None is without limit where there is a target."""
    target: int | None = Field(default=None, ge=1)
    """End when so many instructions are kept, no more and no fewer (the paper's 25,005)."""
    lag: int = Field(default=64, ge=1)
    """Where prompts depend on what was kept (bootstrapping, quotas): a request sees the pool as it
    stood so many requests before it, so that as many can be in flight."""
    rouge_l: float = Field(default=0.7, ge=0, le=1)
    """An instruction with a ROUGE-L F above this to a seed or a kept one is dropped."""
    stem: bool = False
    """Compare stems instead of words; the papers' filters do not."""
    opening_words: float | None = Field(default=None, gt=0, le=1)
    """Share of the kept that may begin with the same word ('Given' begins 43.5% of BioInstruct's);
    None is without limit."""
    unanswerable: float = Field(default=0.0, ge=0, lt=1)
    """Share of requests that ask for a task whose input does not hold the answer, and for an output
    that says so. BioInstruct has none."""
    floor: FloorConfig = FloorConfig()
    quotas: QuotaConfig = QuotaConfig()
    answers: AnswersConfig = AnswersConfig()
    categories: CategoriesConfig = CategoriesConfig()
    passages: PassagesConfig | None = None
    semantic: SemanticConfig | None = None
    benchmarks: Literal["evaluation"] | tuple[str, ...] = "evaluation"
    """Tasks of the library that nothing kept may overlap with; ``evaluation``: those that the
    recipe measures on."""
    filters: FilterConfig = FilterConfig()
    teacher: TeacherConfig = TeacherConfig()
    budget: BudgetConfig = BudgetConfig()

    @model_validator(mode="after")
    def _nothing_is_idle(self) -> "SynthesisConfig":
        if self.categories.decide != "rule" and not self.categories.votes:
            raise ValueError(
                f"categories.decide is {self.categories.decide!r} and categories.votes is 0: ask "
                "for votes, or let the rules decide"
            )
        if self.categories.teacher is not None and not self.categories.votes:
            raise ValueError("categories.teacher has nothing to answer: set categories.votes")
        if self.answers.teacher is not None and self.answers.separate is False:
            raise ValueError("answers.teacher has nothing to answer: set answers.separate to true")
        return self

    @property
    def most_requests(self) -> int | None:
        """Requests at most; None is without limit."""
        if self.requests is None and self.target is None:
            return UNTARGETED_REQUESTS
        return self.requests

    @property
    def depends_on_pool(self) -> bool:
        """Quotas ask for what the pool lacks."""
        quotas = self.quotas
        return any((quotas.category, quotas.topic, quotas.view, quotas.kind, quotas.difficulty))

    def teachers(self) -> dict[str, TeacherConfig]:
        """The models that it asks, by role."""
        found = {"teacher": self.teacher}
        if self.answers.teacher is not None and self.answers.separate is not False:
            found["answers"] = self.answers.teacher
        if self.categories.votes and self.categories.teacher is not None:
            found["votes"] = self.categories.teacher
        return found

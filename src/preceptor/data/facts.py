"""What a data set card says in numbers, counted while its records pass by."""

from collections import Counter
from dataclasses import dataclass, field

from preceptor.data.conversation import Conversation
from preceptor.data.survey import quantile

SHARES = (0.0, 0.05, 0.5, 0.95, 1.0)


@dataclass(slots=True)
class Facts:
    """Counts over a data set; memory holds tables of counts only."""

    records: int = 0
    inverted: int = 0
    options_shown: int = 0
    several_turns: int = 0
    with_system: int = 0
    tasks: Counter[str] = field(default_factory=Counter)
    clusters: Counter[str] = field(default_factory=Counter)
    categories: Counter[str] = field(default_factory=Counter)
    shots: Counter[int] = field(default_factory=Counter)
    sources: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """(task, data set, licence) to records."""
    prompt_words: Counter[int] = field(default_factory=Counter)
    """Of everything that is not an answer: the system's message too."""
    answer_words: Counter[int] = field(default_factory=Counter)

    def add(self, conversation: Conversation) -> None:
        """Count one record."""
        said = conversation.extra
        self.records += 1
        self.inverted += said.get("inverted") is True
        self.options_shown += said.get("options_shown") is True
        self.several_turns += len(conversation.turns) > 2
        self.with_system += bool(conversation.system)
        for counter, key in (
            (self.tasks, "task"),
            (self.clusters, "cluster"),
            (self.categories, "category"),
        ):
            if isinstance(said.get(key), str) and said[key]:
                counter[said[key]] += 1
        if isinstance(said.get("shots"), int):
            self.shots[said["shots"]] += 1
        if isinstance(said.get("licence"), str):
            self.sources[str(said.get("task", "")), conversation.source, said["licence"]] += 1
        asked = [conversation.system, *(t.text for t in conversation.turns if t.role == "user")]
        told = [turn.content for turn in conversation.turns if turn.role == "assistant"]
        self.prompt_words[sum(len(text.split()) for text in asked)] += 1
        self.answer_words[sum(len(text.split()) for text in told)] += 1

    @property
    def licences(self) -> list[str]:
        """Every licence, the most frequent first."""
        counted: Counter[str] = Counter()
        for (_, _, licence), n in self.sources.items():
            counted[licence] += n
        return [licence for licence, _ in counted.most_common()]


def spread(words: Counter[int]) -> list[int]:
    """Least, 5%, median, 95% and most of what was counted."""
    return [quantile(words, share) for share in SHARES]

"""The page's tables on how the run was made; ``result_tables`` has those on what it showed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from preceptor.report import formats
from preceptor.report.facts import MixtureFacts, StageFacts, SynthesisFacts, TuningFacts
from preceptor.statistics.intervals import spread


@dataclass(frozen=True, slots=True)
class Table:
    """Text in cells; the first column heads its row."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text_columns: frozenset[int] = frozenset({0})
    """Columns set to the left; the others hold numbers."""


def losses(points: Sequence[tuple[str, float]]) -> Table:
    """The loss curve as it is drawn."""
    rows = tuple((step, formats.number(loss, 4)) for step, loss in points)
    return Table("Training loss, in nats a target token", ("Step", "Loss"), rows)


def tuning(facts: TuningFacts) -> Table:
    """What the tuning consisted of."""
    share = facts.trainable_parameters / max(1, facts.base_parameters)
    rows = (
        ("Steps", formats.count(facts.steps)),
        ("Target tokens (with loss)", formats.count(facts.target_tokens)),
        ("Tokens in all", formats.count(facts.total_tokens)),
        ("Padding, share of positions", formats.percent(facts.padding_share)),
        ("Packing, mean fill of a row", formats.percent(facts.packing_fill)),
        ("Parameters of the base model", formats.count(facts.base_parameters)),
        (
            "Parameters trained",
            f"{formats.count(facts.trainable_parameters)} ({formats.number(100 * share, 2)}%)",
        ),
        ("LoRA rank", formats.count(facts.rank)),
        ("Learning rate", formats.count(facts.learning_rate)),
    )
    return Table("The tuning in numbers", ("Quantity", "Value"), rows)


def mixture(facts: MixtureFacts) -> Table:
    """The tasks that were mixed, largest share first."""
    lines = [line for line in facts.lines if not line.held_out_reason]
    rows = tuple(
        (
            line.task,
            formats.words(line.cluster),
            formats.words(line.category),
            formats.count(line.rows),
            formats.count(line.cap) if line.cap else formats.NONE,
            formats.count(line.rate),
            formats.percent(line.probability),
            formats.count(line.examples),
            formats.percent(line.share),
            formats.number(line.epochs, 2),
            formats.count(line.templates),
        )
        for line in sorted(lines, key=lambda line: (-line.share, line.task))
    )
    head = ("Task", "Cluster", "Category", "Rows", "Cap", "Rate", "Probability", "Examples")
    caption = "Tasks in the training mixture"
    return Table(caption, (*head, "Share", "Epochs", "Templates"), rows, frozenset({0, 1, 2}))


def kept_out(facts: MixtureFacts) -> Table:
    """The tasks that were not mixed, and why."""
    rows = tuple(
        (line.task, formats.words(line.cluster), line.held_out_reason, formats.count(line.rows))
        for line in facts.lines
        if line.held_out_reason
    )
    head = ("Task", "Cluster", "Why", "Rows")
    return Table("Tasks kept out of the training mixture", head, rows, frozenset({0, 1, 2}))


def counts(caption: str, what: str, by_name: Mapping[str, int]) -> Table:
    """Counts by name, largest first, with their shares."""
    total = max(1, sum(by_name.values()))
    rows = tuple(
        (formats.words(name), formats.count(n), formats.percent(n / total))
        for name, n in sorted(by_name.items(), key=lambda item: (-item[1], item[0]))
    )
    return Table(caption, (what, "Tasks", "Share"), rows)


def lengths(facts: SynthesisFacts) -> Table:
    """Lengths of the parts of the kept tasks."""
    parts = (
        ("Instruction", facts.instruction_words),
        ("Input, where there is one", tuple(n for n in facts.input_words if n)),
        ("Output", facts.output_words),
    )
    rows = tuple((name, *_lengths(part)) for name, part in parts)
    head = ("Part", "Tasks", "Shortest", "Median", "Mean", "Longest")
    return Table("Lengths of the kept tasks, in words", head, rows)


def stages(chain: Sequence[StageFacts]) -> Table:
    """The provenance chain."""
    rows = tuple(
        (
            stage.name,
            stage.folder,
            stage.key,
            "; ".join(f"{name} {digest[:12]}" for name, digest in stage.inputs.items())
            or formats.NONE,
            "; ".join(
                f"{formats.words(name)} {formats.count(n)}" for name, n in stage.counts.items()
            )
            or formats.NONE,
        )
        for stage in chain
    )
    head = ("Stage", "Folder", "Key", "Inputs (digest)", "Counts")
    return Table("Artifacts, in the order they were made", head, rows, frozenset(range(5)))


def libraries(versions: Mapping[str, str]) -> Table:
    """Versions that can change a result."""
    return Table("Libraries", ("Library", "Version"), tuple(versions.items()), frozenset({0, 1}))


def _lengths(words: Sequence[int]) -> tuple[str, ...]:
    if not words:
        return ("0", *(formats.NONE,) * 4)
    found = spread(words)
    ordered = sorted(words)
    middle = (ordered[(len(words) - 1) // 2] + ordered[len(words) // 2]) / 2
    shortest, median, longest = (formats.number(n, 0) for n in (found.low, middle, found.high))
    return formats.count(found.n), shortest, median, formats.number(found.mean), longest

"""Which categories, topics, views, forms and levels the records have, and who says so."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from preceptor.synthesis.agreement import Agreement, rule_agreement
from preceptor.synthesis.card.rows import Record
from preceptor.synthesis.categories import categorise
from preceptor.synthesis.seedbank import load_seeds

SEEDS = "biomedical"
"""The packaged set."""
SHOWN = 40
"""Topics, views and forms, the most frequent."""


@dataclass(frozen=True, slots=True)
class Categories:
    """BioInstruct's categories over the records."""

    counts: dict[str, int]
    given: int
    """Records that came with a category; the rules were asked for the others."""
    by: dict[str, int]
    """What decided, such as the name of a rule, to how many records."""
    voted: int
    """Records that a model voted on."""
    votes_agree: int
    """Of them, those whose category is what most of their votes say."""
    agreement: Agreement
    """Of the rules with the packaged labels (``docs/categories.md``)."""
    labelled: str
    """Which labelled tasks: 'records', those of this set that the rules were written without; or
    'seeds', our own, which were looked at, where this set has none that are labelled."""


@dataclass(frozen=True, slots=True)
class Groups:
    """What else the records say of themselves; empty where they say nothing."""

    categories: Categories
    topics: dict[str, int]
    distinct_topics: int
    views: dict[str, int]
    kinds: dict[str, int]
    difficulties: dict[str, int]
    """1 to 5, as text."""
    flags: dict[str, int]
    """What the synthesis saw and did not drop, by name."""


def groups(records: Sequence[Record]) -> Groups:
    """Count what the records say, and ask the rules for a category where they say none."""
    topics = _said(record.topic for record in records)
    levels = Counter(str(record.difficulty) for record in records if record.difficulty)
    return Groups(
        categories=_categories(records),
        topics=_first(topics),
        distinct_topics=len(topics),
        views=_first(_said(record.view for record in records)),
        kinds=_first(_said(record.kind for record in records)),
        difficulties=dict(sorted(levels.items())),
        flags=_ranked(Counter(name for record in records for name in record.flags)),
    )


def _categories(records: Sequence[Record]) -> Categories:
    counts: Counter[str] = Counter()
    by: Counter[str] = Counter()
    for record in records:
        category, rule = record.category, record.category_rule or "not said"
        if not category:
            category, rule = categorise(record.instruction, record.input, record.output)
        counts[category] += 1
        by[rule] += 1
    voted = [record for record in records if record.category_vote]
    agreement, labelled = _agreement(records)
    return Categories(
        counts=_ranked(counts),
        given=sum(bool(record.category) for record in records),
        by=_ranked(by),
        voted=len(voted),
        votes_agree=sum(_vote(record) == record.category for record in voted),
        agreement=agreement,
        labelled=labelled,
    )


def _agreement(records: Sequence[Record]) -> tuple[Agreement, str]:
    found = rule_agreement(record for record in records if _has_digest(record))
    if found is not None:
        return found, "records"
    seeds = rule_agreement(load_seeds(SEEDS), held_out=False)
    if seeds is None:
        raise AssertionError("our own seeds are labelled")
    return seeds, "seeds"


def _has_digest(record: Record) -> bool:
    """Labels are found by a digest, which half a surrogate pair has none of."""
    try:
        f"{record.instruction}{record.input}{record.output}".encode()
    except UnicodeEncodeError:
        return False
    return True


def _vote(record: Record) -> str:
    """What most of the votes say, the first named among equals."""
    return Counter(record.category_vote.split(", ")).most_common(1)[0][0]


def _said(values: Iterable[str]) -> Counter[str]:
    return Counter(value for value in values if value)


def _first(counts: Counter[str]) -> dict[str, int]:
    return dict(list(_ranked(counts).items())[:SHOWN])


def _ranked(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))

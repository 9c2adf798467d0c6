"""Sections on the records: what rules see, what they are said to be, overlap, and their making."""

from collections.abc import Iterator

from preceptor.report import formats
from preceptor.report.figures import Figure
from preceptor.synthesis.agreement import LEVEL
from preceptor.synthesis.card import charts, tables
from preceptor.synthesis.card.groups import Categories
from preceptor.synthesis.card.section import Section, filled
from preceptor.synthesis.card.survey import Survey


def traits(survey: Survey) -> Iterator[Section]:
    """What rules see of single records."""
    said = "Counted by rules over every record. They say where to look, not what is wrong."
    yield Section(
        "traits",
        "Seen by rule",
        (said,),
        tables=filled(
            tables.traits(survey.traits), tables.no_input(survey.no_input, survey.records)
        ),
    )


def groups(survey: Survey) -> Iterator[Section]:
    """What the records are said to be."""
    found, records = survey.groups, survey.records
    how = found.categories
    said = [
        "BioInstruct's categories; its released records carry none, and how the paper assigned "
        "them is not known. "
        + (
            "The records say theirs."
            if how.given == records
            else f"{records - how.given:,} records say none and got theirs by our rules."
        )
    ]
    if how.voted:
        share = formats.percent(how.votes_agree / how.voted)
        said.append(f"A model voted on {how.voted:,}; its vote is the category in {share}.")
    said.append(_agreement(how))
    if found.distinct_topics > len(found.topics):
        said.append(f"The records name {found.distinct_topics:,} topics; the most frequent follow.")
    named = [(tables.NAMES.get(name, name), n) for name, n in how.counts.items()]
    figure = Figure(
        "categories",
        "Categories",
        "Records of each of BioInstruct's categories.",
        charts.bars("categories", named, "records"),
        tables.categories(how, records),
    )
    yield Section(
        "groups",
        "Categories, topics and views",
        tuple(said),
        (figure,),
        tables=filled(
            tables.assigned(how, records),
            tables.agreement(how.agreement),
            tables.said("Topics", "Topic", found.topics, records),
            tables.said("Views", "View", found.views, records),
            tables.said("Forms", "Form", found.kinds, records),
            tables.said("Difficulty, 1 to 5", "Level", found.difficulties, records),
            tables.said("Flags, for a reader to look at", "Flag", found.flags, records),
        ),
    )


def _agreement(found: Categories) -> str:
    """How far the rules can be trusted."""
    one = found.agreement
    which = (
        f"{one.n:,} seeds of ours, which the rules were written with; on other tasks they agree "
        "less"
        if found.labelled == "seeds"
        else f"the {one.n:,} of these records that are labelled and that the rules were written "
        "without"
    )
    kappa = (
        f"; Cohen's kappa {formats.number(one.kappa.value, 2)}, "
        f"{formats.number(one.kappa.low, 2)} to {formats.number(one.kappa.high, 2)}"
        if one.kappa is not None
        else ""
    )
    return (
        "The rules agree with labels that a language model gave, reading each record whole, in "
        f"{formats.percent(one.accuracy.value)} "
        f"({formats.coverage(LEVEL)} interval {formats.points(one.accuracy.low)} to "
        f"{formats.points(one.accuracy.high)}{kappa}) of {which}."
    )


def overlap(survey: Survey) -> Iterator[Section]:
    """What they share with evaluation sets."""
    found = survey.overlap
    if found is None:
        return
    said = (
        f"{found.records:,} records were compared with the evaluation sets below. Decontamination "
        f"would remove {found.to_remove:,} of them. Shared runs of 13 words are a copied text; "
        "runs of 8 are mostly stock phrases."
    )
    yield Section(
        "overlap", "Overlap with evaluation sets", (said,), tables=(tables.overlap(found),)
    )


def run(survey: Survey) -> Iterator[Section]:
    """How a synthesis of ours made them."""
    found = survey.run
    if found is None:
        return
    accepted = formats.percent(found.kept / found.found) if found.found else formats.NONE
    said = (
        f"Of {found.found:,} tasks, those that a reply lacked or broke off among them, "
        f"{found.kept:,} were kept ({accepted}). Teacher: "
        f"{', '.join(found.teachers) or 'not recorded'}."
    )
    figures: tuple[Figure, ...] = ()
    if found.rejected:
        reasons = [(formats.words(name), n) for name, n in found.rejected.items()]
        figures = (
            Figure(
                "rejections",
                "Rejected tasks by reason",
                "Each task that was not kept, by the first reason to drop it.",
                charts.bars("rejections", reasons, "tasks"),
                tables.said("Rejected tasks by reason", "Reason", found.rejected, found.found),
            ),
        )
    yield Section(
        "made", "How it was made", (said,), figures, (tables.cost(found),), rejected=found.samples
    )

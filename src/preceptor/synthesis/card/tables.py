"""The card's tables: each from a part of the survey to text in cells."""

from collections.abc import Iterable, Mapping

from preceptor.report import formats
from preceptor.report.tables import Table
from preceptor.synthesis.agreement import Agreement, Estimate
from preceptor.synthesis.card.groups import Categories
from preceptor.synthesis.card.lengths import Bin, Lengths
from preceptor.synthesis.card.openings import Openings
from preceptor.synthesis.card.overlap import RUNS, Overlap
from preceptor.synthesis.card.run import Run
from preceptor.synthesis.card.similarity import Similarity
from preceptor.synthesis.card.survey import Survey
from preceptor.synthesis.card.traits import Trait
from preceptor.synthesis.card.verbs import Verbs
from preceptor.synthesis.categories import CATEGORIES

NAMES = {
    "qa": "question answering (qa)",
    "ie": "information extraction (ie)",
    "gen": "text generation (gen)",
    "other": "other",
}
"""BioInstruct's categories as they are read."""
_REPEATED = "instruction of an earlier record"


def glance(survey: Survey) -> Table:
    """The numbers by which sets are compared."""
    words, similar, verbs = survey.lengths, survey.similarity, survey.verbs
    rows: list[tuple[str, str]] = [("records", formats.count(survey.records))]
    rows += [
        (f"{name}, words: mean (5% to 95%)", _brief(words[name]))
        for name in ("instruction", "input", "output")
        if name in words
    ]
    rows.append(("without input", _share(survey.trait("without input"))))
    if survey.openings.first_word:
        word, n = survey.openings.first_word[0]
        rows.append((f"first word: {word}", formats.percent(n / survey.records)))
    ending = survey.openings.questions / survey.records
    rows.append(("instruction ends in a question mark", formats.percent(ending)))
    if verbs is not None:
        rows.append(("different main verbs", formats.count(verbs.distinct)))
    if similar is not None:
        rows.append(("highest ROUGE-L F of two instructions", formats.number(similar.most, 3)))
    rows.append(("instructions that repeat one", _share(survey.trait(_REPEATED))))
    return Table("The main numbers", ("Measure", "Value"), tuple(rows))


def verb_nouns(verbs: Verbs) -> Table:
    """The figure's numbers."""
    rows = tuple(
        (
            verb,
            formats.count(n),
            ", ".join(f"{noun}\u00a0{count:,}" for noun, count in nouns),
            formats.percent(sum(count for _, count in nouns) / n),
        )
        for verb, n, nouns in verbs.figure
    )
    head = ("Verb", "With an object", "Most frequent objects", "Share of them")
    return Table("Main verbs with their direct objects", head, rows, frozenset({0, 2}))


def main_verbs(verbs: Verbs, records: int) -> Table:
    """All main verbs, with an object or without."""
    return _counts("Main verbs, with an object or without", "Verb", verbs.most, records)


def first_words(openings: Openings, records: int) -> Table:
    """The most frequent."""
    return _counts("First words", "Word", openings.first_word, records)


def first_two_words(openings: Openings, records: int) -> Table:
    """The most frequent."""
    return _counts("First two words", "Words", openings.first_two_words, records)


def lengths(parts: Mapping[str, Lengths]) -> Table:
    """Of every part."""
    rows = tuple(
        (
            name,
            formats.count(one.texts),
            formats.number(one.mean),
            formats.count(one.median),
            *(formats.count(value) for value in (one.low, one.high, one.least, one.most)),
        )
        for name, one in parts.items()
    )
    head = ("Part", "Texts", "Mean", "Median", "5%", "95%", "Shortest", "Longest")
    return Table("Lengths in words", head, rows)


def bins(caption: str, what: str, found: Iterable[Bin], digits: int) -> Table:
    """A histogram's numbers; whole values where ``digits`` is 0."""
    rows = []
    for one in found:
        low = formats.number(one.low, digits)
        if one.high is None:
            name = f"{low} or more"
        elif digits:
            name = f"above {low}, to {formats.number(one.high, digits)}"
        else:
            name = low if one.high - one.low == 1 else f"{low} to {one.high - 1:,.0f}"
        rows.append((name, formats.count(one.count)))
    return Table(caption, (what, "Texts"), tuple(rows))


def above(found: Similarity) -> Table:
    """Instructions with another above some marks."""
    rows = tuple(
        (f"above {mark:g}", formats.count(n), formats.percent(n / found.compared))
        for mark, n in found.above
    )
    head = ("Highest ROUGE-L F to another", "Instructions", "Share")
    return Table("Instructions by their most similar other one", head, rows)


def pairs(found: Similarity) -> Table:
    """The most similar ones."""
    rows = tuple((one, other, formats.number(score, 3)) for one, other, score in found.nearest)
    head = ("Instruction", "Another", "ROUGE-L F")
    return Table("The most similar pairs", head, rows, frozenset({0, 1}))


def traits(found: Iterable[Trait]) -> Table:
    """What rules saw."""
    rows = tuple(
        (
            one.name,
            formats.count(one.count),
            formats.count(one.of),
            formats.percent(one.share),
            one.examples[0] if one.examples else formats.NONE,
        )
        for one in found
    )
    head = ("What", "Records", "Of", "Share", "For instance")
    return Table("Seen by rule", head, rows, frozenset({0, 4}))


def no_input(spellings: Mapping[str, int], records: int) -> Table:
    """How the set says that there is no input."""
    named = [(text or "(empty)", n) for text, n in spellings.items()]
    return _counts("Spellings of 'no input'", "Input", named, records)


def categories(found: Categories, records: int) -> Table:
    """Shares of BioInstruct's categories."""
    named = [(NAMES.get(name, name), n) for name, n in found.counts.items()]
    return _counts("Categories", "Category", named, records)


def assigned(found: Categories, records: int) -> Table:
    """What gave the categories."""
    named = [(formats.words(name), n) for name, n in found.by.items()]
    return _counts("What decided the category", "Decided by", named, records)


def agreement(found: Agreement) -> Table:
    """Labels given by reading against what the rules say."""
    rows = tuple(
        (
            NAMES[category],
            *(formats.count(n) for n in counts),
            _estimate(found.precision[category]),
            _estimate(found.recall[category]),
        )
        for category, counts in zip(CATEGORIES, found.confusion, strict=True)
    )
    head = ("Labelled", *(f"rules: {name}" for name in CATEGORIES), "Precision", "Recall")
    return Table("Labels (rows) and rules (columns)", head, rows)


def said(caption: str, what: str, counts: Mapping[str, int], records: int) -> Table:
    """What the records say of themselves."""
    return _counts(caption, what, counts.items(), records)


def overlap(found: Overlap) -> Table:
    """Evaluation sets with what the records hold of them."""
    rows = tuple(
        (
            one.name,
            formats.count(one.items),
            *(formats.count(one.runs[str(n)]) for n in RUNS),
            ", ".join(f"{kind} {n:,}" for kind, n in one.kinds.items()) or formats.NONE,
        )
        for one in found.sets
    )
    head = ("Evaluation set", "Items", *(f"{n} words in a row" for n in RUNS), "Found in them")
    return Table(
        "Items of which a record holds something", head, rows, frozenset({0, len(head) - 1})
    )


def cost(run: Run) -> Table:
    """Calls, tokens and money, in all and for each kept record."""
    amounts = (
        *((f"calls: {formats.words(kind)}", n, 0) for kind, n in run.calls.items()),
        ("calls without a reply", run.unanswered, 0),
        ("tokens of prompts", run.prompt_tokens, 0),
        ("tokens of replies", run.reply_tokens, 0),
        ("dollars", run.dollars, 2),
    )
    rows = tuple(
        (
            name,
            formats.number(value, digits),
            formats.number(value / run.kept, digits + 2) if run.kept else formats.NONE,
        )
        for name, value, digits in amounts
        if value is not None
    )
    return Table("What it took", ("What", "In all", "For each kept record"), rows)


def _counts(caption: str, what: str, counts: Iterable[tuple[str, int]], of: int) -> Table:
    rows = tuple(
        (name, formats.count(n), formats.percent(n / of) if of else formats.NONE)
        for name, n in counts
    )
    return Table(caption, (what, "Records", "Share"), rows)


def _estimate(found: Estimate | None) -> str:
    return formats.NONE if found is None else formats.percent(found.value)


def _brief(one: Lengths) -> str:
    return f"{formats.number(one.mean)} ({one.low:,} to {one.high:,})"


def _share(trait: Trait) -> str:
    return formats.percent(trait.share)

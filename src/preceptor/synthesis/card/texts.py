"""Sections on the texts: what they ask, how they begin, how long and how alike they are."""

from collections.abc import Iterator

from preceptor.report import formats
from preceptor.report.figures import Figure
from preceptor.synthesis.card import charts, tables
from preceptor.synthesis.card.section import Section
from preceptor.synthesis.card.survey import Survey
from preceptor.synthesis.card.verbs import NOUNS

BARS = 15
"""Of the first words, the most frequent."""
NOVELTY = 0.7
"""Self-Instruct's and Alpaca's threshold; BioInstruct's released records agree with it."""


def verbs(survey: Survey) -> Iterator[Section]:
    """What the instructions tell a model to do."""
    found, title = survey.verbs, "Main verbs and their objects"
    if found is None:
        yield Section("verbs", title, (f"Not looked for: {survey.without_verbs}.",))
        return
    records = survey.records
    said = (
        f"Of {records:,} instructions {found.orders:,} ({formats.percent(found.orders / records)}) "
        f"give an order and {found.questions:,} ({formats.percent(found.questions / records)}) ask "
        f"a question; {found.others:,} ({formats.percent(found.others / records)}) are neither to "
        f"the parser. The orders have {formats.several(found.distinct, 'different main verb')}; "
        f"{found.with_object:,} have a noun for the direct object of theirs."
    )
    figures: tuple[Figure, ...] = ()
    if found.drawn:
        figures = (
            Figure(
                "verbs",
                f"The {len(found.figure)} most frequent verbs with their most frequent objects",
                f"Each verb with the {NOUNS} nouns that are its direct object most often: "
                f"{found.drawn:,} instructions, {formats.percent(found.drawn / records)} of all, "
                "have a verb and a noun that are drawn. A word whose arc is too short for it "
                f"is in the table alone. Main verbs by spaCy ({found.parser}).",
                charts.rings(found),
                tables.verb_nouns(found),
            ),
        )
    yield Section("verbs", title, (said,), figures, (tables.main_verbs(found, records),))


def openings(survey: Survey) -> Iterator[Section]:
    """How they begin and end."""
    found, records = survey.openings, survey.records
    said = (
        f"Instructions begin with {formats.several(found.distinct_first_words, 'different word')}. "
        f"{found.questions:,} ({formats.percent(found.questions / records)}) end in a question "
        f"mark, and {found.odd_first_characters:,} begin with punctuation."
    )
    figure = Figure(
        "first-words",
        "First words",
        f"The {min(BARS, len(found.first_word))} most frequent first words of the instructions.",
        charts.bars("first-words", found.first_word[:BARS], "instructions"),
        tables.first_words(found, records),
    )
    yield Section(
        "openings",
        "Opening words",
        (said,),
        (figure,) if found.first_word else (),
        (tables.first_two_words(found, records),),
    )


def lengths(survey: Survey) -> Iterator[Section]:
    """How long the parts are."""
    figures = tuple(
        Figure(
            f"length-{name}",
            f"Words of the {name}s",
            f"{one.texts:,} {name}s by their number of words"
            + ("; those that stand for 'no input' are left out." if name == "input" else "."),
            charts.histogram(f"length-{name}", one.histogram, "words", f"{name}s"),
            tables.bins(f"Words of the {name}s", "Words", one.histogram, 0),
        )
        for name, one in survey.lengths.items()
        if "," not in name
    )
    said = (
        "Words are set apart by white space. Inputs are counted twice: where there is one, and as "
        "they are written, so that an empty one has no words and 'N/A' has one."
    )
    yield Section("lengths", "Lengths", (said,), figures, (tables.lengths(survey.lengths),))


def similarity(survey: Survey) -> Iterator[Section]:
    """How like one another the instructions are."""
    found = survey.similarity
    if found is None:
        return
    which = (
        "Every instruction was compared with all others"
        if found.compared == survey.records
        else f"{found.compared:,} instructions, drawn at random, were compared with all others"
    )
    said = (
        f"{which} by ROUGE-L F, exactly. The highest is {formats.number(found.most, 3)}; an "
        f"instruction's most similar other one is at {formats.number(found.median, 3)} in the "
        f"median, {formats.number(found.mean, 3)} in the mean."
    )
    figure = Figure(
        "similarity",
        "Each instruction's highest ROUGE-L F to another",
        f"The dotted line is at {NOVELTY:g}, above which Self-Instruct and Alpaca drop.",
        charts.histogram(
            "similarity", found.histogram, "ROUGE-L F", "instructions", (NOVELTY, f"{NOVELTY:g}")
        ),
        tables.bins("Instructions by their most similar other one", "F", found.histogram, 2),
    )
    yield Section(
        "similarity", "Similarity", (said,), (figure,), (tables.above(found), tables.pairs(found))
    )

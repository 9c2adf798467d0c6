"""The card's sections in their order: what the survey shows, as sentences, figures and tables.

The page and the data set card are both made of these, so that they cannot disagree.
"""

from preceptor.report import formats
from preceptor.synthesis.card import origins, texts
from preceptor.synthesis.card.section import Section
from preceptor.synthesis.card.survey import Survey

MAKERS = (
    *(texts.verbs, texts.openings, texts.lengths, texts.similarity),
    *(origins.traits, origins.groups, origins.overlap, origins.run),
)


def sections(survey: Survey) -> tuple[Section, ...]:
    """Every section that has something to show."""
    return tuple(section for make in MAKERS for section in make(survey))


def headline(survey: Survey) -> str:
    """The set in a sentence or two."""
    said = f"{formats.several(survey.records, 'instruction')}."
    if survey.openings.first_word:
        word, n = survey.openings.first_word[0]
        share = formats.percent(n / survey.records)
        said += f" The most frequent first word, \u201c{word}\u201d, opens {share} of them."
    if survey.similarity is not None:
        above = dict(survey.similarity.above)[texts.NOVELTY]
        which = "None has" if not above else f"{above:,} have"
        said += f" {which} another at a ROUGE-L F above {texts.NOVELTY:g}."
    return said

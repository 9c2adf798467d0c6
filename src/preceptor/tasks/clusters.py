"""FLAN's task clusters (arXiv 2109.01652, Figure 3) and what must be left out with each of them."""

from collections.abc import Iterable

from preceptor.errors import TaskError
from preceptor.tasks.names import did_you_mean

CLUSTERS: tuple[str, ...] = (
    "natural_language_inference",
    "reading_comprehension",
    "closed_book_qa",
    "commonsense",
    "coreference",
    "reading_comprehension_with_commonsense",
    "sentiment",
    "paraphrase",
    "struct_to_text",
    "translation",
    "summarization",
    "miscellaneous",
)

CATEGORIES: tuple[str, ...] = ("qa", "ie", "gen", "other")
"""BioInstruct's (arXiv 2310.19975): question answering, extraction, generation, the rest."""

_ENTAILMENT = "deciding whether two texts mean the same is nearly deciding whether one follows"
_BOTH_SKILLS = "reading_comprehension_with_commonsense asks for the skills of both"

_EXCLUSIONS: dict[str, dict[str, str]] = {
    "natural_language_inference": {"paraphrase": _ENTAILMENT},
    "paraphrase": {"natural_language_inference": _ENTAILMENT},
    "reading_comprehension": {"reading_comprehension_with_commonsense": _BOTH_SKILLS},
    "commonsense": {"reading_comprehension_with_commonsense": _BOTH_SKILLS},
    "reading_comprehension_with_commonsense": {
        "reading_comprehension": _BOTH_SKILLS,
        "commonsense": _BOTH_SKILLS,
    },
}


def excluded_with(held_out: Iterable[str]) -> dict[str, str]:
    """Clusters to leave out of training besides the held-out ones, each with the reason.

    FLAN, section 2.2 and its first footnote: a cluster so close to an evaluated one that training
    on it would be no zero-shot test any more.

    Raises:
        TaskError: A name is not one of the twelve clusters.
    """
    held = list(held_out)
    for name in held:
        if name not in CLUSTERS:
            raise TaskError(f"{name!r} is not one of FLAN's clusters{did_you_mean(name, CLUSTERS)}")
    reasons: dict[str, str] = {}
    for name in held:
        for other, why in _EXCLUSIONS.get(name, {}).items():
            if other not in held and other not in reasons:
                reasons[other] = f"{other} is left out because {name} is held out: {why}"
    return reasons

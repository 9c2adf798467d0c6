"""Whether a task has what it speaks of: its input, its passage, or rightly nothing."""

import re

from preceptor.synthesis.filters.config import FilterConfig
from preceptor.synthesis.filters.verdicts import Context, Drop
from preceptor.synthesis.novelty import tokenise
from preceptor.synthesis.parse import Parsed

PASSAGE_WORDS = 8
"""With fewer different long words than this in input and output, a passage is not compared."""
LONG = 5
"""Letters of a long word: shorter ones occur everywhere."""

_THING = (
    r"(?:text|passage|paragraph|sentence|excerpt|abstract|article|report|note|transcript|dialogue"
    r"|conversation|table|figure|chart|list|case|scenario|vignette|study|document|statement|summary"
    r"|letter|record|data|results?|information|description|question|options?|images?|scans?|link"
    r"|url|symptoms|findings|terms|words|medications|drugs|values)s?"
)
_MISSING = re.compile(
    rf"\b(?:the|this|these|that|those|each|from|of|in|to|using) "
    rf"(?:following|attached|enclosed|above|below|supplied|provided|given)"
    rf"(?: \w[\w'-]*){{0,3}}? {_THING}\b"
    rf"|\b{_THING} (?:below|above|provided|attached|enclosed|supplied|that follows?)\b"
    r"|\b(?:see|shown in|in|refer to|according to|based on) (?:the )?(?:figure|table|fig\.) \d"
    r"|\b(?:in|from|of|to|on|by|with) (?:the|this) "
    r"(?:passage|paragraph|excerpt|transcript|snippet|vignette)\b"
    r"|\b(?:attached|enclosed) (?:file|image|picture|scan|document|pdf|spreadsheet)\b"
    r"|\b(?:summari[sz]e|paraphrase|translate|rewrite|proofread|simplify) "
    r"(?:the|this|that) (?:\w+ ){0,2}(?:text|passage|paragraph|sentence|abstract|article|report"
    r"|note|transcript|dialogue|conversation)\b",
    re.IGNORECASE,
)
_OWN_MATERIAL = re.compile(r"[:\n]\s*\w|[\"“«]\w|(?<!\w)['‘]\w")  # noqa: RUF001
_UNANSWERABLE = re.compile(
    r"\b(?:not|n't|no|in)(?: \w+){0,2}? ?(?:enough|sufficient|adequate)(?: \w+){0,3}? "
    r"(?:information|detail|data|evidence|context|input)"
    r"|\binsufficient(?: \w+){0,2} (?:information|details?|data|evidence|context)\b"
    r"|\b(?:information|details?|data|input|text|passage|note|report|record|question|case|vignette)s?"
    r"(?: \w+){0,3}? (?:is|are|was|were|do(?:es)?|did)(?: not|n't) (?:\w+ )?(?:provided?|given?"
    r"|mention(?:ed)?|stated?|specif(?:y|ied)|available|included?|contain(?:ed)?|sa(?:y|id)|answer"
    r"|sufficient|enough|support|address(?:ed)?|report(?:ed)?|tell|indicate|describe)"
    r"|\b(?:can ?not|can't|could not|impossible to|not possible to|unable to)(?: be)? (?:be )?"
    r"(?:reliably |safely |accurately )?(?:determined?|answer(?:ed)?|tell|told|concluded?|say|said"
    r"|assess(?:ed)?|establish(?:ed)?|infer(?:red)?|decided?|identif(?:y|ied)|known)\b"
    r"|\b(?:is|are|was|were)(?: not|n't) (?:provided|mentioned|stated|specified|recorded"
    r"|documented|answerable|given in|given here)\b"
    r"|\bunanswerable\b"
    r"|\bnot (?:stated|mentioned|specified|given|provided) in\b",
    re.IGNORECASE,
)


def missing_material(task: Parsed, context: Context, _: FilterConfig) -> Drop | None:
    """The instruction speaks of a text, table or figure that is not there.

    That is: the input is empty and the instruction brings no material of its own, behind a colon, a
    quotation mark or as a question. The output then is made up. Not asked of a task that was to be
    unanswerable.
    """
    if task.input or context.unanswerable:
        return None
    found = _MISSING.search(task.instruction)
    if found is None or _OWN_MATERIAL.search(task.instruction):
        return None
    if "question" in found[0].lower() and "?" in task.instruction[found.end() :]:
        return None
    return Drop("material is missing", found[0])


def not_unanswerable(task: Parsed, context: Context, _: FilterConfig) -> Drop | None:
    """It was asked for as a task that its input cannot answer, and the output answers it anyway."""
    if not context.unanswerable or says_unanswerable(task.output):
        return None
    return Drop("answers the unanswerable", " ".join(task.output.split()[:8]))


def off_passage(task: Parsed, context: Context, config: FilterConfig) -> Drop | None:
    """It was to be made from a passage, and its words are not the passage's.

    Compared are the distinct words of five letters and more of input and output, by their first
    five letters; of the output alone where the input is the whole passage. Of real answers to
    PubMedQA's abstracts 1% fall below the default share, of answers to another abstract 86% do.
    """
    own_input = "" if task.input == context.passage else task.input
    words = _stems(f"{own_input} {task.output}")
    if not context.passage or len(words) < PASSAGE_WORDS:
        return None
    share = len(words & _stems(context.passage)) / len(words)
    if share >= config.min_passage_share:
        return None
    return Drop("not from the passage", f"{share:.0%} of its long words are there")


def _stems(text: str) -> set[str]:
    return {word[:LONG] for word in tokenise(text) if len(word) >= LONG}


def says_unanswerable(output: str) -> bool:
    """Whether an output says that what is given does not suffice."""
    return bool(_UNANSWERABLE.search(output.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")))

"""Metrics of a single item: output and target in, a number in [0, 1] out.

Accuracy for options, as in FLAN (arXiv 2109.01652); exact match and token F1 as in
SQuAD (arXiv 1606.05250, section 6.1) with the empty case of SQuAD 2.0; ROUGE-L as in Google's
``rouge_score``; F1 over sets of entities for extraction.
"""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache

from rapidfuzz.distance import Levenshtein
from rouge_score.rouge_scorer import RougeScorer

Metric = Callable[[str, str], float]

NO_ENTITIES = "none"
"""How an answer says that there is nothing to find."""

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_SEPARATORS = re.compile(r"[;\n\r]")
# A hyphen is a bullet only before white space, and a number only with its point or bracket, so
# that "5-FU" and "2.5 mg" stay whole.
_LIST_MARK = re.compile(r"^\s*(?:[-*\u2022\u2013\u2014]+(?:\s+|$))?(?:\(?\d{1,3}[.)](?:\s+|$))?")


def clean_output(text: str) -> str:
    """The whole generated text without white space at its ends; nothing else is cut."""
    return text.strip()


def accuracy(output: str, target: str) -> float:
    """1 when the chosen option is the target, character by character, else 0."""
    return float(output == target)


def exact_match(output: str, target: str) -> float:
    """1 when both are the same after SQuAD's normalisation, else 0."""
    return float(normalise_answer(output) == normalise_answer(target))


def token_f1(output: str, target: str) -> float:
    """SQuAD's F1: harmonic mean of precision and recall over the bags of normalised tokens.

    Where normalisation leaves nothing of one of them, 1 if it leaves nothing of either, else 0.
    """
    given, wanted = normalise_answer(output).split(), normalise_answer(target).split()
    if not given or not wanted:
        return float(given == wanted)
    return _f1(sum((Counter(given) & Counter(wanted)).values()), len(given), len(wanted))


def rouge_l(output: str, target: str) -> float:
    """F1 of the longest common subsequence of Porter-stemmed words (``rougeL``, sentence level).

    The tokenizer keeps a-z and 0-9 only; an empty output, or one without them, scores 0.
    """
    return float(_rouge_scorer().score(target, output)["rougeL"].fmeasure)


def rouge_1(output: str, target: str) -> float:
    """F1 of the bags of Porter-stemmed words (``rouge1``): what FLAN reports of struct-to-text."""
    return float(_rouge_scorer().score(target, output)["rouge1"].fmeasure)


def bleu(output: str, target: str) -> float:
    """sacreBLEU's sentence BLEU with its defaults (13a tokens, exponential smoothing), in [0, 1].

    The mean over sentences is not the BLEU of a corpus, and not comparable with one.
    """
    import sacrebleu  # late: it takes a while, and few runs translate

    # The geometric mean of four ones comes out a little above one.
    return min(1.0, float(sacrebleu.sentence_bleu(output, [target]).score) / 100)


def edit_similarity(output: str, target: str) -> float:
    """1 - edit distance / the longer length, in characters; 1 where both are empty."""
    return Levenshtein.normalized_similarity(output, target)


def entity_f1(output: str, target: str) -> float:
    """F1 of two sets of entities, as read by ``entities``; 1 where both say "none".

    An output with nothing to read (empty, or punctuation only) is no answer: it scores 0, also
    where the target is "none". An output that holds no readable list, such as a sentence, still
    reads as one entity, which is wrong unless the target has it.
    """
    given, wanted = _listed(output), entities(target)
    if not given:
        return 0.0
    found = given - {NO_ENTITIES}
    if not found or not wanted:
        return float(found == wanted)
    return _f1(len(found & wanted), len(found), len(wanted))


def entities(answer: str) -> frozenset[str]:
    """The entities that an answer names: "a; b; c", one a line, or "none" for none.

    Parted at semicolons and line ends only, since a comma may belong to a name. Bullets and numbers
    of a list are taken off; case, outer punctuation and runs of white space are ignored; each
    entity counts once; a "none" among entities names nothing.
    """
    return _listed(answer) - {NO_ENTITIES}


def says_none(answer: str) -> bool:
    """Whether an answer says that there is nothing to find, and nothing else."""
    return _listed(answer) == {NO_ENTITIES}


def normalise_answer(text: str) -> str:
    """SQuAD's normalisation: lower case, no ASCII punctuation, no English articles, single blanks.

    In this order, so an article that punctuation was glued to another word stays.
    """
    bare = text.lower().translate(_NO_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def _listed(answer: str) -> frozenset[str]:
    parts = (_entity(part) for part in _SEPARATORS.split(answer))
    return frozenset(part for part in parts if part)


def _entity(part: str) -> str:
    text = " ".join(_LIST_MARK.sub("", part, count=1).lower().split())
    first, last = 0, len(text)
    while first < last and _is_outer(text[first]):
        first += 1
    while last > first and _is_outer(text[last - 1]):
        last -= 1
    return text[first:last]


def _is_outer(character: str) -> bool:
    # Symbols are kept, so that "CD4+" stays; a backtick is one, but marks up a word.
    punctuation = unicodedata.category(character).startswith("P")
    return punctuation or character == "`" or character.isspace()


def _f1(common: int, given: int, wanted: int) -> float:
    return 2 * common / (given + wanted)


@cache
def _rouge_scorer() -> RougeScorer:
    return RougeScorer(["rouge1", "rougeL"], use_stemmer=True)


def best(metric: Metric, output: str, targets: Sequence[str]) -> float:
    """The metric against the target that it is best against."""
    return max(metric(output, target) for target in targets)


METRICS: dict[str, Metric] = {
    "accuracy": accuracy,
    "exact_match": exact_match,
    "token_f1": token_f1,
    "rouge_l": rouge_l,
    "rouge_1": rouge_1,
    "bleu": bleu,
    "edit_similarity": edit_similarity,
    "entity_f1": entity_f1,
}
"""By the name that a task file gives."""

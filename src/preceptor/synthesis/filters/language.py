"""Is it written in the language that was asked for?"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from preceptor.errors import RecipeError
from preceptor.synthesis.filters.config import FilterConfig
from preceptor.synthesis.filters.verdicts import Context, Drop
from preceptor.synthesis.parse import Parsed

LEAST_WORDS = 6
"""Shorter texts are not judged: a list of drugs is Latin to an identifier."""
LEAST_CHARACTERS = 12
"""The same for scripts without spaces between words."""

_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af]")
_TRANSLATION = re.compile(
    r"\b[Tt]ranslat"
    r"|\b(?:in|into|to|from) (?:[A-Z][a-z]+ (?:and|or) )?(?:Arabic|Bengali|Chinese|Czech"
    r"|Danish|Dutch|English|Finnish|French|German|Greek|Hebrew|Hindi|Hungarian|Indonesian|Italian"
    r"|Japanese|Korean|Latin|Malay|Mandarin|Norwegian|Persian|Polish|Portuguese|Romanian|Russian"
    r"|Spanish|Swahili|Swedish|Tagalog|Tamil|Thai|Turkish|Ukrainian|Urdu|Vietnamese)\b"
)
"""Such an instruction may have an output in another language."""

_NEIGHBOURS = (
    frozenset({"zh", "yue", "wuu"}),
    frozenset({"ru", "uk", "be", "bg", "mk"}),
    frozenset({"cs", "sk"}),
    frozenset({"bs", "hr", "sr"}),
    frozenset({"de", "lb"}),
    frozenset({"da", "no", "nn"}),
    frozenset({"es", "pt", "gl", "ca"}),
    frozenset({"fr", "oc"}),
    frozenset({"id", "ms"}),
)
"""Languages so alike that they share out between them what a short text is."""
_NO_LANGUAGE = frozenset({"zxx", "la"})
"""No language at all, and Latin: a list of species or muscles is that in any language."""


def language(task: Parsed, _: Context, config: FilterConfig) -> Drop | None:
    """Alpaca's prompt asks for English; nothing there looks whether it comes.

    Instruction and output are judged one by one, each only from six words on and only where the
    identifier (py3langid) is sure that it is another language, or one of several that are no
    neighbours of the expected one. The output of a translation may be in any language, and so may
    an input.

    Raises:
        RecipeError: The identifier is not installed, or does not know ``config.language``.
    """
    if config.language is None:
        return None
    identifier = _identifier(config.language)
    outputs = [] if _TRANSLATION.search(task.instruction) else [("output", task.output)]
    for field, text in [("instruction", task.instruction), *outputs]:
        if not _long_enough(text):
            continue
        found, confidence = _most_likely(identifier.rank(text))
        if config.language not in found and confidence >= config.language_confidence:
            return Drop("other language", f"{field}: {'/'.join(sorted(found))}, {confidence:.3f}")
    return None


def check_language(config: FilterConfig) -> None:
    """Raise now what ``language`` would raise at the first task.

    Raises:
        RecipeError: As there.
    """
    if config.language is not None:
        _identifier(config.language)


def _most_likely(ranked: Sequence[tuple[str, float]]) -> tuple[frozenset[str], float]:
    """The most likely language with its neighbours, and how likely they are together."""
    first = ranked[0][0]
    family = next((family for family in _NEIGHBOURS if first in family), frozenset({first}))
    likely = sum(float(confidence) for label, confidence in ranked if label in family)
    return (frozenset(), 0.0) if first in _NO_LANGUAGE else (family, likely)


def _long_enough(text: str) -> bool:
    return len(text.split()) >= LEAST_WORDS or len(_UNSPACED.findall(text)) >= LEAST_CHARACTERS


@lru_cache(maxsize=1)
def _load() -> Any:
    try:
        from py3langid.langid import (
            MODEL_FILE,
            LanguageIdentifier,
        )
    except ImportError as error:
        raise RecipeError(
            "the filter 'language' needs the package py3langid: pip install "
            "'preceptor[language]', or leave 'language' out of the filters' settings"
        ) from error
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _identifier(expected: str) -> Any:
    identifier = _load()
    if expected not in identifier.labels:
        raise RecipeError(
            f"the language {expected!r} is not known; give an ISO 639 code such as en, de or zh"
        )
    return identifier

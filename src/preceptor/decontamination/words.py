"""The words of a text: what is left of it when case, punctuation and layout are taken away.

Unicode NFKC, case folding, then runs of letters and digits of any script with the marks that belong
to them (the vowel signs of Devanagari are marks). Scripts that are written without blanks (Han,
kana, Thai, Lao, Khmer, Burmese) give one word a character: a whole sentence would be one word else,
and no two would share thirteen. Invisible characters (soft hyphens, zero-width joiners) are dropped
first, so they hide nothing.
"""

import re
import unicodedata
from functools import cache

_ASCII = re.compile("[a-z0-9]+")
_LETTERS = re.compile(r"[^\W_]+")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff\ufe00-\ufe0f]")
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u3096\u30a1-\u30fa\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
)
_LAST_MARK = 0x1FFFF
"""Marks above it are variation selectors, which say nothing of what is written."""


def words(text: str) -> list[str]:
    """The words of a text, in order."""
    if text.isascii():
        return _ASCII.findall(text.lower())
    folded = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).casefold()
    # Case folding takes some letters apart, such as the dotted capital I.
    folded = unicodedata.normalize("NFKC", folded)
    special, any_script = _patterns()
    # The short pattern finds the same where there are no marks and no unspaced scripts, in less
    # than half the time; most text that is not ASCII is English with curly quotation marks.
    return (any_script if special.search(folded) else _LETTERS).findall(folded)


def joined(found: list[str]) -> str:
    """Words as one text in which any run of them, joined likewise, is a substring."""
    return f" {' '.join(found)} "


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What tells that the short pattern will not do, and the pattern that always does."""
    marks = _class(
        [c for c in range(0x300, _LAST_MARK + 1) if unicodedata.category(chr(c)).startswith("M")]
    )
    letter = r"[^\W_]"
    run = f"(?:(?![{_UNSPACED}]){letter}[{marks}]*)+"
    return (
        re.compile(f"[{_UNSPACED}{marks}]"),
        re.compile(f"(?=[{_UNSPACED}]){letter}[{marks}]*|{run}"),
    )


def _class(points: list[int]) -> str:
    """The inside of a character class, as ranges."""
    ranges: list[list[int]] = []
    for point in points:
        if ranges and ranges[-1][1] == point - 1:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    return "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in ranges)

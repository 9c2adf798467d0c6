"""Filters of task files for the marks that data sets leave in their texts.

Each does one named thing (``docs/tasks.md`` lists them); putting tokenised text together again is
``transforms``.
"""

import ast
import html
import re
import string
from collections.abc import Callable, Sequence
from urllib.parse import unquote

from preceptor.tasks.transforms import lines, tidy

_BREAK = re.compile(r"<\s*(?:br\s*/?|/?p|/?div|/li|/tr)\s*>", re.IGNORECASE)
_TAG = re.compile(r"<[A-Za-z/!][^<>]*>")
_BRACKETED = re.compile(r"\[[A-Za-z_]+\]\s*")
_ESCAPED = re.compile(r'\\(u[0-9a-fA-F]{4}|n|r|t|"|\'|\\)')
_ESCAPES = {"n": "\n", "r": "\n", "t": "\t"}
_SLOT = re.compile(r"\s*([^,\[\]]+?)\s*\[([^\]]*)\]\s*(?:,|$)")
# "(CNN) -- ", "LONDON, England (Reuters) -- ", "PARIS (AP) — ": a place in capitals, an agency in
# brackets, and a dash. At least one of place and agency must be there.
_PLACE = r"(?:[A-Z][A-Z.'\u2019-]+(?:[ ,]+[A-Z][A-Za-z.'\u2019-]*)*,?\s*)"
_AGENCY = r"(?:\([A-Z][A-Za-z0-9 .&/'\u2019-]{1,40}\)\s*)"
_DATELINE = re.compile(rf"\A\s*(?:{_PLACE}{_AGENCY}|{_AGENCY})(?:--|[\u2013\u2014-])\s*")
_HIGHLIGHT = re.compile(r"^@highlight\s*(?:\n|$)", re.MULTILINE)
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def strip_tags(text: str) -> str:
    """HTML as text: breaks and paragraphs to line breaks, other tags out, entities read.

    Raises:
        TypeError: Not a string.
    """
    broken = _BREAK.sub("\n", _text(text, "strip_tags"))
    return lines(html.unescape(_TAG.sub("", broken)))


def strip_brackets(text: str) -> str:
    """WikiHow's ``[header]``, ``[title]``, ``[step]`` and other single words in brackets out.

    Raises:
        TypeError: Not a string.
    """
    return tidy(_BRACKETED.sub("", _text(text, "strip_brackets")))


def unescape(text: str) -> str:
    r"""Two characters such as ``\n`` and ``\"`` as the one that they stand for.

    Raises:
        TypeError: Not a string.
    """
    return _ESCAPED.sub(
        lambda found: _unescaped(found[1]), _text(text, "unescape").replace('""', '"')
    )


def _unescaped(mark: str) -> str:
    return chr(int(mark[1:], 16)) if len(mark) > 1 else _ESCAPES.get(mark, mark)


def byte_literal(text: str) -> str:
    r"""``b'text\n'``, as Python prints bytes, as its text; other texts only trimmed.

    Raises:
        TypeError: Not a string.
        ValueError: It begins like such a literal and is none, or is not UTF-8.
    """
    stripped = _text(text, "byte_literal").strip()
    if not re.match(r"b['\"]", stripped):
        return stripped
    try:
        value = ast.literal_eval(stripped)
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"{stripped[:40]!r} is no literal of bytes") from error
    if not isinstance(value, bytes):
        raise ValueError(f"{stripped[:40]!r} is no literal of bytes")
    return value.decode().strip()


def join_triples(triples: Sequence[str | Sequence[str]]) -> str:
    """Triples in one line: ``subject | relation | object; subject | relation | object``.

    Underscores become blanks, and bracketed tags such as ``[TABLECONTEXT]`` go.

    Raises:
        TypeError: Not a list of strings or of lists of strings.
    """
    if not isinstance(triples, list | tuple):
        raise TypeError(f"join_triples takes a list, not {type(triples).__name__}")
    return "; ".join(" | ".join(_parts(triple)) for triple in triples)


def _parts(triple: object) -> list[str]:
    parts = triple.split("|") if isinstance(triple, str) else triple
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise TypeError(f"a triple is a string or a list of strings, not {type(triple).__name__}")
    cleaned = (tidy(_BRACKETED.sub("", str(part)).replace("_", " ")) for part in parts)
    return [part for part in cleaned if part]


def slots(text: str) -> str:
    """E2E's ``name[The Eagle], food[French]`` as ``name = The Eagle, food = French``.

    Raises:
        TypeError: Not a string.
        ValueError: No slot is found.
    """
    found = _SLOT.findall(_text(text, "slots"))
    if not found:
        raise ValueError(f"{text[:40]!r} has no slot such as name[...]")
    return ", ".join(f"{name} = {tidy(value)}" for name, value in found)


def number_turns(turns: Sequence[str]) -> str:
    """Texts as numbered lines: ``1. ...``.

    Raises:
        TypeError: Not a list of strings.
    """
    if not isinstance(turns, list | tuple) or not all(isinstance(turn, str) for turn in turns):
        raise TypeError(f"number_turns takes a list of texts, not {type(turns).__name__}")
    return "\n".join(f"{number}. {tidy(turn)}" for number, turn in enumerate(turns, 1))


def cut_dateline(text: str) -> str:
    """A news text without the place and agency at its head.

    Raises:
        TypeError: Not a string.
    """
    return _DATELINE.sub("", _text(text, "cut_dateline"), count=1)


def cut_highlights(text: str) -> str:
    """ReCoRD's passage up to its first ``@highlight``.

    Raises:
        TypeError: Not a string.
    """
    return _HIGHLIGHT.split(_text(text, "cut_highlights"), maxsplit=1)[0].strip()


def wiki_title(text: str) -> str:
    """A page's title as it reads: underscores to blanks, ``%28`` and its like decoded.

    Raises:
        TypeError: Not a string.
    """
    return tidy(unquote(_text(text, "wiki_title")).replace("_", " "))


def before(text: str, mark: str) -> str:
    """What stands before the first place of a mark; everything where there is none.

    Raises:
        TypeError: Not a string.
    """
    return _text(text, "before").partition(mark)[0]


def after(text: str, mark: str) -> str:
    """What stands after the first place of a mark; nothing where there is none.

    Raises:
        TypeError: Not a string.
    """
    return _text(text, "after").partition(mark)[2]


def mark_span(text: str, start: int, end: int, open: str, close: str) -> str:
    """The text with characters [start, end) between two marks.

    Raises:
        TypeError: Not a string.
        ValueError: The span does not lie in the text.
    """
    if not 0 <= start <= end <= len(_text(text, "mark_span")):
        raise ValueError(f"[{start}, {end}) is no span of a text of {len(text)} characters")
    return text[:start] + open + text[start:end] + close + text[end:]


def ending_in(text: str, mark: str) -> str:
    """The text with the mark at its end once, and no blank before it.

    Raises:
        TypeError: Not a string.
    """
    stripped = _text(text, "ending_in").rstrip()
    while mark and stripped.endswith(mark):
        stripped = stripped[: -len(mark)].rstrip()
    return stripped + mark


def sentence_case(text: str) -> str:
    """The first letter in upper case, the rest as it is: acronyms keep theirs.

    Raises:
        TypeError: Not a string.
    """
    return _text(text, "sentence_case")[:1].upper() + text[1:]


def no_punctuation(text: str) -> str:
    """Without ASCII punctuation, blanks folded.

    Raises:
        TypeError: Not a string.
    """
    return tidy(_text(text, "no_punctuation").translate(_NO_PUNCTUATION))


def no_blanks(text: str) -> str:
    """Without any white space.

    Raises:
        TypeError: Not a string.
    """
    return "".join(_text(text, "no_blanks").split())


def first_words(text: str, count: int) -> str:
    """The first words as they stand, white space between them included.

    Raises:
        TypeError: Not a string.
    """
    found = re.match(rf"\s*(?:\S+\s+){{0,{max(count - 1, 0)}}}\S+", _text(text, "first_words"))
    return found[0].strip() if found and count > 0 else ""


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} takes text, not {type(value).__name__}")
    return value


FILTERS: dict[str, Callable[..., str]] = {
    function.__name__: function
    for function in (
        strip_tags,
        strip_brackets,
        unescape,
        byte_literal,
        join_triples,
        slots,
        number_turns,
        cut_dateline,
        cut_highlights,
        wiki_title,
        before,
        after,
        mark_span,
        ending_in,
        sentence_case,
        no_punctuation,
        no_blanks,
        first_words,
    )
}
"""By the name that task files use."""

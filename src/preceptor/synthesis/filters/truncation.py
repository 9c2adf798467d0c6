"""Outputs that stop before their end."""

import re

from preceptor.synthesis.filters.config import FilterConfig
from preceptor.synthesis.filters.verdicts import Context, Drop
from preceptor.synthesis.parse import Parsed

CUT_WORDS = 20
"""A cut reply's output of more words than this has to end in closing punctuation."""
OPEN_WORDS = 4
"""A shorter output may end in any word: "vitamin a", "and"."""

_CLOSED = re.compile(r"[.!?…。！？।۔)\]}»”\"'`*|>]\s*\Z")  # noqa: RUF001
_OPEN_MARK = re.compile(r"(?:[,(\[–—]|\s-)\Z")  # noqa: RUF001
_OPEN_WORD = re.compile(
    r"(?<![\w-])(?:and|or|but|the|of|with|because|such as|including|for example"
    r"|an|a|to the|in the|is|are|was|were|if|when|which)\Z"
)
_BRACKETS = (("(", ")"), ("{", "}"))
_LINE_OF_CODE = re.compile(r"^[ \t]*+```", re.MULTILINE)
_FACE = re.compile(r"[:;]-?[()]")


def truncated(task: Parsed, context: Context, _: FilterConfig) -> Drop | None:
    """The output ends in a comma or a conjunction, or with a bracket or code fence open.

    Where the reply was cut by its length limit, an output of more than 20 words has to end in
    closing punctuation as well. In an input only an open code fence counts: notes are untidy.
    """
    for text in (task.input, task.output):
        if len(_LINE_OF_CODE.findall(text)) % 2:
            return Drop("truncated", "an open code fence")
    output = task.output.rstrip()
    words = len(output.split())
    open_word = _OPEN_WORD.search(output) if words >= OPEN_WORDS else None
    if going_on := _OPEN_MARK.search(output) or open_word:
        return Drop("truncated", f"ends in {going_on[0].strip()!r}")
    if opened := _left_open(output):
        return Drop("truncated", f"an open {opened!r}")
    if not context.finished and words > CUT_WORDS and not _CLOSED.search(output):
        return Drop("truncated", f"a cut reply, ends in {output.split()[-1]!r}")
    return None


def _left_open(output: str) -> str:
    """A bracket that is opened in the last line and not closed again; empty where there is none."""
    line = _FACE.sub("", output.split("\n")[-1])
    for left, right in _BRACKETS:
        depth = 0
        for character in line:
            depth = depth + 1 if character == left else max(0, depth - (character == right))
        if depth:
            return left
    return ""

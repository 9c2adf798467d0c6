"""Self-Instruct's first stage: a numbered list that goes on, one instruction an item.

Two faults of its reader are not repeated (arXiv 2212.10560, ``bootstrap_instructions.py``): it
lower-cased all but the first letter, which turns HbA1c, COPD and BRCA1 into other words, and it
dropped the whole reply when that ended by length, though only the last item was cut.
"""

import re

from preceptor.synthesis.parse import Parsed, closed, one_line

_NUMBERED = re.compile(r"^[ \t>*_#]*(?P<number>\d{1,3})[ \t]?[.):][*_]*(?:[ \t]+|$)", re.MULTILINE)
_BULLET = re.compile(r"^[ \t]*(?P<number>)[-*•][ \t]+", re.MULTILINE)
_LABEL = re.compile(r"[*_]*(?:instruction|task)s?(?: ?#?\d{1,3})?[*_]*:[*_]*\s*", re.IGNORECASE)
_MARKS_ONLY = re.compile(r"[\W_]*")


def parse_instruction_list(text: str, finished: bool) -> list[Parsed]:
    """The instructions of a list, in its order; never empty, and no text makes it raise.

    White space is folded and the first letter made a capital, unless the first word has capitals
    of its own (mRNA, pH); all other letters stay as they are. Inputs and outputs are empty: later
    stages ask for them.

    Args:
        text: The reply. Text before the first number is the item that the prompt had numbered,
            unless the list begins at 1 or that text ends in a colon: then it is an introduction.
        finished: It ended by itself. Otherwise the last item alone is 'cut off'.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    marks = list(_NUMBERED.finditer(text)) or list(_BULLET.finditer(text))
    items = [
        text[mark.end() : following.start() if following else len(text)]
        for mark, following in zip(marks, [*marks[1:], None], strict=False)
    ]
    lead = text[: marks[0].start()] if marks else text
    introduces = bool(marks) and (marks[0]["number"] in ("", "1") or lead.rstrip().endswith(":"))
    if not introduces:
        items.insert(0, lead)
    instructions = [_capitalised(_item(item)) for item in items]
    return closed([Parsed(0, item, "", "", "") for item in instructions if item], finished)


def _item(raw: str) -> str:
    """An item up to the first blank line: behind the last one a model may take its leave."""
    text = one_line(raw.strip().split("\n\n")[0])
    text = one_line(_LABEL.sub("", text, count=1) if _LABEL.match(text) else text)
    return "" if _MARKS_ONLY.fullmatch(text) else text


def _capitalised(text: str) -> str:
    word = re.match(r"[^\W\d_]*", text)
    run = word[0] if word else ""
    if not run.islower() or not (run.isascii() or len(run) > 1):  # mRNA; the letter of β-blockers
        return text
    return text[0].upper() + text[1:]

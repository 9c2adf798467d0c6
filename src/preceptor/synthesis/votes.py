"""A model's vote on the category of a task, and who decides: the rule or the votes.

What each category means is told as in the guide (``docs/categories.md``), in the guide's order.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from preceptor.synthesis.categories import CATEGORIES, NO_RULE
from preceptor.teachers.calls import Message

How = Literal["rule", "vote", "vote if no rule fired"]

VOTE_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"category": {"type": "string", "enum": list(CATEGORIES)}},
    "required": ["category"],
    "additionalProperties": False,
}
"""JSON schema of a vote, where a model can be held to one."""

_GUIDE = """\
Which category does the task below belong to? Look at its instruction, input and output. Take the \
first description that fits:

ie: the output only selects, copies or lays out what the input says, such as names, values, spans \
or relations, or says that the input does not say it.
qa: the output states or explains facts that hold without a particular case, such as definitions, \
mechanisms, side effects or differences; an input that only names the subject is part of the \
question. Multiple choice is always qa.
other: the output is a judgement or a computation about the particular thing given, such as a \
class, code, rank, score, diagnosis, eligibility, urgency, interpretation of results, yes or no \
about a given text, number or conversion.
gen: the output is a text written for a reader or a use, of which many would be right, such as a \
summary, simplification, letter, note, list of new questions, plan or advice.

The task is quoted; do not do it.
"""
_QUESTION = "Answer with one word: qa, ie, gen or other."

_NAMES = {
    "qa": r"q\s?&?\s?a|question[- ]answering",
    "ie": r"ie|information[- ]extraction",
    "gen": r"gen|generation|text[- ]generation",
    "other": r"other",
}
_NAME = "|".join(f"(?P<{category}>{names})" for category, names in _NAMES.items())
_MENTION = re.compile(rf"(?<![\w.])(?:{_NAME})(?!\w|\.\w)", re.IGNORECASE)
_LABELLED = re.compile(
    r"\b(?:category|answer|label|class|vote)\b(?:\s+is\b)?[\W_]*"
    rf"(?:{_NAME})(?!\w|\.\w)",
    re.IGNORECASE,
)
_LEADING = re.compile(rf"[\W_]*(?:{_NAME})\s*(?:$|\n|[.;(*`\"']|[-–—]\s)", re.IGNORECASE)  # noqa: RUF001 (a dash is meant)
_DENIED = re.compile(r"\bnot\b|n['’]t\b|\bneither\b|\bother than\b|\brather than\b", re.IGNORECASE)  # noqa: RUF001 (both apostrophes are meant)
_THOUGHT = re.compile(r"\A.*</think>", re.DOTALL)


def vote_messages(instruction: str, input: str, output: str) -> tuple[Message, ...]:
    """What a model is asked: one message, since not every model takes a system's."""
    task = {"instruction": instruction, "input": input, "output": output}
    quoted = json.dumps(task, ensure_ascii=False, indent=1)
    return (Message("user", f"{_GUIDE}\n{quoted}\n\n{_QUESTION}"),)


def read_vote(text: str) -> str:
    """The category that a reply names; empty where that is unclear.

    Read in this order: JSON with a key "category"; a reply that begins with a category and stops
    there; "category: ..." anywhere; the only category that is mentioned at all. Two that differ,
    or a denial ("not qa"), are unclear.
    """
    text = _THOUGHT.sub("", text).strip()
    if "<think>" in text:
        return ""  # it was cut while it still weighed
    stated = _from_json(text)
    if stated is not None:
        return stated
    if found := _LEADING.match(text):
        return str(found.lastgroup)
    for pattern in (_LABELLED, _MENTION):
        named = {found.lastgroup for found in pattern.finditer(text)}
        if named:
            clear = len(named) == 1 and not _DENIED.search(text)
            return str(named.pop()) if clear else ""
    return ""


def decide(rule_category: str, rule: str, votes: Sequence[str], how: How) -> tuple[str, str]:
    """A task's category, and by what it has it.

    Votes decide by more than half of all that were asked, unclear ones among them; otherwise the
    rule's category stands, and what is returned says that it does for want of a majority.

    Args:
        rule: The name of the rule that fired, or ``NO_RULE``.
        votes: One of ``CATEGORIES`` each; empty where a reply was unclear or none came.
    """
    if how == "rule" or (how == "vote if no rule fired" and rule != NO_RULE):
        return rule_category, rule
    if not votes:
        return rule_category, f"{rule} (no votes)"
    first, most = Counter(votes).most_common(1)[0]
    if first and 2 * most > len(votes):
        return first, f"vote {most} of {len(votes)}"
    return rule_category, f"{rule} (no majority of votes)"


def _from_json(text: str) -> str | None:
    """The category of a JSON object; empty for one that names none; None where there is none."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        return None
    try:
        value = json.loads(text[start : end + 1])
    except (ValueError, RecursionError):
        return None
    said = value.get("category", "") if isinstance(value, dict) else ""
    found = re.fullmatch(_NAME, said.strip(), re.IGNORECASE) if isinstance(said, str) else None
    return str(found.lastgroup) if found else ""

"""Formats that are a list of turns: ShareGPT's and chat messages. They differ in names only."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from preceptor.data.conversation import SEAM, Conversation, RecordProblem, Role, Turn
from preceptor.data.fields import aside, from_aside, text_of

ROLES: dict[str, Role | None] = {
    **dict.fromkeys(("human", "user"), "user"),
    **dict.fromkeys(("gpt", "assistant", "chatgpt", "bing", "bard", "model"), "assistant"),
    "system": None,
}
"""Names of sides in published files, to ours."""
INPUT_AT = "input_at"
"""Key of the metadata that says where, in which turn, an input begins: [[turn, character], ...]."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a format calls the list, and in each turn the side and what it says."""

    turns: str
    side: str
    text: str
    user: str
    assistant: str

    @property
    def schema(self) -> pa.Schema:
        """The list alone."""
        turn = pa.struct([(self.side, pa.string()), (self.text, pa.string())])
        return pa.schema([pa.field(self.turns, pa.list_(turn))])


SHAREGPT = Layout("conversations", "from", "value", "human", "gpt")
MESSAGES = Layout("messages", "role", "content", "user", "assistant")


def parse(layout: Layout, record: Mapping[str, Any], notes: Counter[str]) -> Conversation:
    """A record's conversation.

    Turns may use either format's names: both kinds of files are found under both names.

    Raises:
        RecordProblem: There are no turns, a side is unknown, a turn says nothing that is text, or
            a system's message stands elsewhere than first.
    """
    given = record.get(layout.turns)
    if not isinstance(given, list) or not given:
        raise RecordProblem(f"{layout.turns} is no list of turns")
    system = text_of(record, "system")
    turns: list[Turn] = []
    for number, turn in enumerate(given, start=1):
        role, text = _turn(turn, number, notes)
        if role is not None:
            turns.append(Turn(role, text))
        elif turns or system:
            raise RecordProblem(f"turn {number} is the system's, and something stands before it")
        else:
            system = text
    if not turns:
        raise RecordProblem(f"{layout.turns} has nothing but the system's message")
    found = from_aside(record, (layout.turns, "system"), turns, system, notes)
    return _with_inputs(found)


def _turn(turn: Any, number: int, notes: Counter[str]) -> tuple[Role | None, str]:
    if not isinstance(turn, dict):
        raise RecordProblem(f"turn {number} is no object")
    side_key = "from" if turn.get("from") is not None else "role"
    text_key = "value" if turn.get("value") is not None else "content"
    side = turn.get(side_key)
    if not isinstance(side, str) or side.lower() not in ROLES:
        raise RecordProblem(
            f"turn {number}: side {side!r} is unknown ({', '.join(ROLES)} are known)"
        )
    for key, value in turn.items():
        if key not in (side_key, text_key) and value is not None:
            notes[f"a turn's {key!r} left behind"] += 1
    return ROLES[side.lower()], _said(turn.get(text_key), number)


def _said(content: Any, number: int) -> str:
    """A turn's text, which some files cut into parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else [None]
    texts = [part.get("text") if isinstance(part, dict) else None for part in parts]
    kinds = [part.get("type", "text") if isinstance(part, dict) else None for part in parts]
    if not all(isinstance(text, str) for text in texts) or set(kinds) != {"text"}:
        raise RecordProblem(f"turn {number} says nothing that is text alone")
    return "".join(str(text) for text in texts)


def dump(layout: Layout, conversation: Conversation) -> dict[str, Any]:
    """The conversation as a record: the system's message is its first turn.

    Raises:
        RecordProblem: Its metadata has a key of ours, or an input has no instruction before it.
    """
    first = [("system", conversation.system)] if conversation.system else []
    names = {"user": layout.user, "assistant": layout.assistant}
    sides = [*first, *((names[turn.role], turn.text) for turn in conversation.turns)]
    turns = [{layout.side: side, layout.text: text} for side, text in sides]
    inputs = [[n, len(turn.content)] for n, turn in enumerate(conversation.turns) if turn.input]
    if INPUT_AT in conversation.extra:
        raise RecordProblem(f"its metadata has the key {INPUT_AT!r}, which is ours; rename it")
    return {layout.turns: turns} | aside(conversation, {INPUT_AT: inputs} if inputs else {})


def _with_inputs(conversation: Conversation) -> Conversation:
    """Cut off the inputs of an Alpaca record that was written in this format."""
    marks = conversation.extra.get(INPUT_AT)
    if not isinstance(marks, Sequence) or isinstance(marks, str):
        return conversation
    turns = list(conversation.turns)
    for mark in marks:
        if not (isinstance(mark, list) and len(mark) == 2 and all(type(n) is int for n in mark)):
            return conversation
        place, at = mark
        if not 0 <= place < len(turns) or at < 0:
            return conversation
        text = turns[place].content
        if turns[place].role != "user" or not text[at:].startswith(SEAM):
            return conversation  # edited since: the whole stays the instruction
        turns[place] = Turn("user", text[:at], text[at + len(SEAM) :])
    extra = {key: value for key, value in conversation.extra.items() if key != INPUT_AT}
    return Conversation(
        tuple(turns), conversation.system, conversation.id, conversation.source, extra
    )

"""Alpaca's records: instruction, input, output (tatsu-lab/stanford_alpaca).

Read besides: ``system`` and ``history`` (pairs of question and answer), as LLaMA-Factory has them.
They are not written: who reads the three fields would lose them without a word.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from preceptor.data.conversation import Conversation, RecordProblem, Turn, exchanges
from preceptor.data.fields import aside, from_aside, text_of
from preceptor.data.no_input import normalise_input

SCHEMA = pa.schema([pa.field(name, pa.string()) for name in ("instruction", "input", "output")])
_OWN = ("instruction", "input", "output", "system", "history")


def parse(record: Mapping[str, Any], notes: Counter[str]) -> Conversation:
    """A record's conversation; every spelling of 'no input' becomes the empty string.

    Raises:
        RecordProblem: A field is missing, not text, or the instruction is empty.
    """
    instruction = text_of(record, "instruction", required=True)
    given = text_of(record, "input")
    output = text_of(record, "output", required=True)
    if not instruction.strip():
        raise RecordProblem("instruction is empty")
    input = normalise_input(given)
    if given.strip() and not input:
        notes[f"input {given.strip()[:40]!r} read as none"] += 1
    turns = (*_history(record), Turn("user", instruction, input), Turn("assistant", output))
    system = text_of(record, "system")
    return from_aside(record, _OWN, turns, system, notes)


def _history(record: Mapping[str, Any]) -> list[Turn]:
    pairs = record.get("history") or []
    if not isinstance(pairs, list):
        raise RecordProblem("history is no list of pairs")
    turns: list[Turn] = []
    for pair in pairs:
        if not (
            isinstance(pair, list) and len(pair) == 2 and all(isinstance(t, str) for t in pair)
        ):
            raise RecordProblem("history is no list of pairs of texts")
        turns += (Turn("user", pair[0]), Turn("assistant", pair[1]))
    return turns


def dump(conversation: Conversation) -> dict[str, Any]:
    """The conversation as a record.

    Raises:
        RecordProblem: It has several exchanges or a system's message, which the format cannot hold.
    """
    found = list(exchanges(conversation))
    if len(found) != 1:
        raise RecordProblem(f"Alpaca holds one exchange, and the conversation has {len(found)}")
    if conversation.system:
        raise RecordProblem("Alpaca holds no system's message, and the conversation has one")
    one = found[0]
    if not one.instruction.strip():
        raise RecordProblem("Alpaca holds no record without an instruction")
    if normalise_input(one.input) != one.input:
        raise RecordProblem(f"an input {one.input!r} would be read as none")
    fields = {"instruction": one.instruction, "input": one.input, "output": one.output}
    return fields | aside(conversation, {})

"""Tasks of real text, and the replies of an endpoint that are made of them.

Instructions are rows of $PRECEPTOR_DATA/scale. Where a row is a bare question, its output is that
of another row: real text of a fitting length, though no answer. That is enough for what is measured
here, which is speed and bookkeeping, and for nothing else.
"""

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from statistics import NormalDist
from typing import Any

FILES = ("alpaca_5000", "t0_prompts", "questions", "medquad_questions")
FIELDS = ("instruction", "input", "output")
EVERY = {"medquad_questions": 4}
"""One row of so many: most of MedQuAD's questions are one pattern over many diseases."""
LONGEST_OUTPUT = 400
"""Characters of a borrowed output: the questions' answers are short."""
_BITS = 2.0**64
_NORMAL = NormalDist()

Task = tuple[str, str, str]
"""Instruction, input ('' for none), output."""


def number(*key: object) -> int:
    """64 bits that the key decides."""
    text = "\x1f".join(str(part) for part in key)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def uniform(*key: object) -> float:
    """A number in (0, 1) that the key decides."""
    return (number(*key) + 0.5) / (_BITS + 1)


def normal(*key: object) -> float:
    """A standard normal number that the key decides."""
    return _NORMAL.inv_cdf(min(max(uniform(*key), 1e-12), 1 - 1e-12))


def load_tasks(folder: Path) -> list[Task]:
    """The rows of the four files as tasks, in the order of the files."""
    rows = {name: _rows(folder / f"{name}.jsonl.gz")[:: EVERY.get(name, 1)] for name in FILES}
    whole = [(row["instruction"], row["input"], row["output"]) for row in rows["alpaca_5000"]]
    whole += [(row["prompt"], "", row["completion"]) for row in rows["t0_prompts"]]
    lent = [task[2] for task in whole if 0 < len(task[2]) <= LONGEST_OUTPUT]
    bare = [row["question"] for name in FILES[2:] for row in rows[name]]
    whole += [(text, "", lent[number("lent", text) % len(lent)]) for text in bare]
    return [(" ".join(task[0].split()), task[1], task[2]) for task in whole]


def read_tasks(path: Path) -> list[Task]:
    """Tasks of a JSONL file with ``instruction``, ``input`` and ``output``."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [(row["instruction"], row["input"], row["output"]) for row in rows]


def _rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt") as lines:
        return [json.loads(line) for line in lines]


@dataclass(frozen=True)
class Reply:
    """What the model says: a function of the request's bytes alone."""

    text: str
    finished: bool
    spoilt: str
    """'prose around', 'cut off' or 'wrong form'; empty for a clean one."""


def reply(
    tasks: Sequence[Task], count: int, spoilt: float, seed: int, key: str, as_json: bool
) -> Reply:
    """``count`` tasks drawn by the key, in JSON or as labelled fields.

    Args:
        spoilt: Share of the replies that do not have the form that was asked for.
        key: Of the request: its bytes' hash.
    """
    drawn = [tasks[number(seed, "task", key, i) % len(tasks)] for i in range(count)]
    if uniform(seed, "spoilt", key) >= spoilt:
        return Reply(_written(drawn, as_json), True, "")
    how = ("prose around", "cut off", "wrong form")[number(seed, "how", key) % 3]
    if how == "wrong form":
        return Reply(_written(drawn, not as_json), True, how)
    text = _written(drawn, as_json)
    if how == "cut off":
        return Reply(text[: len(text) * 2 // 3], False, how)
    return Reply(
        f"Sure! Here is what you asked for:\n\n{text}\n\nTell me if I can help.", True, how
    )


def _written(tasks: Sequence[Task], as_json: bool) -> str:
    if as_json:
        fields = [dict(zip(FIELDS, task, strict=True)) for task in tasks]
        return json.dumps({"tasks": fields}, ensure_ascii=False)
    return "\n\n".join(
        f"Instruction: {task[0]}\nInput: {task[1] or 'none'}\nOutput: {task[2]}" for task in tasks
    )


def completion(body: Mapping[str, Any], key: str, said: Reply) -> bytes:
    """The reply as OpenAI's chat completions give it."""
    prompt = sum(len(str(message["content"])) for message in body["messages"])
    used = (prompt // 4, len(said.text) // 4)
    return json.dumps(
        {
            "id": f"chatcmpl-{key[:24]}",
            "object": "chat.completion",
            "created": 0,
            "model": body["model"],
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": said.text},
                    "finish_reason": "stop" if said.finished else "length",
                }
            ],
            "usage": {
                "prompt_tokens": used[0],
                "completion_tokens": used[1],
                "total_tokens": sum(used),
            },
        },
        ensure_ascii=False,
    ).encode()

"""Rows for the protocols in the layouts that the harness reads, made up and real."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from preceptor.tasks.protocol import Protocol

Fields = dict[str, Any]

MULTIPLE = {
    "question": " Which organ makes bile?\n",
    "choices": ["liver", "spleen", "heart", "lung"],
    "answer": 0,
}
NLI = {"premise": "It rained all day.", "hypothesis": "The ground is wet.", "label": 1}
LETTERED = {
    "question": "What melts ice?",
    "choices": {"text": ["heat", "cold", "dark"], "label": ["1", "2", "3"]},
    "answerKey": "1",
}

MADE_UP: dict[str, Fields] = {
    "medqa_4options": {
        "id": "x",
        "sent1": "A man coughs. Why?",
        "sent2": "",
        "ending0": "asthma",
        "ending1": "gout",
        "ending2": "acne",
        "ending3": "a cold",
        "label": 3,
    },
    "medmcqa": {
        "question": "Longest bone?",
        "opa": "femur",
        "opb": "ulna",
        "opc": "tibia",
        "opd": "rib",
        "cop": 0,
        "exp": None,
    },
    "pubmedqa": {
        "QUESTION": "Does sleep help?",
        "CONTEXTS": ["We asked 12 people.", "Most were rested."],
        "final_decision": "maybe",
    },
    "mmlu": {"subject": "", **MULTIPLE},
    "anli": {"uid": "x", "reason": "", **NLI},
    "rte": {"sentence1": "It rained.", "sentence2": "It was wet.", "label": 0, "idx": 3},
    "sglue_rte": NLI,
    "cb": NLI,
    "boolq": {"question": "is rain wet", "passage": "Rain -- Water that falls.", "label": 1},
    "copa": {
        "premise": "The ice melted.",
        "choice1": "Ámbar was warm.",
        "choice2": "It was night.",
        "question": "cause",
        "label": 0,
    },
    "hellaswag": {
        "ind": 4,
        "activity_label": "Home",
        "ctx_a": "[header] How to dust [title] Start high. [step] Go down.",
        "ctx_b": "the Maid",
        "endings": ["[substeps] Use a cloth [2].", "sings  loudly.", "left", "[title] Rest"],
        "label": "2",
    },
    "piqa": {"goal": "Open a jar.", "sol1": "Turn the lid.", "sol2": "Sing to it.", "label": 0},
    "arc": {"id": "x", **LETTERED},
    "winogrande": {
        "sentence": "The cup fell off the shelf as _ was wet.",
        "option1": "cup",
        "option2": "shelf",
        "answer": "2",
    },
    "openbookqa": {
        "id": "x",
        "question_stem": "Ice is melted by",
        "choices": LETTERED["choices"],
        "answerKey": " 2",
    },
}

KEYS = {"answerKey", "final_decision", "answer", "label", "subject", "id", "uid"}


def made_up(protocol: Protocol) -> list[Fields]:
    """A row, and the same with every text that may be anything full of awkward characters."""
    task = protocol.mirrors.task
    named = task if task in MADE_UP else task.split("_")[0]
    row = MADE_UP[named]
    fixed = KEYS | ({"question"} if task == "copa" else set())
    return [row, {key: value if key in fixed else _odd(value) for key, value in row.items()}]


def _odd(value: Any) -> Any:
    if isinstance(value, str):
        return (
            f"\t{value} {{{{ x }}}} {{% y %}} [title]  [a\nb] [c [d] e]]_ \\n 'q' \u2028é\u00a0 \n"
        )
    if isinstance(value, list):
        return [_odd(item) for item in value]
    if isinstance(value, dict):
        return {key: item if key in KEYS else _odd(item) for key, item in value.items()}
    return value


def local(protocol: Protocol, split: str, root: Path) -> Iterator[Fields]:
    """Real rows in the layout of the data folder; of MMLU those of the subject."""
    path = root / protocol.source.folder / f"{split}.jsonl"
    for line in path.read_text(encoding="utf-8").split("\n"):
        if line:
            row: Fields = json.loads(line)
            if not protocol.source.keep or f'"{row["subject"]}"' in protocol.source.keep:
                yield row


def hub(protocol: Protocol, row: Fields) -> Fields:
    """A row of the data folder in the layout of the harness's data set."""
    convert = _LAYOUTS.get(protocol.mirrors.task)
    return convert(row) if convert else row


def _medqa(row: Fields) -> Fields:
    endings = {f"ending{number}": row["options"][letter] for number, letter in enumerate("ABCD")}
    return {"sent1": row["question"], "sent2": "", **endings, "label": ord(row["answer_idx"]) - 65}


def _pubmedqa(row: Fields) -> Fields:
    return {
        "QUESTION": row["question"],
        "CONTEXTS": row["context"]["contexts"],
        "final_decision": row["final_decision"],
    }


def _glue(row: Fields) -> Fields:
    return {
        "sentence1": row["premise"],
        "sentence2": row["hypothesis"],
        "label": row["label"],
        "idx": row["idx"],
    }


def _hellaswag(row: Fields) -> Fields:
    """The folder has the context joined; an unfinished last sentence is the hub's second part."""
    first, dot, last = row["ctx"].rpartition(". ")
    parted = bool(dot) and not row["ctx"].rstrip().endswith((".", "!", "?"))
    a, b = (first + ".", last) if parted else (row["ctx"], "")
    return {**row, "ctx_a": a, "ctx_b": b}


_LAYOUTS: dict[str, Callable[[Fields], Fields]] = {
    "medqa_4options": _medqa,
    "pubmedqa": _pubmedqa,
    "rte": _glue,
    "hellaswag": _hellaswag,
}

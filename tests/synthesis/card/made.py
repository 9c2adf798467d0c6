"""Records to count over, and the real ones."""

import gzip
import importlib.util
import json
import os
from pathlib import Path

import pytest

from preceptor.data.tally import Tally
from preceptor.synthesis.card.rows import Plain, read_file
from preceptor.synthesis.card.verbs import MODELS

parser_installed = pytest.mark.skipif(
    not any(importlib.util.find_spec(name) for name in MODELS),
    reason="needs spaCy's weights (preceptor[card])",
)


def plain(instruction: str, input: str = "", output: str = "An answer.", **more: object) -> Plain:
    """A record with an id of its own text."""
    return Plain(f"{instruction}/{input}", instruction, input, output, **more)  # type: ignore[arg-type]


def real(name: str) -> list[Plain]:
    """All rows of a real data set, or the whole 5,000 of Alpaca; skips where they are not."""
    root = os.environ.get("PRECEPTOR_DATA")
    if not root:
        pytest.skip("PRECEPTOR_DATA does not name the folder of real data sets")
    if name == "alpaca_5000":
        with gzip.open(Path(root) / "scale" / "alpaca_5000.jsonl.gz", "rt") as stream:
            rows = [json.loads(line) for line in stream]
        return [plain(row["instruction"], row["input"], row["output"]) for row in rows]
    return [
        record
        for split in ("train", "test")
        for record in read_file(Path(root) / name / f"{split}.jsonl", Tally())
    ]

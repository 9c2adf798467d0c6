import json
import os
from pathlib import Path

import pytest

from preceptor.data.no_input import normalise_input


@pytest.mark.parametrize(
    "spelling",
    [
        *["", "  ", "N/A", "n/a", "NA", "None", "none.", "(None)", "null", "-", "\u2014", "..."],
        *["<noinput>", "< noinput >", "\\<noinput\\>", '"<noinput>"', "`<noinput>`", "Noinput"],
        *["<No Input>", "No input.", "No input needed.", "(no input required)", "No_input"],
        *["None needed.", "There is no input.", "Not applicable", "No context provided"],
        *["No additional input is required", "no input is needed for this task"],
    ],
)
def test_every_way_of_saying_no_input_becomes_empty(spelling: str) -> None:
    assert normalise_input(spelling) == ""


@pytest.mark.parametrize(
    "input",
    [
        *["Na", "No", "no", "not", "[]", "{}", "0", "No pain.", "no input devices work", " x "],
        *["None of the above", "Newborn baby, no previous vaccinations.", "Nothing"],
    ],
)
def test_what_may_be_an_input_stays_as_it_is(input: str) -> None:
    assert normalise_input(input) == input


@pytest.mark.parametrize(("name", "at_least"), [("alpaca", 9), ("bioinstruct", 30)])
def test_real_files_have_several_spellings(name: str, at_least: int) -> None:
    root = os.environ.get("PRECEPTOR_DATA")
    if not root:
        pytest.skip(f"REAL ROWS OF {name} NOT READ: set PRECEPTOR_DATA to their folder")
    lines = (Path(root) / name / "train.jsonl").read_text(encoding="utf-8").split("\n")
    inputs = [json.loads(line)["input"] for line in lines if line]
    changed = {text for text in inputs if text and not normalise_input(text)}
    assert sum(text in changed for text in inputs) >= at_least, changed
    assert all(len(text.split()) <= 5 for text in changed), changed

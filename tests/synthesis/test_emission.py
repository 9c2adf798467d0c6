from dataclasses import replace
from pathlib import Path

from preceptor.artifact import Work
from preceptor.records import Instruction
from preceptor.synthesis.emission import Tally
from preceptor.synthesis.stage import Sources, synthesise
from preceptor.synthesis.tables import read_instructions
from tests.synthesis.scripted import SEEDS, ScriptedModel, models
from tests.synthesis.test_stage import CONFIG


def kept(folder: Path) -> Instruction:
    synthesise(CONFIG, Sources(SEEDS), models(ScriptedModel()), folder / "l", Work(folder / "w"))
    return read_instructions(folder / "w" / "files" / "instructions.parquet")[0]


def test_flags_and_votes_are_counted_over_the_kept(tmp_path: Path) -> None:
    one = replace(kept(tmp_path), category="qa")
    tally = Tally()
    for flags, votes in (
        ({"dose_not_given": "5 mg"}, "qa, qa, ie"),
        ({"dose_not_given": "10 mg", "temperature": "62 C"}, "ie, unclear, ie"),
        ({}, "unclear, unclear"),
        ({}, ""),
    ):
        tally.keep(replace(one, flags=flags, category_vote=votes))
    found = tally.to_json()
    assert found["flags"] == {"dose_not_given": 2, "temperature": 1}
    assert found["against_votes"] == 1
    assert found["kept_by_category"] == {"qa": 4}

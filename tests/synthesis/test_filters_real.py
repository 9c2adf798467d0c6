"""The filters over real records: what they drop there is written down in docs/filters.md."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from preceptor.synthesis.filters import FILTERS, FLAGS, Context, FilterConfig, flags
from preceptor.synthesis.filters.language import language
from preceptor.synthesis.filters.personal_data import KINDS
from preceptor.synthesis.parse import Parsed, normalise_input

CONTEXT = Context((), frozenset())


def rows(name: str) -> Iterator[dict[str, Any]]:
    root = os.environ.get("PRECEPTOR_DATA")
    if not root:
        pytest.skip("FILTERS NOT TESTED ON REAL ROWS: set PRECEPTOR_DATA to their folder")
    for path in sorted(Path(root, name).glob("*.jsonl"), reverse=True):
        with path.open(encoding="utf-8") as lines:
            yield from (json.loads(line) for line in lines)


def tasks(name: str) -> Iterator[Parsed]:
    for row in rows(name):
        instruction = " ".join(row["instruction"].split())
        yield Parsed(0, instruction, normalise_input(row["input"]), row["output"].strip(), "")


def dropped(name: str, config: FilterConfig) -> Counter[str]:
    """How many records each filter drops, asked by itself."""
    return Counter(
        filter_.__name__
        for task in tasks(name)
        for filter_ in FILTERS
        if filter_(task, CONTEXT, config)
    )


def test_released_bioinstruct_records() -> None:
    assert dropped("bioinstruct", FilterConfig()) == {
        "ends_in_colon": 2,
        "repeated_as_output": 1,
        "placeholder": 1,
        "bare_link": 1,
    }
    raised = Counter(flag for task in tasks("bioinstruct") for flag in flags(task))
    assert raised == {"dose_not_given": 7}


def test_released_alpaca_records() -> None:
    assert dropped("alpaca", FilterConfig()) == {"bare_link": 5, "repeated_as_output": 1}
    assert not any(flags(task) for task in tasks("alpaca"))


def test_released_records_are_english_or_translations() -> None:
    pytest.importorskip("py3langid", reason="LANGUAGES NOT TESTED: install preceptor[language]")
    config = FilterConfig(language="en")
    assert dropped("bioinstruct", config)["language"] == 0
    found = [task.output for task in tasks("alpaca") if language(task, CONTEXT, config)]
    assert found == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [("de_en", "de"), ("cs_en", "cs"), ("ru_en", "ru"), ("zh_en", "zh"), ("fr_de", "fr")],
)
def test_most_sentences_of_other_languages_are_told(name: str, expected: str) -> None:
    pytest.importorskip("py3langid", reason="LANGUAGES NOT TESTED: install preceptor[language]")
    config = FilterConfig(language="en")
    texts = [row["translation"][expected] for row in rows(f"wmt22_{name}")]
    long = [text for text in texts if len(text.split()) >= 6 or (expected == "zh" and text[20:])]
    told = [text for text in long if language(Parsed(0, "Say it.", "", text, ""), CONTEXT, config)]
    assert len(told) >= 0.95 * len(long) > 0


@pytest.mark.parametrize(
    "name", ["bioinstruct", "mts_dialog", "medquad", "chatdoctor5k", "med_qa", "pubmed_qa"]
)
def test_clinical_text_without_personal_data_raises_no_alarm(name: str) -> None:
    texts = [value for row in rows(name) for value in row.values() if isinstance(value, str)]
    for kind, holds in KINDS:
        assert [text for text in texts if holds(text)] == [], kind


def test_real_e_mail_raises_many() -> None:
    found = Counter(
        kind for row in rows("aeslc") for kind, holds in KINDS if holds(row["email_body"])
    )
    assert found == {"phone number": 30, "e-mail address": 19, "street address": 3}


def test_clinical_text_raises_few_flags() -> None:
    raised = Counter(
        name
        for folder in ("mts_dialog", "medquad", "icliniq", "chatdoctor5k")
        for row in rows(folder)
        for value in row.values()
        for name, look in FLAGS.items()
        if isinstance(value, str) and look(value)
    )
    assert raised == {}

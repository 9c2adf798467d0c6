import importlib.util
from typing import Any

import pytest

from preceptor.errors import ModelError
from preceptor.synthesis.card.verbs import load_parser, read_forms, verbs
from tests.synthesis.card.made import parser_installed, plain

SENTENCES = [
    ("Identify the cause of the fever.", "order", "identify", "cause"),
    ("Given a list of symptoms, list the possible causes.", "order", "list", "cause"),
    ("Given a medical condition, suggest a treatment.", "order", "suggest", "treatment"),
    ("Based on the text, recommend a diet.", "order", "recommend", "diet"),
    ("Using the data below, write a summary of it.", "order", "write", "summary"),
    ("Provide a list of differential diagnoses.", "order", "provide", "list"),
    ("You are a nurse. Explain the procedure to the patient.", "order", "explain", "procedure"),
    ("List three key points on the disease.", "order", "list", "point"),
    ("Explain how insulin works.", "order", "explain", ""),
    ("Please summarize the abstract.", "order", "summarize", "abstract"),
    ('Rewrite the sentence: "This car runs very fast"', "order", "rewrite", "sentence"),
    ('Replace the phrase "make a difference" with another.', "order", "replace", "phrase"),
    ("Re-write the note.", "order", "rewrite", "note"),
    ("What causes a fever?", "question", "", ""),
    ("How does a scanner work", "question", "", ""),
    ("Can a person with epilepsy drive? Explain briefly.", "question", "", ""),
]


@pytest.fixture(scope="module")
def parser() -> Any:
    """Loaded once."""
    return load_parser()


@parser_installed
@pytest.mark.parametrize(("text", "form", "verb", "noun"), SENTENCES)
def test_the_main_verb_is_that_of_the_order(
    parser: Any, text: str, form: str, verb: str, noun: str
) -> None:
    (found,) = read_forms(parser, [text])
    assert (found.form, found.verb, found.noun) == (form, verb, noun)


@parser_installed
def test_counts_add_up_and_the_figure_has_the_most_frequent() -> None:
    found = verbs([plain(text) for text, *_ in SENTENCES])
    assert found.orders + found.questions + found.others == len(SENTENCES)
    assert (found.questions, found.others) == (3, 0)
    assert found.with_object == 12
    main = dict(found.most)
    assert main["list"] == main["explain"] == main["rewrite"] == 2
    assert found.figure[0] == ("list", 2, (("cause", 1), ("point", 1)))
    assert found.drawn == 12
    assert found.parser.startswith("en_core_web_")


@parser_installed
def test_any_text_has_a_form(parser: Any) -> None:
    texts = ["", " ", "?", "\ud800 list", "Fever", "a " * 5_000, "\n\n", "\u05d0\u05d1"]
    found = list(read_forms(parser, texts))
    assert len(found) == len(texts)
    assert {one.form for one in found} <= {"order", "question", "other"}
    assert found[0].form == "other"


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"install preceptor\[card\]"):
        load_parser()

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preceptor.tasks.transforms import detokenise, entities, lines, tidy

MARKS = """ a b2 gene 10 000 . , : ; - / ( ) [ ] ' " `` '' % $ 's n't + ... """
BRACKETS = ("-LRB-", "-RRB-", "-LSB-", "-RSB-")
TOKENS = st.lists(
    st.sampled_from([*MARKS.split(), *BRACKETS])
    | st.text(st.characters(exclude_categories=["Z", "C"]), max_size=5),
    max_size=14,
)


def test_tidy_folds_all_white_space() -> None:
    assert tidy("  a \n\tb\u00a0c ") == "a b c"


def test_lines_drops_empty_lines_and_keeps_the_others_apart() -> None:
    assert lines(" a  b \n\n \r\n c ") == "a b\nc"


@settings(deadline=None)
@given(st.text())
def test_tidy_and_lines_change_nothing_the_second_time(text: str) -> None:
    assert tidy(tidy(text)) == tidy(text)
    assert lines(lines(text)) == lines(text)


@pytest.mark.parametrize(
    ("tokenised", "written"),
    [
        ("AMD 's chips , it said , do n't sell .", "AMD's chips, it said, don't sell."),
        ("He said , `` I know ( a bit ) . ''", 'He said, "I know (a bit)."'),
        ('The " best " one !', 'The "best" one!'),
        ("He said ' go ' twice", "He said 'go' twice"),
        ("the patients ' families", "the patients' families"),
        ("-LRB- in Paris -RRB-", "(in Paris)"),
        ("a cost of $ 5 , or 10 %", "a cost of $5, or 10%"),
        ("Bullion - a concept - opened", "Bullion - a concept - opened"),
        ("one line .\ntwo lines .", "one line.\ntwo lines."),
        ("as it stands. Nothing changes (here).", "as it stands. Nothing changes (here)."),
    ],
)
def test_a_string_is_put_together_as_written(tokenised: str, written: str) -> None:
    assert detokenise(tokenised) == written


@pytest.mark.parametrize(
    ("tokenised", "written"),
    [
        ("Borjeson - Forssman syndrome ( BFLS ) .", "Borjeson-Forssman syndrome (BFLS)."),
        ("the 5 ' end of ' it '", "the 5' end of 'it'"),
        ("cleft lip and / or palate", "cleft lip and/or palate"),
        ("Alzheimer ' s disease", "Alzheimer's disease"),
        ("2 . 5 mg ( P = . 008 )", "2.5 mg (P = .008)"),
        ("1 , 000 of 2 , 3 or 4", "1,000 of 2, 3 or 4"),
        ("a ratio of 1 : 20", "a ratio of 1:20"),
        ("the box -dependent path", "the box-dependent path"),
        ("up - and -independent", "up-and -independent"),
        ("an end . .", "an end."),
        ("and so on . . .", "and so on..."),
    ],
)  # fmt: skip
def test_a_token_list_is_put_together_as_written(tokenised: str, written: str) -> None:
    assert detokenise(tokenised.split()) == written


def test_entities_come_in_order_without_repeats_as_they_stand_in_the_text() -> None:
    sentence = "A - T , cancer and A - T or breast cancer"
    tokens = sentence.split()
    tags = [1, 2, 2, 0, 1, 0, 1, 2, 2, 0, 1, 2]
    assert entities(tokens, tags, [1], [2]) == ["A-T", "cancer", "breast cancer"]


def test_a_begin_tag_ends_the_entity_before_it() -> None:
    assert entities(["a", "b"], [1, 1], [1], [2]) == ["a", "b"]


def test_types_are_paired_and_a_stray_inside_tag_begins_an_entity() -> None:
    assert entities(["a", "b", "c", "d"], [1, 4, 4, 2], [1, 3], [2, 4]) == ["a", "b c", "d"]


def test_other_types_are_left_out() -> None:
    assert entities(["a", "b", "c"], [1, 2, 3], [3], [4]) == ["c"]


@settings(deadline=None)
@given(TOKENS, st.data())
def test_every_entity_occurs_in_the_text(tokens: list[str], data: st.DataObject) -> None:
    tags = data.draw(st.lists(st.integers(0, 4), min_size=len(tokens), max_size=len(tokens)))
    text = detokenise(tokens)
    for entity in entities(tokens, tags, [1, 3], [2, 4]):
        assert entity in text


@settings(deadline=None)
@given(TOKENS)
def test_only_blanks_and_spelling_of_brackets_and_quotes_change(tokens: list[str]) -> None:
    spelling = {"``": '"', "''": '"', **dict(zip(BRACKETS, "()[]", strict=True))}
    spelled = "".join(spelling.get(token, token) for token in tokens)
    if tokens[-2:] == [".", "."] and tokens[-3:-2] != ["."]:
        spelled = spelled[:-1]
    assert detokenise(tokens).replace(" ", "") == spelled


def test_tokens_and_tags_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="2 tokens but 1 tags"):
        entities(["a", "b"], [0], [1], [2])


def test_a_filter_says_what_it_takes() -> None:
    with pytest.raises(TypeError, match="tidy takes text, not int"):
        tidy(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="entities takes a list of tokens, not str"):
        entities("a b", [0, 0], [1], [2])


@pytest.mark.skipif(
    not os.environ.get("PRECEPTOR_DATA"),
    reason="REAL ROWS NOT TESTED: set PRECEPTOR_DATA to the folder of data sets",
)
@pytest.mark.parametrize("split", ["train", "test"])
def test_real_sentences_keep_no_blank_before_a_mark(split: str) -> None:
    path = Path(os.environ["PRECEPTOR_DATA"]) / "ncbi_disease" / f"{split}.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    wrong = 0
    for row in rows:
        text = detokenise(row["tokens"])
        wrong += any(mark in text for mark in (" ,", " ;", " )", "( ", " - "))
        for entity in entities(row["tokens"], row["ner_tags"], [1], [2]):
            assert entity in text
    assert wrong <= 0.03 * len(rows)

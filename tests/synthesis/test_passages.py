import gzip
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preceptor.errors import SeedError
from preceptor.synthesis.passages import (
    Passage,
    draw_passage,
    load_passages,
    passages_digest,
    windows,
)

MEDLINE = """
PMID- 101
OWN - NLM
TI  - Furosemide in heart
      failure.
AB  - BACKGROUND: Swelling of the legs.
      RESULTS: It went down - AB  - by half.
AU  - Doe J
AU  - Roe R
FAU - Roe, R

PMID- 102
TI  - A letter without an abstract.
AU  - Doe J

PMID- 103
AB  - No title here.
"""
PUBMED = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle//EN" "https://example.invalid/x.dtd">
<PubmedArticleSet>
<PubmedArticle><MedlineCitation><PMID Version="1">7</PMID><Article>
<ArticleTitle>CO<sub>2</sub> and &lt;breath&gt;.</ArticleTitle>
<Abstract><AbstractText Label="AIM">To   see.</AbstractText>
<AbstractText>We <i>saw</i>.</AbstractText></Abstract></Article>
<OtherAbstract><AbstractText>Autre.</AbstractText></OtherAbstract>
<CommentsCorrectionsList><PMID>8</PMID></CommentsCorrectionsList>
</MedlineCitation></PubmedArticle>
<PubmedArticle><MedlineCitation><PMID>9</PMID><Article><ArticleTitle>Only a title</ArticleTitle>
</Article></MedlineCitation></PubmedArticle>
</PubmedArticleSet>
"""


def _texts(path: Path, words: int = 300) -> dict[str, str]:
    return {passage.id: passage.text for passage in load_passages(path, words)}


def _written(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / ".git").mkdir()
    _written(tmp_path / ".git" / "hidden.txt", "Hidden.")
    _written(tmp_path / "sub" / "c.TXT", "\ufeffThird.\r\nEnd.\r\n")
    _written(tmp_path / "b.md", "  # Second\n\nText.\n")
    _written(tmp_path / "a.v2.txt", "First.")
    _written(tmp_path / "figure.png", "\x89PNG")
    assert load_passages(tmp_path) == [
        Passage("a.v2", "First.", "a.v2.txt"),
        Passage("b", "# Second\n\nText.", "b.md"),
        Passage("c", "Third.\nEnd.", "sub/c.TXT"),
    ]


@pytest.mark.parametrize("packed", [False, True])
def test_lines_of_json_have_their_ids_texts_and_titles(tmp_path: Path, packed: bool) -> None:
    records = [
        {"id": "x", "text": "One.\u2028Still one."},
        {"pmid": 31, "title": "T", "abstract": "Two.", "text": None, "year": 2020},
        {"doc_id": "z", "passage": " Three. ", "title": ""},
        {"text": "Four."},
    ]
    lines = "\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    content = (lines.replace("\n", "\n\n", 1) + "\n").encode()
    path = tmp_path / ("notes.jsonl.gz" if packed else "notes.jsonl")
    path.write_bytes(gzip.compress(content) if packed else content)
    assert load_passages(str(path)) == [
        Passage("x", "One.\u2028Still one.", f"{path.name}, line 1"),
        Passage("31", "T\nTwo.", f"{path.name}, line 3"),
        Passage("z", "Three.", f"{path.name}, line 4"),
        Passage("notes-5", "Four.", f"{path.name}, line 5"),
    ]


@pytest.mark.parametrize("name", ["export.nbib", "pubmed-heart-set.txt"])
def test_medline_records_are_titles_and_abstracts_under_their_pmid(
    tmp_path: Path, name: str
) -> None:
    path = _written(tmp_path / name, MEDLINE.replace("\n", "\r\n"))
    assert load_passages(path) == [
        Passage(
            "101",
            "Furosemide in heart failure.\nBACKGROUND: Swelling of the legs. "
            "RESULTS: It went down - AB  - by half.",
            f"{name}, record 1",
        ),
        Passage("103", "No title here.", f"{name}, record 3"),
    ]


def test_pubmed_xml_is_read_without_its_markup(tmp_path: Path) -> None:
    path = _written(tmp_path / "set.xml", PUBMED)
    expected = [Passage("7", "CO2 and <breath>.\nAIM: To see. We saw.", "set.xml, record 1")]
    assert load_passages(path) == expected
    packed = tmp_path / "set.xml.gz"
    packed.write_bytes(gzip.compress(PUBMED.encode()))
    assert [p.text for p in load_passages(packed)] == [expected[0].text]


def test_entities_are_refused_before_they_grow(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>'
    with pytest.raises(SeedError, match="declares entities of its own"):
        load_passages(_written(tmp_path / "bomb.xml", bomb))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b" \n", r"a\.txt is empty; write"),
        ("a.txt", b"one\ntwo \xff", r"a\.txt, line 2: not UTF-8 \(byte 8\); save"),
        ("a.pdf", b"%PDF", r"a\.pdf: passages are read from files ending in \.txt, \.md"),
        ("a.jsonl", b'{"text": "x"}\n{"text"', r"a\.jsonl, line 2: not JSON"),
        ("a.jsonl", b"[1]", r"line 1: not a JSON object but list"),
        ("a.jsonl", b'{"id": "x", "text": " "}', r"line 1: no text under text, abstract"),
        ("a.jsonl", b'{"text": ["x"]}', r"line 1: 'text' is not text but list"),
        ("a.jsonl", b'{"id": true, "text": "x"}', r"line 1: 'id' is not text but bool"),
        ("a.jsonl", b"", r"a\.jsonl holds no passages; it may be"),
        ("a.jsonl.gz", gzip.compress(b"x" * 99)[:-9], r"not a whole gzip file"),
        ("a.jsonl.gz", b"{}", r"not a whole gzip file"),
        ("a.nbib", b"TI  - x\n", r"holds no MEDLINE record"),
        ("a.nbib", b"PMID- \nAB  - x\n", r"record 1: it has no PMID"),
        ("a.nbib", b"PMID- 4\nTI  - x\n", r"a\.nbib holds no passages"),
        ("a.xml", b"<a><b></a>", r"not well-formed XML"),
        ("a.xml", b"<a/>", r"holds no PubmedArticle"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SeedError, match=message) as caught:
        load_passages(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_wrong_paths_and_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(SeedError, match=r"no file or folder .*nowhere of passages"):
        load_passages(tmp_path / "nowhere")
    with pytest.raises(SeedError, match=r"holds no passages; it may be, or hold, files ending"):
        load_passages(tmp_path)
    with pytest.raises(ValueError, match="at least 1"):
        load_passages(tmp_path, words=0)


def test_one_id_twice_is_refused_with_both_places(tmp_path: Path) -> None:
    _written(tmp_path / "a.jsonl", '{"id": "b#1", "text": "x"}\n{"id": "b", "text": "y"}\n')
    _written(tmp_path / "b.txt", "z")
    with pytest.raises(SeedError, match=r"the id 'b': a\.jsonl, line 2 and b\.txt; give each"):
        load_passages(tmp_path)
    _written(tmp_path / "a.jsonl", '{"id": "b#1", "text": "x"}\n')
    _written(tmp_path / "b.txt", "One two. " * 20)
    with pytest.raises(SeedError, match=r"the id 'b#1': a\.jsonl, line 1 and b\.txt; give each"):
        load_passages(tmp_path, words=20)


def test_a_long_passage_is_cut_at_sentence_ends_into_even_parts(tmp_path: Path) -> None:
    sentences = [f"It was 3.{i} mg, e.g. little. (Or so!)" for i in range(11)]  # 8 words each
    path = _written(tmp_path / "long.txt", "\n".join(sentences))
    parts = _texts(path, 40)
    assert list(parts) == ["long#1", "long#2", "long#3"]
    assert [len(part.split()) for part in parts.values()] == [32, 32, 24]
    assert all(part.endswith((".", ")")) for part in parts.values())
    assert "\n".join(parts.values()).split() == "\n".join(sentences).split()


def test_a_sentence_that_is_too_long_is_cut_inside() -> None:
    assert windows("a b c d e f g. H i.", 3) == ["a b c", "d e f", "g. H i."]
    assert windows("a b", 3) == ["a b"]
    assert windows(" \n", 3) == []


@given(
    text=st.text(alphabet="ab. \n?!(A1é'", max_size=200),
    words=st.integers(1, 12),
)
def test_windows_lose_nothing_and_are_short_enough(text: str, words: int) -> None:
    parts = windows(text, words)
    assert [word for part in parts for word in part.split()] == text.split()
    assert all(0 < len(part.split()) <= words for part in parts)
    assert all(part in text for part in parts)
    if len(text.split()) <= words:
        assert len(parts) <= 1


@given(n=st.integers(1, 40), seed=st.integers(0, 2**63 - 1), epochs=st.integers(1, 4))
def test_each_passage_is_used_once_before_any_is_used_twice(n: int, seed: int, epochs: int) -> None:
    passages = [Passage(str(i), "x", "y") for i in range(n)]
    drawn = [draw_passage(passages, seed, index).id for index in range(epochs * n)]
    for epoch in range(epochs):
        assert Counter(drawn[epoch * n : (epoch + 1) * n]) == Counter(str(i) for i in range(n))


def test_draws_follow_the_seed_and_the_epoch() -> None:
    passages = [Passage(str(i), "x", "y") for i in range(100)]
    first, again, other, later = (
        [draw_passage(passages, seed, begin + i).id for i in range(100)]
        for seed, begin in ((1, 0), (1, 0), (2, 0), (1, 100))
    )
    assert first == again
    assert len({tuple(order) for order in (first, other, later)}) == 3
    with pytest.raises(ValueError, match="no passages"):
        draw_passage([], 1, 0)


def test_the_digest_is_of_ids_and_texts(tmp_path: Path) -> None:
    first = load_passages(_written(tmp_path / "a.txt", "One."))
    line = load_passages(_written(tmp_path / "b.jsonl", '{"id": "a", "text": "One."}'))
    other = load_passages(_written(tmp_path / "a.txt", "Two."))
    assert passages_digest(first) == passages_digest(line) != passages_digest(other)

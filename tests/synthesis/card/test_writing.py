import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from preceptor.errors import ModelError, RowError, StorageError
from preceptor.synthesis.card import survey as module
from preceptor.synthesis.card.overlap import Overlap, Touched
from preceptor.synthesis.card.rows import Plain
from preceptor.synthesis.card.run import Rejected, Run
from preceptor.synthesis.card.sections import sections
from preceptor.synthesis.card.survey import Survey, survey
from preceptor.synthesis.card.verbs import Verbs
from preceptor.synthesis.card.writing import page, readme, write_card
from tests.synthesis.card.made import plain

RECORDS = [
    plain("Given a text, list the causes of a fever.", "A text | with a bar.", topic="fever"),
    plain("Given a name, <script>alert(1)</script> say it.", "N/A", "\x07 \ud800 [x](y)"),
    plain("What is insulin?", output="A hormone.", category="qa", category_rule="question"),
]
VERBS = Verbs("parser 1", 2, 1, 0, 1, 2, (("list", 1), ("say", 1)), (("list", 1, (("cause", 1),)),))
OVERLAP = Overlap(3, 1, (Touched("exam/test", 10, {"question": 1}, {"13": 1, "8": 2}, ("a b",)),))
RUN = Run(
    key="abc",
    teachers=("gpt@1",),
    kept=3,
    rejected={"too similar": 2},
    samples=(Rejected("too similar", "ROUGE-L 0.8 to a", "Do <b>it</b>.", "", "Done."),),
    calls={"task": 4},
    unanswered=1,
    prompt_tokens=400,
    reply_tokens=90,
    dollars=1.5,
)


@pytest.fixture(scope="module")
def made() -> Survey:
    """A survey with every part, whatever parser is installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "verbs", lambda records: VERBS)
        return survey(RECORDS, "A set", "Made for a test.", ["MIT"], OVERLAP, RUN)


@pytest.fixture(scope="module")
def folder(made: Survey, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its card on disk."""
    place = tmp_path_factory.mktemp("card")
    write_card(made, place)
    return place


@pytest.fixture(scope="module")
def html(folder: Path) -> str:
    """Its page."""
    return (folder / "card.html").read_text()


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    """Its README."""
    return (folder / "README.md").read_text()


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.tags.append(tag)
        if said.get("id"):
            self.ids.append(str(said["id"]))
        if tag == "a":
            self.links.append(str(said["href"]))
        self.sources += [str(said[name]) for name in ("src", "href") if name in said]


def _parsed(html: str) -> _Page:
    parser = _Page()
    parser.feed(html)
    return parser


def test_the_page_fetches_nothing_and_runs_nothing(html: str) -> None:
    found = _parsed(html)
    assert "script" not in found.tags
    assert all(source.startswith(("#", "data:,")) for source in found.sources)
    assert not re.findall(r"url\((?!#)", html)
    assert "default-src 'none'" in html
    assert "&lt;script&gt;alert(1)" in html


def test_every_link_of_the_page_has_its_place_and_no_id_is_there_twice(html: str) -> None:
    found = _parsed(html)
    assert {link[1:] for link in found.links} <= set(found.ids)
    assert len(found.ids) == len(set(found.ids))


def test_the_page_shows_every_part(html: str) -> None:
    for said in (
        "Main verbs and their objects",
        "Lengths",
        "Similarity",
        "exam/test",
        "too similar",
        "Do &lt;b&gt;it&lt;/b&gt;.",
        "1.50",
        "N/A",
        "fever",
    ):
        assert said in html
    assert "\x07" not in html


def test_the_readme_has_a_head_that_the_hub_reads(text: str) -> None:
    head = yaml.safe_load(text.split("---\n")[1])
    assert head["pretty_name"] == "A set"
    assert head["license"] == "mit"
    assert head["size_categories"] == ["n<1K"]
    assert "question-answering" in head["task_categories"]
    assert "| exam/test | 10 | 1 | 2 | question 1 |" in text
    assert "| too similar | ROUGE-L 0.8 to a | Do <b>it</b>. |" in text
    assert "![" in text


def test_tables_of_the_readme_are_whole(text: str) -> None:
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        bars = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(bars) == 1, block


def test_the_files_are_written_and_the_same_again(
    made: Survey, folder: Path, tmp_path: Path
) -> None:
    names = ["README.md", "card.html", "card.json", "verbs.svg"]
    assert sorted(path.name for path in write_card(made, tmp_path)) == names
    for name in names:
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_the_numbers_are_json(folder: Path) -> None:
    found = json.loads((folder / "card.json").read_text())
    assert found["records"] == 3
    assert found["no_input"] == {"": 1, "N/A": 1}
    assert found["verbs"]["figure"] == [["list", 1, [["cause", 1]]]]
    assert found["overlap"]["sets"][0]["runs"] == {"13": 1, "8": 2}


def test_without_a_parser_the_section_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def missing(records: list[Plain]) -> Verbs:
        raise ModelError("the parser is missing; install preceptor[card]")

    monkeypatch.setattr(module, "verbs", missing)
    found = survey(RECORDS, "A set")
    (tmp_path / "verbs.svg").write_text("of an earlier card")
    write_card(found, tmp_path)
    assert not (tmp_path / "verbs.svg").exists()
    for name in ("README.md", "card.html"):
        text = (tmp_path / name).read_text()
        assert "Not looked for: the parser is missing; install preceptor[card]." in text
        assert "verbs.svg" not in text


def test_a_set_of_one_record_has_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "verbs", lambda records: Verbs("p 1", 0, 0, 1, 0, 0, (), ()))
    found = survey([plain("", output="")], "One")
    assert found.similarity is None
    shown = sections(found)
    assert "1 instruction." in page(found, shown)
    assert "## Similarity" not in readme(found, shown)


def test_no_records_have_no_card() -> None:
    with pytest.raises(RowError, match="A set has no records"):
        survey([], "A set")


def test_a_folder_that_is_a_file_is_a_storage_error(made: Survey, tmp_path: Path) -> None:
    (tmp_path / "card").write_text("")
    with pytest.raises(StorageError):
        write_card(made, tmp_path / "card")

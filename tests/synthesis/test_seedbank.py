import json
from collections.abc import Callable
from pathlib import Path

import pytest

from preceptor.errors import SeedError
from preceptor.records import Seed
from preceptor.synthesis.seedbank import load_seeds, packaged_sets, seeds_digest

SEED = {
    "id": "a",
    "instruction": "Name the largest bone.",
    "input": "",
    "output": "The femur.",
    "category": "qa",
    "topic": "anatomy",
}
Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file of the given lines (objects become JSON) and give its path."""

    def _write(*lines: object) -> str:
        path = tmp_path / "seeds.jsonl"
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        path.write_text("\n".join(texts), encoding="utf-8")
        return str(path)

    return _write


def test_the_packaged_set_is_found_by_name() -> None:
    assert "biomedical" in packaged_sets()
    assert len(load_seeds("biomedical", at_least=3)) == 80


def test_a_file_is_read_in_its_order_and_blank_lines_are_skipped(write: Write) -> None:
    path = write(SEED | {"id": "b"}, "", SEED)
    assert load_seeds(path) == [Seed(**(SEED | {"id": "b"})), Seed(**SEED)]


def test_a_byte_order_mark_and_windows_line_ends_are_read_over(tmp_path: Path) -> None:
    path = tmp_path / "seeds.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(SEED).encode() + b"\r\n")
    assert load_seeds(str(path)) == [Seed(**SEED)]


def test_an_input_that_says_none_is_empty(write: Write) -> None:
    assert load_seeds(write(SEED | {"input": "N/A"}))[0].input == ""


def test_a_missing_file_names_the_packaged_sets(tmp_path: Path) -> None:
    with pytest.raises(SeedError, match=r"nowhere.*packaged: .*biomedical"):
        load_seeds(str(tmp_path / "nowhere.jsonl"))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{not json", "line 2: not JSON"),
        ("[" * 100_000, "line 2: not JSON"),
        ("[1]", "line 2: not a JSON object but list"),
        ({k: v for k, v in SEED.items() if k != "topic"}, "line 2: lacks the key 'topic'"),
        (SEED | {"outptu": "x"}, "line 2: has the unknown key 'outptu'"),
        (SEED | {"output": 3}, "line 2: needs a string for 'output'"),
        (SEED | {"id": "b", "instruction": " "}, "line 2: has an empty 'instruction'"),
        (SEED | {"id": "b", "category": "QA"}, "category 'QA' is not one of qa, ie, gen, other"),
        (SEED, "line 2: the id 'a' is used twice"),
    ],
)
def test_a_wrong_line_is_named(write: Write, line: object, message: str) -> None:
    with pytest.raises(SeedError, match=message):
        load_seeds(write(SEED, line))


def test_an_empty_file_is_refused(write: Write) -> None:
    with pytest.raises(SeedError, match="holds no seeds"):
        load_seeds(write(""))


def test_fewer_seeds_than_a_prompt_shows_are_refused(write: Write) -> None:
    with pytest.raises(SeedError, match=r"holds 1 seeds, and a prompt shows 3.*'demonstrations'"):
        load_seeds(write(SEED), at_least=3)


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "seeds.jsonl"
    path.write_bytes('{"id": "é"}'.encode("latin-1"))
    with pytest.raises(SeedError, match="not UTF-8"):
        load_seeds(str(path))


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SeedError, match="neither a packaged set of seeds nor a file"):
        load_seeds(str(tmp_path))


def test_the_digest_follows_content_and_order_not_layout(write: Write) -> None:
    other = SEED | {"id": "b"}
    plain = seeds_digest(load_seeds(write(SEED, other)))
    assert seeds_digest(load_seeds(write(dict(reversed(SEED.items())), "", other))) == plain
    assert seeds_digest(load_seeds(write(other, SEED))) != plain
    assert seeds_digest(load_seeds(write(SEED, other | {"output": "x"}))) != plain

"""A data set folder is what ``datasets`` reads; its card says what is in it."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from preceptor.artifact import write_json
from preceptor.data import hub
from preceptor.data.card_sections import Subject, table
from preceptor.data.conversation import Conversation, Turn, single
from preceptor.data.facts import Facts
from preceptor.data.hub_terms import features, languages, licence_id, size_category
from preceptor.data.mixtures import (
    Mixture,
    as_conversation,
    find_mixture,
    licence_of,
    read_examples,
    render_task,
)
from preceptor.data.sources import Asked, find_source, with_own_columns
from preceptor.data.tally import Tally
from preceptor.errors import ArtifactError, RowError, TaskError
from preceptor.mixture.tables import SCHEMA, Line, write_examples, write_table
from preceptor.records import Example
from preceptor.tasks.licences import SPDX, TERMS
from tests.tasks.examples import task as rain

CATALOGUE_TASK = "does_it_follow"
HELD = {
    "asked": ["paraphrase"],
    "excluded": {"natural_language_inference": "inference is left out because it is close"},
    "data_sets": ["mrpc", "said_twice"],
    "left_out": {"said_twice": "its cluster paraphrase is held out"},
    "examples_checked": 7,
}


def example(n: int, **more: Any) -> Example:
    given = {
        "id": f"visit_feedback/train/{n}/how_was_it",
        "task": "visit_feedback",
        "cluster": "sentiment",
        "category": "",
        "template": "how_was_it",
        "inverted": n == 3,
        "prompt": f"How was visit {n}?\n\nOPTIONS:\n- good\n- bad | so so",
        "target": "good",
        "options": ("good", "bad | so so"),
        "gold": 0,
        "row": f"visit_feedback/train/{n}",
        "references": ("good", "fine"),
        "shots": n % 2,
        "options_shown": True,
    }
    return Example(**{**given, **more})


@pytest.fixture
def mixture(tmp_path: Path) -> Path:
    """A run's folder with a mixture of seven examples, one of them synthesised."""
    folder = tmp_path / "run" / "mixture-0123456789ab"
    folder.mkdir(parents=True)
    written = example(
        6, task="synthesised", cluster="", category="qa", row="synthesised/train/6", options=()
    )
    write_examples(folder / "examples.parquet", [*map(example, range(6)), written])
    lines = [
        Line(
            "visit_feedback", "sentiment", "", 40, 40, 0, usable=40, rate=40, examples=6, share=0.8
        ),
        Line("said_twice", "paraphrase", "", held_out_reason="its cluster is held out"),
    ]
    write_table(folder / "table.json", lines)
    manifest = {
        "version": "0.1.0",
        "commit": "abc",
        "key": "0123456789ab",
        "digest": "d" * 64,
        "config": {"tasks": ["visit_feedback"], "split": "train", "seed": 7, "templates": None},
        "counts": {"held_out": HELD},
    }
    write_json(folder / "manifest.json", manifest)
    return tmp_path / "run"


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """``datasets.load_dataset`` without a network and without anything cached."""
    datasets = pytest.importorskip("datasets", reason="DATASETS NOT INSTALLED: FOLDERS NOT LOADED")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True, raising=False)
    datasets.disable_progress_bars()

    def loaded(folder: Path) -> Any:
        return datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))

    yield loaded
    datasets.enable_progress_bars()


def write(mixture: Path, out: Path, form: str = "messages", shard: int = 3) -> hub.Shards:
    found = find_source(str(mixture), Asked(), (), lambda: None)
    conversations = found.conversations(Tally())
    return hub.write_folder(
        out, form, found.split, conversations, True, found.subject, False, Tally(), shard
    )


def head(readme: Path) -> dict[str, Any]:
    text = readme.read_text(encoding="utf-8")
    assert text.startswith("---\n")
    found = yaml.safe_load(text.split("---\n")[1])
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("form", ["alpaca", "sharegpt", "messages"])
def test_datasets_loads_the_folder_with_the_features_and_rows_of_the_card(
    mixture: Path, tmp_path: Path, load: Any, form: str
) -> None:
    shards = write(mixture, tmp_path / "out", form)
    assert shards.names == tuple(f"train-0000{n}-of-00003.parquet" for n in range(3))
    found = load(tmp_path / "out")
    assert list(found) == ["train"]
    rows = found["train"]
    info = head(tmp_path / "out" / "README.md")["dataset_info"]
    assert rows.num_rows == shards.rows == info["splits"][0]["num_examples"] == 7
    assert rows.features.arrow_schema.names == [column["name"] for column in info["features"]]
    # What datasets itself would write into a card of these files, and what it reads out of ours.
    of_files = type(rows.features).from_arrow_schema(hub.schema_of(form, True))
    assert of_files._to_yaml_list() == info["features"]
    assert rows.features == of_files
    assert [row["id"] for row in rows] == [one.id for one in examples_of(mixture)]
    first = rows[0]
    assert (first["task"], first["cluster"], first["licence"]) == (
        "visit_feedback",
        "sentiment",
        "Apache-2.0",
    )
    assert (first["options"], first["references"], first["gold"], first["shots"]) == (
        ["good", "bad | so so"],
        ["good", "fine"],
        0,
        0,
    )


def examples_of(mixture: Path) -> list[Example]:
    found = find_mixture(mixture)
    assert found is not None
    return list(read_examples(found.examples))


def test_datasets_refuses_a_folder_whose_card_promises_other_rows(
    mixture: Path, tmp_path: Path, load: Any
) -> None:
    write(mixture, tmp_path / "out")
    readme = tmp_path / "out" / "README.md"
    readme.write_text(readme.read_text().replace("num_examples: 7", "num_examples: 8"))
    with pytest.raises(Exception, match=r"NonMatchingSplitsSizes|num_examples=8"):
        load(tmp_path / "out")


def test_a_file_of_conversations_becomes_a_folder_too(tmp_path: Path, load: Any) -> None:
    turns = (Turn("user", "Q"), Turn("assistant", "A"))
    given_ = [Conversation(turns * 2, "Be brief.", "a", "notes", {"n": [1]}), Conversation(turns)]
    subject = Subject("Mine", "Two of mine.", (), licences=("CC-BY-4.0",))
    hub.write_folder(tmp_path / "out", "sharegpt", "train", given_, False, subject, False, Tally())
    rows = load(tmp_path / "out")["train"]
    assert rows.num_rows == 2
    assert rows[0]["metadata"] == '{"n": [1]}'
    assert rows[0]["conversations"][0] == {"from": "system", "value": "Be brief."}
    assert head(tmp_path / "out" / "README.md")["license"] == "cc-by-4.0"


def test_a_card_of_a_mixture_alone_describes_its_own_file(
    mixture: Path, tmp_path: Path, load: Any
) -> None:
    found = find_source(str(mixture), Asked(title="My mixture"), (), lambda: None)
    facts = Facts()
    for conversation in found.conversations(Tally()):
        facts.add(conversation)
    from preceptor.data.card import write_card

    text = write_card(with_own_columns(found), facts)
    folder = tmp_path / "alone"
    folder.mkdir()
    assert found.file is not None
    shutil.copy(found.file, folder)
    (folder / "README.md").write_text(text)
    assert load(folder)["train"].num_rows == 7
    for line in (
        "# My mixture",
        "| artifact | mixture-0123456789ab |",
        "| seed | 7 |",
        "| templates | not set |",
        "| visit_feedback | sentiment | 40 | 40 | 40 | 80.0% | 6 | 0.00 | 0 |",
        "Held out: paraphrase. Each of 7 examples was checked",
        "- inference is left out because it is close",
        "| said_twice | its cluster paraphrase is held out |",
        "Data sets that must not occur: mrpc, said_twice.",
        "| Apache-2.0 | visit_feedback | visit_feedback | - | 6 |",
        "| unstated | synthesised | synthesised | - | 1 |",
        "| visit_feedback | 6 |",
        "| sentiment | 6 |",
        "| qa | 1 |",
        "| turned around (inverted) | 1 |",
        "| 1 worked exemplars | 3 |",
        "were written by a language model",
        "https://arxiv.org/abs/2109.01652",
        "https://arxiv.org/abs/2310.19975",
    ):
        assert line in text, line
    assert head(folder / "README.md")["license"] == "other"


def test_a_cards_head_says_what_the_hub_asks_for(mixture: Path, tmp_path: Path) -> None:
    write(mixture, tmp_path / "out")
    found = head(tmp_path / "out" / "README.md")
    assert found["configs"] == [
        {"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*"}]}
    ]
    assert found["task_categories"] == [
        "text-generation",
        "question-answering",
        "text-classification",
    ]
    assert (found["language"], found["size_categories"]) == (["en"], ["n<1K"])
    assert found["tags"] == ["instruction-tuning", "preceptor", "flan", "biomedical", "bioinstruct"]
    assert found["dataset_info"]["download_size"] == sum(
        path.stat().st_size for path in (tmp_path / "out" / "data").iterdir()
    )


def test_the_licence_is_the_hubs_where_there_is_one_and_other_where_they_differ() -> None:
    assert licence_id(["Apache-2.0", "Apache-2.0"]) == "apache-2.0"
    assert licence_id(["Apache-2.0", "MIT"]) == licence_id(["research only"]) == "other"
    assert licence_id(["unstated"]) == licence_id([]) == "unknown"
    assert licence_id(["ODbL-1.0"]) == "odbl"
    assert all(licence_id([name]) for name in (*SPDX, *TERMS))


def test_sizes_and_languages_are_in_the_hubs_words() -> None:
    sizes = [size_category(n) for n in (0, 999, 1000, 99_999, 1_000_000)]
    assert sizes == ["n<1K", "n<1K", "1K<n<10K", "10K<n<100K", "1M<n<10M"]
    assert languages(["wmt16_ro_en", "wmt14_enfr", "newsroom"]) == ["en", "fr", "ro"]


TYPES = st.recursive(
    st.sampled_from([pa.string(), pa.bool_(), pa.int32(), pa.int64(), pa.float32(), pa.float64()]),
    lambda inner: st.one_of(
        inner.map(pa.list_),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda kinds: pa.struct([(f"f{n}", kind) for n, kind in enumerate(kinds)])
        ),
    ),
    max_leaves=5,
)


@given(st.lists(TYPES, min_size=1, max_size=3))
def test_features_are_written_as_datasets_writes_them(kinds: list[pa.DataType]) -> None:
    datasets = pytest.importorskip("datasets", reason="DATASETS NOT INSTALLED")
    schema = pa.schema([(f"c{n}", kind) for n, kind in enumerate(kinds)])
    assert features(schema) == datasets.Features.from_arrow_schema(schema)._to_yaml_list()


def test_a_folder_is_replaced_only_when_it_is_one_of_ours(mixture: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(mixture, out)
    with pytest.raises(ArtifactError, match="is there already"):
        write(mixture, out)
    (out / "notes.txt").write_text("mine")
    subject = Subject("x", "y", ())
    with pytest.raises(
        ArtifactError, match=r"holds notes\.txt, which preceptor data did not write"
    ):
        hub.write_folder(out, "messages", "train", [], False, subject, True, Tally())
    assert (out / "notes.txt").exists()


def test_nothing_left_leaves_no_folder(tmp_path: Path) -> None:
    turns = (Turn("user", "Q"), Turn("assistant", "A"))
    with pytest.raises(RowError, match="nothing is left to write"):
        hub.write_folder(
            tmp_path / "out",
            "alpaca",
            "train",
            [Conversation(turns * 2)],
            False,
            Subject("x", "y", ()),
            False,
            Tally(skip=True),
        )
    assert list(tmp_path.iterdir()) == []


def test_a_mixture_is_found_by_its_run_its_folder_and_its_file(mixture: Path) -> None:
    inside = mixture / "mixture-0123456789ab"
    for path in (mixture, inside, inside / "examples.parquet"):
        found = find_mixture(path)
        assert found is not None
        assert found.manifest["key"] == "0123456789ab"
        assert len(found.table) == 2
    alone = mixture / "copy.parquet"
    shutil.copy(inside / "examples.parquet", alone)
    assert find_mixture(alone) == Mixture(alone)
    assert find_mixture(mixture / "nothing.jsonl") is None
    shutil.copytree(inside, mixture / "mixture-ffffffffffff")
    with pytest.raises(
        ArtifactError, match=r"no single mixture .mixture-0123456789ab, mixture-fff"
    ):
        find_mixture(mixture)


def test_examples_are_carried_with_everything_that_is_known_of_them(mixture: Path) -> None:
    first = examples_of(mixture)[0]
    found = as_conversation(first, "MIT")
    assert found.turns == (Turn("user", first.prompt), Turn("assistant", "good"))
    assert set(found.extra) == (set(SCHEMA.names) | {"licence"}) - {"id", "prompt", "target"}
    json.dumps(found.extra)


def test_a_licence_is_never_guessed() -> None:
    assert licence_of("synthesised", {}) == "unstated"
    with pytest.raises(TaskError, match=r"task 'gone' that is not in the library.*--tasks-folder"):
        licence_of("gone", {"rain": rain()})


def test_a_tasks_rows_are_rendered_under_one_or_every_template(tmp_path: Path) -> None:
    (tmp_path / "rain").mkdir()
    rows = [{"line": f"Line {n}", "label": n % 2 - (n == 0)} for n in range(5)]
    text = "\n".join(json.dumps(row) for row in rows)
    (tmp_path / "rain" / "train.jsonl").write_text(text)
    every = list(render_task(rain(), "train", tmp_path, True, 0))
    assert len(every) == 8
    drawn = [list(render_task(rain(), "train", tmp_path, False, seed)) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1]
    assert [len(one) for one in drawn] == [4, 4, 4]
    assert all(one in every for examples in drawn for one in examples)


def test_tables_of_a_card_stay_tables(tmp_path: Path) -> None:
    assert table(("a", "n"), [("x | y\nz", 1200), ("", 3)]) == (
        "| a | n |\n| --- | ---: |\n| x \\| y z | 1,200 |\n| - | 3 |"
    )
    facts = Facts()
    facts.add(single("Ask it.", "now please", "Yes."))
    assert (facts.prompt_words, facts.answer_words) == ({4: 1}, {1: 1})

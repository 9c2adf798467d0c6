from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preceptor.errors import RowError, TaskError
from preceptor.records import Row
from preceptor.tasks.task import expand, prepare
from preceptor.tasks.taskfile import parse_task, read_task
from tests.tasks.examples import COPY, PICK, RAIN, task


def test_a_task_file_is_read() -> None:
    rain = task()
    assert (rain.name, rain.kind, rain.source.dataset) == ("rain", "options", "rain")
    assert [template.id for template in rain.templates] == ["plain", "write_a_line"]
    assert task(COPY).kind == "text"
    assert task(COPY).max_new_tokens == 16


BAD: list[tuple[str, str, str]] = [
    # what to replace, with what, what the message says
    ("title:", "titel:", "unknown key 'titel'; did you mean 'title'"),
    ("folder: rain", "foldr: rain", "unknown key 'foldr' in source; did you mean 'folder'"),
    ("  - id: plain", "  - id: plain\n    promt: x", "unknown key 'promt' in templates.0"),
    ("title: Does it rain?\n", "", "key 'title' is missing"),
    ("title: Does it rain?", "title: 5", "title: input should be a valid string, found int 5"),
    ("title: Does it rain?", "title: ''", "title is empty"),
    ('wet: "yes"', "wet: yes", 'found bool True; YAML reads yes, no, on and off so: write "yes"'),
    ("{line: str,", "{line: text,", "fields.line: input should be 'str', 'int'"),
    ("task: rain", "task: Rain", "task 'Rain' is not snake_case"),
    ("natural_language_inference", "nli_inference", "unknown cluster"),
    ("cluster: natural_language_inference", "category: q", "unknown category 'q'"),
    ("cluster: natural_language_inference\n", "", "neither cluster nor category"),
    ("folder: rain,", "folder: rain, package: rain,", "either folder or package"),
    ("{train: train, test: test}", "{}", "source.splits is empty"),
    ("metric: accuracy", "metric: rouge_l", "metric rouge_l does not fit labels"),
    ("metric: accuracy", "metric: meteor", "metric: input should be 'accuracy', 'rouge_l'"),
    ("metric: accuracy", "metric: accuracy\nmax_new_tokens: 5", "max_new_tokens has no meaning"),
    ("metric: accuracy", "metric: accuracy\nanswer: line", "found labels and answer"),
    ("1: wet}", "1: damp}", "labels.words lacks 'damp', which labels.names has"),
    ("1: wet}", "1: dry}", "labels.names lacks 'wet', which labels.words has"),
    ('dry: "no"', 'dry: "yes"', "'yes' is empty, there twice"),
    ("line: line | tidy", "line: lines | tidy", "values.line: unknown name 'lines'"),
    ("line: line | tidy", "answer: line | tidy", "values: 'answer' cannot be a value's name"),
    ("line: line | tidy", "line: line | tidi", "No filter named 'tidi'"),
    ("line: line | tidy", "line: line |", "values.line: 'line |' is no expression"),
    ("line: line | tidy", "line: line }}{{ label", "is no expression"),
    ("label >= 0", "lable >= 0", "keep: unknown name 'lable'; did you mean 'label'"),
    ("field: label", "field: labl", "labels.field: unknown name 'labl'"),
    ("{{ line }}\n", "{{ lien }}\n", "'plain', prompt: unknown slot 'lien'; did you mean 'line'"),
    ("{{ line }}\n", "{{ label }}\n", "unknown slot 'label'"),
    ("{{ line }}\n", "{{ line }\n", "template 'plain', prompt: no template, line 1"),
    ("id: write_a_line", "id: plain", "two templates have the id 'plain'"),
    ('    target: "{{ line }}"\n', "", "is inverted but has no target"),
    ("    inverted: true\n", "", "target of a labels or choices task is the answer"),
    ("task: rain", "task: rain\ntask: sun", "not YAML (line 2: the key 'task' is there twice)"),
    ("task: rain", "task: [rain", "not YAML"),
    ("title: Does it rain?", "title: 2020-99-99", "not YAML"),
    ("title: Does it rain?", "title: " + "[" * 3000, "not YAML"),
    ("task: rain", "task: rain\n5: x", "found int 5"),
]


@pytest.mark.parametrize(("old", "new", "message"), BAD, ids=range(len(BAD)))
def test_a_wrong_file_is_refused_in_one_line(old: str, new: str, message: str) -> None:
    text = RAIN.replace(old, new, 1)
    assert text != RAIN
    with pytest.raises(TaskError) as caught:
        task(text)
    said = str(caught.value)
    assert said.startswith("rain.yaml")
    assert message in said
    assert "\n" not in said


def test_a_text_task_has_no_options() -> None:
    with pytest.raises(TaskError, match="unknown slot 'options_block'"):
        task(COPY.replace("Shout: {{ line }}", "Shout: {{ line }} {{ options_block }}"))


@pytest.mark.parametrize("text", ["", "- a\n- b", "just words"])
def test_a_file_that_is_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(TaskError, match="a task file is a mapping of keys"):
        task(text)


@settings(deadline=None)
@given(st.text())
def test_any_text_is_read_or_refused_as_a_task_error(text: str) -> None:
    with pytest.raises(TaskError):
        parse_task(text, "any.yaml")


@settings(deadline=None)
@given(st.integers(0, len(RAIN) - 1), st.characters())
def test_one_changed_character_gives_a_task_or_a_task_error(at: int, character: str) -> None:
    with suppress(TaskError):
        task(RAIN[:at] + character + RAIN[at + 1 :])


def test_a_file_must_be_named_after_its_task(tmp_path: Path) -> None:
    path = tmp_path / "sun.yaml"
    path.write_text(RAIN)
    with pytest.raises(TaskError, match=r"name the file rain\.yaml"):
        read_task(path)


def test_a_file_that_is_not_text_or_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rain.yaml"
    with pytest.raises(TaskError, match="cannot be read"):
        read_task(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TaskError, match="cannot be read"):
        read_task(path)


def test_the_digest_ignores_layout_but_not_order_of_options() -> None:
    assert task("# a comment\n" + RAIN).digest == task().digest
    swapped = RAIN.replace('{wet: "yes", dry: "no"}', '{dry: "no", wet: "yes"}')
    assert task(swapped).digest != task().digest
    assert task(PICK).digest != task().digest


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def test_a_file_takes_what_it_does_not_say_from_the_one_it_is_like(tmp_path: Path) -> None:
    folder = written(
        tmp_path,
        rain=RAIN,
        snow="like: rain\ntask: snow\ntitle: Does it snow?\nsource: {folder: snow}\n",
        hail="like: snow\ntask: hail\nprovenance: [hail, rain]\n",
    )
    rain, snow, hail = (read_task(folder / f"{name}.yaml") for name in ("rain", "snow", "hail"))
    assert (snow.name, snow.title, snow.source.folder) == ("snow", "Does it snow?", "snow")
    assert (snow.source.splits, snow.templates) == (rain.source.splits, rain.templates)
    assert (hail.source.folder, hail.provenance) == ("snow", ("hail", "rain"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("about:", "abuot:", "unknown key 'abuot'"),
        ("metric: accuracy", "metric: acuracy", "metric: "),
        ("{{ line }}\n", "{{ lien }}\n", "unknown slot 'lien'"),
    ],
)
def test_what_is_wrong_in_the_file_that_others_are_like_is_said_of_it(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    folder = written(
        tmp_path,
        rain=RAIN.replace(old, new, 1),
        snow="like: rain\ntask: snow\n",
        hail="like: snow\ntask: hail\nmetirc: f1\n",
    )
    for name in ("snow", "hail"):
        with pytest.raises(TaskError, match=rf"rain\.yaml: .*{message}"):
            read_task(folder / f"{name}.yaml")
    written(tmp_path, rain=RAIN)
    with pytest.raises(TaskError, match=r"hail\.yaml: unknown key 'metirc'"):
        read_task(folder / "hail.yaml")


def test_a_file_like_none_or_like_itself_is_refused(tmp_path: Path) -> None:
    folder = written(tmp_path, a="like: b\ntask: a\n", b="like: a\ntask: b\n", c="like: d\n")
    with pytest.raises(TaskError, match=r"a\.yaml is like itself by way of|b\.yaml is like itself"):
        read_task(folder / "a.yaml")
    with pytest.raises(TaskError, match=r"like names 'd', but there is no d\.yaml beside it"):
        read_task(folder / "c.yaml")
    with pytest.raises(TaskError, match="like names a file beside this one"):
        task("like: rain")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("test: test}}", "test: test}, revision: main}", "neither a commit of 40 hex digits"),
        ("test: test}}", "test: test}, hub_splits: {train: train}}", "needs hub and revision"),
        (
            "test: test}}",
            "test: test}, hub: a/b, revision: refs/convert/parquet, hub_splits: {x: 't[5:]'}}",
            "source.hub_splits.x: 't[5:]' is not taken",
        ),
        ("test: test}}", "test: test}, access: gated}", "source.how says how to get files"),
        ("test: test}}", "test: test}, how: Ask.}", "source.how says how to get files"),
        ("test: test}}", "test: test}, layout: tfds}", "labels.ids has no such key"),
        ("metric: accuracy", "metric: accuracy\nreferences: '[line]'", "references is for free"),
        ("metric: accuracy", "metric: accuracy\nheld_out_with: [sentimental]", "mean 'sentiment'"),
        ("metric: accuracy", "metric: accuracy\neach: lines", "each: unknown name 'lines'"),
        ("  words: {wet", "  ids: {tfds: {7: sun}}\n  words: {wet", "labels.ids.tfds lacks 'dry'"),
    ],
)
def test_a_wrong_new_key_is_refused_in_one_line(old: str, new: str, message: str) -> None:
    text = RAIN.replace(old, new, 1)
    assert text != RAIN
    with pytest.raises(TaskError) as caught:
        task(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_each_item_of_a_list_is_a_row(tmp_path: Path) -> None:
    text = RAIN.replace("{line: str, label: int}", "{lines: list, label: int}", 1)
    text = text.replace("keep: label >= 0", "each: lines\nkeep: \"item != ''\"")
    text = text.replace("line: line | tidy", "line: item ~ ' ' ~ item_number")
    made = task(text)
    rows = expand(made, Row("rain", "train", "7", {"lines": ["Wet.", "", "Dry."], "label": 1}))
    assert [row.id for row in rows] == ["7#0", "7#1", "7#2"]
    prepared = [prepare(made, row) for row in rows]
    assert [one.values["line"] if one else None for one in prepared] == ["Wet. 0", None, "Dry. 2"]
    with pytest.raises(RowError, match="each should be a list"):
        expand(
            task(text.replace("each: lines", "each: label")),
            Row("rain", "train", "7", {"lines": [], "label": 1}),
        )

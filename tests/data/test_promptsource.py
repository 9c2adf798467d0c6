"""promptsource's templates as task files: equal to plain Jinja on every row, or named and left."""

import json
import os
from pathlib import Path
from typing import Any

import jinja2
import pytest

from preceptor.data.instructions import Wanted
from preceptor.data.promptsource.importing import ImportedPrompts, import_prompts
from preceptor.data.promptsource.reading import PromptFile, PromptTemplate, read_prompts
from preceptor.data.promptsource.rows import read_rows
from preceptor.errors import RowError, TaskError
from preceptor.records import Row
from preceptor.tasks.source import read_rows as task_rows
from preceptor.tasks.task import prepare
from preceptor.tasks.taskfile import parse_task
from preceptor.tasks.template import render
from preceptor.tasks.transforms import tidy

TEMPLATES = Path(__file__).parent / "templates"
NOT_TRANSLATED = {
    "rte": {"at random", "a field that is not there", "no target"},
    "copa": set(),
    "arc_easy": {"with zip"},
    "multi_news": {"first of several"},
    "nq_open": {"one of the answers"},
}
CLUSTERS = {
    "rte": "natural_language_inference",
    "copa": "commonsense",
    "arc_easy": "closed_book_qa",
    "multi_news": "summarization",
    "nq_open": "closed_book_qa",
}
GUARD = "3ed2dface8203c4c9dfb1a5dc58e41e0"


def plain(template: PromptTemplate, fields: dict[str, Any]) -> list[str]:
    """promptsource's own rendering, written again with nothing but Jinja."""
    environment = jinja2.Environment()

    def parts(text: str, names: dict[str, Any]) -> list[str]:
        rendered = environment.from_string(text).render(**names)
        return [part.replace(GUARD, "|||").strip() for part in rendered.split("|||")]

    names = {k: v.replace("|||", GUARD) if isinstance(v, str) else v for k, v in fields.items()}
    choices = template.answer_choices
    if isinstance(choices, str):
        names["answer_choices"] = parts(choices, dict(names))
    else:
        names["answer_choices"] = list(choices) if choices else None
    return parts(template.jinja, names)


def checked(made: ImportedPrompts, prompts: PromptFile, root: Path, folder: str) -> int:
    """Compare all renderings of all rows of all splits; returns how many there were."""
    by_id = {template.id: template for template in prompts.templates}
    compared = 0
    for text in made.tasks:
        task = parse_task(text.text, "again")
        for split in task.source.splits:
            lines = (root / folder / f"{split}.jsonl").read_text(encoding="utf-8").split("\n")
            raw = [json.loads(line) for line in lines if line]
            for row, fields in zip(task_rows(task, split, root), raw, strict=True):
                ready = prepare(task, row)
                for ours, id in zip(task.templates, ids(text.text), strict=True):
                    expected = plain(by_id[id], fields)
                    if ready is None:
                        assert len(expected) != 2 or not expected[1] or _equal(by_id[id], fields)
                        continue
                    example = render(task, ours, ready, row)
                    assert example.prompt == expected[0], (id, row.id)
                    target = expected[1]
                    assert example.target in (target, tidy(target) if example.options else target)
                    compared += 1
    return compared


def _equal(template: PromptTemplate, fields: dict[str, Any]) -> bool:
    choices = plain(PromptTemplate("", "", str(template.answer_choices), None), fields)
    return len({tidy(choice) for choice in choices}) < len(choices) or "" in choices


def ids(text: str) -> list[str]:
    """promptsource's ids, which stand in the remark above each template."""
    lines = text.split("\n")
    return [line.split('", ')[1].split(";")[0] for line in lines if line.startswith('  # "')]


@pytest.mark.parametrize("folder", NOT_TRANSLATED)
def test_real_rows_are_rendered_as_by_plain_jinja(folder: str) -> None:
    root = os.environ.get("PRECEPTOR_DATA")
    if not root:
        pytest.skip(f"TEMPLATES NOT TRIED ON REAL ROWS OF {folder}: set PRECEPTOR_DATA")
    prompts = read_prompts(TEMPLATES / f"{folder}.yaml")
    wanted = Wanted(f"{folder}_own", cluster=CLUSTERS[folder], provenance=(folder,))
    made = import_prompts(prompts, read_rows(Path(root), folder), wanted)
    assert {one.name for one in made.left} == NOT_TRANSLATED[folder]
    translated = sum(len(text.task.templates) for text in made.tasks)
    assert translated + len(made.left) == len(prompts.templates)
    assert checked(made, prompts, Path(root), folder) > 30


ROWS = [
    {"text": "Rain ||| all day", "label": 1, "note": None, "answer": "wet"},
    {"text": "Sun", "label": 0, "note": "hot", "answer": "dry"},
    {"text": "Fog", "label": -1, "answer": "damp"},
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "weather").mkdir()
    lines = "\n".join(json.dumps(row) for row in ROWS)
    (tmp_path / "weather" / "train.jsonl").write_text(lines + "\n")
    return tmp_path


def translated(root: Path, *templates: PromptTemplate) -> ImportedPrompts:
    prompts = PromptFile("weather", "", templates)
    return import_prompts(
        prompts, read_rows(root, "weather"), Wanted("own", category="qa", provenance=("weather",))
    )


def one(jinja: str, choices: Any = None, **more: Any) -> PromptTemplate:
    return PromptTemplate(more.pop("name", "t"), "t", jinja, choices, **more)


def refused(root: Path, template: PromptTemplate) -> str:
    good = one("{{ text }}? ||| x", name="good")
    return translated(root, good, template).left[0].reason


def test_labels_choices_and_metadata_become_a_task_of_labels(root: Path) -> None:
    template = one(
        "{{ text }} Wet? ||| {% if label != -1 %}{{ answer_choices[label] }}{% endif %}",
        "No ||| Yes",
        choices_in_prompt=False,
        original_task=True,
        metrics=("Accuracy",),
        reference="By hand.",
    )
    text = translated(root, template).tasks[0]
    task = text.task
    assert task.labels is not None
    assert (dict(task.labels.names), list(task.labels.words)) == (
        {0: "No", 1: "Yes"},
        ["No", "Yes"],
    )
    assert (task.keep, task.metric, task.cluster) == ("label != -1", "accuracy", "")
    assert "choices in prompt: no; original task: yes; metrics: Accuracy" in text.text
    assert "# By hand." in text.text


def test_a_rows_own_separators_do_not_split_it(root: Path) -> None:
    task = translated(root, one("{{ text }}? ||| {{ label }}")).tasks[0].task
    row = Row("weather", "train", "0", {"text": ROWS[0]["text"], "label": 1})
    ready = prepare(task, row)
    assert ready is not None
    example = render(task, task.templates[0], ready, row)
    assert (example.prompt, example.target) == ("Rain ||| all day?", "1")


def test_a_field_with_a_name_of_ours_is_renamed(root: Path) -> None:
    task = translated(root, one("{{ text }} {{ answer | upper }}? ||| {{ answer }}")).tasks[0].task
    assert task.source.rename == {"answer_field": "answer"}
    assert task.answer == "answer_field"
    assert task.templates[0].prompt == "{{ text }} {{ answer_field | upper }}?"


def test_a_separator_inside_branches_keeps_the_rows_that_reach_one(root: Path) -> None:
    template = one(
        "{% if label == 1 %}{{ text }} wet?|||yes{% elif label == 0 %}{{ text }}?|||no{% endif %}"
    )
    task = translated(root, template).tasks[0].task
    assert task.keep == "(label == 1) or (label == 0)"
    assert task.answer == '"yes" if label == 1 else "no"'


def test_a_field_that_some_rows_lack_can_be_used_where_it_is_printed_as_nothing(root: Path) -> None:
    assert "the prompt differs" in refused(root, one("{{ text }} {{ note }} ||| {{ text }}"))
    guarded = "{{ text }}{% if note %} ({{ note }}){% endif %} ||| {{ label }}"
    task = translated(root, one(guarded)).tasks[0].task
    assert task.fields["note"] == "str?"


def test_templates_with_other_choices_or_targets_are_tasks_of_their_own(root: Path) -> None:
    made = translated(
        root,
        one("{{ text }} A? ||| {{ answer_choices[label] }}", ("No", "Yes"), name="a"),
        one("{{ text }} B? ||| {{ answer_choices[label] }}", ("False", "True"), name="b"),
        one("{{ text }} C? ||| {{ answer_choices[label] }}", ("No", "Yes"), name="c"),
        one("Which? {{ label }} ||| {{ text }}", original_task=False, name="d"),
        one("Say {{ text }} ||| {{ text }}", original_task=True, name="e"),
    )
    assert [(t.task.name, len(t.task.templates)) for t in made.tasks] == [
        ("own", 3),
        ("own_false_true", 1),
        ("own_open", 1),
    ]
    # promptsource would call fog wet: its label is -1, and a list's last item is at -1.
    assert made.tasks[0].task.keep == "label >= 0"
    assert made.notes == {"left out, because its label is negative": 4}
    turned = made.tasks[0].task.templates[2]
    assert (turned.inverted, turned.target) == (True, "{{ text }}")


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (one("{{ text }}"), "has no |||"),
        (one("{{ text }} ||| a ||| b"), "has ||| twice"),
        (one("{{ text }}{% for x in [1] %}|||{{ x }}{% endfor %}"), "||| inside a loop"),
        (one("{{ text }} {% if label %} ||| {% endif %} ||| x"), "||| in several places"),
        (one("{{ text | choice }} ||| x"), "no filter named 'choice'"),
        (one("{{ ['a', 'b'] | random }} {{ text }} ||| x"), "no filter named 'random'"),
        (one("{{ zip(text, text) }} ||| x"), "uses 'zip'"),
        (one("{{ txt }} ||| x"), "uses 'txt', which is no field of the rows (text, label"),
        (one("{% macro m() %}{% endmacro %}{{ text }} ||| x"), "{% macro m() %}"),
        (one("{% set x %}a{% endset %}{{ text }} ||| x"), "{% set x %}"),
        (one("{{ text ||| x"), "no Jinja template"),
        (one("{{ text }} {{ answer_choices[0] }} ||| x"), "uses answer_choices, and has none"),
        (one("{{ text }} ||| {{ answer_choices[0] }}!", "A ||| B"), "is not among labels.names"),
        (
            one("{{ text }} ||| {{ answer_choices[label] }}", "A ||| A"),
            "two of its choices are equal",
        ),
        (one("{{ text[0] / 2 }} ||| x"), "fails with promptsource too"),
        (one("{{ ''.__class__ }} {{ text }} ||| x"), "SecurityError"),
    ],
)
def test_what_cannot_be_translated_is_said(
    root: Path, template: PromptTemplate, reason: str
) -> None:
    assert reason in refused(root, template)


def test_a_file_of_nothing_that_can_be_translated_is_refused(root: Path) -> None:
    with pytest.raises(TaskError, match=r"none of 1 templates can be translated .t: it has no"):
        translated(root, one("{{ text }}"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("templates: {a: !Template {jinja: [1]}}", "template a: jinja is missing or empty"),
        (
            "templates: {a: !!python/object:os.system {}}",
            "line 1: not promptsource's YAML .could not",
        ),
        ("templates: {a: !Other {}}", "could not determine a constructor for the tag '!Other'"),
        ("templates: {a: !Template [1]}", "!Template should be a mapping"),
        ("templates: [", "line 1: not promptsource's YAML"),
        ("a: 1", "has no mapping of templates"),
        ("", "has no mapping of templates"),
        (
            "templates: {a: !Template {jinja: 'x', answer_choices: 3}}",
            "answer_choices should be text",
        ),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "templates.yaml"
    path.write_text(text)
    with pytest.raises(TaskError, match=message):
        read_prompts(path)


def test_rows_are_needed_and_a_folder_without_them_is_named(root: Path) -> None:
    (root / "empty").mkdir()
    with pytest.raises(RowError, match=r"no rows in .*empty: it has nothing"):
        read_rows(root, "empty")
    with pytest.raises(RowError, match="there is no such folder"):
        read_rows(root, "missing")

"""The drawings are well-formed, complete, and keep their text within their boxes."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from preceptor.tasks.catalogue import load_tasks
from preceptor.tasks.clusters import CLUSTERS
from preceptor.tasks.figures.clusters import WIDTH, clusters_figure, pills
from preceptor.tasks.figures.svg import Piece, plain, text_width, wrap
from preceptor.tasks.figures.templates import templates_figure
from preceptor.tasks.figures.wording import pieces, slots_used
from preceptor.tasks.source import sample_rows
from preceptor.tasks.task import Task, prepare
from tests.tasks.examples import COPY, PICK, RAIN, row, task

SVG = "{http://www.w3.org/2000/svg}"
LIBRARY = load_tasks()
FIGURES = Path(__file__).parents[2] / "docs/figures"


def parsed(drawing: str) -> ElementTree.Element:
    root = ElementTree.fromstring(drawing)
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert desc is not None
    assert root.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
    return root


def texts(root: ElementTree.Element) -> list[str]:
    return ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]


def overflowing(root: ElementTree.Element) -> list[str]:
    """Lines that begin in a box and would end outside it, or outside the page."""
    boxes = [
        tuple(float(box.get(key, "0")) for key in ("x", "y", "width", "height"))
        for box in root.iter(f"{SVG}rect")
        if box.get("width") != "100%"  # the paper
    ]
    page = float(str(root.get("width")))
    found = []
    for line in root.iter(f"{SVG}text"):
        x, y = float(line.get("x", "0")), float(line.get("y", "0"))
        around = [b for b in boxes if b[0] <= x <= b[0] + b[2] and b[1] <= y <= b[1] + b[3]]
        right = min((b[0] + b[2] for b in around), default=page)
        size, said = float(line.get("font-size", "0")), "".join(line.itertext())
        bold = line.get("class") == "b"
        if line.get("text-anchor") != "end" and x + text_width(said, size, bold) > right:
            found.append(said)
    return found


@pytest.mark.parametrize("width", [900, 380])
def test_the_figure_of_clusters_has_every_task_once_in_each_of_its_places(width: int) -> None:
    root = parsed(clusters_figure(LIBRARY.values(), width))
    named = [
        name
        for group in root.iter(f"{SVG}g")
        for name in str(group.findtext(f"{SVG}title")).split(", ")
    ]
    places = [task.name for task in LIBRARY.values() for _ in filter(None, [task.cluster])]
    places += [task.name for task in LIBRARY.values() if task.category]
    assert sorted(named) == sorted(places)
    said = texts(root)
    for cluster in CLUSTERS:
        assert str(sum(task.cluster == cluster for task in LIBRARY.values())) in said
    assert not list(root.iter(f"{SVG}path"))
    assert overflowing(root) == []


@pytest.mark.parametrize(
    ("name", "width"), [("task-clusters.svg", round(WIDTH)), ("task-clusters-phone.svg", 380)]
)
def test_the_figures_in_the_documentation_are_what_the_command_draws(name: str, width: int) -> None:
    file = FIGURES / name
    drawn = clusters_figure(LIBRARY.values(), width)
    assert file.read_bytes() == drawn.encode(), (
        f"draw it again: preceptor tasks figure --width {width} -o docs/figures/{name}"
    )


def test_data_sets_of_one_name_share_a_pill_and_are_told_apart() -> None:
    named = [
        task(RAIN.replace("task: rain", f"task: {name}").replace("Does it rain?", title))
        for name, title in (("a", "Rain, in May"), ("b", "Snow"), ("c", "Rain, in the mountains"))
    ]
    assert [(pill.words, pill.tasks) for pill in pills(named)] == [
        ("Rain: in\u00a0May\u00a0\u00b7 in the mountains", ("a", "c")),
        ("Snow", ("b",)),
    ]


@pytest.mark.parametrize("name", LIBRARY)
def test_every_task_of_the_library_can_be_drawn(name: str) -> None:
    one = LIBRARY[name]
    rows = ((row, prepare(one, row)) for row in sample_rows(one))
    example = next(((row, made) for row, made in rows if made is not None), None)
    for width in (900, 380):
        root = parsed(templates_figure(one, example, width))
        said = texts(root)
        assert all(any(t.id in line for line in said) for t in one.templates)
        assert overflowing(root) == []


def drawn(one: Task, **fields: object) -> list[str]:
    source = row(**fields)
    made = prepare(one, source)
    assert made is not None
    return texts(parsed(templates_figure(one, (source, made))))


def test_a_tasks_figure_shows_a_row_its_answer_the_options_and_the_target() -> None:
    said = drawn(task())
    for line in ("<line>", "Wet all day.", "<answer>", "yes", "<options>", "- yes (wet)"):
        assert line in said
    assert "- no (dry)" in said
    assert "write_a_line inverted" in said
    assert "\u21d2 <line>" in said


def test_options_of_the_row_and_free_answers_are_shown() -> None:
    assert "- heavy rain" in drawn(task(PICK), texts=["sun", "heavy rain"])
    said = drawn(task(COPY))
    assert "WET ALL DAY." in said
    assert "<options>" not in said


def test_long_values_are_cut_and_many_options_stand_in_a_paragraph() -> None:
    said = drawn(task(PICK), line="drop " * 500, texts=[f"option {i}" for i in range(20)])
    assert sum(line.startswith("drop") for line in said) == 6
    assert [line for line in said if line.startswith("drop")][-1].endswith(" \u2026")
    assert "option 3 \u00b7 option 4" in " ".join(said)


def test_what_a_row_or_a_file_says_cannot_break_the_drawing() -> None:
    hostile = RAIN.replace(
        "Does it rain?\n", '"</title><script>alert(1)</script> & \\"rain\\""\n', 1
    )
    said = drawn(task(hostile), line="</text><b>&amp;\x01\ufffe ]]>")
    assert "</text><b>&amp;\ufffd\ufffd ]]>" in said
    drawing = clusters_figure([task(hostile)])
    assert "<script" not in drawing
    assert any("<script>alert(1)</script> &" in line for line in texts(parsed(drawing)))


def test_a_drawing_is_the_same_every_time() -> None:
    assert clusters_figure(LIBRARY.values()) == clusters_figure(LIBRARY.values())


@pytest.mark.parametrize(
    ("template", "shown"),
    [
        ("{{ line | upper }} and {{ answer }}.", "<line> and <answer>."),
        ("It is {{ 'wet' if answer == 'yes' else 'dry' }}.", "It is [wet | dry]."),
        ("{{ {'yes': 'wet', 'no': 'dry'}[answer] }}", "[wet | dry]"),
        ("{{ 'Say: ' ~ line }}", "Say: <line>"),
        ("{{ 'Say: ' + line[:3] }}", "Say: <line>"),
        ("{% if line %}A {{ line }}{% elif answer %}B{% else %}C{% endif %}", "[A <line> | B | C]"),
        ("{% if line %}A{% endif %}", "[A]"),
        ("{% for one in options %}- {{ one }}{{ loop.index }}\n{% endfor %}", "- <one>\n\u2026 "),
        ("{{ options_block }}", "<options>"),
        ("{{ options | join(', ') }}", "<options>"),
    ],
)
def test_wording_is_shown_with_its_slots_and_its_alternatives(template: str, shown: str) -> None:
    assert "".join(piece.text for piece in pieces(template, task())) == shown


def test_only_values_that_a_template_uses_are_shown() -> None:
    text = RAIN.replace("line: line | tidy", "line: line | tidy\n  unused: label")
    assert slots_used(task(text)) == ["line"]


def lines(pieces: list[Piece], width: float, most: int = 0) -> list[str]:
    return ["".join(one.text for one in line) for line in wrap(pieces, width, 10, most)]


def test_text_is_wrapped_at_blanks_and_long_words_are_cut() -> None:
    assert lines(plain("one two three"), 45) == ["one two", "three"]
    assert lines(plain("a\n\nb"), 45) == ["a", "", "b"]
    assert lines(plain("no\u00a0break here"), 60) == ["no\u00a0break", "here"]
    long = lines(plain("x" * 100), 45)
    assert "".join(long) == "x" * 100
    assert all(text_width(line, 10) <= 45 for line in long)
    assert lines(plain("one two three four"), 45, most=1) == ["one \u2026"]


def test_pieces_that_touch_stay_together() -> None:
    pieces = [Piece('say "'), Piece("<line>", "b0"), Piece('" aloud')]
    assert lines(pieces, 50) == ["say", '"<line>"', "aloud"]
    styles = [[one.style for one in line] for line in wrap(pieces, 50, 10)]
    assert styles == [[""], ["", "b0", ""], [""]]


def test_estimated_widths_are_helveticas() -> None:
    assert text_width("Hamburg", 1000) == 722 + 556 + 833 + 556 + 556 + 333 + 556
    assert text_width("\u96e8", 10) == 10
    assert text_width("il", 10) < text_width("il", 10, bold=True) < text_width("mm", 10)
    assert not re.search(r"[^\x00-\x7f]", "".join(map(chr, range(32, 127))))

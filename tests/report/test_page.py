"""The report: self-contained, the same for the same facts, and safe with what a model wrote."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import matplotlib
import pytest

from preceptor.errors import StorageError
from preceptor.report.facts import (
    ChangedItem,
    EvaluationFacts,
    ExampleSample,
    KeptInstruction,
    MixtureFacts,
    RejectedInstruction,
    ReportFacts,
    SynthesisFacts,
)
from preceptor.report.page import render, write_report
from tests.report.demo import demo_facts, tuning_facts

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{ 7 * 7 }}"
VOID = {"meta", "link", "br", "img", "hr", "input"}


class Outline(HTMLParser):
    """Elements with their attributes, and whether every one that opens is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.stack: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack, f"</{tag}> closes nothing"
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.stack and self.stack[-1] != "style":
            self.text += data


@pytest.fixture(scope="module")
def facts() -> ReportFacts:
    return demo_facts()


@pytest.fixture(scope="module")
def page(facts: ReportFacts) -> str:
    return render(facts)


@pytest.fixture(scope="module")
def outline(page: str) -> Outline:
    return Outline(page)


@pytest.fixture(scope="module")
def hostile(facts: ReportFacts) -> ReportFacts:
    """Facts in which everything that a model or a file can say is hostile."""
    assert facts.evaluation
    assert facts.synthesis
    item = ChangedItem(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    task = replace(facts.evaluation.tasks[0], title=HOSTILE, cluster=HOSTILE, excluded={HOSTILE: 1})
    group = replace(facts.evaluation.groups[0], name=HOSTILE)
    kept = KeptInstruction(HOSTILE, HOSTILE, HOSTILE, HOSTILE, (HOSTILE,), HOSTILE, 0.5)
    evaluation = EvaluationFacts(
        HOSTILE, HOSTILE, 0.95, groups=(group,), tasks=(task,), better=(item,), worse=(item,)
    )
    return replace(
        facts,
        title=HOSTILE,
        recipe=HOSTILE,
        recipe_name=HOSTILE,
        failures=(HOSTILE,),
        evaluation=evaluation,
        mixture=MixtureFacts((), (ExampleSample(HOSTILE, HOSTILE, HOSTILE),)),
        synthesis=replace(
            facts.synthesis,
            rejected_by_reason={HOSTILE: 3},
            kept_samples=(kept,),
            rejected_samples=(RejectedInstruction(HOSTILE, HOSTILE),),
        ),
    )


def test_the_same_facts_give_the_same_bytes(
    facts: ReportFacts, page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(matplotlib.rcParams, "font.size", 30.0)
    monkeypatch.setitem(matplotlib.rcParams, "svg.fonttype", "path")
    write_report(tmp_path / "new" / "report.html", facts)
    assert (tmp_path / "new" / "report.html").read_bytes() == page.encode()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["report.html"]


def test_drawing_leaves_no_trace_in_matplotlibs_settings(page: str) -> None:
    assert matplotlib.rcParams["svg.hashsalt"] is None
    assert matplotlib.rcParams["text.parse_math"] is True


def test_the_page_names_no_date_and_no_path(page: str) -> None:
    assert not re.search(r"\b20\d\d-\d\d-\d\d\b", page)
    assert str(Path(__file__).parents[2]) not in page
    assert str(Path.home()) + "/" not in page


def test_nothing_is_requested_and_nothing_can_run(outline: Outline, page: str) -> None:
    elements = {tag for tag, _ in outline.elements}
    assert not elements & {"script", "img", "iframe", "object", "embed", "form", "base", "image"}
    for tag, attributes in outline.elements:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("href", "xlink:href", "src"):
                assert (value or "").startswith(("#", "data:,")), (tag, name, value)
    assert "@import" not in page
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", page))


def test_a_content_security_policy_stands_before_anything_it_governs(outline: Outline) -> None:
    policy = {"http-equiv": "Content-Security-Policy"}
    found = [a for tag, a in outline.elements if tag == "meta" and policy.items() <= a.items()]
    assert [a["content"] for a in found] == [
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    ]
    order = [tag for tag, _ in outline.elements]
    assert order.index("link") > outline.elements.index(("meta", found[0]))


def test_what_a_model_wrote_is_shown_and_never_markup(hostile: ReportFacts) -> None:
    page = render(hostile)
    outline = Outline(page)
    assert "<script" not in page
    assert not [tag for tag, _ in outline.elements if tag in ("script", "img")]
    assert outline.text.count(HOSTILE) > 20
    assert outline.stack == []


def test_every_element_is_closed_and_every_id_is_used_once(outline: Outline) -> None:
    assert outline.stack == []
    ids = [a["id"] for _, a in outline.elements if "id" in a]
    assert len(ids) == len(set(ids))
    for _, attributes in outline.elements:
        for name in ("href", "xlink:href"):
            target = attributes.get(name) or ""
            assert not target.startswith("#") or target[1:] in ids
        if "aria-labelledby" in attributes:
            assert attributes["aria-labelledby"] in ids
    # References inside a drawing's style, which no parser follows.
    page_ids = set(ids)
    for _, attributes in outline.elements:
        for target in re.findall(r"url\(#([^)]*)\)", " ".join(map(str, attributes.values()))):
            assert target in page_ids


def test_every_figure_has_a_label_a_caption_and_a_table(page: str) -> None:
    figures = re.findall(r"<figure .*?</figure>", page, flags=re.DOTALL)
    assert len(figures) == 6
    for figure in figures:
        assert re.match(r'<figure id="figure-\w+" role="figure" aria-label="[^"]+">', figure)
        assert figure.count('<svg role="img" aria-label="') == 2
        assert "<figcaption>" in figure
        assert "<table>" in figure
        assert "<text" in figure, "text must stay text"


def test_the_verdict_comes_first_then_what_is_missing_then_results(page: str) -> None:
    order = [page.index(f'<section id="{name}"') for name in ("verdict", "left-out", "results")]
    assert order == sorted(order)
    assert page.index("its folder holds no rows") < page.index('<section id="results"')
    assert page.index("longer than the model") < page.index('<section id="results"')


def test_tables_hold_the_numbers_of_the_facts(facts: ReportFacts, outline: Outline) -> None:
    assert facts.evaluation
    for task in facts.evaluation.tasks:
        for mean in (task.base.interval.mean, task.tuned.interval.mean):
            assert f"{100 * mean:.1f}" in outline.text
    assert "4be1c0ffee4b" in outline.text  # an input's digest
    assert "134,515,008" in outline.text
    assert "its cluster is held out" in outline.text


def test_a_run_with_nothing_but_stages_still_has_a_page(facts: ReportFacts) -> None:
    page = render(
        replace(facts, synthesis=None, mixture=None, tuning=None, evaluation=None, failures=())
    )
    assert "nothing is known about what tuning changed" in page
    assert "No stage reported a failure." in page
    assert "<figure" not in page
    assert Outline(page).stack == []


def test_parts_that_counted_nothing_are_shown_without_figures(facts: ReportFacts) -> None:
    nothing = SynthesisFacts(1, 0, 0, {}, {}, (), (), (), (), ())
    page = render(
        replace(
            facts,
            synthesis=nothing,
            mixture=MixtureFacts((), ()),
            tuning=replace(tuning_facts(), losses=()),
            evaluation=None,
        )
    )
    assert "1 request to the teacher gave 0 tasks" in page
    assert "No task is in the mixture." in page
    assert "<figure" not in page


def test_no_excluded_rows_are_said_to_be_none(facts: ReportFacts) -> None:
    assert facts.evaluation
    task = facts.evaluation.tasks[0]
    assert not task.excluded
    page = render(replace(facts, evaluation=replace(facts.evaluation, tasks=(task,))))
    assert "Every row was scored, and every answer could be read." in page


def test_what_the_comparison_with_the_evaluation_found_is_said(
    facts: ReportFacts, page: str
) -> None:
    assert "compared with all 1,480 evaluation items: 3 rows that overlap" in page
    assert "0 examples of the 4,000 that were written. 12 examples share a passage" in page
    assert facts.mixture is not None
    unknown = render(replace(facts, mixture=replace(facts.mixture, overlap=None)))
    assert "were not compared with those of the evaluation" in unknown


def test_an_interval_without_width_is_said_to_mean_nothing(facts: ReportFacts) -> None:
    assert facts.evaluation
    task = facts.evaluation.tasks[0]
    flat = replace(task.base.interval, low=0.5, mean=0.5, high=0.5)
    scored = replace(task, base=replace(task.base, interval=flat))
    shown = [
        render(
            replace(
                facts,
                synthesis=None,
                mixture=None,
                tuning=None,
                evaluation=replace(facts.evaluation, groups=(), tasks=(one,)),
            )
        )
        for one in (task, scored)
    ]
    assert ["no width" in page for page in shown] == [False, True]


def test_a_long_loss_curve_is_drawn_and_listed_as_means(facts: ReportFacts) -> None:
    page = render(replace(facts, tuning=tuning_facts(steps=1000), evaluation=None, synthesis=None))
    assert "Each point is the mean of up to 9 steps." in page
    rows = page[page.index("Training loss, in nats") :].split("</table>")[0].count("<tr>")
    assert rows == 1 + 112
    assert "1 to 9" in page


@pytest.mark.parametrize(
    "title", ["$\\frac{1}{2}$ of $5", "\u8840\u5727\u306e\u8a18\u9332", "a" * 300, "&amp; <b>"]
)
def test_any_title_can_be_drawn(facts: ReportFacts, title: str) -> None:
    assert facts.evaluation
    task = replace(facts.evaluation.tasks[0], title=title)
    page = render(
        replace(
            facts,
            synthesis=None,
            mixture=None,
            tuning=None,
            evaluation=replace(facts.evaluation, groups=(), tasks=(task,)),
        )
    )
    outline = Outline(page)
    assert outline.stack == []
    assert outline.text.count(title[:20]) >= 3


def test_characters_that_no_page_can_hold_are_made_visible(
    facts: ReportFacts, tmp_path: Path
) -> None:
    sample = ExampleSample("t", "nul \x00 bell \x07 half \ud800", "\n leading line")
    write_report(
        tmp_path / "report.html",
        replace(
            facts,
            mixture=MixtureFacts((), (sample,)),
            synthesis=None,
            tuning=None,
            evaluation=None,
        ),
    )
    page = (tmp_path / "report.html").read_bytes().decode()
    assert "nul \u2400 bell \u2407 half \\ud800" in page
    assert ">\n leading line</div>" in page


def test_an_empty_answer_is_said_to_be_empty(page: str) -> None:
    assert '<dt>Tuned</dt>\n<dd><span class="none">empty</span></dd>' in page


def test_a_path_that_cannot_be_written_is_refused_in_one_line(
    facts: ReportFacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("preceptor.report.page.write_atomically", full)
    bare = replace(facts, synthesis=None, mixture=None, tuning=None, evaluation=None)
    with pytest.raises(StorageError, match="no space is left"):
        write_report(tmp_path / "report.html", bare)

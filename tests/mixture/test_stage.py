"""The whole stage on toy tasks and on the package's own."""

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from preceptor.artifact import Work
from preceptor.errors import ArtifactError, RecipeError, RowError, StageError
from preceptor.mixture import stage, tables
from preceptor.mixture.config import MixtureConfig
from preceptor.mixture.holdout import HoldOut
from preceptor.records import Instruction
from preceptor.tasks import catalogue, source
from preceptor.tasks.task import Task
from tests.mixture.toys import instruction, library, toy

DEMO = (
    *("visit_feedback", "short_passages", "everyday_causes", "said_twice", "does_it_follow"),
    *("biology_facts", "disease_mentions", "drug_orders", "visit_dialogues", "plain_words"),
    "study_answers",
)
ALL_TOYS = ("sentiment", "paraphrase", "closed_book_qa")


@pytest.fixture
def toys(tmp_path: Path) -> dict[str, Task]:
    return library(
        toy(tmp_path, "big", 40),
        toy(tmp_path, "small", 5),
        toy(tmp_path, "same", 10, cluster="paraphrase"),
        toy(tmp_path, "facts", 10, cluster="closed_book_qa"),
    )


class Mixed:
    """One run of the stage and what it wrote."""

    def __init__(
        self,
        folder: Path,
        tasks: dict[str, Task],
        instructions: Sequence[Instruction] = (),
        /,
        seed: int = 0,
        **config: object,
    ) -> None:
        made = MixtureConfig.model_validate({"tasks": ALL_TOYS, "examples": 100, **config})
        work = Work(folder / "out")
        chosen = catalogue.select(tasks, made.tasks)
        needs = stage.Needs(folder, cache=folder / "cache")
        self.counts = stage.mix(made, chosen, tasks, instructions, needs, seed, work)
        self.files = {
            path.name: path.read_bytes() for path in sorted(work.files.iterdir()) if path.is_file()
        }
        self.examples = stage.read_examples(work.files / stage.EXAMPLES)
        self.lines = {line.task: line for line in stage.read_table(work.files / stage.TABLE)}


def test_the_table_the_counts_and_the_examples_agree(tmp_path: Path, toys: dict[str, Task]) -> None:
    mixed = Mixed(tmp_path, toys, rate_maximum=20)
    # min(n, 20): 20, 10, 10, 5 of 45, times 100: 44.4, 22.2, 22.2, 11.1.
    expected = {"big": 45, "facts": 22, "same": 22, "small": 11}
    assert {name: line.examples for name, line in mixed.lines.items()} == expected
    assert Counter(example.task for example in mixed.examples) == expected
    assert mixed.counts["tasks"] == expected
    assert mixed.counts["examples"] == 100
    assert mixed.counts["clusters"] == {"closed_book_qa": 22, "paraphrase": 22, "sentiment": 56}
    assert mixed.counts["inverted"] == sum(example.inverted for example in mixed.examples) > 0
    big = mixed.lines["big"]
    assert (big.rows, big.usable, big.rate, big.templates) == (40, 40, 20, 3)
    assert big.probability == pytest.approx(20 / 45)
    assert big.share == pytest.approx(0.45)
    assert mixed.lines["small"].epochs == pytest.approx(11 / 5)


def test_each_row_is_used_once_before_any_is_used_again(
    tmp_path: Path, toys: dict[str, Task]
) -> None:
    mixed = Mixed(tmp_path, toys)
    rows = Counter(example.row for example in mixed.examples)
    for name, line in mixed.lines.items():
        used = [n for row, n in rows.items() if row.startswith(f"{name}/train/")]
        assert sum(used) == line.examples
        assert max(used) - min(used) <= 1
        assert len(used) == min(line.usable, line.examples)


def test_two_runs_leave_the_same_bytes_and_another_seed_does_not(
    tmp_path: Path, toys: dict[str, Task]
) -> None:
    made = [instruction(n) for n in range(9)]
    first = Mixed(tmp_path, toys, made, instructions=0.2)
    again = Mixed(tmp_path, toys, made, instructions=0.2)
    backwards = Mixed(tmp_path, toys, made, instructions=0.2, tasks=ALL_TOYS[::-1])
    other = Mixed(tmp_path, toys, made, instructions=0.2, seed=1)
    assert sorted(first.files) == ["examples.parquet", "table.json"]
    assert first.files == again.files == backwards.files
    assert first.counts == again.counts
    assert other.files["examples.parquet"] != first.files["examples.parquet"]
    amounts = [(line.task, line.examples) for line in first.lines.values()]
    assert amounts == [(line.task, line.examples) for line in other.lines.values()]


def test_another_task_takes_examples_away_and_changes_none_of_the_rest(
    tmp_path: Path, toys: dict[str, Task]
) -> None:
    before = Mixed(tmp_path, toys, tasks=("sentiment",)).examples
    after = Mixed(tmp_path, toys, tasks=("sentiment", "paraphrase")).examples
    kept = Counter(example.id for example in after if example.cluster == "sentiment")
    assert kept < Counter(example.id for example in before)


def test_what_is_held_out_is_in_the_table_with_its_reason_and_in_no_example(
    tmp_path: Path, toys: dict[str, Task]
) -> None:
    follows = toy(tmp_path, "follows", cluster="natural_language_inference")
    reused = toy(tmp_path, "reused", provenance=["reused", "same"])
    tasks = toys | library(follows, reused)
    names = [*ALL_TOYS, "follows"]
    mixed = Mixed(tmp_path, tasks, tasks=names, hold_out=["paraphrase", "small"])
    assert {example.task for example in mixed.examples} == {"big", "facts"}
    reasons = {name: line.held_out_reason for name, line in mixed.lines.items()}
    assert [name for name, reason in reasons.items() if not reason] == ["big", "facts"]
    assert reasons["small"] == "it is held out"
    assert reasons["same"] == "its cluster paraphrase is held out"
    assert "because paraphrase is held out" in reasons["follows"]
    assert reasons["reused"] == "it has rows of same, as the held-out task same has"
    assert mixed.lines["same"].examples == mixed.lines["same"].rows == 0
    held = mixed.counts["held_out"]
    assert isinstance(held, dict)
    assert held["asked"] == ["paraphrase", "small"]
    assert held["clusters"] == ["paraphrase"]
    assert list(held["excluded"]) == ["natural_language_inference"]
    assert held["left_out"] == {name: reason for name, reason in reasons.items() if reason}
    assert held["examples_checked"] == 100


def test_a_held_out_task_that_slips_in_stops_the_stage(
    tmp_path: Path, toys: dict[str, Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HoldOut, "reason", lambda self, task: "")
    with pytest.raises(StageError, match=r"example same/train/\d/\w+ has the held-out"):
        Mixed(tmp_path, toys, hold_out=["paraphrase"])


def test_nothing_left_to_mix_is_refused_with_the_reasons(
    tmp_path: Path, toys: dict[str, Task]
) -> None:
    with pytest.raises(RecipeError, match=r"no task is left to mix.*same: its cluster paraphrase"):
        Mixed(tmp_path, toys, tasks=["same"], hold_out=["paraphrase"])


def test_a_task_without_the_split_is_left_out_of_a_cluster_but_refused_by_name(
    tmp_path: Path, toys: dict[str, Task]
) -> None:
    source = {"folder": "facts", "splits": {"test": "train"}}
    exam = toy(tmp_path, "exam", cluster="closed_book_qa", source=source)
    tasks = toys | library(exam)
    mixed = Mixed(tmp_path, tasks)
    assert mixed.lines["exam"].held_out_reason == "it has no split train, only test"
    with pytest.raises(RowError, match="exam has no split 'train'"):
        Mixed(tmp_path, tasks, tasks=["exam", "sentiment"])


def test_instructions_fill_their_share(tmp_path: Path, toys: dict[str, Task]) -> None:
    made = [instruction(n, "ie" if n % 2 else "qa", "Text." * (n % 3)) for n in range(20)]
    mixed = Mixed(tmp_path, toys, made, instructions=0.3)
    line = mixed.lines["synthesised"]
    assert (line.rows, line.usable, line.examples, line.epochs) == (20, 20, 30, 1.5)
    assert mixed.counts["instructions_share_asked"] == 0.3
    assert mixed.counts["instructions_share"] == 0.3
    assert mixed.counts["categories"] == Counter(
        example.category for example in mixed.examples if example.category
    )
    assert sum(line.probability for line in mixed.lines.values()) == pytest.approx(1)
    used = Counter(e.row for e in mixed.examples if e.task == "synthesised")
    assert sorted(used.values()) == [1] * 10 + [2] * 10


def test_no_instruction_is_used_more_than_three_times(
    tmp_path: Path, toys: dict[str, Task]
) -> None:
    mixed = Mixed(tmp_path, toys, [instruction(n) for n in range(4)], instructions=0.5)
    assert mixed.lines["synthesised"].examples == 12
    assert len(mixed.examples) == 100
    assert mixed.counts["instructions_share_asked"] == 0.5
    assert mixed.counts["instructions_share"] == 0.12


def test_without_instructions_tasks_fill_the_mixture_and_the_counts_say_so(
    tmp_path: Path, toys: dict[str, Task]
) -> None:
    mixed = Mixed(tmp_path, toys, [], instructions=0.5)
    assert mixed.lines["synthesised"].examples == 0
    assert len(mixed.examples) == 100
    assert mixed.counts["instructions_share_asked"] == 0.5
    assert mixed.counts["instructions_share"] == 0


def test_instructions_are_used_only_when_asked_for(tmp_path: Path, toys: dict[str, Task]) -> None:
    mixed = Mixed(tmp_path, toys, [instruction(1)])
    assert "synthesised" not in mixed.lines
    assert "synthesised" not in {example.task for example in mixed.examples}


def test_instructions_of_a_held_out_category_are_not_mixed(
    tmp_path: Path, toys: dict[str, Task]
) -> None:
    tasks = toys | library(toy(tmp_path, "doses", cluster="", category="ie"))
    made = [instruction(n, "ie" if n % 2 else "qa") for n in range(20)]
    mixed = Mixed(tmp_path, tasks, made, instructions=0.2, hold_out=["category:ie"])
    assert mixed.counts["categories"] == {"qa": 20}
    line = mixed.lines["synthesised"]
    assert (line.rows, line.left_out, line.usable) == (20, 10, 10)


def test_a_task_may_not_take_the_name_of_the_instructions(
    tmp_path: Path, toys: dict[str, Task]
) -> None:
    taken = toy(tmp_path, "synthesised")
    with pytest.raises(RecipeError, match="a task is called 'synthesised'"):
        Mixed(tmp_path, toys | library(taken))


def test_the_packaged_tasks_mix_without_a_data_root(tmp_path: Path) -> None:
    tasks = catalogue.load_tasks()
    config = MixtureConfig(tasks=DEMO, examples=300, hold_out=("sentiment",))
    work = Work(tmp_path)
    counts = stage.mix(config, catalogue.select(tasks, DEMO), tasks, [], stage.Needs(), 0, work)
    examples = stage.read_examples(work.files / stage.EXAMPLES)
    assert counts["examples"] == len(examples) == 300
    assert {example.task for example in examples} == set(DEMO) - {"visit_feedback"}
    assert "sentiment" not in {example.cluster for example in examples}
    for example in examples:
        assert example.prompt
        assert example.target
        assert (example.gold >= 0) == bool(example.options)
        assert not example.options or example.target == example.options[example.gold]
    # Every template of a task gets its turn.
    by_task = Counter((example.task, example.template) for example in examples)
    assert len(by_task) > 80


def test_real_rows_of_every_task_mix(tmp_path: Path) -> None:
    root = source.data_root(None)
    if root is None:
        pytest.skip(f"NOT RUN: ${source.DATA_ROOT_VARIABLE} is not set, so no real rows are mixed")
    tasks = catalogue.load_tasks()
    clusters = tuple({task.cluster: None for task in tasks.values() if task.cluster})
    config = MixtureConfig(tasks=clusters, examples=1_000, hold_out=("rte",), rows_cap=50)
    chosen = catalogue.select(tasks, clusters)
    here = [task for task in chosen if "train" in source.splits_here(task, root)]
    work = Work(tmp_path)
    needs = stage.Needs(root, cache=tmp_path / "cache")
    counts = stage.mix(config, here, tasks, [], needs, 0, work)
    mixed = counts["tasks"]
    assert isinstance(mixed, dict)
    # ANLI's third source of hypotheses is RTE's.
    assert set(mixed) == {task.name for task in here} - {"rte", "anli_r3"}
    assert sum(mixed.values()) == 1_000


def test_the_printed_table_shows_what_is_in_and_what_was_left_out(
    tmp_path: Path, toys: dict[str, Task]
) -> None:
    mixed = Mixed(tmp_path, toys, hold_out=["small"])
    console = Console(file=io.StringIO(), width=120)
    stage.print_table(list(mixed.lines.values()), console)
    assert isinstance(console.file, io.StringIO)
    printed = console.file.getvalue()
    assert "Mixture of 100 examples" in printed
    big = next(line for line in printed.splitlines() if "big" in line)
    assert "66.0%" in big or "67.0%" in big
    assert "left out: small: it is held out" in printed


def test_files_that_are_no_mixture_are_refused(tmp_path: Path, toys: dict[str, Task]) -> None:
    wrong = tmp_path / "wrong"
    with pytest.raises(ArtifactError, match=r"not a file of examples.*examples\.parquet"):
        stage.read_examples(wrong)
    with pytest.raises(ArtifactError, match=r"not a mixture's table.*table\.json"):
        stage.read_table(wrong)
    wrong.write_text('[{"task": "x"}]')
    with pytest.raises(ArtifactError, match="not a file of examples"):
        stage.read_examples(wrong)
    with pytest.raises(ArtifactError, match="not a mixture's table"):
        stage.read_table(wrong)


def test_examples_come_back_as_they_were_written(tmp_path: Path, toys: dict[str, Task]) -> None:
    # More than two row groups hold.
    examples = Mixed(tmp_path, toys).examples * (2 * tables.ROW_GROUP // 100 + 1)
    odd = replace(examples[0], prompt="a\u2028b\n\n", options=("é", ""), gold=1)
    path = tmp_path / "again.parquet"
    tables.write_examples(path, [odd, *examples])
    assert stage.read_examples(path) == [odd, *examples]

"""Exported tasks run in lm-eval, and come to what a plain loop over the same model comes to."""

import gc
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from transformers import AutoModelForCausalLM, AutoTokenizer

from preceptor.errors import ArtifactError, RowError
from preceptor.records import Row
from preceptor.tasks import source
from preceptor.tasks.catalogue import load_tasks
from preceptor.tasks.lm_eval_export import export
from preceptor.tasks.task import Task, prepare
from preceptor.tasks.taskfile import read_task
from preceptor.tasks.template import render
from tests.tasks.examples import COPY, PICK, RAIN, row, task
from tests.tiny import make_tiny_model

ROWS = 4
Run = Callable[[Path, str], dict[str, Any]]


def rows_of(name: str) -> tuple[Task, list[Row]]:
    """A task whose rows come in the package."""
    (path,) = source.LIBRARY.rglob(f"{name}.yaml")
    one = read_task(path)
    return one, source.read_rows(one, "test", None)[:ROWS]


# What lm-eval does.


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """A tiny random llama that reads long prompts, and its tokenizer."""
    folder = make_tiny_model(tmp_path_factory.mktemp("long"), context=4096)
    return AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def run(
    model: tuple[Any, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Path, str], dict[str, Any]]]:
    """Runs lm-eval on an exported group; without a network, and without its own tasks."""
    pytest.importorskip("lm_eval", reason="EXPORT NOT RUN IN LM-EVAL: it is not installed")
    patch = pytest.MonkeyPatch()
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TQDM_DISABLE"):
        patch.setenv(name, "1")
    import datasets
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    patch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    cache = tmp_path_factory.mktemp("datasets")
    patch.setattr(datasets.config, "HF_DATASETS_CACHE", cache)
    state = random.getstate()

    def evaluated(folder: Path, group: str) -> dict[str, Any]:
        manager = TaskManager(include_path=str(folder), include_defaults=False)
        with torch.random.fork_rng(devices=[]):
            found = simple_evaluate(
                model=HFLM(pretrained=model[0], tokenizer=model[1], batch_size=8),
                tasks=[group],
                task_manager=manager,
                bootstrap_iters=0,
            )
        assert found is not None
        return dict(found)

    yield evaluated
    random.setstate(state)
    patch.undo()
    gc.collect()


def log_likelihood(model: tuple[Any, Any], prompt: str, continuation: str) -> float:
    whole = model[1](prompt + continuation, return_tensors="pt").input_ids
    begin = len(model[1](prompt).input_ids)
    with torch.no_grad():
        chances = model[0](whole).logits[0, :-1].log_softmax(-1)
    return sum(float(chances[i - 1, whole[0, i]]) for i in range(begin, whole.shape[1]))


def continued(model: tuple[Any, Any], prompt: str, tokens: int) -> str:
    """Greedy, a token at a time."""
    ids = model[1](prompt, return_tensors="pt").input_ids
    begin = ids.shape[1]
    for _ in range(tokens):
        with torch.no_grad():
            best = model[0](ids).logits[0, -1].argmax()
        if best == model[1].eos_token_id:
            break
        ids = torch.cat([ids, best.view(1, 1)], dim=1)
    return str(model[1].decode(ids[0, begin:], skip_special_tokens=True)).strip()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["does_it_follow", "biology_facts"])
def test_accuracy_in_lm_eval_is_that_of_a_plain_loop(
    name: str, tmp_path: Path, run: Run, model: tuple[Any, Any]
) -> None:
    one, rows = rows_of(name)
    made = export(one, rows, tmp_path)
    found = run(tmp_path, made.group)
    accuracies = []
    for template in one.templates:
        if template.inverted:
            continue
        task_name = f"preceptor_{name}_{template.id}"
        samples = sorted(found["samples"][task_name], key=lambda sample: sample["doc_id"])
        assert len(samples) == len(rows)
        right = 0
        for each, sample in zip(rows, samples, strict=True):
            prepared = prepare(one, each)
            assert prepared is not None
            example = render(one, template, prepared, each)
            scores = [log_likelihood(model, example.prompt, f" {o}") for o in example.options]
            theirs = [float(value) for ((value, _),) in sample["resps"]]
            assert theirs == pytest.approx(scores, rel=1e-5)
            right += scores.index(max(scores)) == example.gold
        accuracies.append(right / len(rows))
        assert found["results"][task_name]["acc,none"] == pytest.approx(accuracies[-1])
    assert len(accuracies) == len(made.tasks)
    mean = sum(accuracies) / len(accuracies)
    assert found["results"][made.group]["acc,none"] == pytest.approx(mean)


@pytest.mark.filterwarnings("ignore")
def test_text_generated_in_lm_eval_is_that_of_a_plain_loop(
    tmp_path: Path, run: Run, model: tuple[Any, Any]
) -> None:
    one = task(COPY.replace("rouge_l", "exact_match"))
    lines = [f"word {number}" for number in range(3)]
    prompts = [f"Shout: {line}" for line in lines]
    answers = [continued(model, prompt, one.max_new_tokens) for prompt in prompts]
    made = export(one, [row(line=line) for line in lines], tmp_path)
    found = run(tmp_path, made.group)
    samples = sorted(found["samples"]["preceptor_rain_shout"], key=lambda sample: sample["doc_id"])
    assert [sample["filtered_resps"][0] for sample in samples] == answers
    assert [sample["doc"]["prompt"] for sample in samples] == prompts
    assert found["results"]["preceptor_rain_shout"]["exact_match,none"] == 0


@pytest.mark.filterwarnings("ignore")
def test_every_metric_that_is_named_exists_there(tmp_path: Path, run: Run) -> None:
    made = export(task(COPY), [row(line="a"), row(line="b")], tmp_path / "text")
    found = run(tmp_path / "text", made.group)["results"]
    assert {"bleu,none", "chrf,none"} <= set(found[made.tasks[0]])
    assert {"bleu,none", "chrf,none"} <= set(found[made.group])
    reported = task(RAIN.replace("metric: accuracy", "metric: accuracy\nreported: [f1, matthews]"))
    lines = [row(line=f"{number} wet", label=number % 2) for number in range(4)]
    made = export(reported, lines, tmp_path / "reported")
    result = run(tmp_path / "reported", made.group)["results"][made.tasks[0]]
    assert {"acc,none", "f1,none", "mcc,none"} <= set(result)


@pytest.mark.filterwarnings("ignore")
def test_one_of_several_right_answers_is_enough(tmp_path: Path, run: Run) -> None:
    from lm_eval.tasks import TaskManager

    def loaded(one: Task, fields: dict[str, Any], name: str) -> Any:
        made = export(one, [row(**fields)], tmp_path / name)
        manager = TaskManager(include_path=str(made.folder), include_defaults=False)
        (found,) = manager.load(made.tasks[0])["tasks"].values()
        return found

    text = COPY.replace("metric: rouge_l", "metric: exact_match\nreferences: texts")
    several = task(text.replace("fields: {", "fields: {texts: list, "))
    found = loaded(several, {"line": "a", "texts": ["The  cat, sat.", "b"]}, "text")
    doc = found.eval_docs[0]
    assert doc["references"] == ["A", "The  cat, sat.", "b"]
    # as our exact match reads them: case, punctuation, articles and blanks aside
    scored = [found.process_results(doc, [out])["exact_match"] for out in ("cat SAT", "b!", "c")]
    assert scored == [1.0, 1.0, 0.0]
    pick = task(PICK.replace("answer: label", "answer: '[0, 2]'"))
    found = loaded(pick, {"texts": ["x", "y", "z"]}, "options")
    doc = found.eval_docs[0]
    for best, expected in ((0, 1.0), (1, 0.0), (2, 1.0)):
        values = [(-1.0 if place == best else -2.0, False) for place in range(3)]
        assert found.process_results(doc, values)["acc"] == expected


# What is written.


def test_a_labels_task_as_files(tmp_path: Path) -> None:
    rows = [row(), row(line="Dry.", label=0), row(label=-1)]
    made = export(task(), rows, tmp_path)
    folder = tmp_path / "rain"
    assert sorted(path.name for path in folder.iterdir()) == [
        "rain.yaml",
        "rain_plain.jsonl",
        "rain_plain.yaml",
    ]
    assert (made.group, made.tasks) == ("preceptor_rain", ("preceptor_rain_plain",))
    assert (made.rows, made.left_out, made.not_equal) == (2, 1, ())
    data = folder / "rain_plain.jsonl"
    first, second = map(json.loads, data.read_text(encoding="utf-8").splitlines())
    assert first == {
        "id": "rain/train/7/plain",
        "prompt": "Wet all day.\nDoes it rain?\n\nOPTIONS:\n- yes\n- no",
        "target": "yes",
        "options": ["yes", "no"],
        "gold": 0,
    }
    assert (second["target"], second["gold"]) == ("no", 1)
    assert yaml.safe_load((folder / "rain_plain.yaml").read_text(encoding="utf-8")) == {
        "task": "preceptor_rain_plain",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(data)}},
        "test_split": "test",
        "doc_to_text": "prompt",
        "output_type": "multiple_choice",
        "doc_to_choice": "options",
        "doc_to_target": "gold",
        "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
        "metadata": {"version": task().digest[:12]},
    }
    group = yaml.safe_load((folder / "rain.yaml").read_text(encoding="utf-8"))
    assert group["task"] == ["preceptor_rain_plain"]


@pytest.mark.parametrize(
    ("text", "reported", "names", "lacking"),
    [
        (RAIN, "[f1, matthews]", ["acc", "f1", "mcc"], ()),
        (RAIN, "[macro_f1, pearson]", ["acc"], ("macro_f1", "pearson")),
        (PICK, "[f1]", ["acc"], ("f1",)),
        (COPY, "[]", ["bleu", "chrf"], ("rouge_l",)),
        (COPY.replace("rouge_l", "bleu"), "[]", ["bleu"], ("bleu",)),
        (COPY.replace("rouge_l", "token_f1"), "[]", ["exact_match"], ("token_f1",)),
        (COPY.replace("rouge_l", "exact_match"), "[]", ["exact_match"], ()),
    ],
)
def test_metrics_that_lm_eval_lacks_are_told(
    text: str, reported: str, names: list[str], lacking: tuple[str, ...], tmp_path: Path
) -> None:
    one = task(text.replace("templates:", f"reported: {reported}\ntemplates:"))
    made = export(one, [row(texts=["x", "y"], label=0)], tmp_path)
    (path,) = made.folder.glob("rain_*.yaml")
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert [metric["metric"] for metric in config["metric_list"]] == names
    assert made.not_equal == lacking


def test_what_cannot_be_exported_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RowError, match="rain keeps none of 1 rows; see its keep"):
        export(task(), [row(label=-1)], tmp_path)
    export(task(), [row()], tmp_path)
    with pytest.raises(ArtifactError, match="rain is there already; remove it, or name another"):
        export(task(), [row()], tmp_path)
    with pytest.raises(RowError, match=r"every target of rain_shout.jsonl is a date, which"):
        export(task(COPY), [row(line="2020-01-02")], tmp_path / "dates")


def test_no_two_templates_of_the_library_get_one_name() -> None:
    tasks = load_tasks()
    names = Counter(f"{one.name}_{t.id}" for one in tasks.values() for t in one.templates)
    assert [name for name, count in names.items() if count > 1 or name in tasks] == []


def test_where_f1_is_reported_the_positive_option_is_the_second() -> None:
    """lm-eval counts the option of index 1 as the positive one."""
    for one in load_tasks().values():
        if "f1" in one.reported and one.labels is not None and len(one.labels.words) == 2:
            assert list(one.labels.words)[1] == list(one.labels.names.values())[-1], one.name

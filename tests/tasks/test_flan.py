"""The library against FLAN's list of data sets, and every wording against those of other files."""

import re
from collections.abc import Iterator
from itertools import groupby, pairwise

import numpy as np
import pytest
from rapidfuzz import fuzz, process

from preceptor import strict_yaml
from preceptor.tasks.catalogue import load_tasks, select, task_files
from preceptor.tasks.expressions import names_in_template
from preceptor.tasks.lint import MAX_INVERTED, TEMPLATES, own_text
from preceptor.tasks.slices import parse_slice
from preceptor.tasks.source import LIBRARY
from preceptor.tasks.task import Task

# The 69 entries of FLAN's code that can be trained on, in the paper's twelve clusters, and WSC273,
# which has no training split. The code's true_case and word_segment are in none of the paper's; its
# clusters of a few sets each are the paper's "Misc.".
FLAN = {
    "natural_language_inference": (
        "anli_r1 anli_r2 anli_r3 cb mnli_matched mnli_mismatched qnli rte snli wnli"
    ),
    "reading_comprehension": "bool_q drop multirc openbookqa squad_v1 squad_v2",
    "closed_book_qa": "arc_challenge arc_easy natural_questions trivia_qa",
    "commonsense": "copa hellaswag piqa story_cloze",
    "coreference": "definite_pronoun_resolution winogrande wsc wsc273",
    "reading_comprehension_with_commonsense": "cosmos_qa record",
    "sentiment": "imdb_reviews sentiment140 sst2 yelp_polarity_reviews",
    "paraphrase": "glue_mrpc glue_qqp paws_wiki stsb",
    "struct_to_text": "common_gen dart e2e_nlg web_nlg_en",
    "translation": (
        "para_crawl_enes wmt14_enfr wmt16_translate_csen wmt16_translate_deen wmt16_translate_fien "
        "wmt16_translate_roen wmt16_translate_ruen wmt16_translate_tren"
    ),
    "summarization": (
        "aeslc ag_news_subset cnn_dailymail gigaword multi_news newsroom opinion_abstracts_idebate "
        "opinion_abstracts_rotten_tomatoes samsum wiki_lingua_english_en xsum"
    ),
    "miscellaneous": "cola coqa fix_punct math_dataset quac trec true_case wic word_segment",
}
OURS = {"bool_q": "boolq", "glue_mrpc": "mrpc"}
CLUSTER = {OURS.get(name, name): cluster for cluster in FLAN for name in FLAN[cluster].split()}
NAMES = sorted(CLUSTER)

# Rows that FLAN trained on where they are fewer than its mixing maximum of 3,000: a set weighs by
# them. ARC's are those left after questions without four choices went.
FEWER_THAN_3000 = {
    "cb": 200,
    "copa": 350,
    "wsc": 504,
    "wnli": 605,
    "arc_challenge": 910,
    "definite_pronoun_resolution": 1122,
    "opinion_abstracts_idebate": 1659,
    "story_cloze": 1671,
    "arc_easy": 2040,
    "rte": 2290,
}

TOO_ALIKE = 90
"""Similarity of two templates' tokens, from 0 to 100, above which one is a copy of the other."""
LAYOUT = 2
"""Words that a bare layout may have (``Patient: ... Doctor: ...``): there is nothing to copy."""


@pytest.fixture(scope="module")
def tasks() -> dict[str, Task]:
    return load_tasks()


def test_the_collection_is_flans_70_data_sets(tasks: dict[str, Task]) -> None:
    assert {task.name for task in select(tasks, ["collection:flan"])} == set(NAMES)
    assert len(NAMES) == 70
    can_train = [n for n in NAMES if "train" in tasks[n].source.splits]
    assert set(NAMES) - set(can_train) == {"wsc273"}


@pytest.mark.parametrize("name", NAMES)
def test_a_data_set_is_in_the_papers_cluster(tasks: dict[str, Task], name: str) -> None:
    assert tasks[name].cluster == CLUSTER[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_data_set_has_ten_templates_each_about_its_row(tasks: dict[str, Task], name: str) -> None:
    task = tasks[name]
    assert len(task.templates) == TEMPLATES
    assert sum(template.inverted for template in task.templates) <= MAX_INVERTED
    # The answer to a label task is one of a few words, which say nothing about the row.
    of_the_row = set(task.values) | (set() if task.labels else {"answer"})
    without = [t.id for t in task.templates if not names_in_template(t.prompt) & of_the_row]
    assert without == []


@pytest.mark.parametrize("name", NAMES)
def test_it_is_said_where_the_rows_are(tasks: dict[str, Task], name: str) -> None:
    source = tasks[name].source
    if source.access == "open":
        assert source.hub
        assert source.revision
        assert set(source.hub_splits) == {"train", "validation", "test"}
    else:
        assert source.how
        assert tasks[name].sample


@pytest.mark.parametrize("name", NAMES)
def test_no_row_of_the_hub_is_in_two_splits(tasks: dict[str, Task], name: str) -> None:
    slices = [parse_slice(text) for text in tasks[name].source.hub_splits.values()]
    size = tasks[name].source.size or 1_000_000
    slices.sort(key=lambda slice: slice.split)
    for _, of_one_split in groupby(slices, key=lambda slice: slice.split):
        taken = [slice(one.start, one.stop).indices(size)[:2] for one in of_one_split]
        taken.sort()
        assert all(stop <= start for (_, stop), (start, _) in pairwise(taken))


@pytest.mark.parametrize("name", NAMES)
def test_every_label_name_has_words_of_its_own(tasks: dict[str, Task], name: str) -> None:
    labels = tasks[name].labels
    if labels is None:
        return
    assert set(labels.words) == set(labels.names.values())
    assert len(set(labels.words.values())) == len(labels.words) == len(labels.names)
    assert all(words.strip() for words in labels.words.values())
    for ids in labels.ids.values():
        assert set(ids.values()) == set(labels.words)


@pytest.mark.parametrize("name", FEWER_THAN_3000)
def test_a_small_training_split_is_as_large_as_flans(tasks: dict[str, Task], name: str) -> None:
    """The hub's split less the validation rows; ``keep`` leaves out up to one in fifty of them."""
    source = tasks[name].source
    if not source.hub_splits:
        assert source.access != "open"
        return
    left = len(range(source.size)[slice(None, parse_slice(source.hub_splits["train"]).stop)])
    assert 0 <= left - FEWER_THAN_3000[name] <= left / 50


def test_no_wording_is_a_copy_of_another_files(tasks: dict[str, Task]) -> None:
    """Over the whole library. Files that share templates by ``like`` are one."""
    texts = list(wordings(tasks))
    token_ids: dict[str, int] = {}
    spelled = [
        "".join(chr(0x100 + token_ids.setdefault(token, len(token_ids))) for token in tokens)
        for _, _, tokens in texts
    ]
    alike = process.cdist(
        spelled, spelled, scorer=fuzz.ratio, score_cutoff=TOO_ALIKE, dtype=np.float32
    )
    copies = [
        f"{texts[one][1]} and {texts[other][1]}"
        for one, other in zip(*np.nonzero(alike), strict=True)
        if one < other and texts[one][0] != texts[other][0]
    ]
    assert copies == []


def wordings(tasks: dict[str, Task]) -> Iterator[tuple[str, str, list[str]]]:
    """Family, place and tokens of every template that has a wording."""
    models = like()
    for task in tasks.values():
        family = task.name
        while family in models:
            family = models[family]
        for template in task.templates:
            own = own_text(template.prompt.removesuffix("{{ options_block }}")).lower()
            if len(re.findall(r"[^\W\d_]+", own)) > LAYOUT:
                yield family, f"{task.name}/{template.id}", re.findall(r"\w+|[^\w\s]", own)


def like() -> dict[str, str]:
    """The library's files that are like another, to that file."""
    found = {}
    for path in task_files(LIBRARY):
        content = strict_yaml.load(path.read_text(encoding="utf-8"))
        assert isinstance(content, dict)
        if "like" in content:
            found[path.stem] = str(content["like"])
    return found

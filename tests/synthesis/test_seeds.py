"""Lint of the hand-written biomedical seed tasks."""

import json
import re
from collections import Counter
from importlib.resources import files
from itertools import combinations
from typing import Any

import pytest
from rapidfuzz.distance import LCSseq

from preceptor.synthesis.protocols.medinstruct import KINDS, VIEWS

TEXTS = {"id", "instruction", "input", "output", "category", "topic", "view", "kind"}
KEYS = TEXTS | {"difficulty", "classification"}
CATEGORIES = {"qa", "ie", "gen", "other"}
NO_INPUT_SPELLINGS = {
    *("n/a", "na", "none", "null", "nil", "no input", "noinput", "<noinput>", "<no input>"),
    *("not applicable", "empty", "-", "."),
}
BANNED = re.compile(
    r"\b(images?|graphs?|pictures?|files?|maps?|draw|plot|go to|video|audio|music|flowchart"
    r"|diagram)\b",
    re.IGNORECASE,
)
NOT_STATED = re.compile(
    r"\b(?:not stated|does not (?:say|state|give|mention|report|record))\b", re.IGNORECASE
)
OPTION = re.compile(r"(?<!\w)([A-D])\. ([^\n,?]+?)(?=\n|,|\?| or [A-D]\. |$)")
ANSWER = re.compile(r"([A-D])\. ([^\n]+)")
FIELD_LINE = re.compile(r"[^:\n]{1,60}: \S.*|\S+ -> \S.*|\S+ - \S+")
PLAIN = re.compile(
    r"plain language|everyday words|lay terms|jargon-free|simple language|twelve-year-old",
    re.IGNORECASE,
)
SUMMARY = re.compile(
    r"\b(?:summarise|condense|boil|soap note|handover|impression)\b", re.IGNORECASE
)
DIFFERENTIAL = re.compile(
    r"differential diagnosis|causes of (?:this|acute)|possible causes", re.IGNORECASE
)

LABEL = re.compile(
    r"[A-D]\. [^\n]+|(?:Yes|No|Eligible|Not eligible|Entailed|Contradicted|Neutral)[.,] .+",
    re.DOTALL,
)

Seed = dict[str, Any]


def read_seeds() -> list[Seed]:
    path = files("preceptor.synthesis") / "seeds" / "biomedical.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def seeds() -> list[Seed]:
    return read_seeds()


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def rouge_l(a: list[str], b: list[str]) -> float:
    return 2 * LCSseq.similarity(a, b) / (len(a) + len(b))


def options(seed: Seed) -> dict[str, str]:
    """The lettered options of a multiple choice seed; empty unless they run A, B, C..."""
    found = OPTION.findall(seed["instruction"] + "\n" + seed["input"])
    letters = "".join(letter for letter, _ in found)
    return dict(found) if letters == "ABCD" else {}


def is_structured(output: str) -> bool:
    """A JSON object, 'a; b; c' on one line, or lines that are all fields or pairs."""
    if output.startswith("{"):
        return isinstance(json.loads(output), dict)
    lines = output.split("\n")
    if len(lines) == 1:
        return output.count("; ") >= 2 and not output.endswith(".")
    return all(FIELD_LINE.fullmatch(line) for line in lines)


def test_eighty_seeds_with_ids_in_order(seeds: list[Seed]) -> None:
    assert [seed["id"] for seed in seeds] == [f"bio-{n:03d}" for n in range(1, 81)]


def test_exactly_the_known_keys(seeds: list[Seed]) -> None:
    for seed in seeds:
        assert set(seed) == KEYS, seed
        assert all(isinstance(seed[key], str) for key in TEXTS), seed["id"]
        assert all(seed[key] == seed[key].strip() for key in TEXTS), seed["id"]
        assert type(seed["classification"]) is bool, seed["id"]
        assert seed["instruction"], seed["id"]
        assert seed["output"], seed["id"]
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", seed["topic"]), seed["id"]


def test_categories_are_balanced_and_mixed(seeds: list[Seed]) -> None:
    counts = Counter(seed["category"] for seed in seeds)
    assert set(counts) == CATEGORIES
    assert all(15 <= count <= 25 for count in counts.values()), counts
    order = [seed["category"] for seed in seeds]
    assert all(len(set(order[i : i + 4])) > 1 for i in range(len(order) - 3))


def test_views_kinds_and_levels_are_those_that_prompts_name(seeds: list[Seed]) -> None:
    assert {seed["view"] for seed in seeds} == set(VIEWS)
    assert {seed["kind"] for seed in seeds} == set(KINDS)
    assert {seed["difficulty"] for seed in seeds} <= {1, 2, 3, 4, 5}


def test_a_classification_answers_with_one_of_a_few_labels(seeds: list[Seed]) -> None:
    classifications = [seed for seed in seeds if seed["classification"]]
    assert 10 <= len(classifications) <= 20
    for seed in classifications:
        assert LABEL.fullmatch(seed["output"]), seed["id"]


def test_a_choice_among_options_alone_is_a_classification(seeds: list[Seed]) -> None:
    for seed in seeds:
        if options(seed) and ANSWER.fullmatch(seed["output"]):
            assert seed["classification"], seed["id"]


def test_many_topics(seeds: list[Seed]) -> None:
    assert len({seed["topic"] for seed in seeds}) >= 28


def test_lengths(seeds: list[Seed]) -> None:
    for seed in seeds:
        assert 4 <= len(seed["instruction"].split()) <= 40, seed["id"]
        assert len(seed["input"].split()) <= 110, seed["id"]
        assert len(seed["output"].split()) <= 110, seed["id"]


def test_no_input_has_one_spelling(seeds: list[Seed]) -> None:
    inputs = [seed["input"] for seed in seeds]
    assert not [text for text in inputs if text.lower() in NO_INPUT_SPELLINGS]
    assert 16 <= inputs.count("") <= 30


def test_no_two_instructions_are_alike(seeds: list[Seed]) -> None:
    tokens = {seed["id"]: words(seed["instruction"]) for seed in seeds}
    for (id_a, a), (id_b, b) in combinations(tokens.items(), 2):
        assert rouge_l(a, b) <= 0.7, (id_a, id_b)


def test_no_two_inputs_are_alike(seeds: list[Seed]) -> None:
    tokens = {seed["id"]: words(seed["input"]) for seed in seeds if seed["input"]}
    for (id_a, a), (id_b, b) in combinations(tokens.items(), 2):
        assert rouge_l(a, b) <= 0.7, (id_a, id_b)


def test_opening_words_vary(seeds: list[Seed]) -> None:
    openings = Counter(words(seed["instruction"])[0] for seed in seeds)
    word, count = openings.most_common(1)[0]
    assert count <= 0.10 * len(seeds), (word, count)
    assert openings["given"] <= 2


def test_instructions_are_clean(seeds: list[Seed]) -> None:
    for seed in seeds:
        assert seed["instruction"][0].isalnum(), seed["id"]
        assert not BANNED.search(seed["instruction"]), seed["id"]


def test_questions_and_commands(seeds: list[Seed]) -> None:
    questions = [seed for seed in seeds if seed["instruction"].endswith("?")]
    assert 22 <= len(questions) <= 60


def test_multiple_choice_answers_are_one_of_the_options(seeds: list[Seed]) -> None:
    letters = Counter[str]()
    for seed in seeds:
        if choices := options(seed):
            answer = ANSWER.match(seed["output"])
            assert answer is not None, seed["id"]
            assert choices[answer[1]] == answer[2], seed["id"]
            letters[answer[1]] += 1
    assert letters.total() >= 10
    assert set(letters) == set("ABCD")
    assert max(letters.values()) <= letters.total() / 2, letters


def test_an_answer_with_a_letter_has_options(seeds: list[Seed]) -> None:
    for seed in seeds:
        if ANSWER.match(seed["output"]):
            assert options(seed), seed["id"]


def test_structured_extractions(seeds: list[Seed]) -> None:
    extractions = [seed for seed in seeds if seed["category"] == "ie"]
    structured = [seed for seed in extractions if is_structured(seed["output"])]
    assert len(structured) >= 16
    assert sum(seed["output"].startswith("{") for seed in structured) >= 3
    assert all(seed["input"] for seed in extractions)


def test_some_answers_say_that_the_text_does_not(seeds: list[Seed]) -> None:
    not_stated = [seed for seed in seeds if NOT_STATED.search(seed["output"])]
    assert len(not_stated) >= 6
    assert all(seed["input"] for seed in not_stated)


def test_forms(seeds: list[Seed]) -> None:
    instructions = [seed["instruction"] for seed in seeds]
    assert sum(bool(PLAIN.search(text)) for text in instructions) >= 6
    assert sum(bool(SUMMARY.search(text)) for text in instructions) >= 6
    assert sum(bool(DIFFERENTIAL.search(text)) for text in instructions) >= 5
    trials = [
        seed
        for seed in seeds
        if re.search(r"\b(?:trial|study|criteri(?:a|on))\b", seed["instruction"])
        and re.search(r"\beligible\b|\beligibility\b|confirmed yet", seed["output"], re.IGNORECASE)
    ]
    assert len(trials) >= 4

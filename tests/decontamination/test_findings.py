import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preceptor.decontamination.findings import check, check_many
from preceptor.decontamination.items import Item
from preceptor.decontamination.settings import Settings
from preceptor.decontamination.words import words
from preceptor.errors import InputError
from tests.decontamination.made import EXACT, example, found, index, kinds, numbered, question

PASSAGE = numbered(100, 60)
SEPARATORS = st.sampled_from([" ", ", ", " -- ", "\n\n", "! ", " (", "\t", "' \u00a0"])
PLAIN_WORDS = st.lists(
    st.text(
        st.characters(categories=["Ll", "Nd"], max_codepoint=0x24F), min_size=1, max_size=6
    ).filter(lambda word: words(word.upper()) == words(word) == [word]),
    min_size=13,
    max_size=30,
)


@given(PLAIN_WORDS, st.data())
def test_a_shared_run_is_found_wherever_it_stands(run: list[str], data: st.DataObject) -> None:
    draw = data.draw
    item = question(
        " ".join(
            [numbered(0, draw(st.integers(0, 20))), *run, numbered(50, draw(st.integers(0, 20)))]
        )
    )
    written = "".join(
        (word.upper() if draw(st.booleans()) else word) + draw(SEPARATORS) for word in run
    )
    before, after = (numbered(first, draw(st.integers(0, 30))) for first in (200, 300))
    text = f"{before} {written}{after}"
    prompt, target = (text, "Yes.") if draw(st.booleans()) else ("What do you think?", text)
    (one,) = found(item, prompt, target, Settings(near=0, whole=0))
    assert one.kind == "question"
    assert " ".join(run) in one.text
    assert one.where == ("prompt" if prompt == text else "target")


@given(
    st.lists(st.sampled_from("abcdefgh"), min_size=13, max_size=40),
    st.lists(st.sampled_from("abcdefgh"), max_size=40),
)
def test_a_question_is_found_exactly_when_a_run_is_shared(
    asked: list[str], text: list[str]
) -> None:
    runs = {tuple(asked[i : i + 13]) for i in range(len(asked) - 12)}
    there = {tuple(text[i : i + 13]) for i in range(len(text) - 12)}
    assert bool(found(question(" ".join(asked)), " ".join(text))) == bool(runs & there)


@pytest.mark.parametrize("length", [8, 12])
def test_a_question_shorter_than_a_run_is_looked_for_whole(length: int) -> None:
    item = question(numbered(0, length))
    assert kinds(item, f"Tell me: {numbered(0, length).upper()}?") == ["question"]
    assert kinds(item, f"Tell me: {numbered(0, length - 1)} now") == []


def test_twelve_words_in_a_row_are_not_enough() -> None:
    assert kinds(question(numbered(0, 40)), numbered(5, 12) + " else") == []
    assert kinds(question(numbered(0, 40)), numbered(5, 13)) == ["question"]


def test_a_run_that_is_little_of_the_question_is_a_fragment() -> None:
    (one,) = found(question(numbered(0, 100)), numbered(5, 13))
    assert (one.kind, one.words) == ("fragment", 13)
    assert kinds(question(numbered(0, 100)), f"{numbered(5, 13)} but {numbered(30, 13)}") == [
        "question"
    ]


def test_question_and_answer_stand_on_two_sides() -> None:
    item = question(numbered(0, 13), answers=("Mitral valve", "the mitral valve prolapse"))
    assert kinds(item, numbered(0, 13), "It is the mitral valve.") == ["question+answer"]
    assert kinds(item, numbered(0, 13), "It is the heart.") == ["question"]
    assert kinds(item, numbered(0, 13) + " mitral valve", "It is the heart.") == ["question"]
    # An inverted template asks for the question.
    (one,) = found(item, "Write a question with the answer mitral valve.", numbered(0, 13))
    assert (one.kind, one.where, one.parts) == ("question+answer", "target", ("question", "answer"))


def test_a_text_without_target_or_with_exemplars_has_both_on_one_side() -> None:
    item = question(numbered(0, 13), answers=("mitral valve",))
    text = f"{numbered(0, 13)}\n\nmitral valve\n\n\nAnother question?"
    assert kinds(item, text) == ["question+answer"]
    assert kinds(item, text, "no") == ["question"]
    (one,) = check(index(item), example(text, "no", shots=1))
    assert one.kind == "question+answer"


def test_an_answer_or_one_option_alone_is_never_a_finding() -> None:
    options = tuple(numbered(100 * i, 20) for i in (1, 2, 3))
    item = question(numbered(0, 13), options=options, answers=options[:1])
    assert kinds(item, "Say something.", options[0]) == []
    assert kinds(item, options[1], options[1]) == []


def test_two_options_at_places_of_their_own_are_a_finding() -> None:
    one, two = numbered(100, 20), numbered(200, 20)
    item = question(numbered(0, 13), options=(one, two), answers=(one,))
    (finding,) = found(item, f"- {two}\n- {one}", "the second")
    assert (finding.kind, finding.parts) == ("options", ("option",))
    # One text that is like both is no sign of two.
    alike = question(numbered(0, 13), options=(f"{one} left", f"{one} right"), answers=(one,))
    assert kinds(alike, one) == []


def test_the_order_of_the_options_does_not_matter() -> None:
    item = question("What is it?", options=("a red fox", "the sea", "snow"), answers=("the sea",))
    assert kinds(item, "What is it?\nOPTIONS:\n- snow\n- the sea\n- a red fox", "the sea") == [
        "question+answer"
    ]


def test_a_short_question_needs_the_rest_of_its_item() -> None:
    item = question(
        "Which valve is it?", options=("mitral", "aortic", "the third", "none"), answers=("mitral",)
    )
    assert kinds(item, "Which valve is it?", "mitral") == []
    assert kinds(item, "Which valve is it? mitral, aortic, the third or none", "A") == ["question"]
    assert kinds(item, "mitral, aortic, the third or none", "mitral") == []
    far = f"Which valve is it? {numbered(0, 200)} mitral, aortic, the third or none"
    assert kinds(item, far, "A") == []


def test_a_short_question_with_a_long_answer_opposite_is_a_finding() -> None:
    item = question("What causes gout?", answers=("crystals of uric acid in a joint",))
    assert kinds(item, "What causes gout?", "Crystals of uric acid, in a joint.") == [
        "question+answer"
    ]
    assert kinds(item, "What causes gout?", "Uric acid.") == []
    assert kinds(item, "What hurts?", "Crystals of uric acid, in a joint.") == []


def test_two_short_questions_of_one_item_add_up() -> None:
    item = question("A man plays a guitar.", "A man plays a flute.", answers=("0",))
    assert kinds(item, "Compare: a man plays a guitar. A man plays a flute.", "They differ.") == [
        "question"
    ]
    assert kinds(item, "A man plays a guitar. He sings.", "Nice.") == []
    pair = question("The girl is there.", passages=("She was found in there.",), answers=("no",))
    assert kinds(pair, "She was found in there. So, the girl is there?", "no") == [
        "question+answer"
    ]
    assert kinds(pair, "She was found in there.", "no") == []


def test_a_passage_alone_is_reported_as_such() -> None:
    item = question(numbered(0, 13), passages=(PASSAGE,), answers=("yes",))
    (one,) = found(item, f"Read this. {PASSAGE} Is it so?", "yes")
    assert (one.kind, one.parts, one.words) == ("passage", ("passage",), 60)
    assert kinds(item, f"{PASSAGE} {numbered(0, 13)}", "yes") == ["question+answer"]


def test_a_passage_with_a_long_answer_opposite_is_the_whole_item() -> None:
    item = question("Sum up.", passages=(PASSAGE,), answers=(numbered(400, 9),))
    assert kinds(item, PASSAGE, numbered(400, 9)) == ["question+answer"]
    assert kinds(item, PASSAGE, numbered(400, 8)) == ["passage"]


def test_a_short_question_beside_its_passage_is_a_finding() -> None:
    item = question("Is it so?", passages=(PASSAGE,), answers=("yes",))
    assert kinds(item, f"{PASSAGE}\nIs it so?", "never") == ["question"]
    assert kinds(item, "Is it so?", "yes") == []


def test_a_question_within_its_passage_is_the_passage() -> None:
    hypothesis = " ".join(PASSAGE.split()[10:25])
    item = question(hypothesis, passages=(PASSAGE,), answers=("yes",))
    assert kinds(item, PASSAGE, "no") == ["passage"]
    assert kinds(item, f"{PASSAGE} So {hypothesis}?", "no") == ["question"]
    # By itself it is the question: what is shared ends where it ends.
    assert kinds(item, f"They say that {hypothesis}.", "no") == ["question"]


def test_items_of_one_passage_are_all_named() -> None:
    items = [Item(f"exam/test/{i}", (numbered(1000 + 20 * i, 13),), (PASSAGE,)) for i in range(8)]
    findings = check(index(*items), example(f"{PASSAGE} {items[3].questions[0]}"))
    assert [one.kind for one in findings] == ["passage"] * 3 + ["question"] + ["passage"] * 4


@given(st.lists(st.sampled_from([numbered(0, 13), numbered(100, 20), "a b", ""]), max_size=5))
def test_examples_together_are_judged_as_each_alone(prompts: list[str]) -> None:
    side = index(question(numbered(0, 30), passages=(numbered(95, 40),)), settings=Settings())
    made = [example(prompt, prompts[0], id=str(i)) for i, prompt in enumerate(prompts)]
    assert check_many(side, made) == [check(side, one) for one in made]


def test_texts_of_a_batch_do_not_run_into_each_other() -> None:
    asked = numbered(0, 13).split()
    halves = [example(" ".join(asked[:7]), " ".join(asked[7:])), example("w0", "")]
    assert check_many(index(question(" ".join(asked))), halves) == [(), ()]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n": 1}, "n is 1; it should be 2 or more"),
        ({"least": 14}, "least is 14; it should be between 1 and n"),
        ({"near": 1.5}, "near is 1.5; it should be between 0 and 1"),
        ({"remove": ("answer",)}, "remove is ('answer',); it should be among question+answer, "),
    ],
)
def test_settings_out_of_range_are_named(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        Settings(**wrong)  # type: ignore[arg-type]


def test_the_default_removes_all_but_passages() -> None:
    assert "passage" not in EXACT.remove
    assert len(EXACT.remove) == 4

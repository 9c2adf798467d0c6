from preceptor.decontamination.findings import check
from preceptor.decontamination.index import build_index
from preceptor.decontamination.items import Item
from preceptor.decontamination.settings import Settings
from preceptor.decontamination.stock import wording_of
from tests.decontamination.made import EXACT, benchmark, example, index, numbered, question
from tests.tasks.examples import task

PHRASE = "which of the following is the most likely cause of the symptoms of this patient"


def cases(count: int, phrase: str = PHRASE) -> list[Item]:
    return [Item(f"exam/test/{i}", (f"{numbered(100 * i, 20)} {phrase}",)) for i in range(count)]


def test_a_phrase_of_many_items_is_ignored_and_counted() -> None:
    side = index(*cases(6))
    assert check(side, example(f"A man coughs; {PHRASE}?")) == ()
    # Words around it that only one item has are looked for still.
    (one,) = check(side, example(f"{numbered(310, 10)} {PHRASE}"))
    assert one.item == "exam/test/3"
    assert side.benchmarks[0].stock_common == len(PHRASE.split()) - 12


def test_a_phrase_of_few_items_is_none() -> None:
    assert len(check(index(*cases(5)), example(PHRASE))) == 5


def test_the_limit_is_a_share_of_the_items() -> None:
    rest = [Item(f"exam/test/o{i}", (numbered(10_000 + 20 * i, 14),)) for i in range(94)]
    settings = Settings(near=0, stock_share=0.06)
    assert len(check(index(*cases(6), *rest, settings=settings), example(PHRASE))) == 6


def test_stock_of_one_benchmark_is_ignored_in_all() -> None:
    other = Item("quiz/test/0", (f"{PHRASE} {numbered(9000, 5)}",))
    side = build_index([benchmark(*cases(6)), benchmark(other, task="quiz")], EXACT)
    assert check(side, example(PHRASE)) == ()
    assert [one.item for one in check(side, example(other.questions[0]))] == ["quiz/test/0"]


def test_a_passage_of_many_items_is_not_stock() -> None:
    passage = numbered(0, 40)
    items = [Item(f"exam/test/{i}", (numbered(100 + 20 * i, 14),), (passage,)) for i in range(20)]
    assert len(check(index(*items), example(passage))) == 20


def test_a_question_that_many_items_ask_is_a_label() -> None:
    asked = "What was the cause of this, do you think, or the effect?"
    items = [Item(f"exam/test/{i}", (asked, numbered(100 + 20 * i, 14))) for i in range(20)]
    assert check(index(*items), example(asked)) == ()


def test_wording_of_templates_is_ignored_and_counted() -> None:
    item = question(f"{PHRASE} {numbered(0, 5)}")
    side = index(item, wording=(f"Please say, {PHRASE.upper()}!",))
    assert check(side, example(f"Please say, {PHRASE}! {numbered(100, 9)}")) == ()
    assert len(check(side, example(f"{PHRASE} {numbered(0, 5)}"))) == 1
    assert side.benchmarks[0].stock_worded == len(PHRASE.split()) - 12


def test_an_item_that_is_stock_from_end_to_end_is_found_whole() -> None:
    # Rows made of a few values: no run is any row's own.
    values = [numbered(100 * i, 7) for i in range(4)]
    rows = [f"{a} {b} {c}" for a in values for b in values for c in values]
    side = index(*(Item(f"exam/test/{i}", (row,)) for i, row in enumerate(rows)))
    for i in (0, 27, 63):
        assert [one.item for one in check(side, example(f"Describe: {rows[i]}."))] == [
            f"exam/test/{i}"
        ]
    assert check(side, example(f"{values[0]} {values[1]}")) == ()
    assert side.benchmarks[0].short == 0


def test_items_that_are_found_with_the_rest_only_are_counted() -> None:
    side = index(question("Is it so?"), Item("exam/test/1", (numbered(0, 8),)))
    assert side.benchmarks[0].short == 1


def test_wording_is_what_templates_say_between_their_slots() -> None:
    said = wording_of([task()])
    assert any("Does it rain?" in text for text in said)
    assert not any("{" in text or "line }}" in text for text in said)


def test_one_word_over_and_over_is_no_labour() -> None:
    # Every run of one text is every run of the other: pairs of them must not be looked at singly.
    items = [Item(f"exam/test/{i}", (" ".join(["no"] * (200 + i)),)) for i in range(50)]
    assert len(check(index(*items), example(" ".join(["no"] * 5000)))) == 50


def test_an_index_of_nothing_finds_nothing() -> None:
    assert check(build_index([], Settings()), example(PHRASE)) == ()
    side = index(question("", "..."), settings=Settings(), wording=(PHRASE,))
    assert check(side, example(PHRASE)) == ()
    assert side.benchmarks[0].short == 1

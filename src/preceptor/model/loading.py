"""From a model's name to the model: weights, tokenizer and a fingerprint of both.

A name is a local folder, a GGUF file, ``embedded:<name>`` or a hub id. Weights come as safetensors:
nothing is unpickled, and no code of a model's author is run.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from preceptor.artifact import digest, file_digest
from preceptor.errors import ModelError
from preceptor.model import conversion, embedded
from preceptor.model.quiet import quiet

WEIGHTS = "model*.safetensors"
READ = (
    WEIGHTS,
    "model.safetensors.index.json",
    "config.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
)
"""What is read of a model's folder, and all that is fetched from a hub."""

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A frozen base model in evaluation mode, and its tokenizer."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    name: str
    """As it was asked for."""
    path: Path
    fingerprint: str
    """SHA-256 over what was read of the folder."""
    dtype: torch.dtype
    device: torch.device


def load(name: str, dtype: str = "auto", device: str = "auto") -> LoadedModel:
    """Load a model to be used as it is, or as the frozen base of an adapter.

    Args:
        name: What :func:`resolve` takes.
        dtype: float32, bfloat16, float16, or auto: bfloat16 where the device computes in it.
        device: cpu, cuda, cuda:1, …, or auto: the first GPU, else the CPU.

    Raises:
        ModelError: The model is missing, incomplete, damaged or of an unknown kind, or the dtype
            or device is not to be had.
    """
    where = choose_device(device)
    kind = choose_dtype(dtype, where)
    path = resolve(name)
    with quiet():
        tokenizer = _tokenizer(path)
        model = _weights(path, kind)
    _check_vocabulary(path, model, tokenizer)
    _check_finite(path, model)
    # A folder's own sampling defaults (temperature, repetition penalty, …) would be filled in
    # behind our back wherever generation does not name a value.
    model.generation_config = GenerationConfig()  # type: ignore[no-untyped-call]
    model.requires_grad_(False).eval()  # type: ignore[no-untyped-call]
    model.to(where)  # type: ignore[arg-type]
    return LoadedModel(model, tokenizer, name, path, fingerprint(path), kind, where)


def load_tokenizer(name: str) -> PreTrainedTokenizerBase:
    """The tokenizer of a model, without its weights.

    Raises:
        ModelError, StorageError: As for ``resolve``; or it is damaged.
    """
    path = resolve(name)
    with quiet():
        return _tokenizer(path)


def resolve(name: str) -> Path:
    """The local folder of a model's safetensors and tokenizer, converted or fetched if need be.

    Raises:
        ModelError: There is no such model, or it has no usable weights.
        StorageError: A conversion does not fit on the disk.
    """
    if name.startswith(embedded.PREFIX):
        short = name.removeprefix(embedded.PREFIX)
        parts = embedded.locate(short)
        return conversion.converted(parts, short, embedded.MODELS[short].sha256)
    path = Path(name).expanduser()
    if path.is_dir():
        return _checked(path)
    if path.is_file():
        if path.suffix != ".gguf":
            raise ModelError(f"{path} is not a GGUF file; name a folder of safetensors instead")
        return conversion.converted([path], path.stem, file_digest(path))
    if HUB_ID.fullmatch(name):
        return _checked(_fetched(name))
    names = ", ".join(embedded.PREFIX + short for short in embedded.MODELS)
    raise ModelError(
        f"there is no model {name!r}: name a folder of safetensors, a .gguf file, a hub id "
        f"(org/name) or one of {names}"
    )


def fingerprint(path: Path) -> str:
    """SHA-256 over the names and contents of the files that are read of a model's folder."""
    files = {file for pattern in READ for file in path.glob(pattern)}
    return digest({file.name: file_digest(file) for file in sorted(files)})


def choose_device(device: str) -> torch.device:
    """The device of a name; auto is the first GPU, else the CPU.

    Raises:
        ModelError: There is no such device here.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise ModelError(f"there is no device {device!r}; use auto, cpu or cuda") from error
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        raise ModelError(f"the device {device!r} is not on this machine; use auto or cpu")
    return chosen


def choose_dtype(dtype: str, device: torch.device) -> torch.dtype:
    """The floating-point type of a name; auto is bfloat16 where it is fast, else float32.

    On a CPU without bfloat16 instructions (AVX-512 BF16 or AMX) it is emulated, and slower.

    Raises:
        ModelError: There is no such type.
    """
    if dtype == "auto":
        fast = device.type == "cuda" or (
            torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
        )
        return torch.bfloat16 if fast else torch.float32
    if dtype not in DTYPES:
        raise ModelError(f"there is no dtype {dtype!r}; use auto, {', '.join(DTYPES)}")
    return DTYPES[dtype]


def _fetched(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        return Path(snapshot_download(name, allow_patterns=list(READ)))
    except (OSError, HFValidationError) as error:
        names = ", ".join(embedded.PREFIX + short for short in embedded.MODELS)
        raise ModelError(
            f"there is no local folder {name!r}, and it cannot be fetched from the hub "
            f"({type(error).__name__}): check the spelling and the network, log in if the model "
            f"is gated, or use a local folder or one of {names}"
        ) from error


def _checked(path: Path) -> Path:
    there = sorted(entry.name for entry in path.iterdir())
    shown = ", ".join(there[:12]) + (", …" if len(there) > 12 else "") or "nothing"
    if not any(path.glob(WEIGHTS)):
        if any(file.endswith((".bin", ".pt", ".pth", ".ckpt")) for file in there):
            raise ModelError(
                f"{path} has only pickled weights, which can run code when read and are refused: "
                f"save the model again as safetensors (there is: {shown})"
            )
        raise ModelError(
            f"{path} has no weights ({WEIGHTS}); there is: {shown}. "
            "Name the folder that save_pretrained wrote"
        )
    if "config.json" not in there:
        raise ModelError(f"{path} has weights but no config.json; there is: {shown}")
    if not {"tokenizer.json", "tokenizer.model", "vocab.json"} & set(there):
        raise ModelError(
            f"{path} has no tokenizer (tokenizer.json); there is: {shown}. "
            "Save the tokenizer into the same folder"
        )
    return path


def _tokenizer(path: Path) -> PreTrainedTokenizerBase:
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            path, local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"the tokenizer in {path} cannot be read ({_line(error)})") from error
    except Exception as error:
        # The tokenizers library raises bare Exception for a damaged tokenizer.json.
        if type(error) is not Exception:
            raise
        raise ModelError(f"the tokenizer in {path} cannot be read ({_line(error)})") from error
    return tokenizer


def _weights(path: Path, dtype: torch.dtype) -> PreTrainedModel:
    try:
        loaded: tuple[PreTrainedModel, dict[str, set[str]]] = AutoModelForCausalLM.from_pretrained(
            path,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )  # type: ignore[assignment]
    except SafetensorError as error:
        raise ModelError(
            f"the weights in {path} are damaged ({_line(error)}): copy or download them again"
        ) from error
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise ModelError(
            f"{path} cannot be loaded as a decoder of transformers ({_line(error)})"
        ) from error
    model, missing = loaded[0], sorted(loaded[1]["missing_keys"])
    if missing:
        raise ModelError(
            f"the weights in {path} are incomplete: {len(missing)} tensors that "
            f"config.json asks for are not there ({', '.join(missing[:3])}): copy or download the "
            "model again"
        )
    return model


def _line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:300] or type(error).__name__


def _check_vocabulary(
    path: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
) -> None:
    weight = model.get_input_embeddings().weight
    assert isinstance(weight, torch.Tensor)
    rows = weight.shape[0]  # (V, D)
    highest = max(tokenizer.get_vocab().values())
    if highest >= rows:
        raise ModelError(
            f"{path}: the tokenizer's ids go up to {highest}, but the model has embeddings for "
            f"{rows} tokens only: the tokenizer belongs to another model"
        )


def _check_finite(path: Path, model: PreTrainedModel) -> None:
    for name, tensor in model.named_parameters():
        if not torch.isfinite(tensor).all():
            raise ModelError(
                f"{path}: the weight {name} holds NaN or infinite numbers: the file is damaged, "
                "or the training that wrote it diverged"
            )

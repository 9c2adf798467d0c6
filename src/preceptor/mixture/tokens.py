"""Examples as token ids: made once for a text and a tokenizer, and written beside the mixture.

    <cache>/tokens/<encoder>/<shard>/keys.npy   (n, 2) uint64: 128 bits of prompt and target, sorted
                                     ends.npy   (n, 2) int64: where prompt and target end in ids.bin
                                     ids.bin    uint32, end to end

The key is the text itself: a row under a template is one text, so whatever changes (source,
wording, rates, order) without changing a text costs no second tokenisation. Shards are published
by rename and never written again.
"""

import hashlib
import os
import shutil
import uuid
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Protocol, Self

import numpy as np
import numpy.typing as npt

from preceptor.errors import ArtifactError
from preceptor.records import Example

IDS, ENDS, KEYS = "ids.bin", "ends.npy", "keys.npy"
BATCH = 2048
"""Examples encoded at a time."""
SHARD = 65_536
"""New texts that make a shard, and the most that are held."""

Ids = npt.NDArray[np.uint32]
Pair = tuple[Ids, Ids]


class Encoder(Protocol):
    """Texts to token ids in a prompt format."""

    @property
    def digest(self) -> str:
        """Of everything that decides the ids: tokenizer and format."""

    def pairs(self, texts: Sequence[tuple[str, str]]) -> Sequence[Pair]:
        """Ids of prompts and of their targets, the stop token included."""

    def count(self, text: str) -> int:
        """Tokens of a piece of a prompt."""


@dataclass(frozen=True, slots=True)
class Tokens(Sequence[Pair]):
    """Ids on disk, read one by one."""

    ids: Ids
    ends: npt.NDArray[np.int64]
    """(n, 2): where prompt and target of each end."""

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> Pair:  # type: ignore[override]
        start = int(self.ends[index - 1, 1]) if index else 0
        middle, end = (int(place) for place in self.ends[index])
        return self.ids[start:middle], self.ids[middle:end]

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """(n, 2): tokens of each prompt and target."""
        return np.diff(self.ends.reshape(-1), prepend=0).reshape(-1, 2)


def read_tokens(folder: Path) -> Tokens:
    """The tokens of a folder that ``write_tokens`` wrote.

    Raises:
        ArtifactError: A file is missing or cut.
    """
    try:
        ends = np.load(folder / ENDS, mmap_mode="r", allow_pickle=False)
        size = (folder / IDS).stat().st_size
        ids = np.memmap(folder / IDS, np.uint32, "r") if size else np.empty(0, np.uint32)
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{folder} has no tokens of a mixture ({error})") from error
    if len(ends) and int(ends[-1, 1]) != len(ids):
        raise ArtifactError(f"{folder / IDS} is cut; make the mixture again")
    return Tokens(ids, ends)


class Writer:
    """Writes tokens in the order of the examples."""

    def __init__(self, folder: Path, encoder: Encoder, cache: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._cache = Cache(cache / encoder.digest[:24], encoder)
        self._file: BinaryIO = (folder / IDS).open("wb")
        self._ends = array("q")
        self._end = 0

    def through(self, examples: Iterable[Example]) -> Iterator[Example]:
        """The same examples, their tokens written as they pass."""
        stream = iter(examples)
        while batch := list(islice(stream, BATCH)):
            for prompt, target in self._cache.pairs([(e.prompt, e.target) for e in batch]):
                self._file.write(prompt.tobytes())
                self._file.write(target.tobytes())
                self._ends.append(self._end + len(prompt))
                self._end += len(prompt) + len(target)
                self._ends.append(self._end)
            yield from batch

    def close(self) -> int:
        """Finish the files. How many texts had to be tokenised."""
        self._file.close()
        self._cache.flush()
        np.save(self._folder / ENDS, np.asarray(self._ends, np.int64).reshape(-1, 2))
        return self._cache.encoded

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        # After a failure (a full disk) closing may fail once more, and has nothing to add.
        with suppress(OSError):
            self._file.close()


class Cache:
    """Ids of texts that were met before, on disk."""

    def __init__(self, folder: Path, encoder: Encoder) -> None:
        self._folder, self._encoder = folder, encoder
        self._pending: dict[bytes, Pair] = {}
        self.encoded = 0
        """Texts that were not there and had to be tokenised."""
        folder.mkdir(parents=True, exist_ok=True)
        shards = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
        self._shards = [_Shard(path) for path in shards]

    def pairs(self, texts: Sequence[tuple[str, str]]) -> list[Pair]:
        """Ids of prompts and targets, from the cache or made now."""
        keys = [_key(*text) for text in texts]
        found: dict[bytes, Pair] = {}
        for key in keys:
            if key in self._pending:
                found[key] = self._pending[key]
        for shard in self._shards:
            shard.find([key for key in dict.fromkeys(keys) if key not in found], found)
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        if new:
            made = self._encoder.pairs(list(new.values()))
            self._pending |= (fresh := dict(zip(new, made, strict=True)))
            found |= fresh
            self.encoded += len(new)
            if len(self._pending) >= SHARD:
                self.flush()
        return [found[key] for key in keys]

    def flush(self) -> None:
        """Publish what was made as a shard."""
        if not self._pending:
            return
        aside = self._folder / f".{uuid.uuid4().hex}.{os.getpid()}"
        aside.mkdir()
        try:
            target = aside.with_name(_write_shard(aside, self._pending))
            if not target.exists():
                aside.rename(target)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        self._shards.append(_Shard(target))
        self._pending = {}


class _Shard:
    def __init__(self, path: Path) -> None:
        self._keys = np.load(path / KEYS, mmap_mode="r", allow_pickle=False)
        self._tokens = read_tokens(path)

    def find(self, keys: Sequence[bytes], found: dict[bytes, Pair]) -> None:
        """Add those of the keys that are here."""
        if not keys:
            return
        wanted = np.frombuffer(b"".join(keys), "<u8").reshape(-1, 2)
        places = np.searchsorted(self._keys[:, 0], wanted[:, 0])
        inside = places < len(self._keys)
        places = np.where(inside, places, 0)
        here = inside & (self._keys[places] == wanted).all(axis=1)
        for number in np.flatnonzero(here).tolist():
            found[keys[number]] = self._tokens[int(places[number])]


def _write_shard(folder: Path, pairs: dict[bytes, Pair]) -> str:
    """Write the pairs in the order of their keys; the name that their content gives."""
    keys = np.frombuffer(b"".join(pairs), "<u8").reshape(-1, 2)
    order = np.argsort(keys[:, 0], kind="stable")
    ordered = list(pairs.values())
    ends = array("q")
    end = 0
    with (folder / IDS).open("wb") as file:
        for place in order:
            for ids in ordered[place]:
                file.write(ids.tobytes())
                end += len(ids)
                ends.append(end)
    np.save(folder / ENDS, np.asarray(ends, np.int64).reshape(-1, 2))
    np.save(folder / KEYS, keys[order])
    return hashlib.blake2b(keys[order].tobytes(), digest_size=8).hexdigest()


def _key(prompt: str, target: str) -> bytes:
    text = f"{len(prompt)}:{prompt}{target}"
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()

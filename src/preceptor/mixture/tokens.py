"""Examples as token ids: made once for a text and a tokenizer, and written beside the mixture.

    <cache>/tokens/<encoder>/<shard>/keys.npy   (2, n) uint64: 128 bits of prompt and target, sorted
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
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, Self

import numpy as np
import numpy.typing as npt

from preceptor.errors import ArtifactError
from preceptor.pieces import piece

IDS, ENDS, KEYS = "ids.bin", "ends.npy", "keys.npy"
SHARD = 65_536
"""New texts that make a shard, and the most that are held."""

Ids = npt.NDArray[np.uint32]
Pair = tuple[Ids, Ids]


VERSION = 2
"""Raised when shards are written in another way."""


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


@dataclass(frozen=True, slots=True)
class Encoded:
    """Ids of some texts, and what a cache has to know of them."""

    ids: Ids
    """Of each prompt and its target, end to end."""
    lengths: npt.NDArray[np.int64]
    """(n, 2): tokens of each prompt and target."""
    keys: npt.NDArray[np.uint64]
    """(n, 2): 128 bits of each prompt and target."""
    new: npt.NDArray[np.bool_]
    """Those that no cache had."""

    def only(self, kept: npt.NDArray[np.bool_]) -> "Encoded":
        """Those of the texts alone."""
        of_kept = np.repeat(kept, self.lengths.sum(axis=1))
        return Encoded(self.ids[of_kept], self.lengths[kept], self.keys[kept], self.new[kept])


class Writer:
    """Writes tokens in the order of the examples."""

    def __init__(self, folder: Path, cache: "Cache") -> None:
        folder.mkdir(parents=True)
        self._folder, self._cache = folder, cache
        self._file: BinaryIO = (folder / IDS).open("wb")
        self._ends = array("q")
        self._end = 0

    def write(self, encoded: Encoded) -> None:
        """The tokens of the next examples."""
        self._file.write(encoded.ids.tobytes())
        ends = encoded.lengths.cumsum() + self._end
        self._ends.frombytes(ends.astype(np.int64).tobytes())
        self._end += len(encoded.ids)
        self._cache.keep(encoded)

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
    """Ids of texts that were met before, on disk.

    Any process may look texts up; one keeps what is new.
    """

    def __init__(self, folder: Path, encoder: Encoder) -> None:
        self._folder, self._encoder = folder, encoder
        self._pending: dict[bytes, tuple[bytes, int]] = {}
        """By key, ids of prompt and target, and how many are the prompt's."""
        self.encoded = 0
        """Texts that were not there and had to be tokenised."""
        folder.mkdir(parents=True, exist_ok=True)
        self._shards: dict[str, _Shard] = {}

    def look_up(self, texts: Sequence[tuple[str, str]]) -> Encoded:
        """Ids of prompts and targets, from the cache or made now."""
        digests = [_key(*text) for text in texts]
        keys = np.frombuffer(b"".join(digests), "<u8").reshape(-1, 2)
        found: dict[bytes, Pair] = {}
        for digest in digests if self._pending else ():
            if digest in self._pending:
                ids, middle = self._pending[digest]
                found[digest] = _pair(ids, middle)
        left = np.array([n for n, digest in enumerate(digests) if digest not in found], np.int64)
        left = left[np.argsort(keys[left, 0])]
        for shard in self._refreshed():
            here, pairs = shard.find(keys[left])
            found |= zip((digests[n] for n in left[here].tolist()), pairs, strict=True)
            left = left[~here]
        first = {digests[n]: n for n in sorted(left.tolist(), reverse=True)}
        made = self._encoder.pairs([texts[n] for n in first.values()]) if first else []
        found |= zip(first, made, strict=True)
        new = np.zeros(len(texts), bool)
        new[list(first.values())] = True
        pairs = [found[digest] for digest in digests]
        return Encoded(
            np.concatenate([np.empty(0, np.uint32), *(ids for pair in pairs for ids in pair)]),
            np.array([(len(p), len(t)) for p, t in pairs], np.int64).reshape(-1, 2),
            keys,
            new,
        )

    def keep(self, encoded: Encoded) -> None:
        """Take in what was new to a look-up."""
        ends = encoded.lengths.sum(axis=1).cumsum()
        for number in np.flatnonzero(encoded.new).tolist():
            key = encoded.keys[number].tobytes()
            if key not in self._pending:
                prompt, target = encoded.lengths[number].tolist()
                end = int(ends[number])
                ids = encoded.ids[end - prompt - target : end].tobytes()
                self._pending[key] = ids, prompt
                self.encoded += 1
        if len(self._pending) >= SHARD:
            self.flush()

    def flush(self) -> None:
        """Publish what was kept as a shard."""
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
        self._pending = {}

    def _refreshed(self) -> list["_Shard"]:
        """The shards that are there by now."""
        names = {entry.name for entry in os.scandir(self._folder) if entry.name[0] != "."}
        for name in sorted(names - self._shards.keys()):
            self._shards[name] = _Shard(self._folder / name)
        return list(self._shards.values())


def open_cache(root: Path, encoder: Encoder) -> Cache:
    """The encoder's cache below the folder of all."""
    return Cache(root / f"{encoder.digest[:24]}-{VERSION}", encoder)


class _Shard:
    def __init__(self, path: Path) -> None:
        self._path = str(path / IDS)
        self._keys = np.load(path / KEYS, mmap_mode="r", allow_pickle=False)
        self._ends = np.load(path / ENDS, mmap_mode="r", allow_pickle=False)

    def find(self, keys: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.bool_], list[Pair]]:
        """Which of the keys are here, which come sorted, and the ids of those."""
        places = np.searchsorted(self._keys[0], keys[:, 0])
        places = np.minimum(places, self._keys.shape[1] - 1)
        here = (keys == self._keys[:, places].T).all(axis=1)
        return here, [self._pair(place) for place in places[here].tolist()]

    def _pair(self, place: int) -> Pair:
        start = int(self._ends[place - 1, 1]) if place else 0
        middle, end = self._ends[place].tolist()
        return _pair(piece(self._path, 4 * start, 4 * (end - start)), middle - start)


def _pair(ids: bytes, middle: int) -> Pair:
    both = np.frombuffer(ids, np.uint32)
    return both[:middle], both[middle:]


def _write_shard(folder: Path, pending: dict[bytes, tuple[bytes, int]]) -> str:
    """Write the pairs in the order of their keys; the name that their content gives."""
    keys = np.frombuffer(b"".join(pending), "<u8").reshape(-1, 2)
    order = np.argsort(keys[:, 0], kind="stable")
    kept = list(pending.values())
    ordered = [kept[place] for place in order.tolist()]
    (folder / IDS).write_bytes(b"".join(ids for ids, _ in ordered))
    lengths = np.array([(middle, len(ids) // 4 - middle) for ids, middle in ordered], np.int64)
    np.save(folder / ENDS, lengths.cumsum().reshape(-1, 2))
    np.save(folder / KEYS, np.ascontiguousarray(keys[order].T))
    return hashlib.blake2b(keys[order].tobytes(), digest_size=8).hexdigest()


def _key(prompt: str, target: str) -> bytes:
    text = f"{len(prompt)}:{prompt}{target}"
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()

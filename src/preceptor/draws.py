"""Draws as functions of (seed, what, i): never of how many numbers were drawn before.

Any draw can be made again by itself, so a run resumes in the middle, and a changed number of
workers changes nothing. 64 bits of BLAKE2b over an unambiguous JSON encoding of the key.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from json.encoder import encode_basestring_ascii as quoted
from typing import TypeVar

REMEMBERED_BITS = 11
"""Half the bits of a permutation whose hashes are remembered: of up to four million places."""

T = TypeVar("T")
Key = str | int


def bits(seed: int, *what: Key) -> int:
    """64 keyed bits, uniform for distinct keys."""
    return _hashed(_listed(seed, what) + "]")


def _listed(seed: int, what: Sequence[Key]) -> str:
    """The key as a JSON list, still open; ``json.dumps`` gives the same and takes four times as
    long."""
    text = f"[{seed}" if type(seed) is int else f"[{json.dumps(seed)}"
    for key in what:
        if type(key) is str:
            text += "," + quoted(key)
        else:
            text += f",{key}" if type(key) is int else f",{json.dumps(key)}"
    return text


def _hashed(payload: str) -> int:
    return int.from_bytes(blake2b(payload.encode("ascii"), digest_size=8).digest(), "big")


def uniform(seed: int, *what: Key) -> float:
    """A number in [0, 1) with 53 random bits."""
    return (bits(seed, *what) >> 11) * 2.0**-53


def integer(n: int, seed: int, *what: Key) -> int:
    """An integer in [0, n). The bias is below n / 2**64.

    Raises:
        ValueError: n is not positive.
    """
    if n <= 0:
        raise ValueError(f"cannot draw from {n} possibilities")
    return (bits(seed, *what) * n) >> 64


def choose(items: Sequence[T], seed: int, *what: Key) -> T:
    """One of the items."""
    return items[integer(len(items), seed, *what)]


def sample(n: int, k: int, seed: int, *what: Key) -> list[int]:
    """k distinct indices below n, in random order (all of them when k >= n)."""
    k = min(k, n)
    key = _listed(seed, what)
    if 4 * k >= n:
        order = sorted(range(n), key=lambda i: (_hashed(f"{key},{i}]"), i))
        return order[:k]
    found: dict[int, None] = {}
    attempt = 0
    while len(found) < k:
        found[(_hashed(f"{key},{attempt}]") * n) >> 64] = None
        attempt += 1
    return list(found)


def lowest(names: Sequence[str], k: int, seed: int, *what: Key) -> list[int]:
    """Indices of the k names whose keyed bits are lowest, lowest first: k at random.

    One name more or less changes only the draws in which it is among the k, so what was made from
    the others still holds; ``sample`` would draw anew.
    """
    key = _listed(seed, what)
    order = sorted(range(len(names)), key=lambda i: (_hashed(f"{key},{quoted(names[i])}]"), i))
    return order[:k]


def permuted(i: int, n: int, seed: int, *what: Key) -> int:
    """Where a keyed permutation of range(n) sends i, in constant time.

    A four-round Feistel network over the smallest even number of bits that holds n, walked until
    the value falls below n again (at most four steps on average).

    Raises:
        IndexError: i is not below n.
    """
    if not 0 <= i < n:
        raise IndexError(f"{i} is not in range({n})")
    half = max(1, ((n - 1).bit_length() + 1) // 2)
    mask = (1 << half) - 1
    rounds = _rounds(_listed(seed, what), half)
    value = i
    while True:
        left, right = value >> half, value & mask
        for turn in range(4):
            left, right = right, left ^ rounds[turn << half | right]
        value = (left << half) | right
        if value < n:
            return value


class _Rounds(dict[int, int]):
    """A network's round functions, each value hashed when it is first needed: there are only four
    times the square root of n of them."""

    def __init__(self, key: str, half: int) -> None:
        self._key, self._half, self._mask = key, half, (1 << half) - 1

    def __missing__(self, place: int) -> int:
        turn, right = place >> self._half, place & self._mask
        value = _hashed(f"{self._key},{turn},{right}]") & self._mask
        if self._half <= REMEMBERED_BITS:
            self[place] = value
        return value


_rounds = lru_cache(maxsize=1024)(_Rounds)

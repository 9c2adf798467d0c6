"""Draws as functions of (seed, what, i): never of how many numbers were drawn before.

Any draw can be made again by itself, so a run resumes in the middle, and a changed number of
workers changes nothing. 64 bits of BLAKE2b over an unambiguous JSON encoding of the key.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
Key = str | int


def bits(seed: int, *what: Key) -> int:
    """64 keyed bits, uniform for distinct keys."""
    payload = json.dumps([seed, *what], separators=(",", ":"), ensure_ascii=True)
    return int.from_bytes(hashlib.blake2b(payload.encode(), digest_size=8).digest(), "big")


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
    if 4 * k >= n:
        order = sorted(range(n), key=lambda i: (bits(seed, *what, i), i))
        return order[:k]
    found: dict[int, None] = {}
    attempt = 0
    while len(found) < k:
        found[integer(n, seed, *what, attempt)] = None
        attempt += 1
    return list(found)


def permuted(i: int, n: int, seed: int, *what: Key) -> int:
    """Where a keyed permutation of range(n) sends i, in constant time and memory.

    A four-round Feistel network over the smallest even number of bits that holds n, walked until
    the value falls below n again (at most four steps on average).

    Raises:
        IndexError: i is not below n.
    """
    if not 0 <= i < n:
        raise IndexError(f"{i} is not in range({n})")
    half = max(1, ((n - 1).bit_length() + 1) // 2)
    mask = (1 << half) - 1
    value = i
    while True:
        left, right = value >> half, value & mask
        for turn in range(4):
            left, right = right, left ^ (bits(seed, *what, turn, right) & mask)
        value = (left << half) | right
        if value < n:
            return value

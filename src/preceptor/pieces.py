"""Pieces of files, read where they lie.

Nothing is mapped into memory: pages of a mapped file count as the process's own, and a mixture that
draws rows at random would come to hold all of them.
"""

import os
from functools import lru_cache

OPEN = 256
"""Files kept open; those read longest ago are closed."""


class _File:
    """Closed when nobody has it any more."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __del__(self) -> None:
        os.close(self.descriptor)


@lru_cache(maxsize=OPEN)
def _opened(path: str) -> _File:
    return _File(os.open(path, os.O_RDONLY))


def piece(path: str, start: int, length: int) -> bytes:
    """Bytes [start, start + length) of a file that is never written again.

    Raises:
        OSError: The file is missing or cannot be read.
    """
    return os.pread(_opened(path).descriptor, length, start)

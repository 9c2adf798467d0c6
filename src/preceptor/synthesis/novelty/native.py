"""The compiled index: ``native/*.c`` through ctypes.

``hatch_build.py`` compiles it when Preceptor is installed; nothing is compiled later.
"""

import ctypes
import weakref
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from preceptor.synthesis.novelty.tokens import stemmed

LIBRARY = Path(__file__).with_name("native") / "novelty.so"
_NONE = 2**32 - 1
_TEXTS_AT_A_TIME = 4096


@cache
def library() -> ctypes.PyDLL | None:
    """The compiled library, or None where there is none for this machine."""
    try:
        found = ctypes.PyDLL(str(LIBRARY))
    except OSError:
        return None
    index, size, number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint32
    bytes_, score = ctypes.c_char_p, ctypes.POINTER(ctypes.c_double)
    for name, result, arguments in (
        ("new", index, [ctypes.c_int]),
        ("free", None, [index]),
        ("read", number, [index, bytes_, size]),
        ("unstemmed", size, [index, ctypes.c_char_p, size]),
        ("stem", None, [index, bytes_, size]),
        ("add", None, [index]),
        ("nearest", number, [index, score]),
        ("above", number, [index, ctypes.c_double, score]),
        ("filter", None, [index, ctypes.c_double, ctypes.c_char_p]),
    ):
        function = getattr(found, f"novelty_{name}")
        function.restype, function.argtypes = result, arguments
    return found


class NativeTexts:
    """Texts by number, in the order added. Not for several threads at once."""

    def __init__(self, stem: bool) -> None:
        """
        Raises:
            RuntimeError: There is no compiled library.
        """
        found = library()
        if found is None:
            raise RuntimeError(f"the novelty index is not compiled: there is no usable {LIBRARY}")
        self._library = found
        self._index = found.novelty_new(int(stem))
        weakref.finalize(self, found.novelty_free, self._index)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, text: str) -> None:
        self._read([text])
        self._library.novelty_add(self._index)
        self._count += 1

    def nearest(self, text: str) -> tuple[int, float] | None:
        """Number and ROUGE-L F of the most similar text, the first added among equals."""
        if not self._count:
            return None
        self._read([text])
        score = ctypes.c_double()
        number = self._library.novelty_nearest(self._index, ctypes.byref(score))
        return number, score.value

    def above(self, text: str, threshold: float) -> tuple[int, float] | None:
        """The same, if its score is above the threshold."""
        self._read([text])
        score = ctypes.c_double()
        number = self._library.novelty_above(self._index, threshold, ctypes.byref(score))
        return None if number == _NONE else (number, score.value)

    def keep(self, texts: Sequence[str], threshold: float) -> Iterator[bool]:
        """Adds each text that nothing there is above the threshold to; says which."""
        for start in range(0, len(texts), _TEXTS_AT_A_TIME):
            some = texts[start : start + _TEXTS_AT_A_TIME]
            self._read(some)
            kept = ctypes.create_string_buffer(len(some))
            self._library.novelty_filter(self._index, threshold, kept)
            self._count += sum(kept.raw)
            yield from map(bool, kept.raw)

    def _read(self, texts: Sequence[str]) -> None:
        """Small letters in bytes, a zero byte between texts; what is not ASCII ends a token."""
        joined = "\0".join([text.replace("\0", " ") for text in texts])
        letters = joined.lower().encode("ascii", "replace")
        waiting = self._library.novelty_read(self._index, letters, len(letters))
        while waiting:
            self._tell_stem()
            waiting -= 1

    def _tell_stem(self) -> None:
        room = 64
        while True:
            word = ctypes.create_string_buffer(room)
            length = self._library.novelty_unstemmed(self._index, word, room)
            if length <= room:
                break
            room = length
        stem = stemmed(word.raw[:length].decode("ascii")).encode("ascii")
        self._library.novelty_stem(self._index, stem, len(stem))

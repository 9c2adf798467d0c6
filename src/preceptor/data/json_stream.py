"""JSON read bit by bit: lines, or the items of one array that need not fit into memory."""

import codecs
import json
import math
from collections.abc import Iterator
from typing import IO, Any, Never

from preceptor.data.tally import Tally

CHUNK = 1 << 20
"""Bytes that are read at a time of an array."""
_BLANKS = " \t\r\n"


def json_lines(stream: IO[bytes], name: str, tally: Tally) -> Iterator[tuple[str, Any]]:
    """The values of a file of one JSON value a line; empty lines are passed over.

    Raises:
        RowError: A line is not JSON in UTF-8, and ``tally`` does not skip.
    """
    # The bytes are split at line feeds only: a JSON string may hold U+2028 and its like.
    for number, line in enumerate(stream, start=1):
        where = f"{name}, line {number}"
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            if text.strip():
                yield where, _value(text)
        except _NotJson as error:
            cut = "" if line.endswith(b"\n") else "; the file may have been cut off there"
            tally.refuse(where, f"not JSON ({error}){cut}")
        except UnicodeDecodeError as error:
            tally.refuse(where, f"not UTF-8 (byte {error.start + 1} of the line)")


def array_items(stream: IO[bytes], name: str, tally: Tally) -> Iterator[tuple[str, Any]]:
    """The items of a file that is one JSON array, each with its line and its number from 1.

    After an item that is not JSON nothing more can be found: the rest counts as one bad record.

    Raises:
        RowError: The array is broken off or not JSON, and ``tally`` does not skip.
    """
    text = _Window(stream)
    number = 0
    try:
        text.expect("[")
        while text.next_mark() != "]":
            if number:
                text.expect(",")
            text.next_mark()
            number += 1
            yield f"{name}, line {text.line}, record {number}", text.item()
        text.expect("]")
        if text.next_mark():
            tally.refuse(f"{name}, line {text.line}", "something stands after the array's end")
    except _NotJson as error:
        record = f", record {number}" if number else ""
        tally.refuse(f"{name}, line {text.line}{record}", f"not JSON ({error})")
    except UnicodeDecodeError:
        record = f", record {number}" if number else ""
        tally.refuse(f"{name}, after line {text.line}{record}", "not UTF-8")


class _NotJson(Exception):
    """What is there is not JSON."""


def _no_constant(name: str) -> Never:
    raise _NotJson(f"{name} is no number in JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _NotJson(f"{text[:20]} is too large")
    return number


_DECODER = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)


def _value(text: str) -> Any:
    try:
        return _checked(_DECODER.decode(text.strip(_BLANKS)), text)
    except (ValueError, RecursionError) as error:
        raise _NotJson(_said(error)) from error


def _checked(value: Any, text: str) -> Any:
    r"""Refuse half a character: JSON can spell "\ud800", but no file can hold it."""
    if "\\ud" in text or "\\uD" in text:
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise _NotJson(f"a lone surrogate, {error.object[error.start]!a}") from error
    return value


def _said(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{_lower(error.msg)}, character {error.pos + 1}"
    return "nested too deep" if isinstance(error, RecursionError) else str(error)


def _lower(message: str) -> str:
    return f"{message[:1].lower()}{message[1:]}".removesuffix(" starting at")


class _Window:
    """The part of the text that has been read and not yet used."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._text, self._at, self._ended = stream, "", 0, False
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self.line = 1
        """Where the next character is."""

    def _more(self, size: int) -> bool:
        """Read on, so many bytes at most; false at the end of the file."""
        if self._ended:
            return False
        found = self._stream.read(size)
        self._ended = not found
        self._text = self._text[self._at :] + self._decoder.decode(found, final=self._ended)
        self._at = 0
        return True

    def _use(self, end: int) -> None:
        self.line += self._text.count("\n", self._at, end)
        self._at = end

    def next_mark(self) -> str:
        """The next character that is no blank, or empty at the end; it stays to be read."""
        while True:
            end = self._at
            while end < len(self._text) and self._text[end] in _BLANKS:
                end += 1
            self._use(end)
            if end < len(self._text):
                return self._text[end]
            if not self._more(CHUNK):
                return ""

    def expect(self, mark: str) -> None:
        """Read one character.

        Raises:
            _NotJson: It is another, or the file has ended.
        """
        found = self.next_mark()
        if found != mark:
            there = f"found {found!r}" if found else "the file ends here, it may have been cut off"
            raise _NotJson(f"{mark!r} is expected, {there}")
        self._use(self._at + 1)

    def item(self) -> Any:
        """Read one value.

        Raises:
            _NotJson: There is none, or only a part of one.
        """
        self.next_mark()
        size = CHUNK
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._ended or self._surely(error):
                    cut = "; the file may have been cut off" if self._ended else ""
                    raise _NotJson(f"{_lower(error.msg)}{cut}") from error
            except (ValueError, RecursionError) as error:
                raise _NotJson(_said(error)) from error
            else:
                # A number at the window's end may go on in the next chunk.
                if end < len(self._text) or self._ended:
                    text = self._text[self._at : end]
                    self._use(end)
                    return _checked(value, text)
            # What is tried grows with what was tried in vain, so that one long item costs
            # twice its length and not its square.
            self._more(size)
            size *= 2

    def _surely(self, error: json.JSONDecodeError) -> bool:
        """Whether more text could not mend it: then the rest need not be read to say so."""
        open_string = error.msg.startswith("Unterminated string")
        return not open_string and error.pos + len('"\\ud800\\udc00"') < len(self._text)

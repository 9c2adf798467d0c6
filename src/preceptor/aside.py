"""Files and folders made aside and published by one rename: there whole, or not at all."""

import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def aside(target: Path) -> Iterator[Path]:
    """A place beside ``target`` to make it in, to be renamed; removed at the end, come what may.

    Nobody else gets the same place, so that two may make one target at once. What processes of
    this machine that were killed left beside the target is removed first.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{target.name}.{socket.gethostname()}."
    for left in target.parent.glob(f"{_literal(prefix)}*"):
        process = left.name.removeprefix(prefix).partition(".")[0]
        if process.isdecimal() and not _runs(int(process)):
            remove(left)
    place = target.with_name(f"{prefix}{os.getpid()}.{secrets.token_hex(3)}")
    try:
        yield place
    finally:
        remove(place)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all in it, where there is one."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _literal(name: str) -> str:
    """A name as a pattern that matches it alone."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        pass
    return True

"""A progress bar with the time left: drawn on a terminal, a line every few seconds elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

LINE_EVERY_SECONDS = 10.0


class Bar:
    """What a stage moves while it works."""

    def __init__(self, label: str, total: int) -> None:
        self.label, self.total, self.done = label, total, 0
        self.note = ""
        self._first = time.monotonic()
        self._start = 0

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count steps as done; the note stands at the end of the line."""
        self.done += steps
        self.note = note or self.note

    def resume(self, done: int) -> None:
        """Steps that an earlier run had done: counted, but not in the estimate of time left."""
        self._start = self.done + done
        self._first = time.monotonic()
        self.advance(done)

    def seconds_left(self) -> float:
        """Estimate from the mean pace so far; infinite before the first step."""
        steps = self.done - self._start
        if steps <= 0:
            return float("inf")
        return (self.total - self.done) * (time.monotonic() - self._first) / steps


class _TerminalBar(Bar):
    def __init__(self, label: str, total: int, progress: Progress) -> None:
        super().__init__(label, total)
        self._progress = progress
        self._task = progress.add_task(label, total=total, note="")

    def advance(self, steps: int = 1, note: str = "") -> None:
        super().advance(steps, note)
        self._progress.update(self._task, completed=self.done, note=self.note)


class _LineBar(Bar):
    def __init__(self, label: str, total: int) -> None:
        super().__init__(label, total)
        self._printed = time.monotonic()

    def advance(self, steps: int = 1, note: str = "") -> None:
        super().advance(steps, note)
        if time.monotonic() - self._printed >= LINE_EVERY_SECONDS:
            self._printed = time.monotonic()
            left = self.seconds_left()
            when = "" if left == float("inf") else f", about {clock(left)} left"
            print(f"{self.label}: {self.done}/{self.total}{when} {self.note}", file=sys.stderr)


def clock(seconds: float) -> str:
    """Seconds as m:ss, or hours as h:mm:ss."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d}"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


@contextmanager
def bar(label: str, total: int) -> Iterator[Bar]:
    """A bar for a stretch of work that may take longer than a second."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _LineBar(label, total)
        return
    columns = (
        TextColumn("{task.description:<22}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as progress:
        yield _TerminalBar(label, total, progress)

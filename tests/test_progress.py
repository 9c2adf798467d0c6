"""Progress: what is counted, what is estimated and where it is drawn."""

import io

import pytest
from rich.console import Console

from preceptor import progress
from preceptor.progress import Bar, bar, clock


class Clock:
    """Time that goes on only when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    stopped = Clock()
    monkeypatch.setattr(progress, "time", stopped)
    return stopped


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0:00"), (59.6, "1:00"), (61, "1:01"), (7205.2, "2:00:05")]
)
def test_seconds_are_shown_as_minutes(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


def test_the_time_left_follows_the_mean_pace(time: Clock) -> None:
    moved = Bar("work", 10)
    assert moved.seconds_left() == float("inf")
    time.now += 6
    moved.advance(2)
    assert moved.seconds_left() == 8 * 3
    time.now += 2
    moved.advance(2, note="faster")
    moved.advance(0)
    assert (moved.done, moved.note) == (4, "faster")
    assert moved.seconds_left() == 6 * 2


def test_what_an_earlier_run_did_counts_but_does_not_quicken_the_estimate(time: Clock) -> None:
    moved = Bar("work", 100)
    time.now += 50
    moved.resume(90)
    assert moved.done == 90
    assert moved.seconds_left() == float("inf")
    time.now += 4
    moved.advance(2)
    assert moved.seconds_left() == 8 * 2


def test_away_from_a_terminal_a_line_is_printed_now_and_then(
    time: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with bar("tune", 10) as moved:
        moved.advance(note="loss 3.0")
        assert capsys.readouterr().err == ""
        time.now += progress.LINE_EVERY_SECONDS
        moved.advance(note="loss 2.0")
        assert capsys.readouterr().err == "tune: 2/10, about 0:40 left loss 2.0\n"
        moved.advance()
        assert capsys.readouterr().err == ""
    assert capsys.readouterr().out == ""


def test_a_line_on_what_an_earlier_run_did_names_no_time(
    time: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with bar("tune", 10) as moved:
        time.now += progress.LINE_EVERY_SECONDS
        moved.resume(4)
    line = capsys.readouterr().err
    assert "4/10" in line
    assert "left" not in line


def test_on_a_terminal_a_bar_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120)
    monkeypatch.setattr(progress, "Console", lambda stderr: console)
    with bar("evaluate base", 4) as moved:
        moved.advance(3, note="a note")
    drawn = screen.getvalue()
    assert "evaluate base" in drawn
    assert "3/4" in drawn
    assert "a note" in drawn

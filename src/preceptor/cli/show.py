"""What people see of a run: a few lines a stage, the mixture's table, the report's name."""

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from preceptor.artifact import Artifact, read_json
from preceptor.progress import clock

if TYPE_CHECKING:
    from preceptor.plan import Estimate
    from preceptor.synthesis.estimate import SynthesisEstimate


def stage(name: str, artifact: Artifact) -> None:
    """One finished or skipped stage."""
    console = _console()
    seconds = artifact.timings().get("seconds")
    how = f"done in {clock(seconds)}" if artifact.fresh and seconds is not None else "was done"
    console.print(Text.assemble((name, "bold"), f"  {how}  ", (str(artifact.path), "dim")))
    for line in _lines(name, artifact):
        console.print(Text(f"  {line}"))
    if name == "mixture":
        from preceptor.mixture.stage import print_table, read_table

        print_table(read_table(artifact.file("table.json")), console)


def _console() -> Console:
    """Of the terminal's width; wide enough for the mixture's table where there is no terminal."""
    console = Console(highlight=False, soft_wrap=True)
    return console if console.is_terminal else Console(width=120, highlight=False, soft_wrap=True)


def _lines(name: str, artifact: Artifact) -> list[str]:
    counts, timings = artifact.counts, artifact.timings()
    if name == "synthesis":
        rejected = ", ".join(f"{n} {reason}" for reason, n in counts["rejected"].items())
        dollars = f", ${counts['dollars']:,.2f}" if counts["dollars"] else ""
        return [
            f"{counts['requests']:,} requests, {counts['tasks_parsed']:,} whole tasks, "
            f"{counts['kept']:,} kept{dollars}: {counts['ended']}",
            f"rejected: {rejected or 'none'}",
        ]
    if name == "adapter":
        rate = timings.get("tokens_per_second")
        speed = f", {rate:.0f} tokens/s" if rate else ""
        return [
            f"{counts['steps']} steps over {counts['tokens']} tokens "
            f"({counts['target_tokens']} targets){speed}; "
            f"loss {counts['first_loss']:.3f} to {counts['last_loss']:.3f}"
        ]
    if name.startswith("scores"):
        return [f"{counts['options']} items ranked, {counts['generation']} answers written"]
    if name == "report":
        return _differences(artifact)
    return []


def _differences(artifact: Artifact) -> list[str]:
    found = []
    summary = read_json(artifact.file("summary.json"))
    for group in summary["groups"]:
        paired = group["differences"]["tuned"]["paired"]
        low, high = paired["low"], paired["high"]
        zero = "; includes zero: no difference shown" if low <= 0 <= high else ""
        found.append(
            f"{group['name']}: base {100 * group['models']['base']['mean']:.1f}, tuned "
            f"{100 * group['models']['tuned']['mean']:.1f}, difference "
            f"{100 * paired['difference']:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]{zero}"
        )
    return found


def end(report: Path) -> None:
    """The last line of a run."""
    Console(highlight=False, soft_wrap=True).print(
        Text.assemble("Open the report: ", (str(report.resolve()), "bold"))
    )


def plan(found: "Estimate") -> None:
    """What a run would cost."""
    from preceptor.mixture.tables import print_table

    table = Table("stage", "what", "tokens", "about", box=None, header_style="bold")
    for line in found.lines:
        table.add_row(line.stage, line.what, f"{line.tokens:,}", clock(line.seconds))
    console = Console(highlight=False)
    if found.mixture:
        lines = [line for line in found.mixture if line.usable or line.held_out_reason]
        print_table(lines, console)
        if found.instructions:
            console.print(
                f"{found.instructions:,} of these will be synthesised instructions, once written"
            )
    if found.lines:
        console.print(table)
        console.print(
            f"in all about {clock(found.seconds)} by {found.basis}; "
            f"memory about {found.memory_bytes / 2**30:.1f} GiB"
        )
    if found.synthesis is not None:
        _synthesis(found.synthesis, console)
    else:
        console.print("no paid calls")


def _synthesis(found: "SynthesisEstimate", console: Console) -> None:
    """What a synthesis would take, with its spread."""
    table = Table("synthesis", "likely", "at least", "at most", box=None, header_style="bold")
    rows = {
        "requests": found.requests,
        "calls": found.calls,
        "prompt tokens": found.prompt_tokens,
        "reply tokens": found.reply_tokens,
    }
    for name, spread in rows.items():
        numbers = (spread.likely, spread.low, spread.high)
        table.add_row(name, *(f"{number:,.0f}" for number in numbers))
    if found.dollars is not None:
        spread = found.dollars
        numbers = (spread.likely, spread.low, spread.high)
        table.add_row("dollars", *(f"{number:,.2f}" for number in numbers))
    console.print(table)
    console.print(Text(f"{found.basis}; {'; '.join(found.prices)}", "dim"))
    if found.dollars is None:
        console.print("dollars: unknown, for a price is; set teacher.price")
    elif not found.dollars.high:
        console.print("no paid calls")

"""``preceptor synthesize card``: what a set of instructions is like, as a page and as a card."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from preceptor.cli.options import AsJson, Data, Folders, console, print_json
from preceptor.errors import ArtifactError

if TYPE_CHECKING:
    from preceptor.synthesis.card.rows import Record
    from preceptor.synthesis.card.run import Run


def card(
    path: Annotated[
        Path,
        typer.Argument(
            help="A run's folder, a synthesis in it, or a file of instructions (Alpaca's fields).",
            metavar="PATH",
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the page and the card.")
    ] = Path("synthesis-card"),
    title: Annotated[str, typer.Option("--title", help="Of the card.")] = "",
    about: Annotated[str, typer.Option("--about", help="One sentence on what it is.")] = "",
    licence: Annotated[
        list[str] | None, typer.Option("--licence", help="Of the whole; may be given again.")
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option("--against", help="Tasks that overlap is looked for with.", metavar="TASK"),
    ] = None,
    split: Annotated[str, typer.Option("--split", help="Of those tasks.")] = "test",
    data: Data = None,
    folders: Folders = None,
    as_json: AsJson = False,
) -> None:
    """Diversity, lengths, similarity, categories, rejections, cost: a card and a page."""
    from preceptor.synthesis.card.overlap import overlap
    from preceptor.synthesis.card.survey import survey
    from preceptor.synthesis.card.writing import write_card
    from preceptor.tasks.catalogue import load_tasks, select
    from preceptor.tasks.source import data_root

    records, run, name = _records(path)
    shared = None
    if against:
        tasks = select(load_tasks(folders or []), against)
        shared = overlap(records, tasks, split, data_root(data))
    found = survey(records, title or name, about, licence or (), shared, run)
    written = write_card(found, output)
    if as_json:
        print_json(found.to_json())
        return
    out = console()
    out.print(f"the card of {found.records:,} instructions:")
    for file in written:
        out.print(f"  {file}", soft_wrap=True)


def _records(path: Path) -> "tuple[Sequence[Record], Run | None, str]":
    """What a path holds, the synthesis that made it, and what to call it."""
    from preceptor.data.tally import Tally
    from preceptor.synthesis.card.rows import read_file
    from preceptor.synthesis.card.run import read_run
    from preceptor.synthesis.tables import read_instructions

    if path.is_dir():
        folder = path
        if not (folder / "instructions.parquet").exists():
            made = sorted(path.glob("synthesis-*"), key=lambda one: one.stat().st_mtime)
            if not made:
                raise ArtifactError(
                    f"there is no finished synthesis in {path}; name the folder of one, or a file"
                )
            folder = made[-1]
        return read_instructions(folder / "instructions.parquet"), read_run(folder), folder.name
    return read_file(path, Tally()), None, path.stem

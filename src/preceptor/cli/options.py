"""What several commands share: their options, and how they print."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Data = Annotated[
    str | None,
    typer.Option(
        "--data", help="Folder of data sets; without it $PRECEPTOR_DATA.", metavar="FOLDER"
    ),
]
Folders = Annotated[
    list[Path] | None,
    typer.Option("--tasks-folder", help="A folder of your own tasks; may be given again."),
]
WIDTH_OF_A_FILE = 120
"""Columns where output goes to a file or another program, which have no width."""


def console(stderr: bool = False) -> Console:
    """A console that colours nothing by itself: what is printed is data, not markup."""
    found = Console(stderr=stderr, highlight=False)
    if found.is_terminal or "COLUMNS" in os.environ:
        return found
    return Console(stderr=stderr, highlight=False, width=WIDTH_OF_A_FILE)


def print_json(value: object) -> None:
    """Print a value for machines."""
    print(json.dumps(value, indent=2, ensure_ascii=False))

"""``preceptor data``: instruction data in and out of the formats in use, and data set cards."""

import json
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from preceptor.artifact import storage_errors, write_atomically
from preceptor.cli.tasks import AsJson, Data, Folders
from preceptor.data import files, hub
from preceptor.data.card import write_card
from preceptor.data.facts import Facts
from preceptor.data.formats import write_conversations
from preceptor.data.hub_terms import licence_id
from preceptor.data.imports import NATURAL, PROMPTSOURCE, import_file, kind_of
from preceptor.data.instructions import Wanted
from preceptor.data.library import Library
from preceptor.data.outcome import several
from preceptor.data.place import check_free, check_outside
from preceptor.data.sources import Asked, find_source, with_own_columns
from preceptor.data.tally import Tally
from preceptor.errors import ArtifactError, TaskError
from preceptor.tasks import licences, source

app = typer.Typer(
    help="Instruction data in and out: Alpaca, ShareGPT, messages, promptsource, and cards.",
    no_args_is_help=True,
)


class Form(StrEnum):
    """Formats that are written."""

    alpaca = "alpaca"
    sharegpt = "sharegpt"
    messages = "messages"


class Kind(StrEnum):
    """What can be imported."""

    alpaca = "alpaca"
    sharegpt = "sharegpt"
    messages = "messages"
    promptsource = PROMPTSOURCE
    natural_instructions = NATURAL


class OnError(StrEnum):
    """What becomes of a bad record."""

    refuse = "refuse"
    skip = "skip"


class Store(StrEnum):
    """Files of rows."""

    jsonl = "jsonl"
    parquet = "parquet"


Skip = Annotated[
    OnError, typer.Option("--on-error", help="A bad record stops the work, or is counted.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]
Title = Annotated[str, typer.Option(help="A title for people.")]
Seed = Annotated[int, typer.Option(help="Of the draw of a template for each row.")]
Split = Annotated[str, typer.Option(help="Of a task; without it, its first.")]
Every = Annotated[bool, typer.Option("--all-templates", help="A task's rows under each template.")]
What = Annotated[
    str,
    typer.Argument(
        help="A mixture's folder, a file of examples or conversations, or a task's name.",
        metavar="SOURCE",
    ),
]


@app.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(help="The file to import; it is only read.")],
    name: Annotated[str, typer.Option(help="Of the new task; without it the file's.")] = "",
    format: Annotated[Kind | None, typer.Option(help="Recognised without it.")] = None,
    data: Data = None,
    tasks: Annotated[
        Path | None, typer.Option(help="Folder for the task file; else beside its rows.")
    ] = None,
    rows: Annotated[
        str, typer.Option(help="promptsource: folder of the rows in the data root.")
    ] = "",
    store: Annotated[Store, typer.Option(help="Kind of the rows' file.")] = Store.jsonl,
    cluster: Annotated[str, typer.Option(help="One of FLAN's.")] = "",
    category: Annotated[str, typer.Option(help="qa, ie, gen or other.")] = "",
    licence: Annotated[str, typer.Option(help="SPDX id, or unstated.")] = "unstated",
    provenance: Annotated[
        list[str] | None, typer.Option(help="A data set that its rows are from; again for more.")
    ] = None,
    title: Title = "",
    on_error: Skip = OnError.refuse,
    overwrite: Overwrite = False,
    tasks_folder: Folders = None,
    as_json: AsJson = False,
) -> None:
    """Make rows and a task file of instruction data or templates, ready to be mixed.

    Alpaca, ShareGPT and messages (.jsonl, .json, .parquet), Natural Instructions (.json, both
    versions), promptsource (templates.yaml).
    """
    if not licences.known(licence):
        raise TaskError(
            f"--licence {licence!r} is no SPDX id that is known; else say "
            f"{', '.join(licences.TERMS)}"
        )
    kind = format.value if format is not None else kind_of(file)
    wanted = Wanted(
        name, title, licence, "", cluster, category, tuple(provenance or ()), store.value
    )
    made = import_file(
        file,
        kind,
        wanted,
        source.data_root(data),
        rows,
        tasks,
        Library(tasks_folder or ()),
        overwrite,
        Tally(on_error is OnError.skip),
    )
    if as_json:
        _print_json(made.to_json())
    else:
        _say(made.lines())


@app.command()
def export(
    what: What,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="A .jsonl, .json or .parquet; else a Hugging Face folder."
        ),
    ],
    format: Annotated[Form, typer.Option(help="Of the records.")] = Form.messages,
    split: Split = "",
    all_templates: Every = False,
    seed: Seed = 0,
    title: Title = "",
    licence: Annotated[
        list[str] | None, typer.Option(help="Of a file that does not say; again for more.")
    ] = None,
    on_error: Skip = OnError.refuse,
    overwrite: Overwrite = False,
    data: Data = None,
    tasks_folder: Folders = None,
    as_json: AsJson = False,
) -> None:
    """Write a mixture, a task's rendered rows or a file of conversations in another format.

    A path without an ending becomes a Hugging Face data set: Parquet shards with every example's
    provenance, and a card.
    """
    asked = Asked(title, tuple(licence or ()), split, all_templates, seed)
    found = find_source(what, asked, tasks_folder or (), lambda: source.data_root(data))
    reading, writing = (Tally(on_error is OnError.skip) for _ in range(2))
    conversations = found.conversations(reading)
    made: dict[str, Any] = {"output": str(output), "format": format.value}
    if output.suffix in files.ENDINGS:
        if found.file is not None and output.exists() and output.samefile(found.file):
            raise ArtifactError(f"{output} is what is read; choose another place for the output")
        check_free(output, overwrite)
        write_conversations(output, format.value, conversations, writing)
        made["files"] = [output.name]
    elif output.suffix:
        files.check_ending(output)
    else:
        if found.file is not None:
            check_outside(found.file, output)
        shards = hub.write_folder(
            output,
            format.value,
            found.split,
            conversations,
            found.rendered,
            found.subject,
            overwrite,
            writing,
        )
        made["files"] = ["README.md", *(f"data/{name}" for name in shards.names)]
        made["bytes"] = shards.file_bytes
    made |= writing.to_json()
    made["read"] = reading.to_json()
    if as_json:
        _print_json(made)
        return
    _say(
        [
            f"{several(writing.records, 'record')} in {output} ({format.value})",
            *reading.lines(),
            *writing.lines(),
        ]
    )


@app.command()
def card(
    what: What,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file; else it is printed.")
    ] = None,
    split: Split = "",
    all_templates: Every = False,
    seed: Seed = 0,
    title: Title = "",
    licence: Annotated[
        list[str] | None, typer.Option(help="Of a file that does not say; again for more.")
    ] = None,
    on_error: Skip = OnError.refuse,
    overwrite: Overwrite = False,
    data: Data = None,
    tasks_folder: Folders = None,
    as_json: AsJson = False,
) -> None:
    """Write the card alone of a mixture, a task or a file."""
    asked = Asked(title, tuple(licence or ()), split, all_templates, seed)
    found = find_source(what, asked, tasks_folder or (), lambda: source.data_root(data))
    facts, tally = Facts(), Tally(on_error is OnError.skip)
    for conversation in found.conversations(tally):
        facts.add(conversation)
    text = write_card(with_own_columns(found), facts)
    if output is not None:
        check_free(output, overwrite)
        with storage_errors(output):
            output.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(output, text.encode())
    if as_json:
        known = facts.licences or list(asked.licences)
        place = {"output": str(output)} if output is not None else {"card": text}
        _print_json(
            {**place, "records": facts.records, "license": licence_id(known), "licences": known}
        )
    elif output is None:
        print(text, end="")
    else:
        _say([f"the card of {several(facts.records, 'record')} is {output}", *tally.lines()])


def _say(lines: Iterable[str]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for line in lines:
        console.print(Text(line))


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))

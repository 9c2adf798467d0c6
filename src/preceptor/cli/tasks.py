"""``preceptor tasks``: the library, its rows, a task, what a model sees of it, the checks."""

import typer

from preceptor.cli.options import AsJson as AsJson
from preceptor.cli.options import Data as Data
from preceptor.cli.options import Folders as Folders
from preceptor.cli.tasks_fetch import fetch
from preceptor.cli.tasks_figure import figure
from preceptor.cli.tasks_lint import lint
from preceptor.cli.tasks_list import list_command
from preceptor.cli.tasks_preview import preview
from preceptor.cli.tasks_protocols import protocols
from preceptor.cli.tasks_show import show

app = typer.Typer(help="The task library: its tasks, their rows and wording.", no_args_is_help=True)
app.command("list")(list_command)
app.command()(show)
app.command()(preview)
app.command()(protocols)
app.command()(fetch)
app.command()(lint)
app.command()(figure)

"""``preceptor``: one command a verb. Exit 0 done, 1 failed, 2 bad use or bad input."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from preceptor import __version__
from preceptor.cli import data, decontaminate, export, synthesis, tasks
from preceptor.cli.options import AsJson, print_json
from preceptor.cli.recipes import Changes, Output, RecipeFile, named_recipe, run_stages
from preceptor.errors import PreceptorError

app = typer.Typer(
    help="Instruction tuning, from seed tasks and data sets to a tuned model with proof.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(synthesis.app, name="synthesize")
app.add_typer(tasks.app, name="tasks")
app.add_typer(data.app, name="data")
data.app.command("lm-eval")(export.lm_eval_export)
data.app.command("decontaminate")(decontaminate.decontaminate)

INTERRUPTED = 130
"""What shells say of a command that was stopped by ctrl-C."""


def recipes_folder() -> Path:
    """Where the recipes that come with the project are: in the package, or in its checkout."""
    package = Path(__file__).parents[1]
    places = (package / "recipes", package.parents[1] / "recipes")
    return next((place for place in places if place.is_dir()), places[0])


@app.command()
def demo(output: Output = None, as_json: AsJson = False) -> None:
    """Seeds to report on the embedded model: the main job, on a CPU, in minutes."""
    run_stages(recipes_folder() / "demo.yaml", None, output, None, as_json)


@app.command()
def run(
    recipe: RecipeFile, output: Output = None, change: Changes = None, as_json: AsJson = False
) -> None:
    """Run every stage that a recipe names, skipping what is done."""
    run_stages(recipe, None, output, change, as_json)


@app.command()
def mix(
    recipe: RecipeFile, output: Output = None, change: Changes = None, as_json: AsJson = False
) -> None:
    """Mix data sets and instructions into training examples, and stop."""
    run_stages(recipe, "mix", output, change, as_json)


@app.command()
def tune(
    recipe: RecipeFile, output: Output = None, change: Changes = None, as_json: AsJson = False
) -> None:
    """Tune an adapter on the mixture, and stop."""
    run_stages(recipe, "tune", output, change, as_json)


@app.command()
def evaluate(
    recipe: RecipeFile, output: Output = None, change: Changes = None, as_json: AsJson = False
) -> None:
    """Score base and tuned on the recipe's tasks, and stop."""
    run_stages(recipe, "evaluate", output, change, as_json)


@app.command()
def report(
    recipe: RecipeFile, output: Output = None, change: Changes = None, as_json: AsJson = False
) -> None:
    """Write the report; stages that are not done are run first."""
    run_stages(recipe, "report", output, change, as_json)


@app.command()
def plan(
    recipe: RecipeFile, output: Output = None, change: Changes = None, as_json: AsJson = False
) -> None:
    """What a run would cost before it starts: calls, tokens, memory and time."""
    from preceptor.cli import show
    from preceptor.plan import estimate

    found = estimate(named_recipe(recipe, output, change))
    if as_json:
        print_json(found.to_json())
    else:
        show.plan(found)


def _version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Options before the command."""


def main() -> None:
    """The entry point: our errors are one line, everything else is a fault with its trace."""
    # Before torch is imported: threads that spin while they wait make a shared machine crawl.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        app()
    except PreceptorError as error:
        if "--json" in sys.argv:
            kind = type(error).__name__
            print(json.dumps({"error": {"kind": kind, "message": str(error)}}, ensure_ascii=False))
        print(f"preceptor: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except SystemExit as end:
        if end.code == INTERRUPTED:  # typer has made this of a KeyboardInterrupt
            print("preceptor: stopped; the same command goes on from here", file=sys.stderr)
        raise


if __name__ == "__main__":
    main()

"""``preceptor``: one command a verb. Exit 0 done, 1 failed, 2 bad use or bad input."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from preceptor import __version__, strict_yaml
from preceptor.cli import data, decontaminate, export, tasks
from preceptor.errors import PreceptorError, RecipeError

app = typer.Typer(
    help="Instruction tuning, from seed tasks and data sets to a tuned model with proof.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(tasks.app, name="tasks")
app.add_typer(data.app, name="data")
data.app.command("lm-eval")(export.lm_eval_export)
data.app.command("decontaminate")(decontaminate.decontaminate)

INTERRUPTED = 130
"""What shells say of a command that was stopped by ctrl-C."""

RecipeFile = Annotated[Path, typer.Argument(help="A recipe: one YAML file.", metavar="RECIPE")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Output = Annotated[
    str | None, typer.Option("--output", "-o", help="Folder of the run; else the recipe's.")
]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a key: --set tuning.rank=8."),
]


def recipes_folder() -> Path:
    """Where the recipes that come with the project are: in the package, or in its checkout."""
    package = Path(__file__).parents[1]
    places = (package / "recipes", package.parents[1] / "recipes")
    return next((place for place in places if place.is_dir()), places[0])


@app.command()
def demo(output: Output = None, as_json: AsJson = False) -> None:
    """Seeds to report on the embedded model: the main job, on a CPU, in minutes."""
    _run(recipes_folder() / "demo.yaml", "report", output, None, as_json)


@app.command()
def run(
    recipe: RecipeFile, output: Output = None, change: Changes = None, as_json: AsJson = False
) -> None:
    """Run every stage that a recipe names, skipping what is done."""
    _run(recipe, "report", output, change, as_json)


@app.command()
def synthesize(
    recipe: RecipeFile, output: Output = None, change: Changes = None, as_json: AsJson = False
) -> None:
    """Write instructions from the recipe's seeds, and stop."""
    _run(recipe, "synthesize", output, change, as_json)


@app.command()
def mix(
    recipe: RecipeFile, output: Output = None, change: Changes = None, as_json: AsJson = False
) -> None:
    """Mix data sets and instructions into training examples, and stop."""
    _run(recipe, "mix", output, change, as_json)


@app.command()
def tune(
    recipe: RecipeFile, output: Output = None, change: Changes = None, as_json: AsJson = False
) -> None:
    """Tune an adapter on the mixture, and stop."""
    _run(recipe, "tune", output, change, as_json)


@app.command()
def evaluate(
    recipe: RecipeFile, output: Output = None, change: Changes = None, as_json: AsJson = False
) -> None:
    """Score base and tuned on the recipe's tasks, and stop."""
    _run(recipe, "evaluate", output, change, as_json)


@app.command()
def report(
    recipe: RecipeFile, output: Output = None, change: Changes = None, as_json: AsJson = False
) -> None:
    """Write the report; stages that are not done are run first."""
    _run(recipe, "report", output, change, as_json)


@app.command()
def plan(
    recipe: RecipeFile, output: Output = None, change: Changes = None, as_json: AsJson = False
) -> None:
    """What a run would cost before it starts: calls, tokens, memory and time."""
    from preceptor.cli import show
    from preceptor.plan import estimate

    found = estimate(_recipe(recipe, output, change))
    if as_json:
        _print_json(found.to_json())
    else:
        show.plan(found)


def _recipe(path: Path, output: str | None, change: list[str] | None) -> Any:
    from preceptor.recipe import read_recipe

    changes = dict(_change(text) for text in change or [])
    if output is not None:
        changes["output"] = output
    return read_recipe(path, changes)


def _change(text: str) -> tuple[str, object]:
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise RecipeError(f"--set {text!r}: write KEY=VALUE, such as tuning.rank=8")
    try:
        return key, strict_yaml.load(value)
    except strict_yaml.NotYaml as error:
        raise RecipeError(f"--set {text!r}: the value is not YAML") from error


def _run(
    path: Path, until: str, output: str | None, change: list[str] | None, as_json: bool
) -> None:
    from preceptor import pipeline
    from preceptor.cli import show

    recipe = _recipe(path, output, change)
    outcome = pipeline.run(recipe, until, None if as_json else show.stage)
    if as_json:
        _print_json(
            {
                "recipe": recipe.name,
                "folder": str(recipe.folder),
                "artifacts": {
                    name: {
                        "folder": str(made.path),
                        "digest": made.digest,
                        "fresh": made.fresh,
                        "counts": dict(made.counts),
                    }
                    for name, made in outcome.artifacts.items()
                },
                "report": str(outcome.report) if outcome.report else None,
            }
        )
    elif outcome.report:
        show.end(outcome.report)


def _print_json(value: Mapping[str, Any]) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


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

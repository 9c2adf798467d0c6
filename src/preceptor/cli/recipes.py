"""What the commands share that take a recipe: its options, its changes, running its stages."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from preceptor import strict_yaml
from preceptor.cli.options import print_json
from preceptor.errors import RecipeError

if TYPE_CHECKING:
    from preceptor.recipe import Recipe

RecipeFile = Annotated[Path, typer.Argument(help="A recipe: one YAML file.", metavar="RECIPE")]
Output = Annotated[
    str | None, typer.Option("--output", "-o", help="Folder of the run; else the recipe's.")
]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a key: --set tuning.rank=8."),
]


def named_recipe(path: Path, output: str | None, change: list[str] | None) -> "Recipe":
    """The recipe of a command, with its changes."""
    from preceptor.recipe import read_recipe

    changes = dict(_change(text) for text in change or [])
    if output is not None:
        changes["output"] = output
    return read_recipe(path, changes)


def run_stages(
    path: Path, until: str | None, output: str | None, change: list[str] | None, as_json: bool
) -> None:
    """Run a recipe's stages and print what came of them."""
    from preceptor import pipeline
    from preceptor.cli import show

    recipe = named_recipe(path, output, change)
    outcome = pipeline.run(recipe, until, None if as_json else show.stage)
    if as_json:
        print_json(
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


def _change(text: str) -> tuple[str, object]:
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise RecipeError(f"--set {text!r}: write KEY=VALUE, such as tuning.rank=8")
    try:
        return key, strict_yaml.load(value)
    except strict_yaml.NotYaml as error:
        raise RecipeError(f"--set {text!r}: the value is not YAML") from error

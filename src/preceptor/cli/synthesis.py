"""``preceptor synthesize``: write instructions; look at a few first; look at one afterwards."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from preceptor.cli import synthesis_card
from preceptor.cli.options import AsJson, console, print_json
from preceptor.cli.recipes import Changes, Output, RecipeFile, named_recipe, run_stages
from preceptor.errors import ArtifactError


class _RunByDefault(typer.core.TyperGroup):
    """``synthesize RECIPE`` is ``synthesize run RECIPE``."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["run", *args]
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        # Options of 'run' may stand before the recipe.
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_RunByDefault,
    help="Write instructions from a recipe's seeds: synthesize RECIPE; synthesize show ID.",
    no_args_is_help=True,
)
app.command("card")(synthesis_card.card)
Folder = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Folder of the run; without it all below runs/."),
]


@app.command()
def run(
    recipe: RecipeFile,
    output: Output = None,
    change: Changes = None,
    preview: Annotated[
        int | None,
        typer.Option("--preview", min=1, help="Make so many, show them, and stop."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write instructions from the recipe's seeds, and stop."""
    if preview is None:
        run_stages(recipe, "synthesize", output, change, as_json)
        return
    from preceptor.pipeline import preview_synthesis

    found = preview_synthesis(named_recipe(recipe, output, change), preview)
    if as_json:
        print_json(found.to_json())
        return
    out = console()
    for instruction in found.kept_records:
        _print_record(out, instruction)
    counts = found.tally.to_json()
    rejected = ", ".join(f"{n} {reason}" for reason, n in counts["rejected"].items())
    out.print(
        f"{counts['kept']} kept of {counts['tasks_parsed']} whole tasks in {counts['requests']} "
        f"requests, ${counts['dollars']:.4f}; rejected: {rejected or 'none'}"
    )
    out.print(f"{found.ended}; replies are in the ledger, and the whole run will use them")


@app.command()
def show(
    id: Annotated[str, typer.Argument(help="Of a task, kept or not.", metavar="ID")],
    output: Folder = None,
    as_json: AsJson = False,
) -> None:
    """The whole way of one task: seeds, prompt, reply, verdicts, neighbours, cost."""
    from preceptor.synthesis.trace import trace

    found = trace(id, _ledgers(output))
    if as_json:
        print_json(found)
    else:
        _print_trace(console(), found)


@app.command()
def rejections(
    output: Folder = None,
    reason: Annotated[str, typer.Option("--reason", help="Only this one.")] = "",
    samples: Annotated[int, typer.Option("--samples", min=0, help="Of each reason.")] = 2,
    as_json: AsJson = False,
) -> None:
    """What was not kept: counts by reason, with samples."""
    from preceptor.synthesis.trace import rejected

    found = {
        str(folder): rejected(folder, reason, samples)
        for ledger in _ledgers(output)
        for folder in sorted(ledger.parent.glob("synthesis-*"))
    }
    if not found:
        raise ArtifactError("no finished synthesis is there; name its run's folder with --output")
    if as_json:
        print_json(found)
        return
    out = console()
    for folder, reasons in found.items():
        out.print(Text(folder, "bold"))
        if not reasons:
            out.print(f"  nothing was rejected{f' for {reason!r}' if reason else ''}")
        for name, group in reasons.items():
            out.print(Text.assemble(f"{group['count']:>8,}  ", (name, "bold")))
            for row in group["samples"]:
                text = " ".join((row["instruction"] or row["detail"]).split())
                out.print(Text(f"          {row['task']}  {text:.90}"))
                if row["detail"] and row["instruction"]:
                    out.print(Text(f"          {'':>22}  ({row['detail']:.80})", "dim"))


def _ledgers(output: Path | None) -> list[Path]:
    from preceptor.synthesising import LEDGER

    if output is not None:
        folder = output if output.is_dir() else output.parent
        if folder.name.startswith("synthesis-"):
            folder = folder.parent
        if not (folder / LEDGER).exists():
            raise ArtifactError(f"there is no synthesis in {output}; name the folder of a run")
        return [folder / LEDGER]
    found = sorted(Path("runs").glob(f"*/{LEDGER}"))
    if not found:
        raise ArtifactError("there is no synthesis below runs/; name its folder with --output")
    return found


def _print_record(out: Console, record: Any) -> None:
    out.print(Text.assemble((record.id, "bold"), f"  {record.category} ({record.category_rule})"))
    for name in ("instruction", "input", "output"):
        if value := getattr(record, name):
            out.print(Text.assemble((f"  {name}: ", "dim"), value))
    near = f"{record.nearest_rouge_l:.2f} to {record.nearest}" if record.nearest else "none"
    out.print(Text(f"  nearest: {near}; seeds: {', '.join(record.seed_ids)}", "dim"))
    for flag, saw in record.flags.items():
        out.print(Text(f"  flag {flag}: {saw}", "yellow"))
    out.print()


def _print_trace(out: Console, found: dict[str, Any]) -> None:
    out.print(Text.assemble((found["id"], "bold"), f"  in {found['ledger']}"))
    for verdict in found["verdicts"]:
        detail = f": {verdict['detail']}" if verdict["detail"] else ""
        near = ""
        if verdict["nearest"] and verdict["nearest_rouge_l"] is not None:
            near = f"; nearest {verdict['nearest']} at ROUGE-L {verdict['nearest_rouge_l']:.3f}"
        out.print(Text(f"  {verdict['verdict']}{detail}{near}  (course {verdict['course']})"))
    if record := found["record"]:
        for name, value in record.items():
            if value not in ("", None, [], 0, False):
                out.print(Text.assemble((f"  {name}: ", "dim"), str(value)))
    for call in found["calls"]:
        out.print()
        spent = f"{call['prompt_tokens']} + {call['reply_tokens']} tokens, ${call['cost'] or 0:.6f}"
        out.print(Text.assemble((f"{call['kind']} ", "bold"), f"{call['id']}  {call['model']}"))
        out.print(Text(f"  {call['state']}, {spent}; {call['sampling']}", "dim"))
        if call["note"]:
            out.print(Text(f"  {call['note']}", "dim"))
        for role, content in call["messages"]:
            out.print(Text.assemble((f"  [{role}] ", "cyan"), content))
        out.print(Text.assemble(("  [reply] ", "green"), call["reply"] or call["error"] or ""))

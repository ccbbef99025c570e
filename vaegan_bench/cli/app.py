"""The application: its commands, and how errors reach the user."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from vaegan_bench import __version__
from vaegan_bench.cli import author, conformance, data, evaluate, explore, reproduce, revisit, train, verdict

app = typer.Typer(
    name="vaegan-bench",
    help="Compare the VAE/GAN family fairly: one harness, shared networks, honest numbers.",
    epilog="Start with: vaegan-bench run --models all",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run", epilog=train.EPILOG)(train.run)
app.command("list")(explore.list_plugins)
app.command("show")(explore.show)
app.command("table")(revisit.table)
app.command("evaluate")(evaluate.evaluate)
app.command("new")(author.new)
app.command("plugins")(author.plugins)
app.command("check")(conformance.check)
app.command("compare")(verdict.compare)
app.add_typer(data.app, name="data")
app.command("reproduce", epilog=reproduce.EPILOG)(reproduce.reproduce)
app.command("plot")(revisit.plot)
app.command("samples")(revisit.samples)
app.command("sample")(revisit.sample)


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False,
) -> None:
    """Hold the options of all commands."""
    if version:
        print(f"vaegan-bench {__version__}")  # noqa: T201
        raise typer.Exit


def main() -> None:
    """Run the command line; an error that the user can mend is one line on stderr and exit code 2."""
    from vaegan_bench.errors import BenchError

    try:
        app()
    except BenchError as error:
        typer.echo(f"Error: {error}", err=True)
        sys.exit(2)

"""`vaegan-bench data`: prepare images from source files, and show the contents of a data set."""

from __future__ import annotations

import typer

from vaegan_bench.cli.data.info import info
from vaegan_bench.cli.data.prepare import prepare

EPILOG = """
Examples:

    vaegan-bench data prepare mnist --size 32

    vaegan-bench data prepare "celeba[crop=148]" --data-dir /data

    vaegan-bench data info avatars --out avatars.png
"""

app = typer.Typer(
    help="Prepare data sets for training, and show what they hold.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
app.command()(prepare)
app.command()(info)

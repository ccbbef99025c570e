"""`vaegan-bench new`: a plugin to start from."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from vaegan_bench.cli.terminal import say
from vaegan_bench.system.paths import user_path


def new(
    kind: Annotated[str, typer.Argument(help="loss, model, networks, metric, dataset or extractor.")],
    name: Annotated[str, typer.Argument(help="The module's name, such as my_loss.")],
    package: Annotated[
        bool, typer.Option("--package", help="Write an installable package instead of one file.")
    ] = False,
    folder: Annotated[Path, typer.Option(help="Where to write.", parser=user_path)] = Path(),
) -> None:
    """Write a working plugin and its test, as a starting point.

    Examples: `vaegan-bench new loss my_loss`, `vaegan-bench new model my_model --package`
    """
    from vaegan_bench.testing.scaffold import write_plugin

    paths = write_plugin(kind, name, folder, package=package)
    for path in paths:
        say(str(path))
    if package:
        root = shlex.quote(str(paths[0].parent))
        say(f"\nNext: pip install -e {root}, then vaegan-bench check {paths[0].parent.name}, and pytest {root}")
    else:
        say(f"\nNext: vaegan-bench check {shlex.quote(str(paths[0]))}, and pytest {shlex.quote(str(paths[1]))}")

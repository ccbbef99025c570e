"""`vaegan-bench new` and `plugins`: for those who write plugins, and those who install them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vaegan_bench.cli.fields import PluginFiles
from vaegan_bench.cli.terminal import say, table, terminal
from vaegan_bench.system.paths import user_path


def new(
    kind: Annotated[str, typer.Argument(help="loss, model, networks, metric, dataset or extractor.")],
    name: Annotated[str, typer.Argument(help="The module's name, such as my_loss.")],
    package: Annotated[
        bool, typer.Option("--package", help="Write an installable package instead of one file.")
    ] = False,
    folder: Annotated[Path, typer.Option(help="Where to write.", parser=user_path)] = Path(),
) -> None:
    """Write a plugin that works, and its test, to start from.

    Examples: `vaegan-bench new loss my_loss`, `vaegan-bench new model my_model --package`
    """
    from vaegan_bench.testing.scaffold import write_plugin

    paths = write_plugin(kind, name, folder, package=package)
    for path in paths:
        say(str(path))
    if package:
        root = paths[0].parent
        say(f"\nNext: pip install -e {root}, then vaegan-bench check {root.name}, and pytest {root}")
    else:
        say(f"\nNext: vaegan-bench check {paths[0]}, and pytest {paths[1]}")


def plugins(plugin: PluginFiles = None) -> None:
    """List the packages that bring plugins, with their versions and what each provides.

    Examples: `vaegan-bench plugins`, `vaegan-bench plugins --plugin my_loss.py`
    """
    from rich.markup import escape

    from vaegan_bench import __version__
    from vaegan_bench.registry.plugins import BUILT_IN, Registry

    registry, console = Registry(plugin or []), terminal()
    versions = {BUILT_IN: __version__, **registry.installed}
    made = table("package", "version", "provides")
    for origin in dict.fromkeys([*versions, *map(str, plugin or [])]):
        provided = [f"{e.plugin.kind} {e.plugin.name}" for e in registry.entries.values() if e.origin == origin]
        made.add_row(escape(origin), versions.get(origin, ""), _summed_up(provided) or "life-cycle hooks")
    console.print(made)
    for name, reason in registry.broken.items():
        console.print(f"broken: {name}: {reason}", markup=False, soft_wrap=True)


def _summed_up(provided: list[str]) -> str:
    """What there is; of a package with very many, how many of each kind."""
    if len(provided) <= 12:
        return ", ".join(provided)
    kinds: dict[str, int] = {}
    for text in provided:
        kind = text.rpartition(" ")[0]
        kinds[kind] = kinds.get(kind, 0) + 1
    return ", ".join(f"{count} × {kind}" for kind, count in kinds.items())

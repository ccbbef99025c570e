"""`vaegan-bench list`: the available plugins and studies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vaegan_bench.cli.options import PluginFiles
from vaegan_bench.cli.terminal import say, table, terminal

if TYPE_CHECKING:
    from rich.table import Table

    from vaegan_bench.api import Plugin
    from vaegan_bench.registry.plugins import Entry

GROUPS = {
    "models": ("model",),
    "losses": (
        "reconstruction loss",
        "prior loss",
        "adversarial loss",
        "regulariser",
        "discriminator augmentation",
        "gate",
    ),
    "networks": ("networks", "quantiser"),
    "datasets": ("dataset",),
    "metrics": ("metric", "sampler"),
    "extractors": ("extractor",),
    "optimizers": ("optimizer", "schedule", "adaptive weight"),
    "engines": ("engine",),
}
"""Argument of `list` → the kinds of plugin that it shows."""


def list_plugins(
    what: Annotated[
        str,
        typer.Argument(
            help="models, losses, networks, datasets, metrics (and samplers), extractors, optimizers, engines, studies."
        ),
    ] = "all",
    plugin: PluginFiles = None,
) -> None:
    """List plugins with their fields, defaults and origin.

    Examples: `vaegan-bench list`, `vaegan-bench list losses`, `vaegan-bench list studies`
    """

    from vaegan_bench.registry.plugins import Registry
    from vaegan_bench.system.errors import UnknownNameError

    if what not in ("all", "studies", *GROUPS):
        raise UnknownNameError("list", what, ["all", "studies", *GROUPS])
    console = terminal()
    registry = Registry(plugin or [])
    for group in GROUPS if what == "all" else [what]:
        for kind in GROUPS.get(group, ()):
            entries = registry.of_kind(kind)
            if entries:
                console.print(_kind_table(kind, entries))
    if what in ("all", "studies"):
        console.print(_study_table(registry.studies))
    for name, reason in registry.broken.items():
        say(f"broken: {name}: {reason}")


def _kind_table(kind: str, entries: dict[str, Entry]) -> Table:
    from rich.markup import escape

    from vaegan_bench.registry.discovery import summary_line

    made = table("name", "what it is", "fields and defaults", "from", title=kind, title_justify="left")
    for name, entry in entries.items():
        made.add_row(*map(escape, (name, summary_line(entry.plugin), "\n".join(_fields(entry.plugin)), entry.origin)))
    return made


def _fields(plugin: type[Plugin]) -> list[str]:
    from vaegan_bench.api.plugin import default_of, fields_of, selector_text

    return [f"{field.name}={selector_text(default_of(field))}" for field in fields_of(plugin)]


def _study_table(studies: Mapping[str, Path]) -> Table:
    from rich.markup import escape

    from vaegan_bench.study.study_file import load_study
    from vaegan_bench.system.errors import BenchError

    made = table("name", "what it asks", "data", "models", title="study", title_justify="left")
    for name in studies:
        try:
            study = load_study(name, studies)
        except BenchError as error:  # a broken study of a plugin: all others can still be listed
            made.add_row(*map(escape, (name, f"broken: {error}", "", "")))
        else:
            data = f"{', '.join(study.datasets)} {study.size}×{study.size}"
            made.add_row(*map(escape, (name, study.description, data, ", ".join(study.models))))
    return made

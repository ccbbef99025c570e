"""`vaegan-bench plugins`: the packages that bring plugins, and their plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vaegan_bench.cli.options import PluginFiles
from vaegan_bench.cli.terminal import say, table, terminal

if TYPE_CHECKING:
    from vaegan_bench.registry.plugins import Registry


def plugins(plugin: PluginFiles = None) -> None:
    """List the packages that bring plugins, with their versions and what each provides.

    Examples: `vaegan-bench plugins`, `vaegan-bench plugins --plugin my_loss.py`
    """
    from rich.markup import escape

    from vaegan_bench import __version__
    from vaegan_bench.registry.plugins import BUILT_IN, Registry

    registry = Registry(plugin or [])
    versions = {BUILT_IN: __version__, **registry.installed}
    named = (source for source in registry.sources if source not in registry.modules)
    made = table("package", "version", "provides")
    for origin in (*versions, *named):
        provided = _summed_up(_provided(registry, origin)) or "life-cycle hooks"
        made.add_row(escape(origin), versions.get(origin, ""), escape(provided))
    terminal().print(made)
    for name, reason in registry.broken.items():
        say(f"broken: {name}: {reason}")


def _provided(registry: Registry, origin: str) -> list[str]:
    """The plugins and the studies of a package, each after its kind."""
    from vaegan_bench.registry.discovery import studies_of

    plugins = [f"{e.plugin.kind} {e.plugin.name}" for e in registry.entries.values() if e.origin == origin]
    module: Any = registry.manager.get_plugin(origin)
    studies = studies_of(registry.manager, module, origin)
    return [*plugins, *(f"study {file.stem}" for file in studies)]


def _summed_up(provided: list[str]) -> str:
    """The plugins of a package in a line; for more than twelve, the number of each kind."""
    if len(provided) <= 12:
        return ", ".join(provided)
    kinds: dict[str, int] = {}
    for text in provided:
        kind = text.rpartition(" ")[0]
        kinds[kind] = kinds.get(kind, 0) + 1
    return ", ".join(f"{count} × {kind}" for kind, count in kinds.items())

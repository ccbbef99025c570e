"""Telling plugins how a study goes on, without letting one that fails harm it."""

from __future__ import annotations

from typing import Any

import pluggy

from vaegan_bench.errors import reason_of


class Lifecycle:
    """Calls the life-cycle hooks of `vaegan_bench.hookspecs`."""

    def __init__(self, manager: pluggy.PluginManager) -> None:
        self.manager = manager
        self.silenced: dict[str, str] = {}
        """Plugins that hear nothing more, because a hook of theirs raised an error; with its words."""

    def tell(self, hook: str, **what: Any) -> None:
        """Call one hook of every plugin that has it."""
        for implementation in getattr(self.manager.hook, hook).get_hookimpls():
            try:
                implementation.function(*(what[name] for name in implementation.argnames))
            except Exception as error:  # a plugin may raise anything, and must not cost a run
                self.silenced[implementation.plugin_name] = f"{hook}: {reason_of(error)}"
                self.manager.unregister(implementation.plugin)

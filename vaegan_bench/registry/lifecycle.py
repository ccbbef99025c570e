"""Call the life-cycle hooks of plugins during a study; a hook that fails does not harm the study."""

from __future__ import annotations

from typing import Any

import pluggy

from vaegan_bench.system.errors import FAILURES, reason_of


class Lifecycle:
    """Calls the life-cycle hooks of `vaegan_bench.registry.hookspecs` for one study."""

    def __init__(self, manager: pluggy.PluginManager) -> None:
        self.manager = manager
        self.disabled: dict[str, str] = {}
        """Plugin → the hook that failed and its error, for plugins that are disabled for this study."""

    def call(self, hook: str, **what: Any) -> None:
        """Call one hook of every plugin that has it; Ctrl-C during a call ends the study after the last call."""
        interruption = None
        for implementation in getattr(self.manager.hook, hook).get_hookimpls():
            if implementation.plugin_name in self.disabled:
                continue
            try:
                implementation.function(*(what[name] for name in implementation.argnames))
            except FAILURES as error:  # a hook that fails must not end a run
                self.disabled[implementation.plugin_name] = f"{hook}: {reason_of(error)}"
            except KeyboardInterrupt as error:  # the other plugins must still be called, to close their files
                interruption = error
        if interruption is not None:
            raise interruption

    def warnings(self) -> list[str]:
        """A line for each plugin that was disabled."""
        return [
            f"A hook of plugin {name} failed, and the plugin is disabled for this study: {reason}"
            for name, reason in self.disabled.items()
        ]

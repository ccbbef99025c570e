"""The life-cycle hooks of a study's runs: each start is followed by an end."""

from __future__ import annotations

from typing import Any

from vaegan_bench.execution.relay import Call


class RunEvents:
    """Calls life-cycle hooks so that every `run_started` is followed by a `run_ended`, even if a process dies."""

    def __init__(self, call: Call) -> None:
        """`call` calls a hook of all plugins."""
        self._call = call
        self._going = set[str]()
        """Runs that have started and not ended."""

    def __call__(self, hook: str, /, **what: Any) -> None:
        """Call a hook; a run that starts while it still goes on is reported as interrupted first."""
        if hook == "run_started":
            if what["run"] in self._going:  # its engine has begun it again by itself
                self._call("run_ended", run=what["run"], status="interrupted: its process died; it is tried again")
            self._going.add(what["run"])
        elif hook == "run_ended":
            self._going.discard(what["run"])
        self._call(hook, **what)

    def close(self) -> None:
        """Report the runs that still go on as interrupted."""
        for run in sorted(self._going):
            self("run_ended", run=run, status="interrupted")

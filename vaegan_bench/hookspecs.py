"""The hooks that plugins implement; all of them optional."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from vaegan_bench.api import Plugin

hookspec = pluggy.HookspecMarker("vaegan_bench")


@hookspec
def vaegan_bench_plugins() -> list[type[Plugin]]:  # type: ignore[empty-body]  # a specification has no body
    """Return the plugin classes to register: models, losses, networks, data sets, metrics, extractors, …"""


@hookspec
def study_started(name: str, runs: list[str], images: list[int]) -> None:
    """A study is about to work on `runs` (their ids), each on as many `images`: 0 where it is only measured.

    Finished runs are not listed.
    """


@hookspec
def run_started(run: str, steps: int, batch: int) -> None:
    """A run is about to be trained for `steps`, or only measured where it was trained before: `steps` is 0 then."""


@hookspec
def step_ended(run: str, step: int) -> None:
    """A run has taken `step` steps; called after every step, so implementations must be quick."""


@hookspec
def terms_logged(run: str, step: int, terms: Mapping[str, float]) -> None:
    """The mean of each term since the last call, every few steps."""


@hookspec
def run_ended(run: str, status: str) -> None:
    """A run has been trained and evaluated, or has failed; `status` is 'ok' or says what happened."""


@hookspec
def study_ended(name: str) -> None:
    """All runs of a study are over; tables and plots are made after this."""

"""The hooks that plugins implement; all of them optional.

`vaegan_bench_plugins` and `vaegan_bench_studies` register plugins and studies. The others follow the life of a study,
in this order:

    study_started
        run_started
            step_ended, and every few steps terms_logged
            run_evaluated
        run_ended
    study_ended

`run_copied` and `run_awaited` come in between, for runs that another study or another process has trained or trains.

Every `run_started` is followed by a `run_ended`, and `study_started` by `study_ended`: after errors and Ctrl-C too. A
run whose data cannot be loaded, one that another process has finished, and one that was copied with all of its numbers
end without having started. One that diverged, or whose measuring failed, has no `run_evaluated`. All hooks are called
in the main process. With one worker it trains as well, and calls them between steps; with several, hooks of different
runs alternate. An implementation must be quick, and must not change its arguments. A hook that fails does not end the
run, whether by an exception or by `sys.exit()`: its plugin is disabled for this study, and the user is warned at the
end. An implementation may leave out arguments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from vaegan_bench.api import Plugin

hookspec = pluggy.HookspecMarker("vaegan_bench")


@hookspec
def vaegan_bench_plugins() -> list[type[Plugin]]:  # type: ignore[empty-body]  # a specification has no body
    """Return the plugin classes to register: models, losses, networks, data sets, metrics, extractors, …"""


@hookspec
def vaegan_bench_studies() -> list[Path]:  # type: ignore[empty-body]  # a specification has no body
    """Return the study files to register: `vaegan-bench run NAME` finds NAME.toml among them, from any folder."""


@hookspec
def study_started(name: str, folder: Path, runs: list[str], images: list[int]) -> None:
    """A study is about to work on `runs` (their ids); `images` is how many images each trains on, 0 if only measured.

    Finished runs are not listed. `folder` holds the study's results, and exists already.
    """


@hookspec
def run_started(run: str, label: str, steps: int, done: int, batch: int) -> None:
    """A run is about to be trained for `steps`, or only measured where it was trained before: `steps` is 0 then.

    `done` of the steps were taken before, by a training that was interrupted: `step_ended` begins with the next one.
    `label` is how tables name its model.
    """


@hookspec
def step_ended(run: str, step: int) -> None:
    """A run has taken `step` steps; called after every step."""


@hookspec
def terms_logged(run: str, step: int, terms: Mapping[str, float]) -> None:
    """Means since the last call, every 50 steps and after the last one, while all terms are finite.

    The keys are the terms and the other values that the model logs; 'moves of PLAYER', the share of steps in which the
    player's weights were updated; and, for the latest step only, 'weight of PLAYER.TERM', the coefficient, and
    'gradient of PLAYER.TERM', the norm of what the term adds to the player's gradient.
    """


@hookspec
def run_evaluated(run: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """A run has been measured: one row per number, with 'metric', 'value', 'units', 'direction', 'attribute', …"""


@hookspec
def run_ended(run: str, status: str) -> None:
    """A run is over; `status` is 'ok', 'diverged at step N', 'failed: …' or 'interrupted'.

    The results of the first two are on disk. A run whose worker process died, or which another process took over, ends
    with 'interrupted: …', and may be started once more, from its last checkpoint.
    """


@hookspec
def run_copied(run: str, folder: str) -> None:
    """A run need not be trained: it was copied, with its measurements, from `folder`, a run folder of another study."""


@hookspec
def run_awaited(run: str, holder: str) -> None:
    """Another process works on a run, so this one will try it again later; `holder` is 'process 123 on HOST'."""


@hookspec
def study_ended(name: str) -> None:
    """All runs of a study are over; tables and plots are made after this."""

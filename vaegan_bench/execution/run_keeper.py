"""Saves one run while it is trained: as a checkpoint at intervals, and when training must stop."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch

from vaegan_bench.api import Data, PluginError
from vaegan_bench.execution.postponed_signals import PostponedSignals
from vaegan_bench.results.checkpoints import Checkpoint, Checkpoints
from vaegan_bench.study.run import Run
from vaegan_bench.system.claims import Claim
from vaegan_bench.system.errors import StudyWarning
from vaegan_bench.training.loop import Keeper
from vaegan_bench.training.snapshots import Packed, pack, unpack

INTERVAL = 60.0
"""Seconds between two checkpoints."""
MustStop = Callable[[], bool]


class RunKeeper(Keeper):
    """Reads and writes the checkpoints of a run for its training."""

    def __init__(
        self, run: Run, data: Data, device: torch.device, claim: Claim, interval: float, must_stop: MustStop
    ) -> None:
        """Read the checkpoint. Warns of one that is damaged, or belongs to a run with another definition or data.

        `claim` is that of the run's folder. `must_stop` says whether the training must stop for another reason than a
        signal, once a checkpoint is written.
        """
        self.run, self.data, self.device, self.claim, self.interval = run, data, device, claim, interval
        self.files, self.must_stop = Checkpoints(claim.path), must_stop
        self.signals: PostponedSignals | None = None
        """Signals that stop the training, once a checkpoint is written."""
        self._found = self._usable(self.files.read())
        self._time = time.monotonic()

    @property
    def step(self) -> int:
        """The step from which training goes on; 0 without a checkpoint."""
        return self._found.step if self._found else 0

    def load(self) -> Mapping[str, Any] | None:
        """The snapshot in the checkpoint; None where there is none."""
        self._time = time.monotonic()
        found, self._found = self._found, None
        if found is None:
            return None
        snapshot: Mapping[str, Any] = unpack(Packed(found.snapshot, found.memory), self.device)
        return snapshot

    def step_ended(self, take_snapshot: Callable[[], Mapping[str, Any]]) -> None:
        """Write a checkpoint if the last one is old or training must stop; then deliver a signal that has arrived.

        Raises `KeyboardInterrupt` where `must_stop` says so, and as `Checkpoints.write` does.
        """
        must_stop = self.must_stop()
        has_arrived = self.signals is not None and self.signals.arrived is not None
        if must_stop or has_arrived or time.monotonic() - self._time >= self.interval:
            self._save(take_snapshot())
            self._time = time.monotonic()
        if self.signals is not None:
            self.signals.deliver()
        if must_stop:
            raise KeyboardInterrupt

    def _save(self, snapshot: Mapping[str, Any]) -> None:
        try:
            packed = pack(snapshot)
        except PluginError as error:
            warnings.warn(f"No checkpoint of {self.run.id} is kept: {error}", StudyWarning, stacklevel=2)
            self.interval = float("inf")
            return
        found = {"step": snapshot["state"]["step"], "snapshot": packed.plain, "memory": packed.memory}
        self.files.write(self.claim, Checkpoint(definition=self.run.definition, data=self.data.digest, **found))

    def _usable(self, found: Checkpoint | None) -> Checkpoint | None:
        differences = found.differences(self.run.definition, self.data.digest) if found else []
        if not differences:
            return found
        warnings.warn(
            f"The checkpoint in {self.files.folder} is not used, and training starts from step 0: it has other "
            f"{', '.join(differences)}.",
            StudyWarning,
            stacklevel=2,
        )
        return None

"""A training that is interrupted, and goes on from its checkpoint on disk."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from vaegan_bench.api import Data
from vaegan_bench.execution.run_keeper import RunKeeper
from vaegan_bench.study.run import Run
from vaegan_bench.system.claims import claimed
from vaegan_bench.system.errors import StudyWarning
from vaegan_bench.training.loop import Borrowed, Keeper, Trained, train


class InterruptedKeeper(Keeper):
    """Interrupts a training `after` some steps, when its checkpoint is written."""

    def __init__(self, keeper: RunKeeper, after: int) -> None:
        self.keeper, self.left = keeper, after

    def load(self) -> Mapping[str, Any] | None:
        """The snapshot of the checkpoint; None where there is none."""
        return self.keeper.load()

    def step_ended(self, take_snapshot: Callable[[], Mapping[str, Any]]) -> None:
        """Write a checkpoint, and interrupt the training if this was the last step."""
        self.keeper.step_ended(take_snapshot)
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


def go_on(run: Run, data: Data, device: torch.device, *, after: int, borrowed: Borrowed | None = None) -> Trained:
    """Train a run, interrupt it `after` some steps, and go on. Raises `StudyWarning` where no checkpoint is kept."""
    with (
        tempfile.TemporaryDirectory() as folder,
        claimed(Path(folder) / "run") as claim,
        warnings.catch_warnings(action="error", category=StudyWarning),
    ):

        def keeper() -> RunKeeper:
            return RunKeeper(run, data, device, claim, interval=0, must_stop=lambda: False)

        with suppress(KeyboardInterrupt):
            train(run, data, device, borrowed=borrowed, keeper=InterruptedKeeper(keeper(), after))
        return train(run, data, device, borrowed=borrowed, keeper=keeper())

"""Writes the event files of a study, one folder per run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.tensorboard import SummaryWriter

from vaegan_bench.api import hookimpl

GROUPS = {"moves of ": "moves/", "weight of ": "coefficients/", "gradient of ": "gradients/"}
"""The prefixes of names that the suite logs besides terms, and the group of each."""


def tag_of(name: str) -> str:
    """The tag of a logged name, by which TensorBoard groups curves: 'terms/prior', 'moves/decoder', …"""
    for beginning, group in GROUPS.items():
        if name.startswith(beginning):
            return group + name.removeprefix(beginning)
    return f"terms/{name}"


class TensorBoardLogger:
    """The life-cycle hooks of a study; a run's files are open from its first event to its end."""

    def __init__(self) -> None:
        self.folder = Path()
        self.writers: dict[str, SummaryWriter] = {}
        self.steps: dict[str, int] = {}
        """Run → its number of steps, once it was trained or measured."""
        self.measured = set[str]()

    @hookimpl
    def study_started(self, folder: Path) -> None:
        """Remember where the study's results are."""
        self.folder = folder

    @hookimpl
    def run_started(self, run: str, label: str, steps: int, done: int) -> None:
        """Open the run's files; a run that is trained again hides what its last training logged after `done` steps."""
        purge = (done + 1 if done else 0) if steps else None
        self.writers[run] = SummaryWriter(str(self.folder / "tensorboard" / run), purge_step=purge)
        self.writers[run].add_text("model", f"`{label}`", 0)
        self.steps[run] = steps or int(json.loads((self.folder / run / "run.json").read_text("utf-8"))["steps"])

    @hookimpl
    def terms_logged(self, run: str, step: int, terms: Mapping[str, float]) -> None:
        """Terms, moves, coefficients and gradients as curves."""
        for name, value in terms.items():
            if name != "step":  # a row of the history, which names its step too
                self.writers[run].add_scalar(tag_of(name), value, step)

    @hookimpl
    def run_evaluated(self, run: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """The numbers over all attributes, at the last step."""
        self.measured.add(run)
        for row in rows:
            if not row["attribute"]:
                self.writers[run].add_scalar(f"metrics/{row['metric']}", row["value"], self.steps[run])

    @hookimpl
    def run_ended(self, run: str, status: str) -> None:
        """Show the images that the run keeps, say how it ended, and close its files.

        Only now are its files in the study's folder, whichever machine it ran on. A run that failed before it started
        has no event files.
        """
        if run in self.writers:
            writer = self.writers.pop(run)
            for name, images_NHWC in _images(self.folder / run).items() if run in self.measured else ():
                writer.add_images(f"images/{name}", images_NHWC, self.steps[run], dataformats="NHWC")
            writer.add_text("status", status, 0)
            writer.close()

    @hookimpl
    def study_ended(self) -> None:
        """Close the files that are still open."""
        for run in list(self.writers):
            self.writers.pop(run).close()


def _images(run: Path) -> dict[str, np.ndarray[Any, np.dtype[np.uint8]]]:
    """The images that a run keeps for its sheets, by name, without their conditions; {} where there is no such file."""
    found: dict[str, np.ndarray[Any, np.dtype[np.uint8]]] = {}
    for path in run.glob("images-*.npz"):
        with np.load(path, allow_pickle=False) as stored:
            found |= {name: array for name, array in stored.items() if array.ndim == 4}
    return found

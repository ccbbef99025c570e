"""Runs that were trained on different images of one data set: only those with the images of the newest are shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from vaegan_bench.results.overview import Overview
from vaegan_bench.results.run_folder import RunFolder


class JudgedRun(NamedTuple):
    """A run whose training has ended, and what is wrong with it."""

    folder: RunFolder
    known: Overview
    fault: str
    """Why it cannot be shown, whatever its images are; '' where it can."""


def newest_runs(runs: Iterable[JudgedRun]) -> dict[str, JudgedRun]:
    """Data set → the sound run that was trained on it last."""
    oldest_first = sorted((run for run in runs if not run.fault), key=lambda run: run.known.finished)
    return {run.known.identity[0]: run for run in oldest_first}


def other_images(run: JudgedRun, newest: JudgedRun) -> str:
    """An error message where a run was trained on other images than the newest run on its data set; '' otherwise."""
    if run.known.data == newest.known.data:
        return ""
    return (
        f"{run.folder.path} was trained on other images of {run.known.identity[0]} than {newest.folder.path.name}, "
        "which is newer: run the study again, which trains it again on the images that are there now."
    )

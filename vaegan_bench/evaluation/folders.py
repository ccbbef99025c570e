"""Measure any generator from two folders of images: real ones, and its own."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pandas as pd

from vaegan_bench.api import Metric, SelectorError, StudyError
from vaegan_bench.datasets.folder import Folder
from vaegan_bench.evaluation.calibration import calibrated_extractors
from vaegan_bench.evaluation.given_images import GivenImages, data_of
from vaegan_bench.evaluation.image_folder import ImageFolder, read_folder, size_warning
from vaegan_bench.evaluation.measuring import Measured, measure
from vaegan_bench.evaluation.references import LoadedReferences, open_extractors
from vaegan_bench.registry.selectors import parse_selector
from vaegan_bench.results.rows import text_of
from vaegan_bench.system.errors import one_line
from vaegan_bench.system.status import OK

FEWEST_HELD_OUT, FEWEST_SAMPLES = 2, 6
"""Images that a ruler takes at least."""


def measure_folders(
    real: Path, fake: Path, metrics: Sequence[Metric], references: LoadedReferences, say: Callable[[str], object]
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Measure the images of one folder against those of another; return rows, and metric → why it gave no numbers.

    `say` is called with a line on each folder before anything is measured, and at the end with the command that makes a
    ruler for each Fréchet distance. Raises `StudyError` for metrics that need a model, `DataError` for folders that
    cannot be read.
    """
    refuse([metric for metric in metrics if metric.needs_model], "a trained model, and folders hold only images")
    sides = {side: read_folder(path, references.progress) for side, path in {"real": real, "fake": fake}.items()}
    lines = [f"{side}: {folder}" for side, folder in sides.items()]
    for line in filter(None, [*lines, size_warning(*sides.values())]):
        say(line)
    own = references.of(data_of(sides["real"].images_NCHW))
    found = measure_sides(GivenImages(own, sides["fake"].images_NCHW), sides, metrics, lines)
    for extractor in dict.fromkeys(str(e.chosen_for(own.data)) for e in calibrated_extractors(metrics).values()):
        say(f"For a scale of frechet[{extractor}]: {_how_to_calibrate(sides['real'], sides['fake'], extractor)}")
    return found


def _how_to_calibrate(real: ImageFolder, fake: ImageFolder, extractor: str) -> str:
    """The command that measures distortions of the real images, of which a sixth is held out for that; or its needs."""
    size, n = min(real.images_NCHW.shape[2:]), len(real.images_NCHW)
    held_out, samples = n // 6, min(len(fake.images_NCHW), n - n // 6)
    if held_out < FEWEST_HELD_OUT or samples < FEWEST_SAMPLES:
        return f"give at least {6 * FEWEST_HELD_OUT} real and {FEWEST_SAMPLES} generated images"
    dataset = str(Folder(path=str(real.path)))
    with suppress(SelectorError):
        if parse_selector(dataset).fields == {"path": str(real.path)}:
            options = ["--size", str(size), "--extractor", extractor, "--samples", str(samples)]
            return shlex.join(["vaegan-bench", "calibrate", "--dataset", dataset, *options])
    return f"rename {real.name}, which no selector can name"


def refuse(metrics: Sequence[Metric], need: str) -> None:
    """Raise `StudyError` for these metrics, if there are any: they `need` more than the folders hold."""
    if metrics:
        one, named = len(metrics) == 1, ", ".join(map(str, metrics))
        raise StudyError(f"{named} {'needs' if one else 'need'} {need}: leave {'it' if one else 'them'} out.")


def measure_sides(
    outputs: GivenImages, sides: Mapping[str, ImageFolder], metrics: Sequence[Metric], remarks: Sequence[str]
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Measure the images of the second of two `sides` against those of the first; return rows and problems."""
    open_extractors(metrics, outputs.references)
    measured = measure([outputs], metrics, split=next(iter(sides.values())).name)
    return rows_of(measured, sides, remarks), measured.problems


def rows_of(measured: Measured, sides: Mapping[str, ImageFolder], remarks: Sequence[str]) -> pd.DataFrame:
    """The numbers of two folders as rows of a table; the second of `sides` is measured against the first."""
    real, fake = sides.values()
    facts = {key: fact for side, folder in sides.items() for key, fact in folder.facts(side).items()}
    run: dict[str, object] = {
        "run": fake.name,
        "model": one_line(os.path.basename(os.path.abspath(fake.path))),
        "dataset": one_line(os.path.basename(os.path.abspath(real.path))),
        "seed": 0,
        "status": OK,
        "health": OK,
    }
    run["remarks"] = "; ".join(remarks)
    rows = [{**run, **row, "protocol": text_of({**row["protocol"], **facts})} for row in measured.rows]
    return pd.DataFrame(rows)

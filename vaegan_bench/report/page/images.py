"""Images of all models side by side: the same codes, the same held-out images, one seed after the other."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from vaegan_bench.report import plots
from vaegan_bench.report.exhibits import first_exhibit, shown_exhibits
from vaegan_bench.results.measurements import Images
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.system.exhibits import Array, Exhibit, ImagePairs, ImageSheet, Strips

COLUMNS, MOST, LINE = 6, 24, 16
"""Samples per row of a sheet, and in a sheet; images in a line of reconstructions or pairs."""
SHEETS = 48
"""Models times seeds whose images travel in the page: with more models, fewer seeds are shown."""


@dataclass(frozen=True)
class Sheet:
    """One image of the page, with its size in pixels."""

    source: str
    """A data URI."""
    width: int
    height: int
    alt: str


@dataclass(frozen=True)
class Kind:
    """One kind of images, of which the page shows one at a time."""

    name: str
    choice: str
    """The words by which it is chosen."""
    about: str


NEAREST = "nearest-training"
"""The name of the exhibit with samples and the training images that are nearest to them."""
KINDS = (
    Kind("samples", "samples", "Each model's decoding of the same draws of codes, unselected."),
    Kind(
        "reconstructions",
        "reconstructions",
        "The same held-out images, encoded to the posterior mean and decoded. A model without an encoder is not here.",
    ),
    Kind(
        "nearest",
        "nearest training images",
        "Samples above, the nearest training image below each: equal pairs would mean that a model remembers.",
    ),
)


@dataclass(frozen=True)
class SeedSheets:
    """The images of one seed."""

    seed: int
    sheets: dict[str, dict[str, Sheet]]
    """Name of a kind → model → its images."""


@dataclass(frozen=True)
class Gallery:
    """All images of one data set."""

    originals: Sheet | None
    kinds: list[Kind]
    """Those of which any seed has an image."""
    seeds: list[SeedSheets]
    left_out: int
    """How many seeds have images that are not shown, so that the page stays small."""


def gallery(folder: StudyFolder, dataset: str, models: Sequence[str]) -> Gallery:
    """The sheets of the first seeds of a study on one data set; empty where no run kept images."""
    kept = _kept(folder, dataset)
    most = max(1, SHEETS // max(1, len(models)))
    originals = next((images["originals"] for of in kept.values() for images, _ in of.values()), None)
    seeds = [_seed_sheets(seed, kept[seed]) for seed in sorted(kept)[:most]]
    kinds = [kind for kind in KINDS if any(each.sheets[kind.name] for each in seeds)]
    line = None if originals is None else _line(originals, "held-out images")
    return Gallery(line, kinds, seeds, left_out=max(0, len(kept) - most))


OfSeed = dict[str, tuple[Images, ImagePairs | None]]
"""Model → the images of one seed, and its samples beside the nearest training images."""


def _kept(folder: StudyFolder, dataset: str) -> dict[int, OfSeed]:
    """Seed → the images that its runs kept."""
    found: dict[int, OfSeed] = {}
    planned = folder.planned()
    for run in folder.shown():
        record = run.record()
        images = run.images() if record.dataset == dataset else {}
        if images:
            found.setdefault(record.seed, {})[record.label] = images, first_exhibit(run, ImagePairs, planned, NEAREST)
    return found


def _seed_sheets(seed: int, kept: OfSeed) -> SeedSheets:
    samples, reconstructions, nearest = dict[str, Sheet](), dict[str, Sheet](), dict[str, Sheet]()
    for model, (images, pairs) in kept.items():
        about = f"{model}, seed {seed}"
        samples[model] = _sheet(images["samples"], f"samples of {about}")
        if "reconstructions" in images:
            reconstructions[model] = _line(images["reconstructions"], f"reconstructions by {about}")
        if pairs is not None:
            nearest[model] = _pairs(pairs, f"s of {about}")
    return SeedSheets(seed, {"samples": samples, "reconstructions": reconstructions, "nearest": nearest})


def _pairs(pairs: ImagePairs, about: str = "") -> Sheet:
    """The first images of pairs in one line, with the second ones below."""
    above_and_below = pairs.pairs_K2HWC[:LINE].swapaxes(0, 1)
    rows = above_and_below.reshape(-1, *above_and_below.shape[2:])
    words = f"{pairs.names[0]}{about} above, {pairs.names[1]} below"
    return _image(plots.grid(rows, above_and_below.shape[1]), words)


def _line(images_NHWC: Array, alt: str) -> Sheet:
    return _image(plots.grid(images_NHWC[:LINE], LINE), alt)


def _sheet(images_NHWC: Array, alt: str) -> Sheet:
    return _image(plots.grid(images_NHWC[:MOST], COLUMNS), alt)


@dataclass(frozen=True)
class SheetsOfFigure:
    """The images that a metric left for one figure."""

    figure: str
    models: dict[str, list[tuple[str, Sheet]]]
    """Model → its images, each with its title."""


def exhibit_sheets(folder: StudyFolder, dataset: str) -> list[SheetsOfFigure]:
    """The images that metrics left, for each model's first seed, without those in the gallery."""
    shown = shown_exhibits(folder, (Strips, ImageSheet, ImagePairs), taken=())
    return [
        SheetsOfFigure(figure, {model: list(_titled(seeds[0])) for model, seeds in each.seeds.items()})
        for figure, each in shown.items()
        if each.dataset == dataset and each.name != NEAREST
    ]


def _titled(exhibit: Exhibit) -> Iterator[tuple[str, Sheet]]:
    match exhibit:
        case Strips():
            for title, images in zip(exhibit.titles, exhibit.images_NSHWC, strict=True):
                yield title, _image(plots.grid(images, len(images)), f"{title} along {exhibit.symbol}")
        case ImageSheet():
            yield exhibit.title, _sheet(exhibit.images_NHWC, exhibit.title)
        case ImagePairs():
            yield " and ".join(exhibit.names), _pairs(exhibit)


def _image(pixels_HWC: Array, alt: str) -> Sheet:
    height, width = pixels_HWC.shape[:2]
    return Sheet(png_uri(pixels_HWC), width, height, alt)


def png_uri(pixels_HWC: Array) -> str:
    """An image of 1 or 3 channels as a data URI, without loss."""
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels_HWC.squeeze())).save(stream, "png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"

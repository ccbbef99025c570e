"""Calibrate an extractor on a data set: its distances for distortions of known size."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch

from vaegan_bench.api import BenchError, Extractor, Metric
from vaegan_bench.evaluation import distortions
from vaegan_bench.evaluation.distortions import Distort
from vaegan_bench.evaluation.given_images import GivenImages
from vaegan_bench.evaluation.references import References
from vaegan_bench.metrics.features.sets import column, protocol_of
from vaegan_bench.metrics.samples.frechet import Frechet
from vaegan_bench.metrics.samples.kid import KID
from vaegan_bench.metrics.samples.precision_recall import PrecisionRecall
from vaegan_bench.results.rulers import Mark, Ruler, Scale
from vaegan_bench.system.code import code_behind
from vaegan_bench.system.randomness import generator
from vaegan_bench.system.tensor_files import State

CPU = torch.device("cpu")
NUMBERS = ("frechet", "kid", "precision", "recall")


class Distortion(NamedTuple):
    """One way to distort images, with levels from the mildest to the strongest."""

    name: str
    unit: str
    """The unit of a level: 'σ in pixels'."""
    phrase: str
    """A level in words: 'blur of {} px'."""
    levels: tuple[float, ...]
    apply: Distort


PLAIN = Distortion("plain", "", "", (0,), distortions.leave)
"""The images as they are, whose mark is the floor of every ruler."""
DISTORTIONS = (
    Distortion("blur", "σ in pixels", "blur of {} px", (0.5, 1, 2, 4), distortions.blur),
    Distortion("noise", "σ of 255 levels", "noise of {}", (4, 10, 25, 50), distortions.add_noise),
    Distortion("jpeg", "quality", "JPEG of quality {}", (75, 50, 20, 5), distortions.compress),
    Distortion("ghosts", "share of a second image", "ghosts of {}", (0.125, 0.25, 0.5), distortions.add_ghosts),
    Distortion("warp", "root mean square of shifts in pixels", "shifts of {} px", (0.5, 1, 2), distortions.warp),
    Distortion("tint", "levels of 255", "tint of {}", (8, 16, 32), distortions.tint),
    Distortion("halves", "share of images", "swapped halves in a share of {}", (0.25, 0.5, 1), distortions.swap_halves),
    Distortion("missing", "share of images", "a share of {} missing", (0.125, 0.25, 0.5), distortions.drop_modes),
)  # fmt: skip
"""The marks of every ruler; the levels of each from the mildest to the strongest."""


class Calibration(NamedTuple):
    """The data, the extractor and the number of images for which a ruler is made."""

    dataset: str
    """The data set's name in tables: 'avatars 32×32'."""
    split: str
    extractor: Extractor
    samples: int
    """How many training images are compared: as many as the samples of a model."""


def calibrated_extractors(metrics: Iterable[Metric]) -> dict[str, Extractor]:
    """The extractors of Fréchet distances, whose numbers have a reading, by selector."""
    return {str(metric.extractor): metric.extractor for metric in metrics if isinstance(metric, Frechet)}


def calibrate(what: Calibration, references: References) -> Ruler:
    """Measure training images, plain and distorted, against held-out ones, as if they were a model's samples.

    Earlier measurements are read from the cache. Raises `BenchError` where there are fewer training images than
    samples, and as the metrics do.
    """
    data, extractor = references.data, what.extractor.chosen_for(references.data)
    what = what._replace(extractor=extractor)
    if len(data.train) < what.samples:
        raise BenchError(
            f"A ruler for {what.samples:,} samples needs as many training images, and {what.dataset} has "
            f"{len(data.train):,}: choose fewer samples."
        )
    plain = GivenImages(references, references.images("train", what.samples), n=what.samples)
    numbers = {"n_real": len(plain.real), "n_fake": what.samples, "split": what.split}
    marks = _marks(what, references)
    return Ruler(
        dataset=what.dataset,
        data=data.digest,
        metric=column("frechet", plain, extractor, "fid"),
        extractor=str(extractor),
        protocol={**protocol_of(plain, extractor), **numbers},
        floor=marks[PLAIN.name, 0],
        scales=tuple(
            Scale(name=d.name, unit=d.unit, phrase=d.phrase, marks=tuple(marks[d.name, level] for level in d.levels))
            for d in DISTORTIONS
        ),
    )


def _marks(what: Calibration, references: References) -> dict[tuple[str, float], Mark]:
    """(name of a distortion, level) → its mark; that of plain images is the first."""
    grades = [(each, level) for each in (PLAIN, *DISTORTIONS) for level in each.levels]
    description, marks = f"calibrating {what.extractor} on {what.dataset}", dict[tuple[str, float], Mark]()
    for i, (distortion, level) in enumerate(grades):
        references.progress(description, i, len(grades))
        marks[distortion.name, level] = _mark(what, references, distortion, level)
    references.progress(description, len(grades), len(grades))
    return marks


def _mark(what: Calibration, references: References, distortion: Distortion, level: float) -> Mark:
    about = ("calibration", distortion.name, str(float(level)))

    def measure() -> State:
        noise = generator(CPU, 0, *about)
        images_NCHW = distortion.apply(references.images("train", what.samples), level, noise)
        return _numbers(GivenImages(references, images_NCHW, n=what.samples), what.extractor)

    code = code_behind(Frechet, KID, PrecisionRecall, distortion.apply).digest
    found = references.compared(what.extractor, what.samples, (*about, code), measure)
    return Mark(level=float(level), **{number: float(found[number]) for number in NUMBERS})


def _numbers(outputs: GivenImages, extractor: Extractor) -> State:
    """The values of the metrics on samples, by the names in `NUMBERS`."""
    frechet = Frechet(extractor=extractor)(outputs)[0]
    kid = KID(extractor=extractor)(outputs)[0]
    precision, recall = PrecisionRecall(extractor=extractor)(outputs)[:2]
    values = [measured.value for measured in (frechet, kid, precision, recall)]
    return {name: torch.tensor(value, dtype=torch.float64) for name, value in zip(NUMBERS, values, strict=True)}

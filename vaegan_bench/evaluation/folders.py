"""Images in two folders as outputs, so that any generator can be measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from vaegan_bench.api import (
    BenchError,
    Data,
    DataError,
    Derive,
    Extractor,
    FeatureNetwork,
    Features,
    Metric,
    Progress,
    Source,
    Split,
    StudyError,
    silent,
)
from vaegan_bench.datasets.preparation.reading import read_originals
from vaegan_bench.datasets.preparation.sources import images_in
from vaegan_bench.datasets.preparation.words import describe_ignored, describe_left_out
from vaegan_bench.evaluation.measuring import Measured, measure
from vaegan_bench.evaluation.references import LoadedReferences, References, open_extractors
from vaegan_bench.results.rows import text_of
from vaegan_bench.system.memo import memo
from vaegan_bench.system.status import OK

NO_MODEL = "This metric needs a trained model, which folders of images do not have."


@dataclass(frozen=True, eq=False)
class ImageFolder:
    """All readable images of a folder, and its other files."""

    path: Path
    images_NCHW: Tensor
    """(N, 3, H, W) uint8, in the order of their names."""
    left_out: Mapping[str, str]
    """Images that cannot be read → why."""
    others: Sequence[str] = ()
    """Files that are not images by their names."""
    names: Sequence[str] = ()
    """(N,) The path of each image within the folder."""

    @property
    def size(self) -> str:
        """The width and height of every image: '64×48'."""
        return f"{self.images_NCHW.shape[3]}×{self.images_NCHW.shape[2]}"

    def facts(self, side: str) -> dict[str, str | int]:
        """The facts about the folder in the protocol of every number."""
        return {
            f"{side}_size": self.size,
            f"{side}_read": len(self.images_NCHW),
            f"{side}_left_out": len(self.left_out),
        }

    def __str__(self) -> str:
        """How many images were read, and which files were not, in one line."""
        read = f"{len(self.images_NCHW):,} images of {self.size} read from {self.path}"
        return "; ".join([read, *describe_left_out(self.left_out), *describe_ignored(self.others)])


def read_folder(folder: Path, progress: Progress = silent) -> ImageFolder:
    """All images in a folder and the folders in it, read by the same rules as for the data set `folder`.

    Raises `DataError` for a folder without images, images of two sizes, and more than 1 % that cannot be read.
    """
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}.")
    listing = images_in(folder)
    pixels, left_out = read_originals(listing.sources, str(folder), progress)
    names = [source.name for source in listing.sources if source.name not in left_out]
    return ImageFolder(folder, torch.from_numpy(pixels), left_out, listing.others, names)


def refuse_metrics_of_models(metrics: Sequence[Metric]) -> None:
    """Raise `StudyError` for metrics that need a model."""
    if refused := [str(metric) for metric in metrics if metric.needs_model]:
        what = f"{', '.join(refused)} {'needs' if len(refused) == 1 else 'need'} a trained model"
        raise StudyError(f"{what}, and folders hold only images: leave {'it' if len(refused) == 1 else 'them'} out.")


def differences(real: ImageFolder, fake: ImageFolder) -> str | None:
    """A warning where the images of the two folders differ in size; None where they do not."""
    if real.size == fake.size:
        return None
    return (
        f"Warning: real images have {real.size} pixels and generated ones {fake.size}: every number compares sharpness "
        "as well. Resize one side before you measure."
    )


class FolderOutputs:
    """Real images, and generated ones or reconstructions, without a model; see `vaegan_bench.api.Outputs`."""

    posterior = None
    means = None
    tokens = None
    train_posterior = None
    train_means = None

    def __init__(
        self,
        references: References,
        samples_NCHW: Tensor,
        reconstructions_NCHW: Tensor | None = None,
        n: int | None = None,
    ) -> None:
        """`references` holds the real images as its test part, of which the first `n`, or all, are compared.

        `samples_NCHW` is empty where reconstructions are measured.
        """
        self.references, self.data, self.n = references, references.data, n
        self.samples, self.reconstructions = samples_NCHW, reconstructions_NCHW

    @property
    def progress(self) -> Progress:
        """Called with the progress of long computations."""
        return self.references.progress

    @property
    def conditional(self) -> bool:
        """Always false: there is no model."""
        return False

    @property
    def real(self) -> Tensor:
        """The real images."""
        return self.data.test.images_NCHW[: self.n]

    @property
    def train(self) -> Tensor:
        """The training images of the data; none for images from a folder."""
        return self.data.train.images_NCHW

    def codes(self, n: int) -> Tensor:
        """Refuse: there is no model."""
        raise BenchError(NO_MODEL)

    @property
    def code_protocol(self) -> Mapping[str, str]:
        """{}: it is not known what the images were made from."""
        return {}

    def decode(self, z_NZ: Tensor, attributes_NA: Tensor | None = None) -> Tensor:
        """Refuse: there is no decoder."""
        raise BenchError(NO_MODEL)

    def log_likelihood(self, x_NCHW: Tensor, z_NZ: Tensor, attributes_NA: Tensor | None = None) -> None:
        """None: there is no model."""

    def network(self, extractor: Extractor) -> FeatureNetwork:
        """The opened extractor."""
        return self.references.network(extractor)

    def features(self, extractor: Extractor, source: Source) -> Features:
        """Features of one of the folders, extracted once."""
        if source == "real":
            return self.references.features(extractor, "real", len(self.real))
        images = {"samples": self.samples, "reconstructions": self.reconstructions}.get(source)
        if images is None:
            raise BenchError(f"Folders have no {source}.")
        return self._extract(extractor.chosen_for(self.data), images)

    @memo
    def _extract(self, extractor: Extractor, images_NCHW: Tensor) -> Features:
        return self.network(extractor)(images_NCHW, self.references.progress)

    def reference(self, extractor: Extractor, derive: Derive, **parameters: int | float | str) -> Mapping[str, Tensor]:
        """The quantity that a metric derives from the features of the real images."""
        return self.references.reference(extractor, len(self.real), derive, parameters)


def folder_data(real_NCHW: Tensor) -> Data:
    """Real images without attributes, as the test part of data without a training part."""
    nothing = torch.zeros(len(real_NCHW), 0, dtype=torch.bool)
    return Data(Split(real_NCHW[:0], nothing[:0]), Split(real_NCHW, nothing), digest="images of a folder")


def measure_folders(
    real: Path, fake: Path, metrics: Sequence[Metric], references: LoadedReferences, say: Callable[[str], object]
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Measure the images of one folder against those of another; return rows, and metric → why it gave no numbers.

    `say` is called with a line on each folder before anything is measured. Raises `StudyError` for metrics that need a
    model, `DataError` for folders that cannot be read.
    """
    refuse_metrics_of_models(metrics)
    sides = {side: read_folder(path, references.progress) for side, path in {"real": real, "fake": fake}.items()}
    lines = [f"{side}: {folder}" for side, folder in sides.items()]
    for line in [*lines, *([warning] if (warning := differences(sides["real"], sides["fake"])) else [])]:
        say(line)
    own = references.of(folder_data(sides["real"].images_NCHW))
    open_extractors(metrics, own)
    measured = measure([FolderOutputs(own, sides["fake"].images_NCHW)], metrics, split=str(real))
    return rows_of(measured, sides, lines), measured.problems


def rows_of(measured: Measured, sides: Mapping[str, ImageFolder], remarks: Sequence[str]) -> pd.DataFrame:
    """The numbers of two folders as rows of a table; the second of `sides` is measured against the first."""
    real, fake = (folder.path for folder in sides.values())
    facts = {key: fact for side, folder in sides.items() for key, fact in folder.facts(side).items()}
    run: dict[str, object] = {
        "run": str(fake),
        "model": fake.name,
        "dataset": real.name,
        "seed": 0,
        "status": OK,
        "health": OK,
    }
    run["remarks"] = "; ".join(remarks)
    rows = [{**run, **row, "protocol": text_of({**row["protocol"], **facts})} for row in measured.rows]
    return pd.DataFrame(rows)

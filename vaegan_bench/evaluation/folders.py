"""Pictures in two folders as outputs, so that any generator can be measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vaegan_bench.api import (
    BenchError,
    Data,
    DataError,
    Derive,
    Extractor,
    FeatureNetwork,
    Features,
    Progress,
    Source,
    Split,
    silent,
)
from vaegan_bench.evaluation.shared import Shared

NO_MODEL = "Pictures in folders come without a model: this metric needs one."
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")


def read_folder(folder: Path, progress: Progress = silent) -> Tensor:
    """All pictures in a folder and the folders in it, in the order of their names; (N, 3, H, W) uint8.

    Grey pictures are repeated to three channels. Raises `DataError`, with the file's name, for a picture that cannot be
    read or has another size than the first, and for a folder without pictures.
    """
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}.")
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not files:
        raise DataError(f"{folder} holds no pictures ({', '.join(SUFFIXES)}).")
    return torch.stack(list(_read(files, progress)))


def _read(files: list[Path], progress: Progress) -> Iterator[Tensor]:
    first: tuple[int, int] | None = None
    for done, file in enumerate(files, 1):
        try:
            with Image.open(file) as opened:
                picture = opened.convert("RGB")
        except (OSError, ValueError) as error:
            raise DataError(f"Cannot read the picture {file}: {error}.") from error
        first = first or picture.size
        if picture.size != first:
            sizes = f"{picture.width}×{picture.height}, and {files[0].name} has {first[0]}×{first[1]}"
            raise DataError(f"{file} has {sizes}: all pictures of a folder must have one size.")
        progress(f"pictures of {file.parent.name}", done, len(files))
        yield torch.from_numpy(np.array(picture)).permute(2, 0, 1)


class FolderOutputs:
    """Real and generated pictures without a model; see `vaegan_bench.api.Outputs`."""

    reconstructions = None
    posterior = None
    means = None
    train_means = None
    sampled = False

    def __init__(self, shared: Shared, samples_NCHW: Tensor) -> None:
        """`shared` holds the real pictures as its test part."""
        self.shared, self.data, self.samples = shared, shared.data, samples_NCHW
        self._features: dict[str, Features] = {}

    @property
    def conditional(self) -> bool:
        """No: there is no model."""
        return False

    @property
    def real(self) -> Tensor:
        """The real pictures."""
        return self.data.test.images_NCHW

    @property
    def train(self) -> Tensor:
        """No training pictures are known."""
        return self.data.train.images_NCHW

    def prior(self, n: int) -> Tensor:
        """Refuse: there is no prior."""
        raise BenchError(NO_MODEL)

    def decode(self, z_NZ: Tensor, attributes_NA: Tensor | None = None) -> Tensor:
        """Refuse: there is no decoder."""
        raise BenchError(NO_MODEL)

    def network(self, extractor: Extractor) -> FeatureNetwork:
        """The opened extractor."""
        return self.shared.network(extractor)

    def features(self, extractor: Extractor, source: Source) -> Features:
        """Features of one of the folders, extracted once."""
        if source == "real":
            return self.shared.features(extractor, "real", len(self.real))
        if source != "samples":
            raise BenchError(f"Pictures in folders have no {source}.")
        if str(extractor) not in self._features:
            self._features[str(extractor)] = self.network(extractor)(self.samples, self.shared.progress)
        return self._features[str(extractor)]

    def reference(self, extractor: Extractor, derive: Derive, **parameters: int | float | str) -> Mapping[str, Tensor]:
        """What a metric derives from the features of the real pictures."""
        return self.shared.reference(extractor, len(self.real), derive, parameters)


def folder_data(real_NCHW: Tensor) -> Data:
    """Real pictures without attributes, as the test part of data that have no training part."""
    nothing = torch.zeros(len(real_NCHW), 0, dtype=torch.bool)
    return Data(Split(real_NCHW[:0], nothing[:0]), Split(real_NCHW, nothing), digest="pictures of a folder")

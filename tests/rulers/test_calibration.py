"""An extractor is calibrated with the metrics' own functions, once for all studies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from vaegan_bench.api import BenchError, Data, Extractor, FeatureNetwork, Progress, silent
from vaegan_bench.datasets.avatars import Avatars
from vaegan_bench.datasets.mnist5k import MNIST5k
from vaegan_bench.evaluation.calibration import DISTORTIONS, Calibration, calibrate
from vaegan_bench.evaluation.folders import FolderOutputs, folder_data
from vaegan_bench.evaluation.shared import Shared
from vaegan_bench.metrics.extractors.frozen_network import FrozenNetwork
from vaegan_bench.metrics.samples.frechet import Frechet
from vaegan_bench.metrics.samples.kid import KID
from vaegan_bench.metrics.samples.precision_recall import PrecisionRecall
from vaegan_bench.results.rulers import Ruler
from vaegan_bench.testing import blobs
from vaegan_bench.testing.small import CACHE

CPU = torch.device("cpu")
calls: list[int] = []


@dataclass(frozen=True, kw_only=True)
class Corners(Extractor):
    """Mean colours of the four quarters of an image; it notes how many images it looks at."""

    name: ClassVar[str] = "corners"

    def open(self, data: Data, cache: Path, device: torch.device, progress: Progress = silent) -> FeatureNetwork:
        def look(images_BCHW: Tensor) -> tuple[Tensor, Tensor]:
            calls.append(len(images_BCHW))
            features_BF = torch.nn.functional.adaptive_avg_pool2d(images_BCHW.float(), 2).flatten(1)
            return features_BF, features_BF[:, :0]

        protocol = {"resize": "none", "dtype": "float32"}
        return FrozenNetwork(
            name=str(self), digest="d" * 64, protocol=protocol, forward=look, device=device, batch=1000
        )


def calibrated(tmp_path: Path, samples: int = 60) -> Ruler:
    shared = Shared(blobs(), tmp_path, CPU)
    return calibrate(Calibration("blobs 32×32", "test", Corners(), samples), shared)


def test_marks_are_what_the_metrics_say_of_distorted_training_images_as_samples(tmp_path: Path) -> None:
    data, found = blobs(), calibrated(tmp_path)
    outputs = FolderOutputs(
        Shared(folder_data(data.test.images_NCHW), tmp_path / "other", CPU), data.train.images_NCHW[:60]
    )
    (frechet, *_), (kid,), (precision, recall, *_) = (
        metric(outputs)
        for metric in (Frechet(extractor=Corners()), KID(extractor=Corners()), PrecisionRecall(extractor=Corners()))
    )
    floor = found.floor
    assert [floor.frechet, floor.kid, floor.precision, floor.recall] == [
        frechet.value,
        kid.value,
        precision.value,
        recall.value,
    ]
    assert found.protocol == {**frechet.protocol, "split": "test"}
    assert (found.protocol["n_real"], found.protocol["n_fake"]) == (24, 60)
    assert found.metric == frechet.metric == "frechet[corners]"
    noise, tint = (next(scale for scale in found.scales if scale.name == name) for name in ("noise", "tint"))
    assert tint.marks[1].frechet - floor.frechet == pytest.approx(8 * 16**2, rel=0.2)  # four corners of red and of blue
    assert noise.marks[0].frechet == pytest.approx(floor.frechet, abs=4)  # means over 256 pixels hardly move
    assert [len(scale.marks) for scale in found.scales] == [len(distortion.levels) for distortion in DISTORTIONS]


def test_a_calibration_is_made_once_for_all_studies(tmp_path: Path) -> None:
    calls.clear()
    first = calibrated(tmp_path)
    assert len(calls) == 2 + sum(len(distortion.levels) for distortion in DISTORTIONS)
    calls.clear()
    assert calibrated(tmp_path) == first
    assert calls == []
    assert calibrated(tmp_path, samples=50) != first
    assert calls[0] == 50


def test_there_is_no_ruler_for_more_samples_than_training_images(tmp_path: Path) -> None:
    with pytest.raises(
        BenchError, match="A ruler for 73 samples needs as many training images, and blobs 32×32 has 72"
    ):
        calibrated(tmp_path, samples=73)


@pytest.fixture(scope="module", params=["avatars", "mnist5k"])
def data(request: pytest.FixtureRequest) -> tuple[str, Data]:
    chosen, size = {"avatars": (Avatars(), 32), "mnist5k": (MNIST5k(), 28)}[request.param]
    return request.param, chosen.load(size, CACHE)


def distances(ruler: Ruler, name: str) -> list[float]:
    return [mark.frechet for scale in ruler.scales if scale.name == name for mark in scale.marks]

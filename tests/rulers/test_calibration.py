"""An extractor is calibrated with the metrics' own functions, once for all studies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from vaegan_bench.api import BenchError, Data, Extractor, FeatureNetwork, Progress, definition, silent
from vaegan_bench.datasets.avatars import Avatars
from vaegan_bench.datasets.mnist5k import MNIST5k
from vaegan_bench.evaluation.calibration import DISTORTIONS, Calibration, calibrate
from vaegan_bench.evaluation.given_images import GivenImages, data_of
from vaegan_bench.evaluation.references import References
from vaegan_bench.metrics.extractors.efflite0 import EffLite0
from vaegan_bench.metrics.extractors.frozen_network import FrozenNetwork
from vaegan_bench.metrics.extractors.native import Native
from vaegan_bench.metrics.extractors.oracle import Oracle
from vaegan_bench.metrics.extractors.regressor import Regressor
from vaegan_bench.metrics.samples.frechet import Frechet
from vaegan_bench.metrics.samples.kid import KID
from vaegan_bench.metrics.samples.precision_recall import PrecisionRecall
from vaegan_bench.registry.plugins import extractors_within
from vaegan_bench.results.readings import verdict
from vaegan_bench.results.rulers import Ruler
from vaegan_bench.testing import blobs
from vaegan_bench.testing.small import CACHE

CPU = torch.device("cpu")
calls: list[int] = []


@dataclass(frozen=True, kw_only=True)
class Corners(Extractor):
    """Mean colours of the four quarters of an image; it notes how many images it looks at."""

    name: ClassVar[str] = "corners"
    times: float = 1.0

    def open(self, data: Data, cache: Path, device: torch.device, progress: Progress = silent) -> FeatureNetwork:
        def look(images_BCHW: Tensor) -> tuple[Tensor, Tensor]:
            calls.append(len(images_BCHW))
            features_BF = self.times * torch.nn.functional.adaptive_avg_pool2d(images_BCHW.float(), 2).flatten(1)
            return features_BF, features_BF[:, :0]

        protocol = {"resize": "none", "dtype": "float32"}
        return FrozenNetwork(
            name=str(self), digest="d" * 64, protocol=protocol, forward=look, device=device, batch=1000
        )


def calibrated(tmp_path: Path, samples: int = 60) -> Ruler:
    references = References(blobs(), tmp_path, CPU)
    return calibrate(Calibration("blobs 32×32", "test", Corners(), samples), references)


def test_marks_are_what_the_metrics_say_of_distorted_training_images_as_samples(tmp_path: Path) -> None:
    data, found = blobs(), calibrated(tmp_path)
    outputs = GivenImages(
        References(data_of(data.test.images_NCHW), tmp_path / "other", CPU), data.train.images_NCHW[:60]
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


@pytest.mark.parametrize(
    "extractor", [Oracle(images=10_000), Regressor(images=10_000), EffLite0()], ids=lambda extractor: extractor.name
)
def test_offline_extractors_are_held_against_their_ruler(
    data: tuple[str, Data], extractor: Extractor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On real data, with few images and half of the distortions: what must hold at any number."""
    shown = [each for each in DISTORTIONS if each.name in ("blur", "noise", "ghosts")]
    monkeypatch.setattr("vaegan_bench.evaluation.calibration.DISTORTIONS", shown)
    name, loaded = data
    found = calibrate(Calibration(name, "test", extractor, 200), References(loaded, CACHE, CPU))
    for of_one in (distances(found, "blur"), distances(found, "noise"), distances(found, "ghosts")):
        assert of_one == sorted(of_one)
    assert found.floor.frechet < distances(found, "blur")[0]
    words = str(verdict(found))
    expected = {
        ("avatars", "efflite0"): "usable, but blind to ghosts",  # of 200 images; of 2,000 it loses precision, too
        ("mnist5k", "efflite0"): "not usable here: after noise of 4 precision is 0.",
    }
    assert words.startswith(expected.get((name, extractor.name), "usable"))
    assert (words == "usable") == (extractor.name in ("oracle", "regressor"))


def test_the_usual_extractor_is_chosen_by_the_data(tmp_path: Path) -> None:
    usual = Native(labelled=Corners(), unlabelled=Corners(times=2.0))
    labelled, bare = blobs(), data_of(blobs().test.images_NCHW)
    assert str(usual.chosen_for(labelled)) == "corners"
    assert str(usual.chosen_for(bare)) == "corners[times=2.0]"
    assert str(Native()) == "native"
    calls.clear()
    for extractor in (usual, Corners()):  # the same features, whichever name they are asked for by
        references = References(labelled, tmp_path, CPU)
        outputs = GivenImages(references, labelled.train.images_NCHW[:20], n=20)
        (row, *_) = Frechet(extractor=extractor)(outputs)
        assert (row.metric, row.protocol["extractor"]) == ("frechet[corners]", "corners")
        assert set(references.weights()) == {str(definition(Corners()))}
    assert calls == [20, 20, 20]  # the real images once, and both sets of samples
    both = GivenImages(References(bare, tmp_path, CPU), labelled.train.images_NCHW[:20])
    assert Frechet(extractor=usual)(both)[0].metric == "frechet[corners[times=2.0]]"
    ruler = calibrate(Calibration("blobs 32×32", "test", usual, 60), References(labelled, tmp_path, CPU))
    assert (ruler.extractor, ruler.metric) == ("corners", "frechet[corners]")


def test_a_metric_through_the_usual_extractor_is_measured_again_with_other_weights() -> None:
    """The weights of whichever was used are in the record: another machine trains another oracle."""
    assert Oracle() in extractors_within([Frechet()])
    assert Native().learns

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from metrics.conftest import StandInNetwork, StandInOutputs, data_of, pixels
from torch import Tensor

from vaegan_bench.api import BenchError, Extractor, Features, Measurement, Split
from vaegan_bench.metrics.features.pairs import around
from vaegan_bench.metrics.intervals import wilson
from vaegan_bench.metrics.reconstruction.feature_distance import FeatureDistance
from vaegan_bench.metrics.samples import neighbours
from vaegan_bench.metrics.samples.memorisation import Memorisation, near_duplicates
from vaegan_bench.metrics.samples.neighbours import nearest_among, nearest_others


def images(n: int, seed: int, channels: int = 3) -> Tensor:
    noise = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, channels, 8, 8), dtype=torch.uint8, generator=noise)


def outputs(real: Tensor, samples: Tensor) -> StandInOutputs:
    """`real` serves as training images and as held-out images."""
    return StandInOutputs(data_of(real), real, samples, StandInNetwork(pixels, pixels))


def by_name(rows: list[Measurement]) -> dict[str, Measurement]:
    return {row.metric: row for row in rows}


@pytest.mark.parametrize(
    ("successes", "n", "expected"),
    [(0, 10, (0.0, 0.27754)), (5, 10, (0.23659, 0.76341)), (10, 10, (0.72246, 1.0)), (81, 263, (0.25528, 0.36621))],
)
def test_wilson_intervals_are_those_of_the_literature(successes: int, n: int, expected: tuple[float, float]) -> None:
    assert wilson(successes, n) == pytest.approx(expected, abs=1e-5)


def test_repeated_samples_are_duplicates_and_different_ones_are_not() -> None:
    real, samples = images(300, 0), images(200, 1)
    assert near_duplicates(samples, real) == 0
    samples[100:150] = samples[:50]
    assert near_duplicates(samples, real) == 0.5
    assert near_duplicates(samples[:1].repeat(20, 1, 1, 1), real) == 1


@pytest.mark.parametrize(("step", "expected"), [(101, 1.0), (103, 0.0)])
def test_near_is_five_per_cent_of_the_usual_distance(step: int, expected: float) -> None:
    black_and_white = torch.tensor([0, 255], dtype=torch.uint8)[:, None, None, None].expand(2, 1, 8, 8)  # 2040 apart
    pair = torch.zeros(2, 1, 8, 8, dtype=torch.uint8)
    pair[1, 0, 0, 0] = step
    assert near_duplicates(pair, black_and_white) == expected


def test_copies_of_training_images_are_not_authentic_and_are_exhibited_first(stand_in: Extractor) -> None:
    real, samples = images(60, 0), images(40, 1)
    samples[7], samples[3] = real[5], real[8]
    samples[3, 0, 0, 0] ^= 1
    made = outputs(real, samples)
    rows = by_name(Memorisation(extractor=stand_in)(made))
    found = rows["authenticity[stand-in]"]
    train, new = real.flatten(1).double(), samples.flatten(1).double()
    own = torch.cdist(train, train).fill_diagonal_(torch.inf).min(1).values
    nearest = torch.cdist(new, train).min(1)
    assert found.value == float((nearest.values > own[nearest.indices]).double().mean())
    assert found.ceiling == 0  # held out are the training images themselves
    assert (found.low, found.high) == wilson(round(found.value * 40), 40)
    shown = Memorisation(extractor=stand_in).exhibits(made)["nearest-training"].pairs_K2HWC
    assert shown.shape == (10, 2, 8, 8, 3)
    assert shown.dtype == np.uint8
    assert (shown[0, 0] == shown[0, 1]).all()
    assert (shown[0, 0] == real[5].permute(1, 2, 0).numpy()).all()
    assert (shown[1, 1] == real[8].permute(1, 2, 0).numpy()).all()


def test_no_training_images_no_authenticity(stand_in: Extractor) -> None:
    real = images(30, 0, channels=1)
    made = outputs(real, images(20, 1, channels=1))
    assert Memorisation(extractor=stand_in).exhibits(made)["nearest-training"].pairs_K2HWC.shape == (10, 2, 8, 8, 1)
    none = replace(made.data, train=Split(real[:0], made.data.train.attributes_NA[:0]))
    without = replace(made, data=none)
    assert list(by_name(Memorisation(extractor=stand_in)(without))) == ["duplicates"]
    assert Memorisation(extractor=stand_in).exhibits(without) == {}


def test_what_cannot_be_compared_is_named(stand_in: Extractor) -> None:
    with pytest.raises(BenchError, match="1 samples: near-duplicates need at least 2"):
        near_duplicates(images(1, 0), images(4, 1))
    made = outputs(images(30, 0), images(20, 1))
    broken = Features(torch.full((20, 192), torch.nan), torch.zeros(20, 0))
    with pytest.raises(BenchError, match="20 of 20 samples are NaN"):
        Memorisation(extractor=stand_in)(replace(made, given={"samples": broken}))


def features(n: int, seed: int, tight: int) -> Tensor:
    """Around 50; the first `tight` of them are so near to each other that products in float32 cannot tell how near."""
    noise = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 12, generator=noise)
    x[:tight] = 1 + 1e-4 * x[:tight]
    return x + 50


@pytest.mark.parametrize("tight", [0, 30, 1200])
def test_neighbours_over_several_blocks_are_those_of_brute_force(tight: int) -> None:
    x, y = features(2100, 0, tight), features(1500, 1, tight)
    centred = around(x)
    others, among = nearest_others(centred, 5), nearest_among(centred, around(y, centred.centre_F), 2)
    own = torch.cdist(x.double(), x.double(), compute_mode="donot_use_mm_for_euclid_dist").fill_diagonal_(torch.inf)
    between = torch.cdist(x.double(), y.double(), compute_mode="donot_use_mm_for_euclid_dist")
    for found, distances in ((others, own), (among, between)):
        expected = distances.topk(found.rows_NK.shape[1], largest=False)
        assert torch.equal(distances.gather(1, found.rows_NK), expected.values)  # rows may differ in exact ties
        assert torch.allclose(found.squared_NK.sqrt(), expected.values, rtol=1e-12, atol=0)


def test_few_points_are_searched_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    doubtful, twice = neighbours._doubtful, []

    def count(*of: Any) -> Tensor:
        rows = doubtful(*of)
        twice.append(len(rows))
        return rows

    monkeypatch.setattr(neighbours, "_doubtful", count)
    nearest_others(around(features(2100, 0, tight=30)), 5)
    assert 30 <= twice[0] < 30 + 2100 // 50
    assert set(twice[1:]) == {0}  # those in float64


def test_feature_distance_is_the_mean_of_distances(stand_in: Extractor, signs: Any) -> None:
    real, decoded = images(30, 0), images(30, 1)
    made = replace(outputs(real, real), reconstructions=decoded)
    (row,) = FeatureDistance(extractor=stand_in)(made)
    assert row.metric == "feature-distance[stand-in]"
    assert row.value == pytest.approx(float((pixels(real) - pixels(decoded)).norm(dim=1).mean()), rel=1e-6)
    assert (row.direction, row.floor, row.ceiling, row.protocol["n_real"]) == ("lower", None, None, 30)
    assert FeatureDistance(extractor=stand_in)(replace(made, reconstructions=None)) == []
    broken = Features(torch.full((30, 192), torch.nan), torch.zeros(30, 0))
    with pytest.raises(BenchError, match="30 of 30 reconstructions are NaN"):
        FeatureDistance(extractor=stand_in)(replace(made, given={"reconstructions": broken}))

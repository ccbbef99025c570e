"""Every comparison of features, on a device where it cannot meet a tensor that was left on the CPU."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from metrics.pretended_device import ELSEWHERE, PretendedDevice
from torch import Tensor

from vaegan_bench.api import Features
from vaegan_bench.metrics.features.pairs import around
from vaegan_bench.metrics.features.sets import check_reference
from vaegan_bench.metrics.reconstruction.feature_distance import mean_distance
from vaegan_bench.metrics.samples.frechet import frechet_distance, moments
from vaegan_bench.metrics.samples.inception_score import inception_score
from vaegan_bench.metrics.samples.kernel_sums import draw_subsets, kernel_distance
from vaegan_bench.metrics.samples.memorisation import authentic, near_duplicates
from vaegan_bench.metrics.samples.neighbours import nearest_among, nearest_others
from vaegan_bench.metrics.samples.one_pass import compare as compare_features
from vaegan_bench.metrics.samples.one_pass import real_alone

Compare = Callable[[Tensor, Tensor], object]


def one_pass(real: Tensor, fake: Tensor) -> list[float]:
    known = real_alone(Features(real, real), n_fake=len(fake), size=900, subsets=20, seed=0)
    found = compare_features(fake, real, known["within"], known["radii"], 900)
    return [found.kernel_distance, *found.neighbourhoods]


def authenticity(real: Tensor, fake: Tensor) -> float:
    train = around(real)
    nearest = nearest_among(around(fake, train.centre_F), train, 1)
    return float(authentic(nearest, nearest_others(train, 1).squared_NK[:, 0]).double().mean())


def as_images(values_NF: Tensor) -> Tensor:
    return values_NF.reshape(len(values_NF), 1, 4, 4)


COMPARISONS: dict[str, Compare] = {
    "frechet": lambda real, fake: frechet_distance(moments(check_reference(real)), fake),
    "frechet, few": lambda real, fake: frechet_distance(moments(real[:10]), fake[:12]),
    "inception score": lambda real, fake: inception_score(fake),
    "kid": lambda real, fake: kernel_distance(real, fake, draw_subsets(len(fake), len(real), 5, 300, 0)),
    "one pass": one_pass,
    "duplicates": lambda real, fake: near_duplicates(as_images(fake), as_images(real)),
    "authenticity": authenticity,
    "feature distance": lambda real, fake: mean_distance(real[: len(fake)], fake),
}


@pytest.mark.parametrize("compare", COMPARISONS.values(), ids=COMPARISONS)
def test_all_is_computed_where_the_features_are(compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaegan_bench.metrics.samples.one_pass.SUBSETS", 20)
    noise = torch.Generator().manual_seed(0)
    real, fake = torch.randn(1300, 16, generator=noise), torch.randn(1100, 16, generator=noise) + 0.1
    here = compare(real, fake)
    with PretendedDevice():
        assert compare(real.to(ELSEWHERE), fake.to(ELSEWHERE)) == pytest.approx(here, rel=1e-5)


def test_the_pretended_device_keeps_tensors_apart() -> None:
    here = torch.ones(3)
    with PretendedDevice():
        there = here.to(ELSEWHERE)
        assert there.device == ELSEWHERE
        assert float((there + there).sum()) == 6
        with pytest.raises(AssertionError, match="mixes devices"):
            there + here

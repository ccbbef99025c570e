"""The numbers of torch-fidelity, from the same features through its own code."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
from torch import Tensor

from vaegan_bench.metrics.frechet import frechet_distance, moments
from vaegan_bench.metrics.inception_score import inception_score
from vaegan_bench.metrics.kid import kernel_distance
from vaegan_bench.metrics.precision_recall import balls, neighbourhoods
from vaegan_bench.vision import load_torch_fidelity

D = 64
NUMBERS = [(40, 40), (64, 64), (65, 65), (300, 300), (300, 40), (40, 300)]


def features(n: int, seed: int, shift: float = 0.0) -> Tensor:
    """Correlated, non-negative and off-centre, like the pooled activations of a network."""
    noise = torch.Generator().manual_seed(seed)
    mixing = torch.randn(D, D, generator=torch.Generator().manual_seed(99), dtype=torch.float64)
    return (torch.randn(n, D, generator=noise, dtype=torch.float64) @ mixing / 4 + 0.5 + shift).relu()


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    return load_torch_fidelity()


@pytest.mark.parametrize(("n_real", "n_fake"), NUMBERS)
def test_frechet(reference: ModuleType, n_real: int, n_fake: int) -> None:
    real, fake = features(n_real, 1), features(n_fake, 2, shift=0.1)
    fid = reference.metric_fid
    statistics = [fid.fid_features_to_statistics(x) for x in (fake, real)]
    expected = fid.fid_statistics_to_metric(*statistics, verbose=False)[reference.KEY_METRIC_FID]
    assert frechet_distance(moments(real), fake) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("n", [10, 47, 300])
def test_inception_score(reference: ModuleType, n: int) -> None:
    logits = features(n, 3)
    expected = reference.metric_isc.isc_features_to_metric(logits)[reference.KEY_METRIC_ISC_MEAN]
    assert inception_score(logits) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("n_real", "n_fake"), NUMBERS)
@pytest.mark.parametrize("size", [30, 40])
def test_kid(reference: ModuleType, n_real: int, n_fake: int, size: int) -> None:
    real, fake = features(n_real, 1), features(n_fake, 2, shift=0.1)
    kid = reference.metric_kid.kid_features_to_metric(fake, real, kid_subset_size=size, verbose=False)
    expected = kid[reference.KEY_METRIC_KID_MEAN]
    assert kernel_distance(real, fake, subsets=100, size=size) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(("n_real", "n_fake"), [*NUMBERS, (1100, 2100)])
@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_precision_and_recall(reference: ModuleType, n_real: int, n_fake: int, shift: float) -> None:
    real, fake = features(n_real, 1), features(n_fake, 2, shift)
    prc = reference.metric_prc.calculate_precision_recall_full(fake, real)
    found = neighbourhoods(balls(real), fake)
    assert (found.precision, found.recall) == pytest.approx(prc, rel=1e-5)


def test_kid_over_several_blocks(reference: ModuleType) -> None:
    real, fake = features(1100, 1), features(2100, 2)
    kid = reference.metric_kid.kid_features_to_metric(fake, real, verbose=False)
    expected = kid[reference.KEY_METRIC_KID_MEAN]
    assert kernel_distance(real, fake, subsets=100, size=1000) == pytest.approx(expected, rel=1e-5)

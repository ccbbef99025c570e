"""The numbers of torch-fidelity, from the same features through its own code."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest
import torch
from torch import Tensor

from vaegan_bench.api import Outputs
from vaegan_bench.metrics.extractors.efflite0 import EffLite0
from vaegan_bench.metrics.features import pairs
from vaegan_bench.metrics.features.pairs import around
from vaegan_bench.metrics.samples import kernel_sums
from vaegan_bench.metrics.samples.frechet import frechet_distance, moments
from vaegan_bench.metrics.samples.inception_score import inception_score
from vaegan_bench.metrics.samples.kernel_sums import SEED, SUBSETS, draw_subsets, kernel_distance
from vaegan_bench.metrics.samples.neighbourhoods import Neighbourhoods, neighbourhoods, side, squared_radii
from vaegan_bench.metrics.samples.one_pass import compare_once, serves_both
from vaegan_bench.system.vision import load_torch_fidelity

D = 64
NUMBERS = [(40, 40), (64, 64), (65, 65), (300, 300), (300, 40), (40, 300)]


def features(n: int, seed: int, shift: float = 0.0) -> Tensor:
    """Correlated, non-negative and off-centre, like the pooled activations of a network."""
    noise = torch.Generator().manual_seed(seed)
    mixing = torch.randn(D, D, generator=torch.Generator().manual_seed(99), dtype=torch.float64)
    return (torch.randn(n, D, generator=noise, dtype=torch.float64) @ mixing / 4 + 0.5 + shift).relu()


def wide(n: int, width: int, seed: int) -> Tensor:
    """`width` features in float32, of which few dimensions matter."""
    noise = torch.Generator().manual_seed(seed)
    mixing = torch.randn(20, width, generator=torch.Generator().manual_seed(98))
    clear = torch.randn(n, 20, generator=noise) @ mixing / 4
    return (clear + 0.3 * torch.randn(n, width, generator=noise) + 0.02 * seed).relu()


def compare(real: Tensor, fake: Tensor) -> Neighbourhoods:
    centre = real.double().mean(0)
    return neighbourhoods(*(side(x, squared_radii(x)) for x in (around(real, centre), around(fake, centre))))


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


@pytest.mark.parametrize(
    ("n_real", "n_fake", "width"), [(105, 105, 110), (110, 110, 110), (115, 115, 110), (1030, 2100, 1100)]
)
def test_wide_features_over_several_blocks(
    reference: ModuleType, monkeypatch: pytest.MonkeyPatch, n_real: int, n_fake: int, width: int
) -> None:
    if width < pairs.BLOCK:
        monkeypatch.setattr(pairs, "BLOCK", 100)
    real, fake = (wide(n, width, seed) for n, seed in ((n_real, 1), (n_fake, 2)))
    fid = reference.metric_fid
    statistics = [fid.fid_features_to_statistics(x.double()) for x in (fake, real)]
    expected = fid.fid_statistics_to_metric(*statistics, verbose=False)[reference.KEY_METRIC_FID]
    assert frechet_distance(moments(real), fake) == pytest.approx(expected, rel=1e-5)
    prc = reference.metric_prc.calculate_precision_recall_full(fake.double(), real.double())
    assert compare(real, fake)[:2] == pytest.approx(prc, rel=1e-5)


def test_features_that_are_dead_or_repeated(reference: ModuleType) -> None:
    real, fake = features(300, 1), features(300, 2, shift=0.1)
    real[:, 3], fake[:, 3] = 0.0, 0.0
    for x in (real, fake):
        x[:, 5] = x[:, 6]
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
def test_kid(reference: ModuleType, monkeypatch: pytest.MonkeyPatch, n_real: int, n_fake: int, size: int) -> None:
    real, fake = features(n_real, 1), features(n_fake, 2, shift=0.1)
    kid = reference.metric_kid.kid_features_to_metric(fake, real, kid_subset_size=size, verbose=False)
    subsets = draw_subsets(n_fake, n_real, SUBSETS, size, SEED)
    assert kernel_distance(real, fake, subsets) == pytest.approx(kid[reference.KEY_METRIC_KID_MEAN], rel=1e-5)
    monkeypatch.setattr(pairs, "working_type", lambda _: torch.float64)
    assert kernel_distance(real, fake, subsets) == pytest.approx(kid[reference.KEY_METRIC_KID_MEAN], rel=1e-9)


@pytest.mark.parametrize(("n_real", "n_fake"), [*NUMBERS, (1100, 2100)])
@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_precision_and_recall(reference: ModuleType, n_real: int, n_fake: int, shift: float) -> None:
    real, fake = features(n_real, 1), features(n_fake, 2, shift)
    prc = reference.metric_prc.calculate_precision_recall_full(fake, real)
    found = compare(real, fake)
    assert (found.precision, found.recall) == pytest.approx(prc, rel=1e-5)


@pytest.mark.parametrize(("n_real", "n_fake"), [(40, 30), (300, 290), (110, 210)])
def test_one_pass_and_two_are_the_same_as_torch_fidelitys(
    reference: ModuleType,
    of_features: Callable[[Tensor, Tensor], Outputs],
    monkeypatch: pytest.MonkeyPatch,
    n_real: int,
    n_fake: int,
) -> None:
    monkeypatch.setattr(pairs, "BLOCK", 100)
    monkeypatch.setattr(kernel_sums, "SUBSET_SIZE", 100)
    real, fake = features(n_real, 1), features(n_fake, 2, shift=0.1)
    outputs, size = of_features(real, fake), min(100, n_fake, n_real)
    assert serves_both(n_real, n_fake, size)
    kid = reference.metric_kid.kid_features_to_metric(fake, real, kid_subset_size=size, verbose=False)
    prc = reference.metric_prc.calculate_precision_recall_full(fake, real)
    shared = compare_once(outputs, EffLite0(), real, fake)
    subsets = draw_subsets(n_fake, n_real, SUBSETS, size, SEED)
    assert shared.kernel_distance == pytest.approx(kid[reference.KEY_METRIC_KID_MEAN], rel=1e-5)
    assert shared.kernel_distance == pytest.approx(kernel_distance(real, fake, subsets), rel=1e-5)
    assert shared.neighbourhoods[:2] == pytest.approx(prc, rel=1e-5)
    assert shared.neighbourhoods == compare(real, fake)

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from vaegan_bench.api import BenchError, Extractor, Metric, Outputs, SelectorError
from vaegan_bench.metrics.extractors.oracle import Oracle
from vaegan_bench.metrics.features import pairs
from vaegan_bench.metrics.features.pairs import around
from vaegan_bench.metrics.features.sets import check_reference
from vaegan_bench.metrics.samples.frechet import Frechet, Moments, frechet_distance, moments
from vaegan_bench.metrics.samples.inception_score import InceptionScore, inception_score
from vaegan_bench.metrics.samples.kernel_sums import draw_subsets, kernel_distance
from vaegan_bench.metrics.samples.kid import KID
from vaegan_bench.metrics.samples.neighbourhoods import Neighbourhoods, neighbourhoods, side, squared_radii
from vaegan_bench.metrics.samples.precision_recall import PrecisionRecall

OfFeatures = Callable[[Tensor, Tensor], Outputs]


class Largest(TorchDispatchMode):
    """Remembers how many values the largest floating-point tensor had that was made."""

    values = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        views = {t.untyped_storage().data_ptr() for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)}
        new = [t for t in tree_leaves(made) if isinstance(t, Tensor) and t.untyped_storage().data_ptr() not in views]
        self.values = max([self.values, *(t.numel() for t in new if t.is_floating_point())])
        return made


def compare(real: Tensor, fake: Tensor) -> Neighbourhoods:
    centre = real.double().mean(0)
    return neighbourhoods(*(side(x, squared_radii(x)) for x in (around(real, centre), around(fake, centre))))


def known(outputs: Any) -> Any:
    """The same outputs, with features of the one network whose rows have the well-known names."""
    return replace(outputs, opened=replace(outputs.opened, name="inception"))


def normal(n: int, d: int, seed: int = 0) -> Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def whitened(n: int, d: int, seed: int) -> Tensor:
    """Rows with mean exactly 0 and covariance exactly 1."""
    x = normal(n, d, seed)
    x = x - x.mean(0)
    return x @ torch.linalg.inv(torch.linalg.cholesky(x.T @ x / (n - 1))).T


def test_two_gaussians_in_closed_form() -> None:
    real, fake = whitened(50, 4, 0) * 2, whitened(60, 4, 1) * 3 + 5
    assert frechet_distance(moments(real), fake) == pytest.approx(4 * 5**2 + 4 * (3 - 2) ** 2)


def test_covariances_that_do_not_commute() -> None:
    a, b = (torch.tensor(m, dtype=torch.float64) for m in ([[2.0, 0.0], [0.0, 1.0]], [[1.0, 0.9], [0.9, 1.0]]))
    fake = whitened(500, 2, 1) @ torch.linalg.cholesky(b).T
    product = torch.linalg.eigvals(a @ b).real.sqrt().sum()
    expected = float(a.trace() + b.trace() - 2 * product)
    assert frechet_distance(Moments(torch.zeros(2).double(), torch.linalg.cholesky(a).T), fake) == pytest.approx(
        expected
    )


def test_the_debiased_distance_is_nearer_to_the_truth_and_only_given_with_enough_images(
    of_features: OfFeatures,
) -> None:
    plain, unbiased = [], []
    for seed in range(0, 20, 2):
        rows = Frechet()(of_features(normal(128, 16, seed), normal(128, 16, seed + 1) + 0.1))
        assert [row.metric for row in rows] == ["frechet[stand-in]", "frechet-debiased[stand-in]"]
        plain.append(rows[0].value)
        unbiased.append(rows[1].value)
    true = 16 * 0.1**2
    assert abs(sum(unbiased) / 10 - true) < 0.2 * (sum(plain) / 10 - true)
    assert len(Frechet()(of_features(normal(127, 16), normal(128, 16)))) == 1


@pytest.mark.parametrize("n", [20, 32, 100])
def test_a_set_is_no_distance_from_itself(n: int) -> None:
    x = normal(n, 32)
    assert frechet_distance(moments(x), x) == pytest.approx(0, abs=1e-6)


def test_unbiased_kid_of_one_distribution_is_about_zero_and_grows_with_the_shift() -> None:
    subsets = draw_subsets(500, 500, subsets=20, size=200, seed=0)
    near, far = (kernel_distance(normal(500, 8), normal(500, 8, 1) + shift, subsets) for shift in (0.0, 1.0))
    assert abs(near) < 0.02 < far


@pytest.mark.parametrize("noise", [0.0, 1e-6])
def test_a_collapsed_generator_is_precise_and_recalls_nothing(noise: float) -> None:
    real = normal(300, 8)
    found = compare(real, real[:1] + noise * normal(300, 8, 1))
    assert found.precision == 1
    assert found.recall <= 1 / 300  # the repeated image itself
    assert found.coverage < 0.1
    assert compare(real, 100 + normal(300, 8, 2)) == (0, 0, 0, 0)


def test_what_lies_on_an_edge_is_inside_however_products_are_rounded() -> None:
    corners = torch.cartesian_prod(*4 * [torch.arange(6)])
    real, fake = corners[corners.sum(1) % 2 == 0].repeat(2, 1), corners[corners.sum(1) % 3 == 0]
    found = compare(real.float() * 0.25 + 1000, fake.float() * 0.25 + 1000)
    squared = (fake[:, None] - real).square().sum(2)
    of_real = (real[:, None] - real).square().sum(2).sort(1).values
    of_fake = (fake[:, None] - fake).square().sum(2).sort(1).values
    assert found.precision == float((squared <= of_real[:, 3]).any(1).double().mean())
    assert found.recall == float((squared <= of_fake[:, 3, None]).any(0).double().mean())
    assert found.density == pytest.approx(float((squared <= of_real[:, 5]).sum()) / 5 / len(fake))
    assert found.coverage == float((squared <= of_real[:, 5]).any(0).double().mean())


def test_float32_products_decide_as_float64_would(monkeypatch: pytest.MonkeyPatch) -> None:
    real, fake = normal(1500, 40).float() + 3, normal(1200, 40, 1).float() + 3
    quick = compare(real, fake)
    monkeypatch.setattr(pairs, "working_type", lambda _: torch.float64)
    assert compare(real, fake) == quick


def test_density_and_coverage_by_brute_force_and_of_the_same_distribution() -> None:
    real, fake = normal(1500, 4), normal(1300, 4, 1)
    found = compare(real, fake)
    radii = torch.cdist(real, real).kthvalue(6).values
    inside = torch.cdist(fake, real) <= radii
    assert found.density == pytest.approx(float(inside.sum()) / (5 * len(fake)))
    assert found.coverage == pytest.approx(float(inside.any(0).double().mean()))
    assert found.density == pytest.approx(1, abs=0.1)
    # Naeem et al., 2020, section 3: with as many samples as images, 1 − 2^−5 in expectation.
    same = compare(real[:1000], fake[:1000])
    assert same.coverage == pytest.approx(1 - 2**-5, abs=0.02)


def test_inception_score_is_one_for_uniform_and_the_number_of_classes_for_certain_logits() -> None:
    assert inception_score(torch.zeros(100, 5)) == pytest.approx(1)
    certain = 1000 * torch.eye(5).repeat(400, 1)
    assert inception_score(certain) == pytest.approx(5, rel=0.02)


@pytest.mark.parametrize(
    ("metric", "own", "other"),
    [
        (Frechet, "fid", "frechet[stand-in]"),
        (KID, "kid", "kid[stand-in]"),
        (InceptionScore, "is", "inception-score[stand-in]"),
    ],
)
def test_only_inception_gets_the_well_known_names(
    metric: Callable[..., Metric], own: str, other: str, of_features: OfFeatures
) -> None:
    outputs = of_features(normal(30, 8), normal(20, 8))
    (mine,), (others,) = metric()(known(outputs)), metric()(outputs)
    assert (mine.metric, others.metric) == (own, other)
    assert others.protocol["extractor"] == "efflite0"
    assert others.protocol["weights"] == "0123456789ab"
    assert others.protocol["n_fake"] == 20


def test_precision_recall_density_and_coverage_are_four_rows(of_features: OfFeatures) -> None:
    rows = PrecisionRecall()(of_features(normal(30, 8), normal(20, 8)))
    names = ["precision", "recall", "density", "coverage"]
    assert [row.metric for row in rows] == [f"{name}[stand-in]" for name in names]
    assert [row.protocol["k"] for row in rows] == [3, 3, 5, 5]
    rows = PrecisionRecall()(known(of_features(normal(30, 8), normal(20, 8))))
    assert [row.metric for row in rows] == names


def test_kid_says_how_large_its_subsets_are(of_features: OfFeatures) -> None:
    (row,) = KID()(of_features(normal(30, 8), normal(20, 8)))
    assert row.protocol["subset_size"] == 20


@pytest.mark.parametrize("metric", [Frechet(), KID(), InceptionScore(), PrecisionRecall()])
def test_too_few_and_broken_features_are_named(metric: Metric, of_features: OfFeatures) -> None:
    with pytest.raises(BenchError, match="at least"):
        metric(of_features(normal(30, 8), normal(1, 8)))
    broken = normal(20, 8)
    broken[3, 4] = torch.nan
    with pytest.raises(BenchError, match="1 of 20 samples are NaN"):
        metric(of_features(normal(30, 8), broken))


@pytest.mark.parametrize("metric", [Frechet(), KID(), PrecisionRecall()])
def test_equal_real_images_are_named_and_equal_samples_are_measured(metric: Metric, of_features: OfFeatures) -> None:
    equal = normal(1, 8).float().repeat(30, 1)
    with pytest.raises(BenchError, match="All 30 real images have equal features"):
        metric(of_features(equal * (1 + 1e-7 * normal(30, 8).float()), normal(20, 8)))
    assert all(math.isfinite(row.value) for row in metric(of_features(normal(30, 8), equal)))


def test_features_of_unequal_sizes_are_equal_only_if_each_is() -> None:
    large = torch.full((100, 1), 1e6)
    varied = torch.cat([large, normal(100, 10).float()], 1)
    assert check_reference(varied) is varied
    cancelled = torch.cat([large, torch.ones(100, 10), torch.zeros(100, 4)], 1) + 1e-7 * normal(100, 15).float()
    for equal in (cancelled, torch.zeros(100, 3)):
        with pytest.raises(BenchError, match="All 100 real images have equal features"):
            check_reference(equal)


def test_extractors_without_classes_have_nothing_to_score(stand_in: Extractor) -> None:
    for extractor in (Oracle(), stand_in):
        with pytest.raises(SelectorError, match=f"'{extractor}' has no class logits: inception-score needs 'efflite0'"):
            InceptionScore(extractor=extractor)


def test_no_more_than_a_few_blocks_are_held_at_a_time(of_features: OfFeatures, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "BLOCK", 128)
    real, fake = normal(1000, 512).float(), normal(1000, 512, 1).float()
    outputs = of_features(real, fake)
    with Largest() as seen:
        for metric in (Frechet(), KID(), PrecisionRecall(), InceptionScore()):
            metric(outputs)
    assert seen.values <= 512 * 512 < real.numel()

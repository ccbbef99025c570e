from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from vaegan_bench.api import BenchError, Extractor, Metric, Outputs, SelectorError
from vaegan_bench.extractors.inception import Inception
from vaegan_bench.extractors.oracle import Oracle
from vaegan_bench.metrics.frechet import Frechet, Moments, frechet_distance, moments
from vaegan_bench.metrics.inception_score import InceptionScore, inception_score
from vaegan_bench.metrics.kid import KID, kernel_distance
from vaegan_bench.metrics.precision_recall import PrecisionRecall, balls, neighbourhoods

OfFeatures = Callable[[Tensor, Tensor], Outputs]


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


def test_the_debiased_distance_is_nearer_to_the_truth_and_only_given_with_enough_pictures(
    of_features: OfFeatures,
) -> None:
    plain, unbiased = [], []
    for seed in range(0, 20, 2):
        rows = Frechet()(of_features(normal(128, 16, seed), normal(128, 16, seed + 1) + 0.1))
        assert [row.metric for row in rows] == ["frechet[efflite0]", "frechet-debiased[efflite0]"]
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
    near, far = (kernel_distance(normal(500, 8), normal(500, 8, 1) + shift, 20, 200) for shift in (0.0, 1.0))
    assert abs(near) < 0.02 < far


def test_a_collapsed_generator_is_precise_and_recalls_nothing() -> None:
    real = normal(300, 8)
    collapsed = real[:1] + 1e-6 * normal(300, 8, 1)
    found = neighbourhoods(balls(real), collapsed)
    assert found.precision == 1
    assert found.recall <= 1 / 300  # the repeated picture itself
    assert found.coverage < 0.1
    noise = neighbourhoods(balls(real), 100 + normal(300, 8, 2))
    assert noise == (0, 0, 0, 0)


def test_density_and_coverage_by_brute_force_and_of_the_same_distribution() -> None:
    real, fake = normal(1500, 4), normal(1300, 4, 1)
    found = neighbourhoods(balls(real), fake)
    radii = torch.cdist(real, real).kthvalue(6).values
    inside = torch.cdist(fake, real) <= radii
    assert found.density == pytest.approx(float(inside.sum()) / (5 * len(fake)))
    assert found.coverage == pytest.approx(float(inside.any(0).double().mean()))
    assert found.density == pytest.approx(1, abs=0.1)
    # Naeem et al., 2020, eq. 10: with as many samples as pictures, 1 − 2^−5 in expectation.
    same = neighbourhoods(balls(real[:1000]), fake[:1000])
    assert same.coverage == pytest.approx(1 - 2**-5, abs=0.02)


def test_inception_score_is_one_for_uniform_and_the_number_of_classes_for_certain_logits() -> None:
    assert inception_score(torch.zeros(100, 5)) == pytest.approx(1)
    certain = 1000 * torch.eye(5).repeat(400, 1)
    assert inception_score(certain) == pytest.approx(5, rel=0.02)


@pytest.mark.parametrize(
    ("metric", "own", "other"),
    [
        (Frechet, "fid", "frechet[efflite0]"),
        (KID, "kid", "kid[efflite0]"),
        (InceptionScore, "is", "inception-score[efflite0]"),
    ],
)
def test_only_inception_gets_the_well_known_names(
    metric: Callable[..., Metric], own: str, other: str, of_features: OfFeatures
) -> None:
    outputs = of_features(normal(30, 8), normal(20, 8))
    (mine,), (others,) = metric(extractor=Inception())(outputs), metric()(outputs)
    assert (mine.metric, others.metric) == (own, other)
    assert others.protocol["extractor"] == "efflite0"
    assert others.protocol["weights"] == "0123456789ab"
    assert others.protocol["n_fake"] == 20


def test_precision_recall_density_and_coverage_are_four_rows(of_features: OfFeatures) -> None:
    rows = PrecisionRecall()(of_features(normal(30, 8), normal(20, 8)))
    names = ["precision", "recall", "density", "coverage"]
    assert [row.metric for row in rows] == [f"{name}[efflite0]" for name in names]
    assert [row.protocol["k"] for row in rows] == [3, 3, 5, 5]
    known = PrecisionRecall(extractor=Inception())(of_features(normal(30, 8), normal(20, 8)))
    assert [row.metric for row in known] == names


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


def test_the_oracle_has_no_classes_to_score(signs: Outputs, stand_in: Extractor) -> None:
    with pytest.raises(SelectorError, match="oracle"):
        InceptionScore(extractor=Oracle())
    with pytest.raises(BenchError, match="stand-in"):
        InceptionScore(extractor=stand_in)(signs)

"""Sample quality on small sets of unequal size, against formulas that were written a second time, the slow way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.linalg import sqrtm
from torch import Tensor

from vaegan_bench.api import Metric, Outputs
from vaegan_bench.metrics.samples.frechet import Frechet
from vaegan_bench.metrics.samples.inception_score import InceptionScore, inception_score
from vaegan_bench.metrics.samples.kernel_sums import SEED, draw_subsets
from vaegan_bench.metrics.samples.kid import KID
from vaegan_bench.metrics.samples.precision_recall import PrecisionRecall

OfFeatures = Callable[[Tensor, Tensor], Outputs]
Floats = NDArray[np.float64]


def skewed(n: int, width: int, seed: int) -> Tensor:
    """Features of unequal spread, correlated, off-centre, float32 as extractors give them."""
    noise = torch.Generator().manual_seed(seed)
    mixing = torch.randn(width, width, generator=noise)
    return torch.randn(n, width, generator=noise).exp() @ mixing + seed


def values(metric: Metric, outputs: Outputs) -> dict[str, float]:
    return {row.metric.partition("[")[0]: row.value for row in metric(outputs)}


def frechet(real: Tensor, fake: Tensor) -> float:
    a, b = real.double().numpy(), fake.double().numpy()
    s, t = (np.atleast_2d(np.cov(x, rowvar=False)) for x in (a, b))
    shift = a.mean(0) - b.mean(0)
    return float(shift @ shift + np.trace(s + t - 2 * np.real(sqrtm(s @ t))))


def test_frechet_of_numbers_on_a_line_by_hand(of_features: OfFeatures) -> None:
    real, fake = torch.tensor([[0.0], [2.0], [4.0]]), torch.tensor([[1.0], [1.0], [4.0], [10.0]])
    # Means 2 and 4, unbiased variances 4 and 18.
    assert values(Frechet(), of_features(real, fake)) == {"frechet": pytest.approx(4 + (2 - 18**0.5) ** 2)}


@pytest.mark.parametrize(("n_real", "n_fake"), [(31, 24), (24, 31)])
def test_debiased_frechet_takes_the_distances_of_both_halves(of_features: OfFeatures, n_real: int, n_fake: int) -> None:
    real, fake = skewed(n_real, 3, 1), skewed(n_fake, 3, 2)
    whole, even, odd = frechet(real, fake), frechet(real[0::2], fake[0::2]), frechet(real[1::2], fake[1::2])
    rows = Frechet()(of_features(real, fake))
    assert rows[0].value == pytest.approx(whole, rel=1e-6)
    assert rows[1].value == pytest.approx(2 * whole - (even + odd) / 2, rel=1e-6)
    assert [(row.direction, row.protocol["n_real"], row.protocol["n_fake"]) for row in rows] == [
        ("lower", n_real, n_fake)
    ] * 2


@pytest.mark.parametrize(("n_real", "n_fake"), [(23, 100), (100, 23)])
def test_either_side_may_have_too_few_images_for_the_debiased_distance(
    of_features: OfFeatures, n_real: int, n_fake: int
) -> None:
    assert list(values(Frechet(), of_features(skewed(n_real, 3, 1), skewed(n_fake, 3, 2)))) == ["frechet"]


def squared_discrepancy(real: Floats, fake: Floats) -> float:
    """The unbiased MMD² with (x·y/F + 1)³, pair by pair."""

    def k(x: Floats, y: Floats) -> float:
        return float((x @ y / len(x) + 1) ** 3)

    def within(side: Floats) -> float:
        return float(np.mean([k(x, y) for i, x in enumerate(side) for j, y in enumerate(side) if i != j]))

    return within(real) + within(fake) - 2 * float(np.mean([k(x, y) for x in real for y in fake]))


@pytest.mark.parametrize(("n_real", "n_fake"), [(9, 7), (7, 9), (4, 6), (6, 4), (5, 5)])
def test_kid_is_the_mean_over_subsets_of_the_unbiased_discrepancy(
    of_features: OfFeatures, n_real: int, n_fake: int
) -> None:
    real, fake = skewed(n_real, 2, 1), skewed(n_fake, 2, 2)
    subsets = draw_subsets(n_fake, n_real, 100, min(n_real, n_fake), SEED)
    each = [
        squared_discrepancy(real[r].double().numpy(), fake[f].double().numpy())
        for f, r in zip(subsets.fake_SK, subsets.real_SK, strict=True)
    ]
    (row,) = KID()(of_features(real, fake))
    assert row.value == pytest.approx(np.mean(each), rel=1e-5)
    assert (row.direction, row.protocol["n_real"], row.protocol["n_fake"]) == ("lower", n_real, n_fake)
    assert all(len(set(rows.tolist())) == len(rows) for side in subsets for rows in side)


def test_the_inception_score_is_of_samples_and_knows_its_direction(of_features: OfFeatures) -> None:
    sure, unsure = 1000 * torch.eye(4).repeat(30, 1), torch.zeros(50, 4)
    (row,) = InceptionScore()(of_features(unsure, sure))
    assert row.value > 3.4
    assert (row.direction, row.protocol["n_fake"]) == ("higher", 120)
    assert InceptionScore()(of_features(sure, unsure))[0].value == pytest.approx(1)


def test_the_inception_score_is_the_mean_over_parts_of_the_exponential_of_each() -> None:
    logits = skewed(47, 3, 3).double()
    parts = np.array_split(np.random.RandomState(2020).permutation(47), [47 * i // 10 for i in range(1, 10)])
    scores = []
    for part in parts:
        p = torch.softmax(logits[torch.from_numpy(part)], 1).numpy()
        scores.append(np.exp(np.mean((p * np.log(p / p.mean(0))).sum(1))))
    assert inception_score(logits) == pytest.approx(np.mean(scores))


def neighbourhoods(real: Floats, fake: Floats) -> dict[str, float]:
    """Kynkäänniemi et al. (2019, eq. 1-2) with k = 3 and Naeem et al. (2020, §3) with k = 5, edges inside."""

    def radii(x: Floats, k: int) -> Floats:
        return np.array([sorted(np.abs(x - one).sum(1))[k] for one in x])

    apart = np.abs(fake[:, None] - real).sum(2)
    dense = apart <= radii(real, 5)
    return {
        "precision": (apart <= radii(real, 3)).any(1).mean(),
        "recall": (apart <= radii(fake, 3)[:, None]).any(0).mean(),
        "density": dense.sum() / (5 * len(fake)),
        "coverage": dense.any(0).mean(),
    }


LINE_REAL = [0, 1, 2, 3, 4, 5, 6, 20]
LINE_FAKE = [8, 9, 10, 11, 30, 31, 32, 40]


def test_precision_recall_density_and_coverage_on_a_line_by_hand(of_features: OfFeatures) -> None:
    real, fake = (torch.tensor(line).float()[:, None] for line in (LINE_REAL, LINE_FAKE))
    found = values(PrecisionRecall(), of_features(real, fake))
    # k = 3: radii of real images are 3, 2, 2, 2, 2, 2, 3 and 16; only 40 is in no ball, 9 is on the edge of that of 6.
    assert found["precision"] == pytest.approx(7 / 8)
    # k = 3: radii of samples are 3, 2, 2, 3, 10, 9, 8 and 10; 5 is on the edge of 8's, 6 inside, 20 on that of 30's.
    assert found["recall"] == pytest.approx(3 / 8)
    # k = 5: radii of real images are 5, 4, 3, 3, 3, 4, 5 and 18; only the balls of 5, 6 and 20 hold samples.
    held_by = {8: (5, 6, 20), 9: (5, 6, 20), 10: (6, 20), 11: (6, 20), 30: (20,), 31: (20,), 32: (20,), 40: ()}
    assert found["density"] == pytest.approx(sum(map(len, held_by.values())) / (5 * 8))
    assert found["coverage"] == pytest.approx(3 / 8)
    swapped = values(PrecisionRecall(), of_features(fake, real))
    assert swapped == pytest.approx(neighbourhoods(fake.double().numpy(), real.double().numpy()))
    assert swapped["density"] != found["density"]


@pytest.mark.parametrize(("n_real", "n_fake"), [(8, 14), (14, 8), (80, 6), (6, 80)])
def test_neighbourhoods_of_whole_numbers_by_brute_force(of_features: OfFeatures, n_real: int, n_fake: int) -> None:
    """Distances tie often, so that `<` in place of `<=` shows; with (80, 6) the two sides are compared on their own."""
    noise = torch.Generator().manual_seed(n_real)
    real = torch.randint(0, 60, (n_real, 1), generator=noise).float()
    fake = torch.randint(30, 120, (n_fake, 1), generator=noise).float()
    found = values(PrecisionRecall(), of_features(real, fake))
    expected = neighbourhoods(real.double().numpy(), fake.double().numpy())
    assert found == pytest.approx(expected)
    assert len(set(expected.values())) > 1


def test_inception_with_other_weights_has_no_well_known_names(of_features: OfFeatures) -> None:
    outputs: Any = of_features(skewed(30, 3, 1), skewed(26, 3, 2))
    other = replace(outputs, opened=replace(outputs.opened, name="inception-0a1b2c3d"))
    for metric in (Frechet(), KID(), InceptionScore(), PrecisionRecall()):
        assert all(row.metric.endswith("[inception-0a1b2c3d]") for row in metric(other))

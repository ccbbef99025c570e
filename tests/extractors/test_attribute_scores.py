from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import norm
from sklearn.metrics import roc_auc_score
from torch import Tensor

from vaegan_bench.metrics.extractors.attribute_scores import (
    area_under_roc,
    balanced_accuracy,
    influence_on_auc,
    influence_on_balanced_accuracy,
    influence_on_mean,
    placements,
)

ALWAYS = torch.ones(4, 1, dtype=torch.bool)


def drawn(n: int, columns: int, apart: float, seed: int) -> tuple[Tensor, Tensor]:
    """Scores that are normal in either class, and a third of images in the upper one, the same for all columns."""
    noise = torch.Generator().manual_seed(seed)
    truth = (torch.arange(n) < n // 3)[:, None].expand(n, columns)
    return torch.randn(n, columns, generator=noise, dtype=torch.float64) + apart * truth, truth


def test_area_under_roc_counts_pairs_and_halves_ties() -> None:
    scores = torch.tensor([[0.1, 5.0], [0.4, 5.0], [0.35, 5.0], [0.8, 5.0]])
    truth = torch.tensor([[False, True], [False, True], [True, False], [True, False]])
    assert area_under_roc(scores, truth).tolist() == [0.75, 0.5]


def test_it_is_scikit_learns() -> None:
    scores, truth = drawn(300, 3, 0.7, seed=1)
    scores = scores.mul(4).round()  # many ties
    theirs = [roc_auc_score(truth[:, a], scores[:, a]) for a in range(3)]
    assert area_under_roc(scores, truth).tolist() == pytest.approx(theirs)


def test_constant_truth_has_no_score() -> None:
    assert area_under_roc(torch.arange(4)[:, None], ALWAYS).isnan().all()
    assert balanced_accuracy(ALWAYS, ALWAYS).isnan().all()


def test_a_broken_score_costs_no_other_attribute_its_own() -> None:
    scores, truth = drawn(30, 2, 1.0, seed=2)
    scores[4, 0] = torch.nan
    assert area_under_roc(scores, truth).isnan().tolist() == [True, False]
    assert influence_on_auc(scores, truth)[:, 1].isfinite().all()


def test_placements_are_shares_of_pairs_won() -> None:
    scores = torch.tensor([0.1, 0.4, 0.4, 0.8])[:, None]
    truth = torch.tensor([False, False, True, True])[:, None]
    assert placements(scores, truth).flatten().tolist() == [1.0, 0.75, 0.75, 1.0]


def test_squared_influences_sum_to_delongs_variance() -> None:
    scores, truth = drawn(60, 1, 0.8, seed=3)
    scores = scores.mul(3).round()
    on, off = scores[truth], scores[~truth]
    wins = (on[:, None] > off).double() + 0.5 * (on[:, None] == off)
    variance = wins.mean(1).var() / len(on) + wins.mean(0).var() / len(off)
    assert float(influence_on_auc(scores, truth).square().sum()) == pytest.approx(float(variance))


def test_the_interval_of_an_auc_covers_the_true_one() -> None:
    scores, truth = drawn(150, 2000, 1.0, seed=4)
    missed = (area_under_roc(scores, truth) - norm.cdf(1 / np.sqrt(2))).abs()
    covered = missed <= 1.96 * influence_on_auc(scores, truth).norm(dim=0)
    assert float(covered.double().mean()) == pytest.approx(0.945, abs=0.015)


def test_the_interval_of_a_mean_over_attributes_covers_it_though_they_share_their_images() -> None:
    covered, alone = [], []
    for seed in range(300):
        scores, truth = drawn(120, 3, 1.0, seed)
        scores = scores + 2 * scores[:, :1]  # correlated between attributes
        miss = abs(float(area_under_roc(scores, truth)[1:].mean()) - norm.cdf(3 / np.sqrt(10)))
        influence = influence_on_auc(scores, truth)[:, 1:]
        covered.append(miss <= 1.96 * float(influence.mean(1).norm()))
        alone.append(miss <= 1.96 * float(influence.norm()) / 2)  # as if their images were different ones
    assert np.mean(covered) == pytest.approx(0.945, abs=0.03)
    assert np.mean(alone) < 0.9


def test_balanced_accuracy_weighs_both_answers_equally() -> None:
    truth = torch.tensor([[True]] + 9 * [[False]])
    never = torch.zeros(10, 1, dtype=torch.bool)
    assert balanced_accuracy(never, truth).tolist() == [0.5]
    assert balanced_accuracy(truth, truth).tolist() == [1]


def test_the_influence_on_balanced_accuracy_is_that_of_two_recalls() -> None:
    noise = torch.Generator().manual_seed(5)
    truth = torch.rand(200, 1, generator=noise) < 0.3
    predicted = truth ^ (torch.rand(200, 1, generator=noise) < 0.2)
    right = (predicted == truth).double()
    variance = right[truth].var() / truth.sum() + right[~truth].var() / (~truth).sum()
    found = float(influence_on_balanced_accuracy(predicted, truth).square().sum())
    assert found == pytest.approx(float(variance) / 4)


def test_the_influence_on_a_mean_is_its_standard_error_and_unknown_for_one_image() -> None:
    values = torch.tensor([[1.0], [2.0], [6.0], [torch.nan]])
    among = ~values.isnan()
    influence = influence_on_mean(values, among)
    assert float(influence.norm()) == pytest.approx(float(values[:3].std() / 3**0.5))
    assert float(influence[3]) == 0
    assert influence_on_mean(values[:1], among[:1]).isnan().all()

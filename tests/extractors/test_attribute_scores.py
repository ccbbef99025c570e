from __future__ import annotations

import torch

from vaegan_bench.extractors.attribute_scores import area_under_roc, balanced_accuracy


def test_area_under_roc_counts_pairs_and_halves_ties() -> None:
    scores = torch.tensor([[0.1, 5.0], [0.4, 5.0], [0.35, 5.0], [0.8, 5.0]])
    truth = torch.tensor([[False, True], [False, True], [True, False], [True, False]])
    assert area_under_roc(scores, truth).tolist() == [0.75, 0.5]


def test_constant_truth_has_no_score() -> None:
    always = torch.ones(4, 1, dtype=torch.bool)
    assert area_under_roc(torch.arange(4)[:, None], always).isnan().all()
    assert balanced_accuracy(always, always).isnan().all()


def test_balanced_accuracy_weighs_both_answers_equally() -> None:
    truth = torch.tensor([[True]] + 9 * [[False]])
    never = torch.zeros(10, 1, dtype=torch.bool)
    assert balanced_accuracy(never, truth).tolist() == [0.5]
    assert balanced_accuracy(truth, truth).tolist() == [1]

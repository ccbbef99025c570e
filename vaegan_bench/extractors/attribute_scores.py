"""How well predictions tell binary attributes, one number per attribute."""

from __future__ import annotations

import torch
from torch import Tensor


def area_under_roc(scores_NA: Tensor, truth_NA: Tensor) -> Tensor:
    """The probability that a picture with the attribute outscores one without it; ties count half; (A,) in [0, 1].

    The Mann–Whitney form of the area under the ROC curve (Hanley & McNeil, 1982, eq. 1), in float64.
    NaN where all pictures have the attribute, or none.
    """
    from scipy.stats import rankdata  # takes a second to import, and `vaegan-bench list` measures nothing

    ranks_NA = torch.from_numpy(rankdata(scores_NA.double().cpu().numpy(), axis=0))
    truth_NA = truth_NA.cpu().bool()
    n_on = truth_NA.sum(0).double()
    n_off = len(truth_NA) - n_on
    wins = (ranks_NA * truth_NA).sum(0) - n_on * (n_on + 1) / 2
    return wins / (n_on * n_off)


def balanced_accuracy(predicted_NA: Tensor, truth_NA: Tensor) -> Tensor:
    """The mean of the recalls of 'on' and 'off', from bools; (A,) in [0, 1], chance is ½; NaN for a constant truth."""
    predicted_NA, truth_NA = predicted_NA.cpu().bool(), truth_NA.cpu().bool()
    recall_on = (predicted_NA & truth_NA).sum(0).double() / truth_NA.sum(0)
    recall_off = (~predicted_NA & ~truth_NA).sum(0).double() / (~truth_NA).sum(0)
    return (recall_on + recall_off) / 2

"""How well predictions recognise binary attributes: one number per attribute, and how each image influences it."""

from __future__ import annotations

import torch
from torch import Tensor


def area_under_roc(scores_NA: Tensor, truth_NA: Tensor) -> Tensor:
    """The probability that an image with the attribute outscores one without it; ties count half; (A,) in [0, 1].

    The Mann–Whitney form of the area under the ROC curve (Hanley & McNeil, 1982), in float64.
    NaN where all images have the attribute, or none, and where a score is NaN.
    """
    ranks_NA = _ranks(scores_NA.cpu().double())
    truth_NA = truth_NA.cpu().bool()
    n_on = truth_NA.sum(0).double()
    n_off = len(truth_NA) - n_on
    wins = (ranks_NA * truth_NA).sum(0) - n_on * (n_on + 1) / 2
    return wins / (n_on * n_off)


def placements(scores_NA: Tensor, truth_NA: Tensor) -> Tensor:
    """How often each image is on the right side of those of the other class, ties half; (N, A) in [0, 1].

    V10 of images with the attribute and V01 of those without it (DeLong et al., 1988), from ranks (Sun & Xu, 2014), in
    float64. Their mean over either class is the area under the ROC curve.
    """
    scores_NA, truth_NA = scores_NA.cpu().double(), truth_NA.cpu().bool()
    ranks_NA, on_A = _ranks(scores_NA), truth_NA.sum(0)
    among_on_NA = _ranks(scores_NA.masked_fill(~truth_NA, torch.inf))
    among_off_NA = _ranks(scores_NA.masked_fill(truth_NA, torch.inf))
    v10_NA = (ranks_NA - among_on_NA) / (len(truth_NA) - on_A)
    v01_NA = 1 - (ranks_NA - among_off_NA) / on_A
    return torch.where(truth_NA, v10_NA, v01_NA)


def influence_on_auc(scores_NA: Tensor, truth_NA: Tensor) -> Tensor:
    """How far each image moves the area under the ROC curve of each attribute; (N, A), float64.

    Its squares sum to DeLong's variance (DeLong et al., 1988). As the images are the same for all attributes,
    the influence on a mean over attributes is the mean of the influences. NaN with fewer than two images of a class.
    """
    placed_NA, truth_NA = placements(scores_NA, truth_NA), truth_NA.cpu().bool()
    return influence_on_mean(placed_NA, truth_NA) + influence_on_mean(placed_NA, ~truth_NA)


def balanced_accuracy(predicted_NA: Tensor, truth_NA: Tensor) -> Tensor:
    """The mean of the recalls of 'on' and 'off', from bools; (A,) in [0, 1], chance is ½; NaN for a constant truth."""
    predicted_NA, truth_NA = predicted_NA.cpu().bool(), truth_NA.cpu().bool()
    recall_off = (~predicted_NA & ~truth_NA).sum(0).double() / (~truth_NA).sum(0)
    return (recall(predicted_NA, truth_NA) + recall_off) / 2


def influence_on_balanced_accuracy(predicted_NA: Tensor, truth_NA: Tensor) -> Tensor:
    """How far each image moves the balanced accuracy of each attribute; (N, A), as `influence_on_auc`."""
    predicted_NA, truth_NA = predicted_NA.cpu().bool(), truth_NA.cpu().bool()
    right_NA = (predicted_NA == truth_NA).double()
    return (influence_on_mean(right_NA, truth_NA) + influence_on_mean(right_NA, ~truth_NA)) / 2


def recall(predicted_NA: Tensor, truth_NA: Tensor) -> Tensor:
    """The share of images with the attribute that are predicted to have it, from bools; (A,); NaN where none has."""
    predicted_NA, truth_NA = predicted_NA.cpu().bool(), truth_NA.cpu().bool()
    return (predicted_NA & truth_NA).sum(0).double() / truth_NA.sum(0)


def influence_on_mean(values_NA: Tensor, among_NA: Tensor) -> Tensor:
    """How far each image moves the mean over the images that count (bools); (N, A), float64, 0 for the others.

    Its squares sum to the variance of the mean, s²/n with the unbiased s²; NaN where one image counts.
    """
    n_A = among_NA.sum(0).double()
    values_NA = torch.where(among_NA, values_NA.double(), 0.0)
    centred_NA = torch.where(among_NA, values_NA - values_NA.sum(0) / n_A, 0.0)
    return centred_NA / (n_A * (n_A - 1)).sqrt()


def _ranks(scores_NA: Tensor) -> Tensor:
    """Ranks from 1 within each column, ties sharing their mean."""
    from scipy.stats import rankdata  # takes a second to import, and `vaegan-bench list` measures nothing

    return torch.from_numpy(rankdata(scores_NA.numpy(), axis=0))

"""Append attributes to activations, for conditional networks."""

from __future__ import annotations

import torch
from torch import Tensor


def append_attributes(activations_BF: Tensor, attributes_BA: Tensor | None) -> Tensor:
    """The input of a fully connected layer: activations, then the attributes if there are any; (B, F + A).

    Larsen et al. (2016, §4.2) concatenate them at the top layer of encoder and discriminator, and with the code. In a
    discriminator whose top is linear up to the logit, attributes would only add a constant: see `compact`.
    """
    if attributes_BA is None:
        return activations_BF
    return torch.cat([activations_BF, attributes_BA.to(activations_BF)], dim=1)

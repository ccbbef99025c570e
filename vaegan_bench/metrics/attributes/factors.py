"""The factors that codes are compared with: the data's own, or else attributes as factors of two values."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from vaegan_bench.api import Outputs
from vaegan_bench.metrics.attributes.usable_attributes import truth, truth_in_training


class Factors(NamedTuple):
    """Named factors of held-out and training images."""

    word: str
    """'factors' or 'attributes': what a protocol counts."""
    names: tuple[str, ...]
    values_NF: Tensor
    """The values of `outputs.real`, int64 from 0."""
    train_MF: Tensor
    """The values of `outputs.train`."""
    counts_F: Tensor
    """How many values each has."""

    def only(self, chosen_F: Tensor) -> Factors:
        """The factors chosen by a mask."""
        names = tuple(name for name, chosen in zip(self.names, chosen_F.tolist(), strict=True) if chosen)
        return Factors(
            self.word, names, self.values_NF[:, chosen_F], self.train_MF[:, chosen_F], self.counts_F[chosen_F]
        )


def factors_of(outputs: Outputs) -> Factors:
    """The data's factors where they have any, else their attributes, off and on; there may be none."""
    data = outputs.data
    if data.test.factors_NF is None or data.train.factors_NF is None:
        on_NF, on_MF = truth(outputs), truth_in_training(outputs)
        twice_F = torch.full((len(data.attribute_names),), 2)
        return Factors("attributes", data.attribute_names, on_NF.long(), on_MF.long(), twice_F)
    values_NF, train_MF = data.test.factors_NF[: len(outputs.real)], data.train.factors_NF[: len(outputs.train)]
    counts_F = torch.tensor([len(values) for values in data.factors.values()])
    return Factors("factors", tuple(data.factors), values_NF.cpu(), train_MF.cpu(), counts_F)


def varies(values_NF: Tensor) -> Tensor:
    """Which factors do not have the same value in all images; (F,) bool."""
    return (values_NF != values_NF[:1]).any(0)


def surprise(values_NF: Tensor) -> Tensor:
    """−log of the share of images that have an image's value, in nats; its mean is the entropy; (N, F) float64."""
    shares_FV = one_hot(values_NF).double().mean(0)
    return -torch.gather(shares_FV, 1, values_NF.T).log().T

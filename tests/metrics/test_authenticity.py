"""Copies and near-duplicates among sets of unequal size, counted by hand on images of one pixel."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from vaegan_bench.api import Data, Extractor, Measurement, Split
from vaegan_bench.metrics.intervals import wilson
from vaegan_bench.metrics.samples.memorisation import Memorisation
from vaegan_bench.testing.worlds import StandInNetwork, StandInOutputs, pixels

TRAIN = [0, 10, 14, 100, 200]
"""Their nearest others are 10, 4, 4, 86 and 100 away."""
REAL = [4, 25, 40]
SAMPLES = [3, 17, 18, 19, 150, 30]


def levels(values: list[int]) -> Tensor:
    return torch.tensor(values, dtype=torch.uint8)[:, None, None, None]


def measured(train: list[int], real: list[int], samples: list[int], extractor: Extractor) -> dict[str, Measurement]:
    none = torch.zeros(len(train), 0, dtype=torch.bool), torch.zeros(len(real), 0, dtype=torch.bool)
    data = Data(Split(levels(train), none[0]), Split(levels(real), none[1]), digest="by hand")
    outputs = StandInOutputs(data, levels(real), levels(samples), StandInNetwork(pixels, pixels))
    return {row.metric: row for row in Memorisation(extractor=extractor)(outputs)}


def test_a_sample_is_authentic_if_it_is_farther_from_its_nearest_than_that_one_from_its_own(
    stand_in: Extractor,
) -> None:
    row = measured(TRAIN, REAL, SAMPLES, stand_in)["authenticity[stand-in]"]
    # 3 is 3 from 0 (10); 17 is 3 and 18 is 4 from 14 (4): copies. 19 is 5 and 30 is 16 from 14 (4): authentic.
    # 150 is 50 from 100 (86) or from 200 (100): a copy.
    assert row.value == pytest.approx(2 / 6)
    assert row.ceiling == pytest.approx(2 / 3)  # 25 and 40 are, 4 is not
    assert (row.low, row.high) == pytest.approx(wilson(2, 6))
    assert row.direction == "none"  # samples that are like no image at all are authentic, too
    assert [row.protocol[n] for n in ("n_train", "n_real", "n_fake")] == [5, 3, 6]


def test_authenticity_is_of_samples_to_training_images_and_not_the_other_way_round(stand_in: Extractor) -> None:
    turned = measured(SAMPLES, REAL, [0, 9, 14, 100, 200], stand_in)["authenticity[stand-in]"]
    # 0 and 9 are 3 and 6 from 3 (14), 100 and 200 are 50 from 150 (120): copies. 14 is 3 from 17 (1): authentic.
    assert turned.value == pytest.approx(1 / 5)


def test_duplicates_are_nearer_than_a_twentieth_of_the_usual_distance_of_real_images(stand_in: Extractor) -> None:
    # Pairs of real images are 200, 100 and 100 apart: 141.4 in the root mean square, of which a twentieth is 7.07.
    row = measured(TRAIN, [0, 200, 100], [10, 17, 25, 26, 90], stand_in)["duplicates"]
    assert row.value == pytest.approx(4 / 5)
    assert (row.low, row.high) == (None, None)  # two of a pair are no independent trials
    assert (row.direction, row.protocol["n_real"], row.protocol["n_fake"]) == ("lower", 3, 5)
    assert measured(TRAIN, [0, 200, 100], [10, 18, 26, 90], stand_in)["duplicates"].value == 0

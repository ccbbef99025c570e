"""From 256 levels to [-1, 1] and back, and from one size to another."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from vaegan_bench.api import Split, silent, to_signed, to_uint8
from vaegan_bench.datasets.preparation.treatment import Treatment, treat
from vaegan_bench.datasets.resizing import at_size

LEVELS = torch.arange(256, dtype=torch.uint8)


def test_levels_are_spread_evenly_from_minus_one_to_one() -> None:
    signed = to_signed(LEVELS)
    assert signed.dtype == torch.float32
    torch.testing.assert_close(signed, torch.linspace(-1, 1, 256, dtype=torch.float64).float(), rtol=0, atol=1e-6)
    assert (float(signed[0]), float(signed[-1])) == (-1, 1)


def test_every_level_comes_back() -> None:
    assert torch.equal(to_uint8(to_signed(LEVELS)), LEVELS)
    assert torch.equal(LEVELS, torch.arange(256, dtype=torch.uint8))  # nothing was changed in place


def test_levels_may_be_float_and_are_not_changed() -> None:
    levels = LEVELS.float()
    assert torch.equal(to_signed(levels), to_signed(LEVELS))
    assert torch.equal(levels, LEVELS.float())


def test_values_go_to_the_nearest_level_and_those_outside_to_the_ends() -> None:
    step = 2 / 255
    between = torch.tensor([-1 + 0.4 * step, -1 + 0.6 * step, 1 - 0.4 * step, -1.7, 1.7, 0.1 * step / 2])
    assert to_uint8(between).tolist() == [0, 1, 255, 0, 255, 128]
    assert to_uint8(torch.tensor([0.3], dtype=torch.bfloat16)).dtype == torch.uint8


def test_attributes_condition_as_minus_one_and_one_and_scores_as_they_are() -> None:
    images, on = torch.zeros(3, 1, 2, 2, dtype=torch.uint8), torch.tensor([[True], [False], [True]])
    assert Split(images, on).conditions.tolist() == [[1], [-1], [1]]
    scores = torch.tensor([[0.2], [-3.0], [4.0]])
    assert Split(images, on, scores_NA=scores).conditions.tolist() == scores.tolist()


def test_a_slice_takes_the_same_rows_of_everything() -> None:
    images = torch.arange(5, dtype=torch.uint8)[:, None, None, None]
    whole = Split(images, images.flatten(1) % 2 == 0, torch.arange(5), torch.arange(5.0)[:, None])
    part = whole[1:4]
    assert part.images_NCHW.flatten().tolist() == [1, 2, 3]
    assert part.attributes_NA.flatten().tolist() == [False, True, False]
    assert part.labels_N is not None
    assert part.scores_NA is not None
    assert (part.labels_N.tolist(), part.scores_NA.flatten().tolist()) == ([1, 2, 3], [1, 2, 3])


def stripes(size: int, period: int, channels: int = 3) -> Tensor:
    """White columns, one in each period: who picks pixels sees all of them, or none."""
    image = torch.zeros(1, channels, size, size, dtype=torch.uint8)
    image[..., period // 2 :: period] = 255
    return image


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("period", [3, 5])
def test_images_that_get_smaller_are_averaged(channels: int, period: int) -> None:
    small = at_size(stripes(16 * period, period, channels), 16, "", silent)
    assert small.shape == (1, channels, 16, 16)
    assert float((small[..., 2:-2].float() - 255 / period).abs().max()) < 4


@pytest.mark.parametrize("blur", [None, 0.5 * 5**0.5])
def test_prepared_files_that_get_smaller_are_averaged(blur: float | None) -> None:
    content = io.BytesIO()
    Image.fromarray(stripes(80, 5)[0].permute(1, 2, 0).numpy()).save(content, "PNG")
    small = treat(content.getvalue(), Treatment(16, blur=blur)).astype(float)
    # The paper's blur of half the square root of the ratio leaves some aliasing; without it all would be 255 or 0.
    assert np.abs(small[:, 2:-2, 2:-2] - 51).max() < (4 if blur is None else 60)


def test_each_channel_is_resized_for_itself() -> None:
    image = torch.zeros(1, 3, 12, 12, dtype=torch.uint8)
    image[:, 0], image[:, 2] = 200, torch.arange(12, dtype=torch.uint8)[:, None] * 20
    small = at_size(image, 4, "", silent)
    assert small[0, 0].unique().tolist() == [200]
    assert small[0, 1].unique().tolist() == [0]
    assert (small[0, 2, 1:].int() - small[0, 2, :-1].int() > 0).all()
    assert (small[0, 2] == small[0, 2, :, :1]).all()

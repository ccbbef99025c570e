"""Distortions against cases that were worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from vaegan_bench.evaluation import distortions
from vaegan_bench.evaluation.calibration import DISTORTIONS, Distortion
from vaegan_bench.evaluation.distortions import (
    add_ghosts,
    add_noise,
    blur,
    compress,
    drop_modes,
    swap_halves,
    tint,
    warp,
)


def noise(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def flat(*levels: int, channels: int = 1, size: int = 8) -> Tensor:
    """One image of one colour per level."""
    return torch.tensor(levels, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, channels, size, size).contiguous()


def photographs(n: int = 12, channels: int = 3) -> Tensor:
    """Images with shapes in them, all different; taller than wide."""
    rows, columns = torch.arange(20.0)[:, None], torch.arange(16.0)[None]
    waves = [128 + 100 * torch.sin(rows * (0.2 + 0.05 * i) + columns * 0.3 + i) for i in range(n * channels)]
    return torch.stack(waves).view(n, channels, 20, 16).to(torch.uint8)


@pytest.mark.parametrize("distortion", DISTORTIONS, ids=lambda d: d.name)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_distortion_keeps_the_form_is_repeatable_and_grows_with_its_level(
    distortion: Distortion, channels: int
) -> None:
    images = photographs(channels=channels)
    before, found = images.clone(), []
    for level in distortion.levels:
        distorted = distortion.apply(images, level, noise())
        assert distorted.shape == images.shape
        assert distorted.dtype == torch.uint8
        assert torch.equal(distorted, distortion.apply(images, level, noise()))
        found.append((distorted.float() - images.float()).square().mean().item())
    assert torch.equal(images, before)
    assert found[0] > 0
    if distortion.name != "missing":  # whose images are whole, in another order
        assert found == sorted(found)


@pytest.mark.parametrize("distortion", DISTORTIONS, ids=lambda d: d.name)
def test_images_are_distorted_as_well_in_parts(distortion: Distortion, monkeypatch: pytest.MonkeyPatch) -> None:
    images, level = photographs(), distortion.levels[0]
    whole = distortion.apply(images, level, noise())
    monkeypatch.setattr(distortions, "PART", 5)
    assert torch.equal(distortion.apply(images, level, noise()), whole)


def test_a_blur_spreads_a_point_as_a_gaussian_does() -> None:
    image = torch.zeros(1, 1, 17, 17, dtype=torch.uint8)
    image[0, 0, 8, 8] = 255
    blurred = blur(image, 1.0, noise())[0, 0].double()
    centre = 255 / (2 * math.pi)
    for row, column in [(8, 8), (8, 9), (10, 8), (9, 10)]:
        apart = (row - 8) ** 2 + (column - 8) ** 2
        assert blurred[row, column] == pytest.approx(centre * math.exp(-apart / 2), abs=0.7)
    assert torch.equal(blur(flat(200, size=6), 4.0, noise()), flat(200, size=6))  # borders do not darken


def test_noise_has_its_standard_deviation_and_another_value_in_every_channel() -> None:
    grey = flat(128, channels=3, size=64)
    added = add_noise(grey, 10.0, noise()).double() - 128
    assert added.std().item() == pytest.approx(10.0, rel=0.03)
    assert added.mean().item() == pytest.approx(0.0, abs=0.3)
    assert torch.corrcoef(added[0].flatten(1)).fill_diagonal_(0).abs().max() < 0.05
    assert add_noise(flat(250, 3), 50.0, noise()).max() == 255  # nothing wraps around


def test_jpeg_keeps_what_is_smooth_and_the_order_of_channels() -> None:
    red = torch.zeros(1, 3, 16, 16, dtype=torch.uint8)
    red[:, 0] = 200
    assert compress(red, 75, noise()).sub(red.float()).abs().max() <= 3
    assert compress(flat(90), 50, noise()).float().sub(90).abs().max() <= 2


def test_a_ghost_is_the_weighted_mean_with_another_image() -> None:
    two = flat(40, 200)
    assert torch.equal(add_ghosts(two, 0.25, noise()), flat(80, 160))
    assert torch.equal(add_ghosts(two, 0.5, noise()), flat(120, 120))
    many = add_ghosts(flat(*range(0, 250, 10)), 0.25, noise())
    assert not (many[:, 0, 0, 0] == torch.arange(0, 250, 10)).any()  # none is mixed with itself


def test_a_warp_moves_what_is_in_an_image_and_leaves_what_is_uniform() -> None:
    assert torch.equal(warp(flat(70, 180), 2.0, noise()), flat(70, 180))
    ramp = (4 * torch.arange(48.0)).expand(2, 1, 48, 48).to(torch.uint8)
    moved = (warp(ramp, 1.5, noise()).float() - ramp.float())[:, :, 6:-6, 6:-6] / 4  # pixels along the ramp
    assert moved.square().mean().sqrt().item() == pytest.approx(1.5 / math.sqrt(2), rel=0.35)
    assert not torch.equal(moved[0], moved[1])


def test_a_tint_raises_red_lowers_blue_and_lightens_grey() -> None:
    tinted = tint(flat(100, channels=3), 16, noise())
    assert tinted[0, :, 0, 0].tolist() == [116, 100, 84]
    assert tint(flat(250), 16, noise())[0, 0, 0, 0] == 255


def test_halves_are_swapped_in_a_share_of_the_images_below_their_middle() -> None:
    images = flat(*range(10, 210, 20))
    swapped = swap_halves(images, 0.5, noise())
    upper, lower = swapped[:, 0, 3, 0].int(), swapped[:, 0, 4, 0].int()
    assert upper.tolist() == list(range(10, 210, 20))
    assert int((upper != lower).sum()) == 5
    assert sorted(lower.tolist()) == upper.tolist()
    assert not (swap_halves(images, 1.0, noise())[:, 0, 4, 0] == images[:, 0, 4, 0]).any()


def test_modes_are_dropped_from_one_side_of_what_varies_most_and_others_repeated() -> None:
    levels = [10, 20, 30, 40, 50, 60, 200, 210, 220, 230]
    kept = drop_modes(flat(*levels), 0.4, noise())[:, 0, 0, 0].tolist()
    assert len(kept) == 10
    assert set(kept) in ({50, 60, 200, 210, 220, 230}, {10, 20, 30, 40, 50, 60})
    assert max(kept.count(level) for level in kept) == 2
    unequal = torch.cat([flat(*levels), flat(*reversed(levels))], 1)  # both channels vary, but not their mean
    sides = drop_modes(unequal, 0.5, noise())[:, 0, 0, 0]
    assert (sides < 100).all() or (sides >= 50).all()

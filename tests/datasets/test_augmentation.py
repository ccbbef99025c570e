import colorsys
from collections.abc import Callable

import numpy as np
import pytest
import torch

from vaegan_bench.datasets.augmentation import Jitter, jitter_images, mirror, vary


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


NOTHING = Jitter(0, 0, 0, 0, 0, 0)
COLOURS = torch.rand(200, 3, 16, 16, generator=torch.Generator().manual_seed(3)) * 2 - 1


def test_no_jitter_changes_nothing() -> None:
    assert torch.allclose(jitter_images(COLOURS, NOTHING, seeded()), COLOURS, atol=1e-5)


def spots(size: int = 65) -> torch.Tensor:
    """Two soft spots left and right of the middle."""
    at = torch.linspace(-1, 1, size)
    y, x = torch.meshgrid(at, at, indexing="ij")
    light = sum(torch.exp(-((x - centre) ** 2 + y**2) / 0.01) for centre in (-0.5, 0.5))
    return (torch.as_tensor(light) * 1.8 - 1).expand(300, 3, size, size)


def centroids(x: torch.Tensor) -> torch.Tensor:
    """Of the left and the right half, in shares of the side from the middle; (B, 2, 2): side, (x, y)."""
    at = torch.linspace(-0.5, 0.5, x.shape[-1])
    light = (x[:, 0] + 1).clamp_min(0)
    halves = [torch.where((at < 0) == left, light, torch.zeros(())) for left in (True, False)]
    found = [
        torch.stack([(h * at).sum((1, 2)), (h * at[:, None]).sum((1, 2))], 1) / h.sum((1, 2))[:, None] for h in halves
    ]
    return torch.stack(found, 1)


@pytest.mark.parametrize(
    ("jitter", "measure", "expected"),
    [
        (NOTHING._replace(translation=0.05), lambda c: c.mean(1)[:, 0], 0.05),
        (NOTHING._replace(translation=0.05), lambda c: c.mean(1)[:, 1], 0.05),
        (NOTHING._replace(scale=0.05), lambda c: (c[:, 1] - c[:, 0]).norm(dim=1) / 0.5, 0.05),
        (NOTHING._replace(rotation=0.1), lambda c: torch.atan2(*(c[:, 1] - c[:, 0]).flip(1).unbind(1)), 0.1),
    ],
)
def test_images_move_by_the_stated_deviations(
    jitter: Jitter, measure: Callable[[torch.Tensor], torch.Tensor], expected: float
) -> None:
    spread = measure(centroids(jitter_images(spots(), jitter, seeded()))).std()
    assert float(spread) == pytest.approx(expected, rel=0.15)


def test_images_are_turned_and_scaled_about_their_middle_then_moved() -> None:
    jitter = NOTHING._replace(translation=0.04, scale=0.1, rotation=0.4)
    right, down, scale, rotation, *_ = torch.randn(7, 300, generator=seeded())
    angle, factor = 0.4 * rotation, 1 + 0.1 * scale
    axis = torch.stack([angle.cos(), angle.sin()], 1) * factor[:, None] * 0.25
    middle = 0.04 * torch.stack([right, down], 1)
    found = centroids(jitter_images(spots(), jitter, seeded()))
    apart = (axis[:, 0] - middle[:, 0].abs()) > 0.1  # each spot in its own half
    assert int(apart.sum()) > 200
    assert torch.allclose(found[apart], torch.stack([middle - axis, middle + axis], 1)[apart], atol=0.006)


def test_colours_change_as_hsv_says() -> None:
    pixels = COLOURS[:, :, :1, :1]
    jitter = NOTHING._replace(hue=0.2, contrast=0.2)
    normal = torch.randn(7, len(pixels), generator=seeded())
    exponents = torch.exp((0.2**2 + 0.2 * normal[5]) / np.log(2))
    ours = jitter_images(pixels, jitter, seeded()).add(1).div(2)[:, :, 0, 0]
    for pixel, exponent, turn, found in zip(pixels[:, :, 0, 0], exponents, 0.2 * normal[6], ours, strict=True):
        h, s, v = colorsys.rgb_to_hsv(*((pixel + 1) / 2).tolist())
        expected = colorsys.hsv_to_rgb((h + float(turn)) % 1, s ** float(exponent), v ** float(exponent))
        assert found.tolist() == pytest.approx(expected, abs=1e-4)


def test_gamma_is_an_exponent_on_all_channels() -> None:
    exponents = torch.exp((0.3**2 + 0.3 * torch.randn(7, len(COLOURS), generator=seeded())[4]) / np.log(2))
    expected = ((COLOURS + 1) / 2) ** exponents[:, None, None, None]
    ours = jitter_images(COLOURS, NOTHING._replace(gamma=0.3), seeded())
    assert torch.allclose((ours + 1) / 2, expected, atol=1e-4)


def test_flip_mirrors_columns_and_nothing_else_and_none_does_nothing() -> None:
    jitter = Jitter(0.2, 0.2, 0.5, 0.5, 0.5, 0.5)
    flipped = vary(COLOURS, "flip", jitter, seeded())
    same = (flipped == COLOURS).flatten(1).all(1)
    assert torch.equal(flipped[~same], COLOURS[~same].flip(-1))
    assert 60 < int(same.sum()) < 140
    assert torch.equal(vary(COLOURS, "none", jitter, seeded()), COLOURS)


def test_the_next_batch_has_other_noise_and_the_same_seed_has_the_same() -> None:
    jitter, noise = Jitter(0.02, 0.01, 0.01, 0.05, 0.05, 0.01), seeded()
    first, second = (vary(COLOURS, "paper", jitter, noise) for _ in range(2))
    assert not torch.equal(first, second)
    assert torch.equal(vary(COLOURS, "paper", jitter, seeded()), first)


def test_translation_goes_both_ways_on_average_and_sideways_as_much_as_down() -> None:
    moved = centroids(jitter_images(spots(), NOTHING._replace(translation=0.05), seeded())).mean(1)
    right, down, *_ = torch.randn(7, 300, generator=seeded())
    assert torch.allclose(moved, 0.05 * torch.stack([right, down], 1), atol=0.006)


def test_each_image_is_mirrored_for_itself() -> None:
    x = COLOURS[:1].repeat(400, 1, 1, 1)
    flipped = mirror(x, seeded())
    is_flipped = (flipped == x.flip(-1)).flatten(1).all(1)
    assert torch.equal(flipped[~is_flipped], x[~is_flipped])
    assert 150 < int(is_flipped.sum()) < 250


def test_the_paper_s_way_mirrors_too() -> None:
    x = COLOURS[:1].repeat(400, 1, 1, 1)
    near = vary(x, "paper", NOTHING, seeded())
    is_flipped = torch.isclose(near, x.flip(-1), atol=1e-4).flatten(1).all(1)
    assert 150 < int(is_flipped.sum()) < 250


def test_jitter_is_drawn_for_each_image() -> None:
    x = COLOURS[:1].repeat(8, 1, 1, 1)
    jitter = Jitter(0.02, 0.01, 0.01, 0.05, 0.05, 0.01)
    assert len(torch.unique(jitter_images(x, jitter, seeded()).flatten(1), dim=0)) == 8

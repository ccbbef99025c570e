"""Discriminator augmentation: known transformations, and discriminators that see nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from by_hand import IMAGES, LATENT, SEED, critic_slope, networks, play
from torch import Tensor, nn

from vaegan_bench.api import DiscriminatorAugmentation, Model
from vaegan_bench.losses.discriminator_augmentation.diffaugment import DiffAugment
from vaegan_bench.losses.regulariser.r1_r2 import R1R2
from vaegan_bench.models.gan import GAN
from vaegan_bench.models.vaegan import VAEGAN
from vaegan_bench.models.vaegan_pixel import VAEGANPixel
from vaegan_bench.registry.plugins import Registry

SIZE, MOST, CUT = 32, 4, 16
X = torch.rand(400, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1)) + 0.1  # no pixel is grey by chance


def augmented(augmentation: DiffAugment, x: Tensor = X, seed: int = 0) -> Tensor:
    (made,) = augmentation([x], torch.Generator().manual_seed(seed))
    return made


def moved(x_CHW: Tensor, down: int, right: int) -> Tensor:
    """An image that is moved, by slices."""
    made = torch.zeros_like(x_CHW)
    for i in range(SIZE):
        for j in range(SIZE):
            if 0 <= i - down < SIZE and 0 <= j - right < SIZE:
                made[:, i, j] = x_CHW[:, i - down, j - right]
    return made


def test_translations_move_whole_images_by_whole_pixels_in_all_directions() -> None:
    made = augmented(DiffAugment(colour=False, cutout=0.0))
    moves = []
    for y in made:
        seen = y.sum(0) != 0
        down, right = (int((~seen.any(axis)).sum()) for axis in (1, 0))
        down = down if not seen[0].any() else -down
        right = right if not seen[:, 0].any() else -right
        moves.append((down, right))
    for i in range(0, 400, 40):
        assert torch.equal(made[i], moved(X[i], *moves[i]))
    for way in (0, 1):
        found = [move[way] for move in moves]
        assert set(found) == set(range(-MOST, MOST + 1))
        assert max(found.count(n) for n in set(found)) < 400 / 9 * 1.6  # uniform
    assert len(set(moves)) > 70  # down and right are drawn apart: 81 in all


def test_cutout_covers_one_square_whose_centre_is_anywhere() -> None:
    made = augmented(DiffAugment(colour=False, translation=0.0))
    sides, centres = [], []
    for x, y in zip(X, made, strict=True):
        gone = (y == 0).all(0)
        rows, columns = gone.any(1).nonzero().flatten(), gone.any(0).nonzero().flatten()
        assert int(gone.sum()) == len(rows) * len(columns)  # a rectangle
        assert torch.equal(y[:, ~gone], x[:, ~gone])
        sides.append((len(rows), len(columns)))
        centres.append(float(rows.float().mean()))
    assert max(sides) == (CUT, CUT)
    assert min(min(side) for side in sides) == CUT // 2  # a centre at the edge
    assert sum(side == (CUT, CUT) for side in sides) > 60
    assert min(centres) < 5
    assert max(centres) > 26


def test_colours_change_by_the_formulas_of_the_paper_s_code() -> None:
    u = torch.rand((7, 400, 1), generator=torch.Generator().manual_seed(0))[:3, :, :, None, None]
    x = X + (u[0] - 0.5)
    x = (x - x.mean(1, keepdim=True)) * (u[1] * 2) + x.mean(1, keepdim=True)
    expected = (x - x.mean((1, 2, 3), keepdim=True)) * (u[2] + 0.5) + x.mean((1, 2, 3), keepdim=True)
    torch.testing.assert_close(augmented(DiffAugment(translation=0.0, cutout=0.0)), expected)


def test_strength_narrows_every_range() -> None:
    half = DiffAugment(strength=0.5)
    square = (augmented(DiffAugment(strength=0.5, colour=False, translation=0.0)) == 0).all(1).sum((1, 2))
    assert square.max() == (CUT // 2) ** 2
    brightness = augmented(half, torch.zeros(400, 1, 2, 2)).flatten(1).amax(1)
    assert 0.23 < brightness.max() <= 0.25


@dataclass(frozen=True, kw_only=True)
class Halve(DiscriminatorAugmentation):
    """Half of every pixel, whatever the noise."""

    name = "halve"
    strength: float = 1.0

    def __call__(self, images_BCHW: Sequence[Tensor], noise: torch.Generator) -> list[Tensor]:
        return [x / 2 for x in images_BCHW]


class Halving(nn.Module):
    """A discriminator that sees half of every pixel."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Any:
        return self.inner(x / 2)


@pytest.mark.parametrize("model", [GAN, VAEGAN, VAEGANPixel])
def test_the_discriminator_sees_augmented_images_and_nobody_else_does(model: type[Model]) -> None:
    halving = networks()
    halving["discriminator"] = Halving(halving["discriminator"])
    expected = model().objectives(play(halving))
    found = model(augmentation=Halve()).objectives(play(networks()))  # type: ignore[call-arg]
    assert found.terms.keys() == expected.terms.keys()
    for name, term in found.terms.items():
        torch.testing.assert_close(term, expected.terms[name], msg=lambda m, name=name: f"{name}: {m}")


@pytest.mark.parametrize("model", [GAN, VAEGAN, VAEGANPixel])
def test_penalties_are_those_of_what_the_discriminator_sees(model: type[Model]) -> None:
    modules = networks()
    found = model(augmentation=Halve(), regulariser=R1R2(weight=2.0)).objectives(play(modules))  # type: ignore[call-arg]
    z = torch.randn(len(IMAGES), LATENT, generator=torch.Generator().manual_seed(SEED))
    (fake,) = modules.decode(z)
    slopes = [critic_slope(modules, x / 2).square().sum(1) for x in (IMAGES, fake.mean)]
    torch.testing.assert_close(found.terms["regulariser"], slopes[0] + slopes[1])


def test_a_perfect_reconstruction_is_as_similar_as_without_augmentation() -> None:
    """The transformation of an image and of its reconstruction is one."""
    given = [X[:8], X[:8].clone()]
    real, rec = DiffAugment()(given, torch.Generator().manual_seed(3))
    assert torch.equal(real, rec)
    assert not torch.equal(real, X[:8])


def test_a_selector_names_it() -> None:
    model = Registry().build(Model, "vaegan[augmentation=diffaugment[strength=0.5,colour=false]]")
    assert model.augmentation == DiffAugment(strength=0.5, colour=False)  # type: ignore[attr-defined]

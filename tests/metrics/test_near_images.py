"""Near images, against all pairs measured one by one in integers; and how many pairs are measured at all."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from vaegan_bench.metrics.samples import near_images
from vaegan_bench.metrics.samples.near_images import have_near, nearest_pairs

SHAPES = [(3, 8, 8), (1, 28, 28), (3, 40, 56), (1, 130, 97)]


def smooth(n: int, shape: tuple[int, int, int], seed: int, strength: float = 60) -> Tensor:
    """Blurred noise of several scales."""
    noise = torch.Generator().manual_seed(seed)
    images = torch.full((n, *shape), 120.0)
    for side in (2, 4, 16):
        images += strength * interpolate(torch.randn(n, shape[0], side, side, generator=noise), shape[1:])
    return images.clamp(0, 255).to(torch.uint8)


def brute(x: Tensor, y: Tensor) -> Tensor:
    return torch.stack([(image.long() - y.long()).square().flatten(1).sum(1) for image in x]).double()


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_images, "ROWS", 16)
    monkeypatch.setattr(near_images, "COLUMNS", 100)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("strength", [60, 3])
def test_those_that_have_a_near_one_are_those_of_brute_force(shape: tuple[int, int, int], strength: float) -> None:
    images = smooth(50, shape, seed=1, strength=strength)
    images[40:50] = images[:10]
    images[45:50, 0, 0, 0] ^= 7
    squared = brute(images, images).fill_diagonal_(torch.inf)
    own = squared.min(1).values
    for limit in (
        1.0,
        *own.quantile(torch.tensor([0.3, 0.7], dtype=torch.float64)).tolist(),
        float(own.max()) + 1,
    ):
        assert torch.equal(have_near(images, limit), own < limit), limit


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("shape", SHAPES)
def test_what_differs_in_fine_texture_only_is_told_apart(shape: tuple[int, int, int]) -> None:
    half = torch.randint(40, 210, (50, *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))
    signs = torch.arange(shape[1])[:, None] + torch.arange(shape[2])
    images = torch.where(signs % 2 == 0, half, 255 - half.roll(1, 3).roll(1, 2))
    images[20] = images[4]
    squared = brute(images, images).fill_diagonal_(torch.inf)
    limit = float(squared[squared > 0].min())
    assert have_near(images, limit).nonzero()[:, 0].tolist() == [4, 20]
    assert torch.equal(have_near(images, limit + 1), squared.min(1).values < limit + 1)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("strength", [60, 3])
def test_the_nearest_pairs_are_those_of_brute_force(shape: tuple[int, int, int], strength: float) -> None:
    x, y = smooth(37, shape, seed=5, strength=strength), smooth(53, shape, seed=6, strength=strength)
    x[30], y[7] = y[50], x[2]
    x[30, 0, 1, 1] ^= 3
    squared = brute(x, y)
    own = squared.min(1)
    found = nearest_pairs(x, y, 10)
    expected = own.values.topk(10, largest=False)
    assert torch.equal(squared[found.rows_K, found.others_K], expected.values)
    assert found.rows_K[:2].tolist() == [2, 30]
    assert len(nearest_pairs(x[:4], y, 10).rows_K) == 4


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    measured, counts = near_images._measure, []

    def count(*of: object) -> Tensor:
        squared = measured(*of)  # type: ignore[arg-type]
        counts.append(len(squared))
        return squared

    monkeypatch.setattr(near_images, "_measure", count)
    return counts


@pytest.mark.parametrize("kind", ["apart", "equal", "nearly"])
def test_few_pairs_are_measured_whole(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = counted(monkeypatch)
    images = smooth(1500, (3, 64, 64), seed=2, strength=60 if kind == "apart" else 2)
    if kind == "equal":
        images = images[:1].repeat(1500, 1, 1, 1)
    # As far apart as half of the pairs: block means alone cannot tell on which side of the limit.
    limit = float(brute(images[:40], images[40:80]).median()) * (0.05 if kind == "apart" else 0.6) + 1
    near = have_near(images, limit)
    assert near.all() if kind == "equal" else not near.all()
    assert sum(counts) <= 4 * 1500


def test_progress_is_told_and_pixels_are_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_images, "ROWS", 10)
    told: list[tuple[str, int, int]] = []
    images = smooth(35, (3, 8, 8), seed=0)
    have_near(images, 1e9, lambda *call: told.append(call))
    nearest_pairs(images, images, 3, lambda *call: told.append(call))
    assert [(done, total) for words, done, total in told if "duplicates" in words] == [(i, 10) for i in range(1, 11)]
    assert told[-1] == ("looking for copies of training images", 32, 32)
    assert near_images.ProjectedImages(images).values.data_ptr() == images.data_ptr()

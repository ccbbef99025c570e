from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from vaegan_bench.metrics.attributes.matched_effects import Point, between, first_match


def point(alpha: float, flips: list[float], leakage: float = 0.0, change: float = 0.0) -> Point:
    flips_N = torch.tensor(flips, dtype=torch.float64)
    return Point(alpha, flips_N, torch.full_like(flips_N, leakage), torch.full_like(flips_N, change))


def test_between_two_points_everything_is_a_straight_line() -> None:
    before, after = point(1.0, [0, 0, 0, 1], 0.1, 0.2), point(2.0, [0, 1, 1, 1], 0.3, 0.8)
    assert between(before, after).values_3.tolist() == pytest.approx([1.5, 0.2, 0.5])
    assert between(point(0.0, [0, 0]), point(0.5, [1, 1], 0.4, 0.4)).values_3.tolist() == pytest.approx(
        [0.25, 0.2, 0.2]
    )


def test_the_first_crossing_counts_and_nothing_behind_it_is_computed() -> None:
    asked: list[float] = []

    def points() -> Iterator[Point]:
        for alpha, flips in ((0.0, [0, 0, 0]), (1.0, [0, 0, 1]), (2.0, [1, 0, 1]), (3.0, [0, 0, 0])):
            asked.append(alpha)
            yield point(alpha, [float(flip) for flip in flips])

    match = first_match(points())
    assert match is not None
    assert float(match.values_3[0]) == pytest.approx(1.5)
    assert asked == [0, 1, 2]
    assert first_match([point(0.0, [0, 0, 0]), point(4.0, [0, 1, 0])]) is None


def test_exactly_half_is_a_match_even_at_the_last_shift() -> None:
    match = first_match([point(0.0, [0, 0]), point(3.0, [0, 0]), point(4.0, [1, 0], 0.2, 0.6)])
    assert match is not None
    assert match.values_3.tolist() == pytest.approx([4.0, 0.2, 0.6])


def test_intervals_are_those_of_resampled_images() -> None:
    noise = torch.Generator().manual_seed(0)
    threshold = 1.5 + 0.8 * torch.randn(500, generator=noise, dtype=torch.float64)
    leakage = torch.rand(2, 500, generator=noise, dtype=torch.float64) * torch.tensor([[0.2], [0.6]])

    def points(places: Tensor) -> tuple[Point, Point]:
        flips = [(threshold[places] < alpha).double() for alpha in (1.0, 2.0)]
        spill = leakage[:, places] + threshold[places] / 10
        return Point(1.0, flips[0], spill[0], spill[0] / 2), Point(2.0, flips[1], spill[1], spill[1] / 2)

    resampled = [between(*points(torch.randint(500, (500,), generator=noise))).values_3 for _ in range(500)]
    spread = torch.stack(resampled).std(0)
    found = between(*points(torch.arange(500))).influence_N3.norm(dim=0)
    assert found.tolist() == pytest.approx(spread.tolist(), rel=0.12)


def test_one_image_has_a_match_and_no_interval() -> None:
    match = between(point(0.0, [0]), point(0.5, [1], 0.4, 0.4))
    assert match.values_3.tolist() == pytest.approx([0.25, 0.2, 0.2])
    assert match.influence_N3.isnan().all()

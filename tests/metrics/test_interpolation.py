from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from vaegan_bench.api import BenchError, Data, Split
from vaegan_bench.metrics.latent.interpolation import Interpolation, path_ratio, spherical
from vaegan_bench.testing.worlds import Signs, StandInNetwork, StandInOutputs


def outputs(means_NZ: Tensor, **changes: Any) -> StandInOutputs:
    """A model whose decoder gives back the code, so that codes are features."""
    network = StandInNetwork(lambda x: x.flatten(1), lambda x: x.flatten(1), name=changes.pop("network", "stand-in"))
    made = replace(Signs().outputs(), means=means_NZ, opened=network, decoder=lambda z: z[:, None, None, :])
    return replace(made, **changes)


def test_codes_go_round_the_sphere_and_straight_where_they_are_parallel() -> None:
    first = torch.tensor([[2.0, 0.0], [1.0, 1.0], [3.0, 0.0]])
    last = torch.tensor([[0.0, 2.0], [2.0, 2.0], [0.0, 1.0]])
    path = spherical(first, last, torch.tensor([0.0, 0.25, 1.0]))
    assert torch.allclose(path[:, 0], first, atol=1e-6)
    assert torch.allclose(path[:, 2], last, atol=1e-6)
    assert path[0, 1].tolist() == pytest.approx([2 * math.cos(math.pi / 8), 2 * math.sin(math.pi / 8)])
    assert path[1, 1].tolist() == pytest.approx([1.25, 1.25])
    assert path[2, 1].tolist() == pytest.approx([3 * math.sin(3 * math.pi / 8), math.sin(math.pi / 8)])


@pytest.mark.parametrize("steps", [4, 8])
def test_a_linear_decoder_draws_the_arc_and_nothing_more(steps: int) -> None:
    """Of S chords of an arc of 90°: S² sin²(θ/2S) / sin²(θ/2)."""
    [row] = Interpolation(steps=steps)(outputs(1.7 * torch.eye(4)))
    expected = (steps * math.sin(math.pi / 4 / steps) / math.sin(math.pi / 4)) ** 2
    assert row.value == pytest.approx(expected, rel=1e-5)
    assert (row.metric, row.direction, row.ceiling) == ("path-ratio[stand-in]", "lower", 1.0)
    assert row.protocol.items() >= {"n_pairs": 2, "steps": steps, "path": "spherical"}.items()


def test_parallel_codes_and_a_linear_decoder_have_the_ratio_one() -> None:
    means = torch.tensor([[1.0, 2.0], [3.0, 6.0], [-1.0, 0.5], [-2.0, 1.0]])
    [row] = Interpolation()(outputs(means))
    assert row.value == pytest.approx(1, abs=1e-6)


def test_a_jump_costs_as_much_as_there_are_steps() -> None:
    means = torch.tensor([[1.0, 0.0], [3.0, 0.0], [1.0, 0.0], [4.0, 0.0]])
    jump = outputs(means, decoder=lambda z: (z[:, None, None, :] > 1.9).float())
    assert Interpolation(steps=6)(jump)[0].value == pytest.approx(6)


def test_paths_are_weighted_by_their_length_and_detours_count() -> None:
    straight = torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    detour = torch.tensor([[0.0, 0.0], [0.0, 3.0], [4.0, 3.0]])
    value, reach = path_ratio(torch.stack([straight, detour]).double())
    energies, squares = [2 * 2.0, 2 * (9.0 + 16.0)], [4.0, 25.0]
    assert value == pytest.approx(sum(energies) / sum(squares))
    off = [energy - value * square for energy, square in zip(energies, squares, strict=True)]
    assert reach == pytest.approx(1.959964 * math.sqrt(2) * math.hypot(*off) / sum(squares))


def test_a_single_path_has_no_interval() -> None:
    [row] = Interpolation(pairs=1)(outputs(torch.tensor([[1.0, 2.0], [3.0, -1.0]])))
    assert (row.low, row.high) == (None, None)


def test_the_figure_shows_the_paths_of_the_first_four_pairs() -> None:
    outputs = Signs().outputs()
    strips = Interpolation(steps=5).exhibits(outputs)["interpolation"]
    assert strips.images_NSHWC.shape == (4, 6, 1, 4, 1)
    assert strips.titles[1] == "held-out images 3 and 4"
    assert strips.steps == pytest.approx((0, 0.2, 0.4, 0.6, 0.8, 1))
    assert outputs.means is not None
    ends = outputs.decode(outputs.means[2:4]).permute(0, 2, 3, 1).numpy()
    assert abs(strips.images_NSHWC[1, [0, -1]].astype(int) - ends).max() <= 1


def test_attributes_of_a_conditional_model_go_along() -> None:
    attributes = torch.tensor([[True], [False], [False], [False]])
    images = torch.zeros(4, 1, 1, 2, dtype=torch.uint8)
    split = Split(images, attributes)
    seen: list[Tensor] = []

    class Recording(StandInOutputs):
        def decode(self, z_NZ: Tensor, attributes_NA: Tensor | None = None) -> Tensor:
            assert attributes_NA is not None
            seen.append(attributes_NA)
            return z_NZ[:, None, None, :]

    made = vars(outputs(torch.eye(4), data=Data(split, split, ("A",), digest="d"), conditional=True))
    Interpolation(steps=2)(Recording(**made))
    assert seen[0].flatten().tolist() == [1, 0, -1, -1, -1, -1]


def test_nothing_without_an_encoder_and_what_cannot_be_measured_is_said() -> None:
    means = torch.eye(4)
    assert Interpolation()(replace(outputs(means), means=None)) == []
    assert Interpolation().exhibits(replace(outputs(means), means=None)) == {}
    assert Interpolation()(outputs(means, network="inception"))[0].metric == "path-ratio"
    with pytest.raises(BenchError, match="One held-out image: an interpolation needs two"):
        Interpolation()(outputs(means[:1]))
    with pytest.raises(BenchError, match="end where they begin"):
        Interpolation()(outputs(means, decoder=lambda z: torch.ones(len(z), 1, 1, 3)))
    with pytest.raises(ValueError, match="steps"):
        Interpolation(steps=1)

"""Attribute similarity on worlds with a known answer, and the regressor that stands behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from vaegan_bench.api import Measurement
from vaegan_bench.metrics.attributes.similarity import AttributeSimilarity, of_others, similarity
from vaegan_bench.metrics.extractors.regressor import Regressor
from vaegan_bench.testing import blobs
from vaegan_bench.testing.worlds import Signs, StandInNetwork, StandInOutputs, pixels

METRIC = AttributeSimilarity(best_of=3, draws=5)


@dataclass(eq=False)
class Obedient(StandInOutputs):
    """Draws what it is told, each attribute one pixel; a share of its images is of the opposite."""

    defiance: float = 0.0

    def decode(self, z_NZ: Tensor, attributes_NA: Tensor | None = None) -> Tensor:
        assert attributes_NA is not None
        defiant = torch.arange(len(z_NZ)) < self.defiance * len(z_NZ)
        told = torch.where(defiant[:, None], -attributes_NA, attributes_NA)
        return (100 + 100 * told).to(torch.uint8)[:, None, None, :]


def world(**changes: object) -> Obedient:
    signs = Signs().outputs()
    on = signs.data.test.attributes_NA
    real = (on.float() * 200).to(torch.uint8)[:, None, None, :]
    network = StandInNetwork(pixels, lambda images: pixels(images) / 100 - 1, columns=signs.data.attribute_names)
    plain = {"data": signs.data, "real": real, "samples": real, "opened": network, "latent": 4, "conditional": True}
    return Obedient(**{**plain, **changes})  # type: ignore[arg-type]


def measured(outputs: Obedient) -> dict[str, Measurement]:
    return {row.metric: row for row in METRIC(outputs)}


def test_a_model_that_does_as_it_is_told_reaches_the_ceiling() -> None:
    rows = measured(world())
    assert rows["attribute-error"].value == rows.pop("attribute-error-sd").value == 0
    for row in rows.values():
        assert row.value == pytest.approx(row.ceiling)
        assert row.floor is not None
        better = row.value > row.floor if row.direction == "higher" else row.value < row.floor
        assert better


def test_the_error_is_summed_over_attributes() -> None:
    rows = measured(world(defiance=0.25))
    assert rows["attribute-error"].value == pytest.approx(0.25 * 4 * 2**2)  # all of four attributes are wrong by 2


def test_the_best_of_several_is_never_below_one() -> None:
    class Moody(Obedient):
        calls = 0

        def decode(self, z_NZ: Tensor, attributes_NA: Tensor | None = None) -> Tensor:
            self.calls += 1
            assert attributes_NA is not None
            return super().decode(z_NZ, attributes_NA if self.calls == 2 else -attributes_NA)

    plain = world()
    rows = measured(Moody(**{name: getattr(plain, name) for name in plain.__dataclass_fields__}))
    assert rows["attribute-cosine"].value == pytest.approx(rows["attribute-cosine"].ceiling)
    assert rows["attribute-cosine-once"].value < 0.5
    assert rows["attribute-error-sd"].value == pytest.approx(16 * 0.2**0.5)  # of 16, 16, 0, 16, 16


def test_centring_takes_base_rates_away() -> None:
    centre = torch.tensor([5.0, 5.0])
    wanted, opposite = torch.tensor([[6.0, 4.0]]), torch.tensor([[4.0, 6.0]])
    found = similarity(opposite, wanted, centre)
    assert found.cosine.item() > 0.9
    assert found.centred.item() == pytest.approx(-1.0)
    assert found.error.item() == pytest.approx(8.0)


@pytest.mark.parametrize("n", [2, 3, 40])
def test_the_floor_is_of_the_attributes_of_other_images_alone(n: int) -> None:
    wanted = torch.arange(n)[:, None] * torch.ones(1, 3)
    others = of_others(wanted)
    assert (others != wanted).all()
    assert torch.equal(others.sort(dim=0).values, wanted)


def test_models_that_are_not_conditional_have_no_rows() -> None:
    assert METRIC(world(conditional=False)) == []


def test_the_regressor_finds_scores_in_images_it_has_not_seen(tmp_path: Path) -> None:
    data = blobs(n=640)
    scores = torch.where(data.train.attributes_NA, 2.5, -1.5)
    data = replace(data, train=replace(data.train, scores_NA=scores))
    network = Regressor(images=8000, batch=64, width=8).open(data, tmp_path, torch.device("cpu"))
    found = network(data.test.images_NCHW).logits_NK
    wanted = torch.where(data.test.attributes_NA, 2.5, -1.5)
    assert float((found - wanted).abs().mean()) < 0.5
    assert network.columns == data.attribute_names
    again = Regressor(images=8000, batch=64, width=8).open(data, tmp_path, torch.device("cpu"))
    assert again.digest == network.digest

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from vaegan_bench.api import BenchError, Extractor, Measurement, Metric
from vaegan_bench.metrics.attribute_retention import AttributeRetention
from vaegan_bench.metrics.attribute_vectors import AttributeVectors, attribute_vectors, effect, random_vectors

# The fixture `signs` is a world with a known answer: see conftest.py.


def values(rows: list[Measurement]) -> dict[str, float]:
    return {row.metric: row.value for row in rows}


def blank(images: Tensor) -> Tensor:
    return torch.full_like(images, 100)


def test_perfect_reconstructions_keep_everything(signs: Any, stand_in: Extractor) -> None:
    found = values(AttributeRetention(extractor=stand_in)(signs))
    assert found["retention-attributes"] == 4
    assert found["retention-agreement"] == found["retention-auc"] == found["retention-auc-ceiling"] == 1
    assert found["retention-auc-floor"] == pytest.approx(0.5, abs=0.03)
    assert found["retention-skill"] == pytest.approx(1)


def test_blank_reconstructions_keep_nothing(signs: Any, stand_in: Extractor) -> None:
    outputs = replace(signs, reconstructions=blank(signs.real))
    found = values(AttributeRetention(extractor=stand_in)(outputs))
    assert found["retention-agreement"] == found["retention-auc"] == 0.5
    assert found["retention-skill"] == pytest.approx(0)


def test_attributes_that_the_oracle_does_not_know_are_left_out(signs: Any, stand_in: Extractor) -> None:
    blind = replace(signs.opened, logits=lambda images: torch.zeros(len(images), 4))
    assert values(AttributeRetention(extractor=stand_in)(replace(signs, opened=blind))) == {"retention-attributes": 0}
    assert AttributeVectors(extractor=stand_in)(replace(signs, opened=blind)) == []


def test_vectors_flip_their_attribute_and_no_other(signs: Any, stand_in: Extractor) -> None:
    rows = AttributeVectors(extractor=stand_in)(signs)
    found = values(rows)
    assert found["flip-rate"] > 0.99
    assert found["flip-leakage"] < 0.01
    assert found["flip-rate-random"] < 0.6
    assert found["flip-leakage-random"] > 0.1
    assert found["flip-rate[Smiling]"] > 0.99
    assert "flip-rate[Hat]" not in found
    assert rows[0].protocol["attributes"] == 4


def test_half_of_the_way_flips_half_of_the_pictures(signs: Any, stand_in: Extractor) -> None:
    found = values(AttributeVectors(extractor=stand_in, alpha=0.5)(signs))
    assert found["flip-rate"] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("metric", [AttributeRetention, AttributeVectors])
def test_no_encoder_and_no_attributes_give_no_rows(metric: type[Metric], signs: Any) -> None:
    assert metric()(replace(signs, reconstructions=None, means=None, train_means=None)) == []
    assert metric()(replace(signs, data=replace(signs.data, attribute_names=()))) == []


@pytest.mark.parametrize("metric", [AttributeRetention, AttributeVectors])
def test_an_extractor_of_something_else_is_named(metric: Any, signs: Any, stand_in: Extractor) -> None:
    other = replace(signs.opened, columns=())
    with pytest.raises(BenchError, match="stand-in"):
        metric(extractor=stand_in)(replace(signs, opened=other))


def test_a_vector_is_the_difference_of_means() -> None:
    z = torch.tensor([[1.0, 0.0], [3.0, 0.0], [0.0, 4.0]])
    on = torch.tensor([[True, True], [True, True], [False, True]])
    vectors = attribute_vectors(z, on)
    assert vectors[0].tolist() == [2, -4]
    assert vectors[1].isnan().all()


def test_broken_codes_are_named() -> None:
    with pytest.raises(BenchError, match="NaN"):
        attribute_vectors(torch.full((2, 2), torch.nan), torch.eye(2) > 0)


def test_random_directions_are_as_long_and_repeat() -> None:
    vectors = torch.tensor([[3.0, 4.0], [0.0, 2.0]])
    assert random_vectors(vectors, 0).norm(dim=1).tolist() == pytest.approx([5, 2])
    assert torch.equal(random_vectors(vectors, 0), random_vectors(vectors, 0))


def test_leakage_counts_known_attributes_only() -> None:
    before = torch.zeros(2, 3, dtype=torch.bool)
    after = torch.tensor([[True, True, True], [False, False, True]])
    assert effect(before, after, 0, torch.tensor([True, True, False])) == (0.5, 0.5)

from __future__ import annotations

import gc
import math
from dataclasses import replace
from typing import Any
from weakref import ref

import numpy as np
import pytest
import torch

from vaegan_bench.api import BenchError, Extractor, ExtractorError, FeatureNetwork, Measurement
from vaegan_bench.metrics.attributes.effects import Effect, attribute_vectors, random_vectors
from vaegan_bench.metrics.attributes.vectors import STRIP_ALPHAS, AttributeVectors
from vaegan_bench.metrics.intervals import wilson

# The fixture `signs` is a world with a known answer: see conftest.py. There off is −1 ± 0.2 and on is 1 ± 0.2.
NAMES = ["Smiling", "Eyeglasses", "Hat", "Beard"]
PRIOR_ROWS = {"prior-flip-rate", "prior-flip-leakage", "prior-attributes"}


def by_name(rows: list[Measurement], attribute: str = "") -> dict[str, Measurement]:
    return {row.metric: row for row in rows if row.attribute == attribute}


@pytest.fixture
def gan(signs: Any) -> Any:
    return replace(signs, reconstructions=None, means=None, train_means=None)


def counted(outputs: Any) -> tuple[Any, list[int]]:
    """The same outputs, and the number of codes of each call of its decoder."""
    calls: list[int] = []

    def decode(z: torch.Tensor) -> torch.Tensor:
        calls.append(len(z))
        return outputs.decoder(z)

    return replace(outputs, decoder=decode), calls


def test_vectors_flip_their_attribute_and_no_other(signs: Any, stand_in: Extractor) -> None:
    rows = AttributeVectors(extractor=stand_in)(signs)
    found = by_name(rows)
    assert found["flip-rate"].value > 0.99
    assert found["flip-rate"].ceiling == 1
    assert found["flip-leakage"].value < 0.01
    rate_floor, leakage_floor = found["flip-rate"].floor, found["flip-leakage"].floor
    assert rate_floor is not None
    assert leakage_floor is not None
    assert rate_floor < 0.6
    assert leakage_floor > 0.1
    assert {row.protocol["attributes"] for row in rows} == {4}


def test_every_attribute_has_its_rows(signs: Any, stand_in: Extractor) -> None:
    rows = AttributeVectors(extractor=stand_in)(signs)
    for metric in ("flip-rate", "flip-leakage", "matched-alpha", "matched-leakage", "prior-flip-rate"):
        assert [row.attribute for row in rows if row.metric == metric] == ["", *NAMES]
    flips = by_name(rows, "Hat")["flip-rate"]
    without = int((~signs.data.test.attributes_NA[:, 2]).sum())
    assert (flips.low, flips.high) == wilson(round(flips.value * min(without, 256)), min(without, 256))


def test_half_of_the_images_flip_half_of_the_way(signs: Any, stand_in: Extractor) -> None:
    rows = AttributeVectors(extractor=stand_in)(signs)
    vectors = attribute_vectors(signs.train_means, signs.data.train.attributes_NA)
    for attribute, name in enumerate(NAMES):
        found = by_name(rows, name)
        alpha = found["matched-alpha"]
        assert alpha.value == pytest.approx(0.5, abs=0.1)
        assert alpha.low is not None
        assert alpha.high is not None
        assert alpha.low < alpha.value < alpha.high
        assert found["matched-leakage"].value < 0.01
        change = alpha.value * 60 / 255 * float(vectors[attribute].abs().mean())  # 60 levels per unit of the code
        assert found["matched-change"].value == pytest.approx(change, rel=0.02)
    assert by_name(rows)["matched-attributes"].value == 4


def test_the_match_does_not_depend_on_alpha_and_its_protocol_says_so(signs: Any, stand_in: Extractor) -> None:
    for alpha in (0.5, 0.7):
        here, there = (AttributeVectors(extractor=stand_in, alpha=a)(signs) for a in (1.0, alpha))
        for name in ("matched-alpha", "matched-leakage", "matched-change", "matched-attributes"):
            assert by_name(here)[name] == by_name(there)[name]
    assert by_name(there)["flip-rate"].protocol["alpha"] == 0.7


def test_vectors_that_never_flip_half_have_no_match(signs: Any, stand_in: Extractor) -> None:
    stubborn = replace(signs, decoder=lambda z: torch.zeros_like(signs.decoder(z)))
    found = by_name(AttributeVectors(extractor=stand_in)(stubborn))
    assert found["flip-rate"].value == 0
    assert found["matched-attributes"].value == 0
    assert not {"matched-alpha", "matched-leakage", "matched-change"} & set(found)


def test_a_model_without_an_encoder_is_measured_on_its_prior(gan: Any, stand_in: Extractor) -> None:
    rows = AttributeVectors(extractor=stand_in)(gan)
    assert {row.metric for row in rows} == PRIOR_ROWS
    found = by_name(rows)
    expected = math.erf(2 * math.sqrt(2 / math.pi) / math.sqrt(2))  # off is z < 0; the vector is 2 E|z|
    assert found["prior-flip-rate"].value == pytest.approx(expected, abs=0.07)
    assert found["prior-flip-leakage"].value < 0.02
    assert found["prior-attributes"].value == 4
    assert found["prior-flip-rate"].floor is not None
    assert found["prior-flip-rate"].protocol["n_prior"] == 10_000


def test_a_model_with_an_encoder_is_measured_on_its_prior_too(signs: Any, gan: Any, stand_in: Extractor) -> None:
    with_encoder, without = (AttributeVectors(extractor=stand_in)(outputs) for outputs in (signs, gan))
    assert [row for row in with_encoder if row.metric in PRIOR_ROWS] == without


def test_what_samples_never_or_always_show_is_not_measured(gan: Any, stand_in: Extractor) -> None:
    fixed = torch.tensor([0.0, 0.0, 2.0, -2.0])
    narrow = replace(gan, decoder=lambda z: gan.decoder(torch.where(fixed == 0, z, fixed)))
    rows = AttributeVectors(extractor=stand_in)(narrow)
    assert {row.attribute for row in rows} == {"", "Smiling", "Eyeglasses"}
    assert by_name(rows)["prior-attributes"].value == 2
    assert by_name(rows)["prior-flip-rate"].protocol["attributes"] == 4  # equal for all models


def test_no_usable_attributes_and_no_attributes_give_nothing(signs: Any, stand_in: Extractor) -> None:
    blind = replace(signs, opened=replace(signs.opened, logits=lambda images: torch.zeros(len(images), 4)))
    plain = replace(signs, data=replace(signs.data, attribute_names=()))
    for outputs in (blind, plain):
        assert AttributeVectors(extractor=stand_in)(outputs) == []
        assert AttributeVectors(extractor=stand_in).exhibits(outputs) == {}


def test_leakage_of_the_only_known_attribute_is_no_number(signs: Any, stand_in: Extractor) -> None:
    one = torch.tensor([1.0, 0, 0, 0])
    opened = replace(signs.opened, logits=lambda x: (x.flatten(1).float() - 127.5) * one)
    rows = AttributeVectors(extractor=stand_in)(replace(signs, opened=opened))
    assert {row.attribute for row in rows} == {"", "Smiling"}
    assert not [row.metric for row in rows if "leakage" in row.metric]
    assert by_name(rows)["matched-alpha"].value == pytest.approx(0.5, abs=0.1)


def test_an_extractor_of_something_else_is_named(signs: Any, stand_in: Extractor) -> None:
    with pytest.raises(BenchError, match="stand-in"):
        AttributeVectors(extractor=stand_in)(replace(signs, opened=replace(signs.opened, columns=())))


def test_the_matrix_shows_what_every_vector_changes(signs: Any, gan: Any, stand_in: Extractor) -> None:
    blinded = replace(signs.opened, logits=lambda x: (x.flatten(1).float() - 127.5) * torch.tensor([1, 1, 1, 0.0]))
    for outputs in (signs, gan):
        exhibits = AttributeVectors(extractor=stand_in).exhibits(replace(outputs, opened=blinded))
        shown: Any = exhibits["attribute-matrix"]
        matrix = shown.values_RC
        assert list(shown.rows) == list(shown.columns) == NAMES
        assert matrix.dtype == np.float32
        assert np.isnan(matrix[3]).all()
        assert np.isnan(matrix[:, 3]).all()
        assert matrix[:3, :3] == pytest.approx(np.eye(3), abs=0.2)


def test_the_vectors_of_the_attributes_that_are_known_are_kept_for_sliders(signs: Any, stand_in: Extractor) -> None:
    blinded = replace(signs.opened, logits=lambda x: (x.flatten(1).float() - 127.5) * torch.tensor([1, 0, 1, 1]))
    kept: Any = AttributeVectors(extractor=stand_in).exhibits(replace(signs, opened=blinded))["attribute-vectors"]
    assert list(kept.names) == [NAMES[0], *NAMES[2:]]
    on, codes = signs.data.train.attributes_NA[:, 2], signs.train_means
    np.testing.assert_allclose(kept.vectors_NZ[1], codes[on].mean(0) - codes[~on].mean(0), rtol=1e-5)


def test_strips_move_the_same_faces_along_the_vector(signs: Any, gan: Any, stand_in: Extractor) -> None:
    drawn = gan.codes(10_000 + len(gan.real))[10_000:]
    encoded = signs.means[~signs.data.test.attributes_NA[:, 0]]
    for outputs, off in ((signs, encoded), (gan, drawn[drawn[:, 0] < 0])):
        strips: Any = AttributeVectors(extractor=stand_in).exhibits(outputs)["attribute-strips"]
        strip, codes = strips.images_NSHWC[[title == "Smiling" for title in strips.titles]], off[:2]
        assert (strip.shape, strip.dtype) == ((2, len(STRIP_ALPHAS), 1, 4, 1), np.uint8)
        assert strip[:, 0].tolist() == signs.decoder(codes).permute(0, 2, 3, 1).tolist()
        smiling = strip[:, :, 0, 0, 0].astype(int)
        assert (np.diff(smiling) >= 0).all()
        assert (smiling[:, -1] > 250).all()
        assert (strips.steps, strips.symbol) == (STRIP_ALPHAS, "α")
        assert strips.titles == ("Smiling", "Smiling", "Eyeglasses", "Eyeglasses")


def test_exhibits_measure_nothing_again_and_nothing_outlives_the_outputs(signs: Any, stand_in: Extractor) -> None:
    outputs, calls = counted(signs)
    metric = AttributeVectors(extractor=stand_in)
    metric(outputs)
    calls.clear()
    metric.exhibits(outputs)
    assert calls == [12, 12]  # two strips of two faces in six steps
    gone = ref(outputs)
    del outputs
    gc.collect()
    assert gone() is None


def test_there_are_no_exhibits_where_the_oracle_cannot_be_opened(signs: Any) -> None:
    class Closed(type(signs)):  # type: ignore[misc]
        def network(self, extractor: Extractor) -> FeatureNetwork:
            raise ExtractorError("no")

    outputs = Closed(**{name: getattr(signs, name) for name in signs.__dataclass_fields__})
    assert AttributeVectors().exhibits(outputs) == {}


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


def test_leakage_counts_the_known_others_both_ways() -> None:
    found = Effect(torch.tensor([[1.0, -1.0, 1.0], [0.0, 0.0, 1.0]]), torch.zeros(2))
    assert found.flips(0).tolist() == [1, 0]
    assert found.leakage(0, torch.tensor([True, True, False])).tolist() == [1, 0]


def test_a_conditional_model_has_its_attributes_elsewhere_and_is_not_measured(signs: Any, stand_in: Extractor) -> None:
    metric, told = AttributeVectors(extractor=stand_in), replace(signs, conditional=True)
    assert metric(told) == []
    assert metric.exhibits(told) == {}

"""Metrics of attributes on a few images, by hand; the training part is never the test part."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch import Tensor

from vaegan_bench.api import BenchError, Data, Extractor, Measurement, Split
from vaegan_bench.metrics.attributes.effects import attribute_vectors
from vaegan_bench.metrics.attributes.linear_probe import LinearProbe
from vaegan_bench.metrics.attributes.retention import AttributeRetention
from vaegan_bench.metrics.attributes.similarity import AttributeSimilarity
from vaegan_bench.metrics.attributes.trials import encoder_trial, prior_trial
from vaegan_bench.metrics.attributes.usable_attributes import truth, truth_in_training, usable_attributes
from vaegan_bench.metrics.attributes.vectors import AttributeVectors
from vaegan_bench.metrics.intervals import Z, wilson
from vaegan_bench.testing.worlds import StandInNetwork, StandInOutputs, pixels

MIDDLE = 100


def images(columns: list[list[int]]) -> Tensor:
    """One row of pixels per image; (N, 1, 1, A)."""
    return torch.tensor(columns, dtype=torch.uint8)[:, None, None, :]


def bools(columns: list[list[int]]) -> Tensor:
    return torch.tensor(columns, dtype=torch.bool)


def oracle(names: tuple[str, ...]) -> StandInNetwork:
    """Each pixel is one attribute, seen where it is brighter than 100."""
    return StandInNetwork(pixels, lambda x: pixels(x) - MIDDLE, columns=names)


def world(real: Tensor, on: Tensor, train_on: Tensor, names: tuple[str, ...], **made: Any) -> StandInOutputs:
    blank = torch.zeros(len(train_on), *real.shape[1:], dtype=torch.uint8)
    data = Data(Split(blank, train_on), Split(real, on), names, digest="by hand")
    return StandInOutputs(data, real, real, oracle(names), **made)


def found(rows: list[Measurement], metric: str, attribute: str = "") -> Measurement:
    (row,) = [row for row in rows if (row.metric, row.attribute) == (metric, attribute)]
    return row


# Retention: three images with a hat, two without; the oracle knows all originals.

HAT = ("Hat",)
ON = bools([[1], [1], [1], [0], [0]])
ORIGINALS = images([[130], [120], [110], [90], [80]])
DECODED = images([[130], [105], [120], [110], [90]])


@pytest.fixture
def kept(stand_in: Extractor) -> list[Measurement]:
    outputs = world(ORIGINALS, ON, bools([[1], [0]]), HAT, reconstructions=DECODED)
    return AttributeRetention(extractor=stand_in)(outputs)


def test_the_auc_of_retention_counts_pairs_and_has_delongs_interval(kept: list[Measurement]) -> None:
    for attribute in ("", "Hat"):
        row = found(kept, "retention-auc", attribute)
        assert row.value == pytest.approx(5 / 6)  # 105 < 110 is the one pair that is lost
        # Placements are 1, ½, 1 and ⅔, 1, with variances 1/12 and 1/18.
        reach = Z * (1 / 12 / 3 + 1 / 18 / 2) ** 0.5
        assert (row.low, row.high) == (pytest.approx(5 / 6 - reach), 1)
        assert (row.ceiling, row.direction) == (1, "higher")


def test_reconstructions_that_show_the_opposite_have_the_opposite_auc(stand_in: Extractor) -> None:
    outputs = world(ORIGINALS, ON, bools([[1], [0]]), HAT, reconstructions=200 - DECODED)
    rows = AttributeRetention(extractor=stand_in)(outputs)
    assert found(rows, "retention-auc").value == pytest.approx(1 / 6)
    assert found(rows, "retention-skill").value < 0
    assert found(rows, "oracle-auc").value == 1


def test_skill_is_between_the_floor_and_the_ceiling_with_an_interval_of_the_same_scale(
    kept: list[Measurement],
) -> None:
    auc, skill = found(kept, "retention-auc"), found(kept, "retention-skill")
    assert auc.floor is not None
    assert auc.low is not None
    assert skill.low is not None
    assert skill.high is not None
    assert skill.value == pytest.approx((auc.value - auc.floor) / (1 - auc.floor))
    assert skill.value - skill.low == pytest.approx((auc.value - auc.low) / (1 - auc.floor))
    assert skill.high - skill.value == pytest.approx(skill.value - skill.low)  # it may exceed 1


def test_the_skill_of_all_attributes_is_of_the_mean_aucs(stand_in: Extractor) -> None:
    on = bools([[1, 0], [1, 1], [1, 0], [0, 1], [0, 0]])
    real = images([[130, 70], [120, 140], [110, 60], [90, 150], [80, 50]])
    decoded = images([[130, 160], [105, 140], [120, 60], [110, 150], [90, 50]])
    outputs = world(real, on, on, ("Hat", "Beard"), reconstructions=decoded)
    rows = AttributeRetention(extractor=stand_in)(outputs)
    mean = found(rows, "retention-auc")
    assert mean.value == pytest.approx((5 / 6 + 4 / 6) / 2)
    assert mean.floor is not None
    assert found(rows, "retention-skill").value == pytest.approx((mean.value - mean.floor) / (1 - mean.floor))


def test_agreement_asks_for_the_decisions_on_the_originals(kept: list[Measurement]) -> None:
    # On originals yes yes yes no no, on reconstructions yes yes yes yes no: recalls of 1 and ½.
    assert found(kept, "retention-agreement").value == pytest.approx(3 / 4)
    assert found(kept, "oracle-auc").value == 1


# Attribute vectors: codes are the pixels' levels, less 100, in hundreds.

NAMES = ("Hat", "Beard", "Smiling")
TRUE = bools([[0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 1, 0]])
CODES = torch.tensor([[-0.5, 0.3, -0.2], [-0.1, -0.4, -0.6], [0.2, -0.7, 0.4], [-0.3, -0.2, -0.9], [-0.8, 0.6, -0.1]])
TRAIN_CODES = torch.tensor([[1.0, 0, 0], [0.0, 1, 0.5], [0.0, 0, 2], [-0.5, 0, 0], [0, -1, 0], [0, 0, -0.5]])
TRAIN_TRUE = bools([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0], [0, 0, 0]])


def drawn(z: Tensor) -> Tensor:
    return (MIDDLE + 100 * z).round().clamp(0, 255).to(torch.uint8)[:, None, None, :]


def moved_world() -> StandInOutputs:
    sure = torch.where(TRUE, 200, 0).to(torch.uint8)[:, None, None, :]
    made = {"reconstructions": drawn(CODES), "means": CODES, "train_means": TRAIN_CODES, "decoder": drawn, "latent": 3}
    return world(sure, TRUE, TRAIN_TRUE, NAMES, **made)


def test_images_that_have_or_already_show_the_attribute_are_not_moved(stand_in: Extractor) -> None:
    trial = encoder_trial(moved_world(), stand_in)
    assert trial is not None
    # The second image has a hat that its reconstruction does not show, the third shows one that it has not.
    assert trial.without_NA[:, 0].tolist() == [True, False, False, True, True]
    assert trial.without_NA[:, 1].tolist() == [False, True, True, True, False]
    assert trial.before_NA.tolist() == (CODES > 0).tolist()


def test_vectors_come_from_training_codes_and_training_attributes(stand_in: Extractor) -> None:
    trial = encoder_trial(moved_world(), stand_in)
    assert trial is not None
    torch.testing.assert_close(trial.vectors_AZ, attribute_vectors(TRAIN_CODES, TRAIN_TRUE))
    assert trial.vectors_AZ[0].tolist() == pytest.approx([1.0 - (-0.5) / 5, 0.0, -(0.5 + 2 - 0.5) / 5])


def test_flips_and_leakage_by_hand(stand_in: Extractor) -> None:
    rows = AttributeVectors(extractor=stand_in, alpha=0.5)(moved_world())
    # Hat: half of (1.1, 0, -0.4) is (0.55, 0, -0.2), which brings -0.5 and -0.3 above 0, but not -0.8.
    flips = found(rows, "flip-rate", "Hat")
    assert flips.value == pytest.approx(2 / 3)
    assert (flips.low, flips.high) == pytest.approx(wilson(2, 3))
    assert (flips.ceiling, flips.direction) == (1, "higher")
    # No beard comes or goes with it, and the smiles were off before.
    assert found(rows, "flip-leakage", "Hat").value == 0
    # Smiling: leakage is the share of the two other decisions that change, averaged over images.
    vector = attribute_vectors(TRAIN_CODES, TRAIN_TRUE)[2]
    off = torch.tensor([0, 1, 3, 4])
    after = (drawn(CODES[off] + 0.5 * vector) > MIDDLE)[:, 0, 0]
    crossed = after.long() - (CODES[off] > 0).long()
    assert found(rows, "flip-rate", "Smiling").value == pytest.approx(float(crossed[:, 2].clamp(min=0).double().mean()))
    assert found(rows, "flip-leakage", "Smiling").value == pytest.approx(
        float(crossed[:, :2].abs().double().mean(1).mean())
    )


def test_no_more_images_are_moved_than_asked_for(stand_in: Extractor) -> None:
    rows = AttributeVectors(extractor=stand_in, alpha=0.5, images=2)(moved_world())
    flips = found(rows, "flip-rate", "Hat")
    assert (flips.low, flips.high) == pytest.approx(wilson(2, 2))
    assert flips.protocol["images"] == 2
    assert flips.protocol["n_train"] == 6


def test_the_ceiling_of_flips_is_the_recall_of_the_oracle(stand_in: Extractor) -> None:
    outputs = moved_world()
    short = outputs.real.clone()
    short[4, 0, 0, 1] = 90  # of two beards the oracle misses one, though it ranks both right
    outputs = replace(outputs, real=short, data=replace(outputs.data, test=Split(short, TRUE)))
    assert found(AttributeVectors(extractor=stand_in)(outputs), "flip-rate", "Beard").ceiling == pytest.approx(1 / 2)


def test_matched_effects_by_hand(stand_in: Extractor) -> None:
    rows = AttributeVectors(extractor=stand_in)(moved_world())
    # Hats appear at -0.3 = α·1.1 and -0.5 = α·1.1: none of three at ¼, two at ½; a half between them.
    alpha = 0.25 + 0.25 * (1 / 2) / (2 / 3)
    assert found(rows, "matched-alpha", "Hat").value == pytest.approx(alpha)
    before, after = (drawn(CODES[[0, 3, 4]] + a * torch.tensor([1.1, 0.0, -0.4])).double() for a in (0.25, 0.5))
    start = drawn(CODES[[0, 3, 4]]).double()
    quarter, half = (float((x - start).abs().mean()) / 255 for x in (before, after))
    assert found(rows, "matched-change", "Hat").value == pytest.approx(quarter + (half - quarter) * 3 / 4)
    assert found(rows, "matched-leakage", "Hat").direction == "lower"


def test_rows_of_the_matrix_are_vectors_and_columns_are_decisions(stand_in: Extractor) -> None:
    matrix = AttributeVectors(extractor=stand_in, alpha=4.0).exhibits(moved_world())["attribute-matrix"].values_RC
    # Four times the vector of beards is (-0.4, 4.8, 0.8): of the three images without one, one loses its hat, and one
    # begins to smile.
    assert matrix[1].tolist() == pytest.approx([-1 / 3, 1, 1 / 3])
    assert matrix[0].tolist() == pytest.approx([1, 0, 0])
    assert matrix[2].tolist() == pytest.approx([0, 0, 1])


def test_codes_that_make_the_vectors_of_the_prior_are_not_those_that_are_moved(stand_in: Extractor) -> None:
    outputs = moved_world()
    trial = prior_trial(outputs, stand_in, drawn=40)
    codes = outputs.codes(45)
    assert torch.equal(trial.codes_NZ, codes[40:])
    torch.testing.assert_close(
        trial.vectors_AZ, attribute_vectors(codes[:40], (drawn(codes[:40]) > MIDDLE)[:, 0, 0]), rtol=0, atol=0
    )
    assert torch.equal(trial.without_NA, ~(drawn(codes[40:]) > MIDDLE)[:, 0, 0])


# Which attributes the oracle knows.


@pytest.mark.parametrize(("second", "usable"), [(95, True), (105, False)])
def test_an_auc_of_nine_tenths_is_enough(second: int, usable: bool, stand_in: Extractor) -> None:
    real = images([[90], [100], [110], [120], [130], [80], [second]])
    on = bools([[1]] * 5 + [[0]] * 2)  # ten pairs, of which one is lost, or two
    outputs = world(real, on, on, HAT)
    assert usable_attributes(outputs, stand_in).tolist() == [usable]


def test_fewer_images_than_the_data_hold_have_the_first_attributes(stand_in: Extractor) -> None:
    on = bools([[1], [0], [0], [1], [1], [1]])
    whole = world(images([[130], [90], [80], [70], [60], [50]]), on, ~on, HAT)
    few = replace(whole, real=whole.real[:3])
    assert truth(few).flatten().tolist() == [True, False, False]
    assert usable_attributes(few, stand_in).tolist() == [True]

    class Shorter(StandInOutputs):
        @property
        def train(self) -> Tensor:
            return self.data.train.images_NCHW[:2]

    shorter = Shorter(few.data, few.real, few.samples, few.opened)
    assert truth_in_training(shorter).flatten().tolist() == [False, True]


def test_an_oracle_of_the_same_attributes_in_another_order_is_refused(stand_in: Extractor) -> None:
    outputs = moved_world()
    turned = replace(outputs, opened=oracle(NAMES[::-1]))
    with pytest.raises(BenchError, match="does not predict the data's attributes"):
        AttributeVectors(extractor=stand_in)(turned)


# The probe: a code of one dimension, of which training shows the direction.


def probe_world(train_codes: list[float], codes: list[float]) -> StandInOutputs:
    train_on = torch.arange(len(train_codes))[:, None] >= len(train_codes) // 2
    means = {"means": torch.tensor(codes)[:, None], "train_means": torch.tensor(train_codes)[:, None]}
    return world(ORIGINALS, ON, train_on, HAT, **means)


def test_the_probe_is_fitted_on_training_codes_and_scored_on_held_out_ones(stand_in: Extractor) -> None:
    train = torch.linspace(-3, 3, 40).tolist()
    mean, hat = LinearProbe(extractor=stand_in)(probe_world(train, [1.3, 0.5, 1.2, 1.1, -2.0]))
    assert mean.value == hat.value == pytest.approx(5 / 6)
    assert (mean.protocol["n_train"], mean.protocol["n_real"]) == (40, 5)
    assert mean.ceiling == 1
    backwards = LinearProbe(extractor=stand_in)(probe_world(train[::-1], [1.3, 0.5, 1.2, 1.1, -2.0]))[0]
    assert backwards.value == pytest.approx(1 / 6)


# Attribute similarity: what is drawn depends on the draw.


@dataclass(eq=False)
class ByDraw(StandInOutputs):
    """Draws the wanted attributes in some of its draws, and the opposite in the others."""

    right: tuple[bool, ...] = ()

    def decode(self, z_NZ: Tensor, attributes_NA: Tensor | None = None) -> Tensor:
        assert attributes_NA is not None
        n = len(self.data.test)
        draw = next(i for i, codes in enumerate(self.codes(n * len(self.right)).split(n)) if torch.equal(codes, z_NZ))
        return (MIDDLE + 100 * (attributes_NA if self.right[draw] else -attributes_NA)).to(torch.uint8)[:, None, None]


def similarity(right: tuple[bool, ...], best_of: int, stand_in: Extractor) -> list[Measurement]:
    on = bools([[1, 0, 0], [0, 1, 0], [1, 1, 0]])
    real = (200 * on).to(torch.uint8)[:, None, None]
    train_on = bools([[1, 0, 0], [1, 1, 1], [1, 0, 0], [0, 0, 0]])
    data = Data(Split(real[:2].repeat(2, 1, 1, 1), train_on), Split(real, on), NAMES, digest="by draw")
    network = StandInNetwork(pixels, lambda x: pixels(x) / 100 - 1, columns=NAMES)
    outputs = ByDraw(data, real, real, network, latent=2, conditional=True, right=right)
    return AttributeSimilarity(extractor=stand_in, best_of=best_of, draws=len(right))(outputs)


def test_the_best_is_taken_of_the_first_draws_only(stand_in: Extractor) -> None:
    late = (False, False, True, False)
    assert found(similarity(late, 2, stand_in), "attribute-cosine").value == pytest.approx(-1)
    assert found(similarity(late, 3, stand_in), "attribute-cosine").value == pytest.approx(1)
    row = found(similarity(late, 3, stand_in), "attribute-cosine")
    assert (row.protocol["best_of"], row.protocol["draws"], row.protocol["vectors"]) == (3, 4, 3)


@pytest.mark.parametrize("best_of", [1, 2, 4])
def test_one_draw_and_the_error_are_means_over_all_draws(best_of: int, stand_in: Extractor) -> None:
    rows = similarity((True, False, False, False), best_of, stand_in)
    assert found(rows, "attribute-cosine").value == pytest.approx(1)
    assert found(rows, "attribute-cosine-once").value == pytest.approx((1 - 3) / 4)
    error = found(rows, "attribute-error")
    assert error.value == pytest.approx(12 * 3 / 4)  # three attributes, each 2 off, in three of four draws
    assert error.direction == "lower"
    assert found(rows, "attribute-error-sd").value == pytest.approx(6.0)  # of 0, 12, 12, 12
    assert error.ceiling == 0


@dataclass(eq=False)
class ByVector(StandInOutputs):
    """Draws the wanted attributes, but of the first vector the opposite."""

    def decode(self, z_NZ: Tensor, attributes_NA: Tensor | None = None) -> Tensor:
        assert attributes_NA is not None
        shown = torch.cat([-attributes_NA[:1], attributes_NA[1:]])
        return (MIDDLE + 100 * shown).to(torch.uint8)[:, None, None]


def test_intervals_of_similarity_are_over_attribute_vectors(stand_in: Extractor) -> None:
    on = bools([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 0]])
    real = (200 * on).to(torch.uint8)[:, None, None]
    network = StandInNetwork(pixels, lambda x: pixels(x) / 100 - 1, columns=NAMES)
    data = Data(Split(real, on), Split(real, on), NAMES, digest="by vector")
    outputs = ByVector(data, real, real, network, latent=2, conditional=True)
    rows = AttributeSimilarity(extractor=stand_in, best_of=1, draws=2, vectors=3)(outputs)
    # Three vectors at most, with cosines -1, 1 and 1 and errors 12, 0 and 0, in every draw.
    for metric, values in (("attribute-cosine", [-1.0, 1, 1]), ("attribute-error", [12.0, 0, 0])):
        row = found(rows, metric)
        reach = 1.959964 * float(torch.tensor(values).std()) / 3**0.5
        mean = sum(values) / 3
        assert (row.low, row.value, row.high) == pytest.approx((mean - reach, mean, mean + reach))
        assert row.protocol["vectors"] == 3


def test_base_rates_are_those_of_the_training_part(stand_in: Extractor) -> None:
    centre = torch.tensor([0.5, -0.5, -0.5])  # 3, 1 and 1 of 4 training images have the attributes, as −1 and 1
    wanted = torch.tensor([[1.0, -1, -1], [-1, 1, -1], [1, 1, -1]])
    opposite = torch.nn.functional.cosine_similarity(-wanted - centre, wanted - centre).mean()
    rows = similarity((False, False), 1, stand_in)
    assert found(rows, "attribute-cosine-centred").value == pytest.approx(float(opposite))
    assert found(rows, "attribute-cosine-centred").ceiling == pytest.approx(1)

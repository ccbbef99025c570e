from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from vaegan_bench.api import BenchError, Extractor, Measurement, Metric
from vaegan_bench.metrics.attributes.disentanglement import Disentanglement
from vaegan_bench.metrics.attributes.linear_probe import LinearProbe
from vaegan_bench.metrics.attributes.mutual_information_gap import MutualInformationGap
from vaegan_bench.metrics.attributes.retention import AttributeRetention, agreement, skill
from vaegan_bench.metrics.attributes.rows import auc

# The fixture `signs` is a world with a known answer: see conftest.py.
NAMES = ("Smiling", "Eyeglasses", "Hat", "Beard")


def by_name(rows: list[Measurement], attribute: str = "") -> dict[str, Measurement]:
    return {row.metric: row for row in rows if row.attribute == attribute}


def measured(outputs: Any, oracle: Extractor, attribute: str = "") -> dict[str, Measurement]:
    return by_name(AttributeRetention(extractor=oracle)(outputs), attribute)


def test_perfect_reconstructions_keep_everything(signs: Any, stand_in: Extractor) -> None:
    found = measured(signs, stand_in)
    assert found["retention-attributes"].value == 4
    for name in ("retention-agreement", "retention-auc", "oracle-auc"):
        assert found[name].value == 1
    assert found["retention-auc"].ceiling == 1
    assert found["retention-auc"].floor == pytest.approx(0.5, abs=0.03)
    assert found["retention-skill"].value == pytest.approx(1)


def test_every_attribute_has_its_rows(signs: Any, stand_in: Extractor) -> None:
    rows = AttributeRetention(extractor=stand_in)(signs)
    for metric in ("retention-auc", "retention-skill", "retention-agreement", "oracle-auc"):
        assert [row.attribute for row in rows if row.metric == metric] == ["", *NAMES]
    assert {row.protocol["attributes"] for row in rows} == {4}


def test_blank_reconstructions_keep_nothing(signs: Any, stand_in: Extractor) -> None:
    found = measured(replace(signs, reconstructions=torch.full_like(signs.real, 100)), stand_in, "Hat")
    assert found["retention-agreement"].value == found["retention-auc"].value == 0.5
    assert found["retention-skill"].value == pytest.approx(0)


def test_noisy_reconstructions_lie_between_with_an_interval(signs: Any, stand_in: Extractor) -> None:
    noise = torch.randint(-120, 120, signs.real.shape, generator=torch.Generator().manual_seed(5))
    noisy = (signs.real + noise).clamp(0, 255).to(torch.uint8)
    for attribute in ("", "Beard"):
        found = measured(replace(signs, reconstructions=noisy), stand_in, attribute)
        for name, floor in (("retention-auc", found["retention-auc"].floor), ("retention-skill", 0)):
            row = found[name]
            assert row.low is not None
            assert row.high is not None
            assert floor is not None
            assert floor < row.low < row.value < row.high < 1
        assert found["retention-agreement"].low is not None
    whole, single = (measured(replace(signs, reconstructions=noisy), stand_in, a) for a in ("", "Hat"))
    assert width(whole["retention-auc"]) < width(single["retention-auc"])


def width(row: Measurement) -> float:
    assert row.low is not None
    assert row.high is not None
    return row.high - row.low


def test_of_attributes_that_the_oracle_does_not_know_only_its_own_auc_is_told(signs: Any, stand_in: Extractor) -> None:
    half_blind = replace(signs.opened, logits=lambda x: (x.flatten(1).float() - 127.5) * torch.tensor([1, 1, 0, -1]))
    rows = AttributeRetention(extractor=stand_in)(replace(signs, opened=half_blind))
    assert {row.attribute for row in rows if row.metric.startswith("retention")} == {"", "Smiling", "Eyeglasses"}
    assert {row.attribute: row.value for row in rows if row.metric == "oracle-auc"} == {
        "": 0.625, "Smiling": 1, "Eyeglasses": 1, "Hat": 0.5, "Beard": 0
    }  # fmt: skip
    assert by_name(rows)["retention-attributes"].value == 2
    assert by_name(rows)["retention-auc"].protocol["left out"] == "Hat Beard"
    blind = replace(signs, opened=replace(signs.opened, logits=lambda x: torch.zeros(len(x), 4)))
    assert set(measured(blind, stand_in)) == {"retention-attributes", "oracle-auc"}


@pytest.mark.parametrize("constant", [True, False])
def test_an_attribute_that_is_constant_here_has_no_row_and_harms_no_other(
    constant: bool, signs: Any, stand_in: Extractor
) -> None:
    on = signs.data.test.attributes_NA.clone()
    on[:, 1] = constant
    data = replace(signs.data, test=replace(signs.data.test, attributes_NA=on))
    rows = AttributeRetention(extractor=stand_in)(replace(signs, data=data))
    assert {row.attribute for row in rows} == {"", "Smiling", "Hat", "Beard"}
    assert by_name(rows)["retention-auc"].value == 1


def test_an_oracle_that_broke_on_one_attribute_harms_no_other(signs: Any, stand_in: Extractor) -> None:
    broken = torch.tensor([1, 1, torch.nan, 1])
    opened = replace(signs.opened, logits=lambda x: (x.flatten(1).float() - 127.5) * broken)
    rows = AttributeRetention(extractor=stand_in)(replace(signs, opened=opened))
    assert {row.attribute for row in rows} == {"", "Smiling", "Eyeglasses", "Beard"}


def test_no_encoder_and_no_attributes_give_no_rows(signs: Any) -> None:
    assert AttributeRetention()(replace(signs, reconstructions=None, means=None, train_means=None)) == []
    assert AttributeRetention()(replace(signs, data=replace(signs.data, attribute_names=()))) == []


def test_an_extractor_of_something_else_is_named(signs: Any, stand_in: Extractor) -> None:
    other = replace(signs.opened, columns=())
    with pytest.raises(BenchError, match="stand-in"):
        AttributeRetention(extractor=stand_in)(replace(signs, opened=other))


def test_the_interval_of_a_skill_is_that_of_resampled_images() -> None:
    noise = torch.Generator().manual_seed(0)
    on = torch.rand(600, 1, generator=noise) < 0.4
    original = torch.randn(600, 1, generator=noise) + 3.0 * on
    kept, floor = original + 2 * torch.randn(600, 1, generator=noise), torch.tensor([0.5])

    def found(places: torch.Tensor) -> Any:
        return skill(auc(kept[places], on[places]), auc(original[places], on[places]), floor)

    resampled = [float(found(torch.randint(600, (600,), generator=noise)).values_A) for _ in range(400)]
    spread = float(torch.tensor(resampled).std())
    assert float(found(torch.arange(600)).influence_NA.norm()) == pytest.approx(spread, rel=0.12)


def test_agreement_counts_decisions_not_scores() -> None:
    original, reconstructed = (
        torch.tensor([[2.0], [1.0], [-1.0], [-2.0]]),
        torch.tensor([[0.1], [-9.0], [-0.1], [-5.0]]),
    )
    assert agreement(original, reconstructed).values_A.tolist() == [0.75]


@pytest.mark.parametrize("metric", [LinearProbe, MutualInformationGap, Disentanglement])
def test_codes_of_an_encoder_that_is_given_the_attributes_are_not_measured(
    metric: type[Metric], signs: Any, stand_in: Extractor
) -> None:
    made = metric(extractor=stand_in) if metric is LinearProbe else metric()
    assert made(signs) != []
    assert made(replace(signs, conditional=True)) == []


def test_a_conditional_model_is_told_what_to_keep_and_not_measured(signs: Any, stand_in: Extractor) -> None:
    assert AttributeRetention(extractor=stand_in)(replace(signs, conditional=True)) == []

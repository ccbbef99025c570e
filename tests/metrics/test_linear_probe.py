"""The probe against scikit-learn's logistic regression, and on worlds with a known answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from sklearn.linear_model import LogisticRegression

from vaegan_bench.api import BenchError, Extractor
from vaegan_bench.metrics.attributes.linear_probe import LinearProbe, fit_probes


def test_all_attributes_at_once_are_scikit_learns_fits_one_by_one() -> None:
    noise = torch.Generator().manual_seed(0)
    z = torch.randn(800, 12, generator=noise, dtype=torch.float64) * torch.linspace(0.1, 5, 12) + 3
    slopes = torch.randn(12, 5, generator=noise, dtype=torch.float64)
    on = (z - 3) @ slopes + 2 * torch.randn(800, 5, generator=noise, dtype=torch.float64) > 1
    probes = fit_probes(z, on)
    standard = ((z - z.mean(0)) / z.std(0, correction=0)).numpy()
    for a in range(5):
        theirs = LogisticRegression(tol=1e-10, max_iter=10_000).fit(standard, on[:, a].numpy())
        assert probes.weights_ZA[:, a].numpy() == pytest.approx(theirs.coef_[0], rel=3e-5, abs=3e-5)
        assert probes.bias_A[a].item() == pytest.approx(theirs.intercept_[0], rel=3e-5, abs=3e-5)


def test_attributes_that_are_coordinates_of_the_code_are_told_apart(signs: Any, stand_in: Extractor) -> None:
    mean, *single = LinearProbe(extractor=stand_in)(signs)
    assert {row.metric for row in (mean, *single)} == {"probe-auc"}
    assert [row.attribute for row in single] == list(signs.data.attribute_names)
    for row in (mean, *single):
        assert row.value > 0.999
        assert row.ceiling == 1
        assert row.floor is not None
        assert row.floor < 0.9  # with four coordinates a probe of noise follows one or the other
        assert row.protocol["attributes"] == 4


def test_codes_that_know_nothing_are_at_chance_and_dead_dimensions_do_no_harm(signs: Any, stand_in: Extractor) -> None:
    noise = torch.Generator().manual_seed(3)
    codes = torch.randn(2, 400, 4, generator=noise)
    codes[:, :, 2] = 7.0
    blind = replace(signs, train_means=codes[0], means=codes[1])
    mean = LinearProbe(extractor=stand_in)(blind)[0]
    assert mean.value == pytest.approx(0.5, abs=0.06)
    assert mean.low is not None
    assert mean.high is not None
    assert mean.low < 0.5 < mean.high


@pytest.mark.parametrize("part", ["train", "test"])
def test_attributes_that_are_constant_in_one_part_are_left_out(part: str, signs: Any, stand_in: Extractor) -> None:
    on = signs.data.test.attributes_NA.clone()
    on[:, 3] = True
    data = replace(signs.data, **{part: replace(signs.data.test, attributes_NA=on)})
    mean, *single = LinearProbe(extractor=stand_in)(replace(signs, data=data))
    assert [row.attribute for row in single] == ["Smiling", "Eyeglasses", "Hat"]
    assert mean.protocol["attributes"] == 3


def test_attributes_that_the_oracle_does_not_know_count(signs: Any, stand_in: Extractor) -> None:
    blind = replace(signs.opened, logits=lambda images: torch.zeros(len(images), 4))
    mean, *single = LinearProbe(extractor=stand_in)(replace(signs, opened=blind))
    assert len(single) == 4
    assert (mean.value, mean.ceiling) == (pytest.approx(1, abs=1e-3), 0.5)


def test_no_encoder_gives_no_rows_and_broken_codes_are_named(signs: Any) -> None:
    assert LinearProbe()(replace(signs, means=None, train_means=None)) == []
    with pytest.raises(BenchError, match="NaN or infinite"):
        fit_probes(torch.full((4, 2), torch.nan), torch.tensor([[True], [False]] * 2))


def test_the_floor_is_chance(signs: Any, stand_in: Extractor) -> None:
    noise = torch.Generator().manual_seed(4)
    many = [torch.cat([signs.means, 3 * torch.randn(400, 40, generator=noise)], 1) for _ in range(2)]
    mean = LinearProbe(extractor=stand_in)(replace(signs, train_means=many[0], means=many[1]))[0]
    assert mean.value > 0.95
    assert mean.floor == pytest.approx(0.5, abs=0.1)

"""The gap against scikit-learn's mutual information, and on codes with a known answer."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import mutual_info_score

from vaegan_bench.api import BenchError
from vaegan_bench.metrics.attributes.mutual_information_gap import (
    MutualInformationGap,
    discretise,
    gap,
    log_ratios,
)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_information_is_scikit_learns() -> None:
    z = normal(900, 5)
    ordered = torch.bucketize(z[:, 1] + z[:, 2], torch.tensor([-1.0, 0.2, 1.5]).double())
    values = torch.stack([(z[:, 0] > 0.8).long(), ordered, (normal(900, seed=3) > 0).long()], 1)
    bins = discretise(z, 7)
    counts = [torch.bincount(column).tolist() for column in bins.T]
    assert all(len(each) == 7 and max(each) - min(each) <= 2 for each in counts)
    _, found = log_ratios(bins, values)
    expected = [[mutual_info_score(bins[:, k], values[:, a]) for a in range(3)] for k in range(5)]
    assert found.T.numpy() == pytest.approx(np.array(expected), abs=1e-12)
    for a in range(3):
        shares = np.bincount(values[:, a]) / 900
        entropy = -(shares * np.log(shares)).sum()
        second, first = sorted(row[a] for row in expected)[-2:]
        assert float(gap(bins, values).values_A[a]) == pytest.approx((first - second) / entropy)


def test_one_dimension_for_each_attribute_is_perfect_and_two_for_one_are_nothing(signs: Any) -> None:
    z = normal(2000, 3)
    on = (z[:, :1] > z[:, :1].median()).long()
    assert float(gap(discretise(z, 20), on).values_A) == pytest.approx(1, abs=0.03)
    twice = torch.cat([z[:, :1], 5 - 2 * z[:, :1]], 1)  # the bins do not mind scale and sign
    assert float(gap(discretise(twice, 20), on).values_A) == pytest.approx(0, abs=0.01)
    assert float(gap(discretise(z[:, :1], 20), on).values_A) == pytest.approx(1, abs=1e-3)
    mean, *single = MutualInformationGap()(signs)
    assert [row.attribute for row in single] == list(signs.data.attribute_names)
    assert mean.value > 0.8
    assert mean.floor is not None
    assert mean.floor < 0.1
    assert (mean.metric, mean.direction, mean.ceiling) == ("mig", "higher", 1)
    assert mean.protocol == {"n_real": 400, "attributes": 4, "bins": 20, "seed": 2020}


def test_the_interval_is_the_spread_over_independent_sets_of_images() -> None:
    values, reaches = [], []
    for seed in range(300):
        z = normal(500, 3, seed=seed)
        edges = torch.tensor([0.8, 1.9]).double()
        values_of_z = torch.bucketize(z[:, :1] + 0.8 * normal(500, 1, seed=1000 + seed), edges)
        found = gap(discretise(z, 4), values_of_z)
        values.append(float(found.values_A))
        reaches.append(float(found.influence_NA.norm()))
    assert np.mean(reaches) == pytest.approx(np.std(values), rel=0.15)


def test_factors_with_several_values_are_used_where_the_data_have_them(signs: Any) -> None:
    corners = signs.data.test.attributes_NA.long()
    factors = {"pair": ("neither", "smile", "glasses", "both"), "hat": ("no", "yes")}
    given = torch.stack([corners[:, 0] + 2 * corners[:, 1], corners[:, 2]], 1)
    split = replace(signs.data.test, factors_NF=given)
    told = replace(signs, data=replace(signs.data, train=split, test=split, factors=factors))
    mean, pair, hat = MutualInformationGap()(told)
    assert (pair.attribute, hat.attribute) == ("pair", "hat")
    assert mean.protocol == {"n_real": 400, "factors": 2, "bins": 20, "seed": 2020}
    assert hat.value > 0.8  # one coordinate says all of it
    assert pair.value < 0.2  # two coordinates say half of it each
    assert mean.value == pytest.approx((pair.value + hat.value) / 2)


def test_dead_dimensions_know_nothing() -> None:
    z = torch.cat([torch.full((400, 1), 7.0).double(), normal(400, 1)], 1)
    bins = discretise(z, 20)
    assert len(bins[:, 0].unique()) == 1
    on = (z[:, 1:] > 0).long()
    assert log_ratios(bins, on)[1][0].tolist() == pytest.approx([0, math.log(2)], abs=0.05)
    assert float(gap(discretise(z[:, :1], 20), on).values_A) == pytest.approx(0)


def test_what_does_not_vary_is_left_out_and_broken_codes_are_named(signs: Any) -> None:
    on = signs.data.test.attributes_NA.clone()
    on[:, 3] = True
    data = replace(signs.data, test=replace(signs.data.test, attributes_NA=on))
    _, *single = MutualInformationGap()(replace(signs, data=data))
    assert [row.attribute for row in single] == ["Smiling", "Eyeglasses", "Hat"]
    assert MutualInformationGap()(replace(signs, means=None)) == []
    with pytest.raises(BenchError, match="Posterior means of held-out images are NaN or infinite"):
        MutualInformationGap()(replace(signs, means=torch.full_like(signs.means, torch.nan)))
    with pytest.raises(ValueError, match="bins"):
        MutualInformationGap(bins=1)

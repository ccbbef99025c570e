"""The sparse classifiers against scikit-learn's, and the three numbers on codes with a known answer."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torch.nn.functional import one_hot

from vaegan_bench.api import BenchError
from vaegan_bench.metrics.attributes.disentanglement import (
    Disentanglement,
    completeness,
    disentanglement,
    importance,
    informativeness,
)
from vaegan_bench.metrics.attributes.sparse_classifiers import (
    Classifiers,
    Problem,
    choose,
    descend,
    fit_sparse,
    without_weights,
)

COUNTS = torch.tensor([4, 3, 5, 2])


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def draw_values(n: int, seed: int = 0, skew: float = 1) -> Tensor:
    """Independent factors of `COUNTS` values, uniform or, with a skew above 1, with rare last values; (N, 4)."""
    uniform = torch.rand(n, len(COUNTS), generator=torch.Generator().manual_seed(seed))
    return (uniform**skew * COUNTS).long()


def linear(values_NF: Tensor, seed: int = 1) -> Tensor:
    """One dimension for each factor, of standard deviation 1."""
    z_NF = values_NF + 0.1 * normal(*values_NF.shape, seed=seed)
    return (z_NF - z_NF.mean(0)) / z_NF.std(0)


def scores(z_NZ: Tensor, values_NF: Tensor) -> tuple[float, float, float]:
    """Fitted on two thirds of the images, measured on the others."""
    n = len(z_NZ) * 2 // 3
    fitted = fit_sparse(z_NZ[:n], values_NF[:n], COUNTS)
    shares = importance(fitted)
    explained = informativeness(fitted, z_NZ[n:], values_NF[n:]).values_A
    return disentanglement(shares), float(completeness(shares).mean()), float(explained.mean())


def test_the_fits_are_scikit_learns_one_by_one() -> None:
    values, z = draw_values(700), normal(700, 6, seed=2)
    z[:, :3] += 0.7 * values[:, :3] + 0.2 * values[:, [1, 2, 0]]
    x = (z - z.mean(0)) / z.std(0, correction=0)
    penalties = torch.tensor([0.02, 0.01, 0.005, 0.04])
    given = Problem(torch.nn.functional.pad(x, (0, 1), value=1.0), one_hot(values).double(), COUNTS)
    start = without_weights(given)
    for _ in range(4):  # as many steps as scikit-learn's tolerance needs
        start = descend(given, penalties, start)
    for f, penalty in enumerate(penalties.tolist()):
        theirs = LogisticRegression(l1_ratio=1, solver="saga", C=1 / (penalty * 700), tol=1e-8, max_iter=20_000)
        theirs.fit(x.numpy(), values[:, f].numpy())
        ours = start[:-1, f, : COUNTS[f]].T.numpy()
        known = theirs.coef_ if len(theirs.coef_) > 1 else np.stack([-theirs.coef_[0] / 2, theirs.coef_[0] / 2])
        assert ours - ours[:1] == pytest.approx(known - known[:1], abs=3e-3), f
        assert (np.abs(ours).sum(0) > 1e-9).tolist() == (np.abs(known).sum(0) > 1e-9).tolist()
        assert not start[:-1, f, COUNTS[f] :].any()


def test_the_formulas_by_hand() -> None:
    weights = torch.zeros(3, 2, 2, dtype=torch.float64)
    weights[0, 0] = torch.tensor([1.0, -1.0])
    weights[1] = torch.tensor([[0.5, -0.5], [0.0, 3.0]])
    fitted = Classifiers(torch.zeros(3), torch.ones(3), weights, torch.zeros(2, 2))
    shares = importance(fitted)
    assert shares.tolist() == [[pytest.approx(2 / 3), 0], [pytest.approx(1 / 3), 1], [0, 0]]
    second = 1 - (-0.25 * math.log2(0.25) - 0.75 * math.log2(0.75))  # the first dimension is about one factor only
    assert disentanglement(shares) == pytest.approx((2 / 3 * 1 + 4 / 3 * second) / 2)
    thirds = 1 - (-2 / 3 * math.log(2 / 3) - 1 / 3 * math.log(1 / 3)) / math.log(3)
    assert completeness(shares).tolist() == pytest.approx([thirds, 1])


def test_a_dimension_for_each_factor_is_perfect_in_any_order_and_beside_noise() -> None:
    values = draw_values(3000)
    shuffled = torch.cat([linear(values)[:, [2, 0, 3, 1]] * torch.tensor([-3.0, 1, 0.1, 1]), normal(3000, 6)], 1)
    disentangled, complete, informative = scores(shuffled, values)
    assert disentangled == pytest.approx(1, abs=0.03)
    assert complete == pytest.approx(1, abs=0.03)
    assert informative > 0.95


def test_a_rotated_code_knows_as_much_and_is_entangled() -> None:
    values = draw_values(3000)
    rotation = torch.linalg.qr(normal(4, 4, seed=5)).Q
    disentangled, complete, informative = scores(linear(values) @ rotation, values)
    assert disentangled < 0.4
    assert complete < 0.4
    assert informative > 0.95


def test_several_dimensions_for_each_value_are_disentangled_but_not_complete() -> None:
    values = draw_values(3000)
    hot = torch.cat([one_hot(v) for v in values.T], 1) + 0.1 * normal(3000, int(COUNTS.sum()))
    disentangled, complete, informative = scores(hot, values)
    assert disentangled == pytest.approx(1, abs=0.02)
    assert complete < 0.8
    assert informative > 0.95


@pytest.mark.parametrize("seed", range(8))
def test_codes_that_know_nothing_are_at_0(seed: int) -> None:
    disentangled, complete, informative = scores(normal(3000, 20, seed=10 + seed), draw_values(3000, seed=seed))
    assert disentangled <= 0.25  # one of four factors by chance
    assert complete <= 0.25
    assert informative == pytest.approx(0, abs=0.01)


def test_what_is_explained_is_the_information_of_a_noisy_channel() -> None:
    image = torch.arange(8000)[:, None]
    values, wrong = image % 2, image % 20 < 2  # a tenth of either value
    sign = torch.where(wrong, 1 - values, values)
    expected = 1 + 0.1 * math.log2(0.1) + 0.9 * math.log2(0.9)
    slope = torch.tensor([[[-0.5, 0.5]]]) * math.log(9)  # the true odds
    known = Classifiers(torch.tensor([0.5]), torch.tensor([0.5]), slope.double(), torch.zeros(1, 2))
    assert float(informativeness(known, sign, values).values_A) == pytest.approx(expected, abs=1e-6)
    fitted = fit_sparse(sign.double(), values, torch.tensor([2]))
    found = float(informativeness(fitted, sign.double(), values).values_A)
    assert expected - 0.02 < found <= expected + 1e-9  # the choice of a penalty gives away a little


def test_the_interval_is_the_spread_over_independent_sets_of_images() -> None:
    values = draw_values(2000, skew=5)
    fitted = fit_sparse(linear(values) + normal(2000, 4, seed=4), values, COUNTS)
    found, reach = [], []
    for seed in range(300):
        held_out = draw_values(400, seed=100 + seed, skew=5)
        z = linear(held_out, seed=500 + seed) + normal(400, 4, seed=900 + seed)
        explained = informativeness(fitted, z, held_out)
        found.append(explained.values_A.numpy())
        reach.append(explained.influence_NA.norm(dim=0).numpy())
    assert np.mean(reach, 0) == pytest.approx(np.std(found, 0), rel=0.15)


def test_the_largest_penalty_that_is_not_clearly_worse_is_chosen() -> None:
    spread = torch.tensor([-1.0, 1.0]).double().repeat(50)[:, None]
    means = torch.tensor([[1.0, 3.0], [0.69, 2.0], [0.55, 1.0], [0.5, 0.5], [0.52, 0.4]]).double()
    larger = torch.arange(5, 0, -1)[:, None, None]  # places differ from the next by one spread more
    costs = means[:, None, :] + larger * spread * torch.tensor([0.5, 0.01])  # differences of 0.05 and .001 per place
    assert choose(costs + 9 * spread[:, [0, 0]]).tolist() == [1, 4]  # what all places share does not matter


def test_a_factor_that_nothing_predicts_counts_as_0() -> None:
    half = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]]).double()
    assert disentanglement(half) == pytest.approx(0.5)
    assert completeness(half).tolist() == [1, 1, 0, 0]


def test_a_value_that_training_images_lack_is_a_surprise_and_no_error() -> None:
    values = draw_values(900)
    values[:600, 0].clamp_(max=2)
    _, _, informative = scores(linear(values), values)
    assert math.isfinite(informative)


def test_the_rows_have_ceilings_and_floors_and_name_what_they_are_about(signs: Any) -> None:
    whole, mean, *single = (row for row in Disentanglement()(signs) if row.metric != "dci-informativeness")
    assert (whole.metric, mean.metric) == ("dci-disentanglement", "dci-completeness")
    assert [row.attribute for row in single] == list(signs.data.attribute_names)
    assert whole.protocol == {"n_train": 400, "n_real": 400, "attributes": 4, "seed": 2020}
    informative = [row for row in Disentanglement()(signs) if row.metric == "dci-informativeness"]
    for row in (whole, mean, informative[0]):
        assert row.value > 0.9
        assert row.floor is not None
        assert row.floor < 0.1
        assert (row.direction, row.ceiling) == ("higher", 1)
    assert informative[1].low is not None


def test_factors_with_several_values_are_used_where_the_data_have_them(signs: Any) -> None:
    values = draw_values(400)
    split = replace(signs.data.test, factors_NF=values)
    factors = {f"f{f}": tuple("abcde"[:count]) for f, count in enumerate(COUNTS.tolist())}
    data = replace(signs.data, train=split, test=split, factors=factors)
    whole, *rows = Disentanglement()(replace(signs, data=data, means=linear(values), train_means=linear(values)))
    assert whole.protocol["factors"] == 4
    assert whole.value > 0.95
    assert {row.attribute for row in rows} == {"", *factors}


def of_shape(signs: Any, factors: int, dimensions: int) -> set[str]:
    """The metrics of codes of so many dimensions on the first factors."""
    varying = signs.data.test.attributes_NA.clone()
    varying[:, factors:] = False
    data = replace(signs.data, train=replace(signs.data.train, attributes_NA=varying))
    means, train = signs.means[:, :dimensions], signs.train_means[:, :dimensions]
    return {row.metric for row in Disentanglement()(replace(signs, data=data, means=means, train_means=train))}


def test_what_has_only_one_value_for_one_factor_or_one_dimension_is_left_out(signs: Any) -> None:
    assert of_shape(signs, 2, 2) == {"dci-disentanglement", "dci-completeness", "dci-informativeness"}
    assert of_shape(signs, 1, 2) == {"dci-completeness", "dci-informativeness"}
    assert of_shape(signs, 2, 1) == {"dci-disentanglement", "dci-informativeness"}
    assert of_shape(signs, 1, 1) == {"dci-informativeness"}


def test_what_does_not_vary_is_left_out_and_broken_codes_are_named(signs: Any) -> None:
    on = signs.data.test.attributes_NA.clone()
    on[:, 3] = True
    data = replace(signs.data, train=replace(signs.data.train, attributes_NA=on))
    named = {row.attribute for row in Disentanglement()(replace(signs, data=data))}
    assert named == {"", "Smiling", "Eyeglasses", "Hat"}
    assert Disentanglement()(replace(signs, means=None, train_means=None)) == []
    with pytest.raises(BenchError, match="NaN or infinite"):
        Disentanglement()(replace(signs, train_means=torch.full_like(signs.means, torch.nan)))

"""The probe against scikit-learn's logistic regression, and on worlds with a known answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from sklearn.linear_model import LogisticRegression

from vaegan_bench.api import BenchError, Outputs
from vaegan_bench.metrics.linear_probe import LinearProbe, fit_probes


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


def test_attributes_that_are_coordinates_of_the_code_are_told_apart(signs: Outputs) -> None:
    rows = {row.metric: row for row in LinearProbe()(signs)}
    assert set(rows) == {"probe-auc", "probe-auc[Smiling]", "probe-auc[Eyeglasses]"}
    assert rows["probe-auc"].value > 0.999
    assert rows["probe-auc"].protocol["attributes"] == 4


def test_codes_that_know_nothing_are_at_chance_and_dead_dimensions_do_no_harm(signs: Outputs) -> None:
    noise = torch.Generator().manual_seed(3)
    codes = torch.randn(2, 400, 4, generator=noise)
    codes[:, :, 2] = 7.0
    blind = replace(signs, train_means=codes[0], means=codes[1])
    assert LinearProbe()(blind)[0].value == pytest.approx(0.5, abs=0.06)


def test_no_encoder_gives_no_rows_and_broken_codes_are_named(signs: Outputs) -> None:
    assert LinearProbe()(replace(signs, means=None, train_means=None)) == []
    with pytest.raises(BenchError, match="NaN or infinite"):
        fit_probes(torch.full((4, 2), torch.nan), torch.tensor([[True], [False]] * 2))

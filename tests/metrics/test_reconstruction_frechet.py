from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from vaegan_bench.api import BenchError, Features, Outputs
from vaegan_bench.metrics.reconstruction.frechet import ReconstructionFrechet
from vaegan_bench.testing.worlds import StandInNetwork, pixels

OfFeatures = Callable[[Tensor, Tensor], Any]


def normal(n: int, f: int, seed: int = 0) -> Tensor:
    return torch.randn(n, f, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def outputs_of(of_features: OfFeatures, real_NF: Tensor, decoded_NF: Tensor, **network: Any) -> Outputs:
    """Outputs whose samples are far from everything, so that only reconstructions decide."""
    outputs = of_features(real_NF, real_NF + 1000)
    given = {**outputs.given, "reconstructions": Features(decoded_NF, decoded_NF)}
    opened = StandInNetwork(pixels, pixels, **network)
    made: Outputs = replace(outputs, reconstructions=outputs.real, given=given, opened=opened)
    return made


@pytest.mark.parametrize("n", [12, 200])
def test_features_that_shrink_and_shift_are_as_far_as_the_closed_form_says(of_features: OfFeatures, n: int) -> None:
    real = normal(n, 16)
    shift = torch.linspace(-1, 2, 16).double()
    [row] = ReconstructionFrechet()(outputs_of(of_features, real, 0.7 * real + shift))
    means = (0.7 * real + shift - real).mean(0)
    expected = float(means.square().sum() + 0.3**2 * real.var(0).sum())  # √(Σ · 0.49 Σ) = 0.7 Σ
    assert row.value == pytest.approx(expected, rel=1e-6)
    assert (row.metric, row.direction) == ("reconstruction-frechet[stand-in]", "lower")
    assert row.protocol == {
        "extractor": "efflite0", "weights": "0123456789ab", "resize": "none", "dtype": "float32", "n_real": n,
    }  # fmt: skip


def test_blended_features_agree_with_numpys_eigenvalues(of_features: OfFeatures) -> None:
    real = normal(300, 5) @ normal(5, 5, 7)
    decoded = 0.6 * real + 0.5 * normal(300, 5, 1)
    [row] = ReconstructionFrechet()(outputs_of(of_features, real, decoded))
    a, b = (np.cov(x.numpy(), rowvar=False) for x in (real, decoded))
    roots = np.sqrt(np.linalg.eigvals(a @ b).real).sum()
    means = float((real.mean(0) - decoded.mean(0)).square().sum())
    assert row.value == pytest.approx(means + np.trace(a) + np.trace(b) - 2 * roots, rel=1e-6)


def test_it_is_the_rfid_on_inception_and_nothing_without_an_encoder(of_features: OfFeatures) -> None:
    outputs = outputs_of(of_features, normal(50, 3), normal(50, 3), name="inception")
    [row] = ReconstructionFrechet()(outputs)
    assert row.metric == "rfid"
    assert row.value == pytest.approx(0, abs=1e-9)
    assert ReconstructionFrechet()(of_features(normal(50, 3), normal(50, 3))) == []
    broken = outputs_of(of_features, normal(50, 3), normal(50, 3).index_fill(0, torch.tensor([7]), torch.nan))
    with pytest.raises(BenchError, match="1 of 50 reconstructions are NaN"):
        ReconstructionFrechet()(broken)

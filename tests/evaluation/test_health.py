"""Verdicts on training: what is found is true, and what is healthy is left alone."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import Tensor

import vaegan_bench as vb
from vaegan_bench.api import Outputs, Posterior, silent
from vaegan_bench.evaluation.health import verdicts


class Made:
    """Outputs of which only what verdicts look at is there."""

    def __init__(self, samples: Tensor, posterior: Posterior | None = None) -> None:
        self.samples, self.posterior = samples, posterior
        self.real, self.progress = images(60, seed=1), silent


def images(n: int, seed: int) -> Tensor:
    return torch.randint(0, 256, (n, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def aucs(*values: float) -> pd.DataFrame:
    return pd.DataFrame({"step": [50 * (i + 1) for i in range(len(values))], "value": values}).assign(
        term="discriminator auc"
    )


def found(outputs: Made, history: pd.DataFrame) -> dict[str, str]:
    stated: Outputs = outputs  # type: ignore[assignment]
    return verdicts(stated, history)


def test_a_healthy_run_has_no_verdict() -> None:
    active = Posterior(torch.randn(60, 4, generator=torch.Generator().manual_seed(0)), torch.zeros(60, 4))
    assert found(Made(images(60, seed=2), active), aucs(*([1.0] * 5), *([0.9] * 5))) == {}
    assert found(Made(images(60, seed=2)), aucs()) == {}


def test_codes_that_say_nothing_are_posterior_collapse() -> None:
    dead = Posterior(torch.full((60, 4), 0.3), torch.zeros(60, 4))
    told = found(Made(images(60, seed=2), dead), aucs())
    assert list(told) == ["posterior collapse"]
    assert "0 of 4 latent dimensions are active" in told["posterior collapse"]


def test_codes_that_are_no_numbers_get_no_verdict() -> None:
    broken = Posterior(torch.full((60, 4), math.nan), torch.zeros(60, 4))
    assert found(Made(images(60, seed=2), broken), aucs()) == {}


def test_few_images_over_and_over_are_mode_collapse() -> None:
    few = images(3, seed=2).repeat(20, 1, 1, 1)
    assert "100% of 60 samples" in found(Made(few), aucs())["mode collapse"]
    a_third = torch.cat([few[:20], images(40, seed=3)])
    assert found(Made(a_third), aucs()) == {}


@pytest.mark.parametrize(("late", "saturated"), [([1.0, 1.0], True), ([1.0, 0.99], False)])
def test_a_discriminator_that_is_always_right_at_the_end_is_saturated(late: list[float], saturated: bool) -> None:
    told = found(Made(images(60, seed=2)), aucs(*([0.7] * 18), *late))
    assert ("discriminator saturated" in told) == saturated


@pytest.mark.parametrize(("variance", "collapsed"), [(0.0099, True), (0.0101, False)])
def test_one_active_dimension_is_enough(variance: float, collapsed: bool) -> None:
    mu = torch.zeros(2, 3).double()
    mu[:, 1] = torch.tensor([-1.0, 1.0]) * (variance / 2) ** 0.5
    told = found(Made(images(60, seed=2), Posterior(mu, torch.zeros(2, 3))), aucs())
    assert ("posterior collapse" in told) == collapsed
    if collapsed:
        assert "0 of 3 latent dimensions are active: the largest variance of a posterior mean is 0.0099" in str(told)


@pytest.mark.parametrize(("repeated", "collapsed"), [(20, True), (19, False)])
def test_half_of_the_samples_with_a_near_duplicate_are_mode_collapse(repeated: int, collapsed: bool) -> None:
    samples = images(40, seed=2)
    samples[1:repeated] = samples[:1]
    assert ("mode collapse" in found(Made(samples), aucs())) == collapsed


@pytest.mark.parametrize(("last", "saturated"), [(0.9991, True), (0.9989, False)])
def test_only_the_last_tenth_counts_and_999_of_1000_pairs_are_enough(last: float, saturated: bool) -> None:
    told = found(Made(images(60, seed=2)), aucs(*([0.2] * 36), *([last] * 4)))
    assert ("discriminator saturated" in told) == saturated
    before = found(Made(images(60, seed=2)), aucs(*([1.0] * 36), 1.0, 1.0, 0.99, 1.0))
    assert before == {}
    other = aucs(*([1.0] * 40)).assign(term="encoder auc")
    assert found(Made(images(60, seed=2)), other) == {}


@pytest.mark.usefixtures("tables_alone")
def test_a_run_whose_prior_outweighs_all_else_is_told_in_every_table(tmp_path: Path) -> None:
    with torch.random.fork_rng():
        results = vb.run(
            "smoke", models=["vae[prior.weight=1e6]"], metrics=[], steps=300, results=tmp_path, cache=tmp_path
        )
    (health,) = results.rows["health"].unique()
    assert "posterior collapse: 0 of 8 latent dimensions are active" in health
    assert "1 posterior collapse" in results.table().to_string()
    assert health in (results.folder.path / "summary.md").read_text("utf-8")

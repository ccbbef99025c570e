"""From outputs to rows: draws, noise, exhibits, and metrics that fail."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch

from vaegan_bench.api import BenchError, Exhibits, Measurement, Metric, Outputs
from vaegan_bench.assembly import build_modules
from vaegan_bench.evaluation.measuring import measure
from vaegan_bench.evaluation.outputs import ModelOutputs
from vaegan_bench.evaluation.shared import Shared
from vaegan_bench.models.gan import GAN
from vaegan_bench.models.vae import VAE
from vaegan_bench.testing import blobs, small_run
from vaegan_bench.training.trained_model import TrainedModel

CPU = torch.device("cpu")


@dataclass(frozen=True, kw_only=True)
class MeanLevel(Metric):
    """The mean level of samples or of real pictures, and how often it was asked."""

    name: ClassVar[str] = "mean-level"
    family: ClassVar[str] = "sample quality"
    asked: ClassVar[list[str]] = []
    of: str = "samples"

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        self.asked.append(self.of)
        pictures = outputs.samples if self.of == "samples" else outputs.real
        value = float(pictures.float().mean())
        return [Measurement("level", value, "none", "levels", {"n_fake": len(outputs.real)}, low=value - 1)]

    def exhibits(self, outputs: Outputs) -> Exhibits:
        return {"levels": np.array([1.0, 2.0])}


@dataclass(frozen=True, kw_only=True)
class Fails(Metric):
    name: ClassVar[str] = "fails"
    family: ClassVar[str] = "sample quality"

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        raise BenchError("There is nothing to see.")


@pytest.fixture
def outputs(tmp_path: Path) -> ModelOutputs:
    run = small_run(VAE())
    modules = build_modules(run.model, run.networks, 0, blobs().shape, CPU)
    return ModelOutputs(TrainedModel(run.model, modules, run.networks.latent), Shared(blobs(), tmp_path, CPU), 20, 0)


def test_what_looks_at_samples_is_measured_on_every_draw_and_nothing_else_is(outputs: ModelOutputs) -> None:
    draws = [outputs, outputs.redrawn(1), outputs.redrawn(2)]
    for of, times in [("samples", 3), ("real", 1), ("samples", 3)]:
        MeanLevel.asked.clear()
        (row,) = measure(draws, [MeanLevel(of=of)], "test").rows
        assert len(MeanLevel.asked) == times
        assert (row["noise"] is not None) == (times > 1)
        assert row["protocol"].get("draws") == (times if times > 1 else None)
    levels = [float(draw.samples.float().mean()) for draw in draws]
    assert len(set(levels)) == 3
    assert row["value"] == pytest.approx(statistics.fmean(levels))
    assert row["noise"] == pytest.approx(statistics.stdev(levels))
    assert row["low"] == pytest.approx(row["value"] - 1)
    assert row["high"] is None


def test_another_draw_has_other_samples_and_all_else_in_common(outputs: ModelOutputs) -> None:
    before = outputs.samples, outputs.reconstructions
    other = outputs.redrawn(1)
    assert not torch.equal(other.samples, before[0])
    assert other.reconstructions is before[1]
    assert outputs.samples is before[0]
    assert torch.equal(outputs.redrawn(1).samples, other.samples)
    assert not torch.equal(outputs.decode(outputs.prior(20)), outputs.samples)


def test_all_models_of_a_seed_are_given_the_same_codes(outputs: ModelOutputs) -> None:
    run = small_run(GAN())
    modules = build_modules(run.model, run.networks, 0, blobs().shape, CPU)
    gan = ModelOutputs(TrainedModel(run.model, modules, run.networks.latent), outputs.shared, 20, 0)
    assert torch.equal(gan.prior(7), outputs.prior(7))
    assert (gan.posterior, gan.reconstructions, gan.train_means) == (None, None, None)


def test_a_metric_that_fails_costs_the_others_nothing(outputs: ModelOutputs) -> None:
    measured = measure([outputs], [Fails(), MeanLevel()], "validation")
    assert measured.problems == {"fails": "There is nothing to see."}
    assert [row["metric"] for row in measured.rows] == ["level"]
    assert measured.rows[0]["protocol"]["split"] == "validation"
    assert list(measured.exhibits) == ["levels"]

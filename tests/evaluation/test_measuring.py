"""From outputs to rows: draws, noise, exhibits, and metrics that fail."""

from __future__ import annotations

import math
import re
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from vaegan_bench.api import BenchError, Exhibits, Measurement, Metric, Outputs, Spectrum
from vaegan_bench.evaluation.measuring import measure
from vaegan_bench.evaluation.outputs import ModelOutputs
from vaegan_bench.evaluation.references import References
from vaegan_bench.evaluation.settings import EvaluationSettings
from vaegan_bench.models.gan import GAN
from vaegan_bench.models.vae import VAE
from vaegan_bench.study.assembly import build_modules
from vaegan_bench.testing import blobs, small_run
from vaegan_bench.training.trained_model import TrainedModel

CPU = torch.device("cpu")


def levels(*values: float) -> Spectrum:
    return Spectrum(np.array(values), "level", "grey levels", dimension="image", threshold=1.0)


@dataclass(frozen=True, kw_only=True)
class MeanLevel(Metric):
    """The mean level of samples, and how often it was asked for."""

    name: ClassVar[str] = "mean-level"
    family: ClassVar[str] = "sample quality"
    uses_samples: ClassVar[bool] = True
    asked: ClassVar[list[int]] = []

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        self.asked.append(len(outputs.real))
        value = float(outputs.samples.float().mean())
        return [Measurement("level", value, "none", "levels", {"n_fake": len(outputs.real)}, low=value - 1)]

    def exhibits(self, outputs: Outputs) -> Exhibits:
        return {"levels": levels(1.0, 2.0)}


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
    return ModelOutputs(
        TrainedModel(run.model, modules, run.networks.latent), References(blobs(), tmp_path, CPU), 20, 0
    )


def test_what_uses_samples_is_measured_on_every_draw_and_nothing_else_is(
    outputs: ModelOutputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    draws = [outputs, outputs.redrawn(1), outputs.redrawn(2)]
    for uses_samples, times in [(False, 1), (True, 3)]:
        MeanLevel.asked.clear()
        monkeypatch.setattr(MeanLevel, "uses_samples", uses_samples)
        (row,) = measure(draws, [MeanLevel()], "test").rows
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
    assert not torch.equal(outputs.decode(outputs.codes(20)), outputs.samples)


def test_all_models_of_a_seed_are_given_the_same_codes(outputs: ModelOutputs) -> None:
    run = small_run(GAN())
    modules = build_modules(run.model, run.networks, 0, blobs().shape, CPU)
    gan = ModelOutputs(TrainedModel(run.model, modules, run.networks.latent), outputs.references, 20, 0)
    assert torch.equal(gan.codes(7), outputs.codes(7))
    assert (gan.posterior, gan.reconstructions, gan.train_means) == (None, None, None)


def test_a_metric_that_fails_costs_the_others_nothing(outputs: ModelOutputs) -> None:
    measured = measure([outputs], [Fails(), MeanLevel()], "validation")
    assert measured.problems == {"fails": "There is nothing to see."}
    assert [row["metric"] for row in measured.rows] == ["level"]
    assert measured.rows[0]["protocol"]["split"] == "validation"
    assert list(measured.exhibits) == ["levels"]


@dataclass(frozen=True, kw_only=True)
class Gives(Metric):
    """Whatever a test wants it to give."""

    name: ClassVar[str] = "gives"
    family: ClassVar[str] = "sample quality"
    given: ClassVar[list[Measurement]] = []
    shown: ClassVar[dict[str, Any]] = {}
    leaves: ClassVar[bool] = False

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        if self.leaves:
            sys.exit(0)
        return self.given

    def exhibits(self, outputs: Outputs) -> Exhibits:
        return self.shown


def given(monkeypatch: pytest.MonkeyPatch, *values: float, **changes: Any) -> Gives:
    rows = [Measurement(f"m{i}", value, "higher", "1", {"n_real": 20}) for i, value in enumerate(values)]
    monkeypatch.setattr(Gives, "given", rows)
    for name, value in changes.items():
        monkeypatch.setattr(Gives, name, value)
    return Gives()


def test_values_that_are_no_numbers_are_a_problem_and_no_rows(
    outputs: ModelOutputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    metric = given(monkeypatch, 1.0, math.nan, -math.inf, math.nan)
    measured = measure([outputs], [metric], "test")
    assert [(row["metric"], row["value"]) for row in measured.rows] == [("m0", 1.0)]
    assert measured.problems == {"gives": "gave NaN for m1, m3 and an infinite value for m2"}


def test_infinite_values_that_differ_between_draws_cost_the_other_numbers_nothing(
    outputs: ModelOutputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = iter([1.0, math.inf, 2.0, -math.inf])
    metric = given(monkeypatch)
    monkeypatch.setattr(type(metric), "uses_samples", True)
    monkeypatch.setattr(
        type(metric),
        "__call__",
        lambda self, outputs: [Measurement(name, next(values), "higher", "1", {}) for name in ("sound", "broken")],
    )
    measured = measure([outputs, outputs.redrawn(1)], [metric], "test")
    assert [(row["metric"], row["value"]) for row in measured.rows] == [("sound", 1.5)]
    assert measured.problems == {"gives": "gave NaN for broken"}


def test_bounds_that_are_no_numbers_are_absent(outputs: ModelOutputs, monkeypatch: pytest.MonkeyPatch) -> None:
    row = Measurement("m", 1.0, "higher", "1", {"n_real": 20}, low=math.nan, high=2.0)
    measured = measure([outputs], [given(monkeypatch, given=[row])], "test")
    assert (measured.rows[0]["low"], measured.rows[0]["high"]) == (None, 2.0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"leaves": True}, r"sys\.exit\(0\) was called"),
        ({"given": [Measurement("m", 1.0, "higher", "1", {"n": np.int64(3)})]}, "cannot be kept: .*int64"),
        ({"given": [Measurement("m", 1.0, "upwards", "1")]}, "cannot be kept: direction is not 'higher' or"),
        (
            {"given": [Measurement("m", 1.0, "higher", "1", {3: "n"})]},
            "cannot be kept: 3 names a part of the protocol of",
        ),
        ({"given": [Measurement("m", value, "higher", "1", {"k": value}) for value in (1, 5)]}, "It gave 'm' twice"),
        ({"shown": {"any": np.zeros(3)}}, "the exhibit 'any' is a ndarray, and figures are drawn of: Spectrum"),
        ({"shown": {"../any": levels(1.0)}}, "the exhibit '../any' cannot be the name of a file: use lower case"),
    ],
    ids=["leaves", "protocol", "direction", "key", "twice", "array", "name"],
)
def test_what_cannot_be_kept_is_a_problem_of_its_metric(
    outputs: ModelOutputs, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], words: str
) -> None:
    measured = measure([outputs], [given(monkeypatch, 1.0, **changes), MeanLevel()], "test")
    assert re.search(words, measured.problems["gives"])
    assert [row["metric"] for row in measured.rows] == ["level"]


def test_a_record_has_the_protocol_and_counts_images_that_the_metric_does_not(
    outputs: ModelOutputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    uncounted = Measurement("m", 1.0, "higher", "1", {"k": 3})
    metrics = [given(monkeypatch, given=[uncounted]), MeanLevel()]
    records = EvaluationSettings(metrics, 17, 1).records(measure([outputs], metrics, "test"), {})
    (first, _), (second, exhibits) = records
    assert (first["samples"], first["draws"], first["label"], first["metric"]["name"]) == (17, 1, "gives", "gives")
    assert first["rows"][0]["protocol"] == {"k": 3, "split": "test", "samples": 17}
    assert "samples" not in second["rows"][0]["protocol"]
    assert second["exhibits"] == list(exhibits) == ["levels"]

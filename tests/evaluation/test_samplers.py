"""Samplers: codes of samples from a density that was fitted to the codes of training images."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from shell import bench
from torch import Tensor

import vaegan_bench as vb
from vaegan_bench.api import (
    BenchError,
    Plugin,
    PluginError,
    Posterior,
    Sampler,
    SelectorError,
    StudyError,
    UnknownNameError,
    hookimpl,
)
from vaegan_bench.evaluation.outputs import ModelOutputs
from vaegan_bench.evaluation.references import References
from vaegan_bench.metrics.attributes.similarity import AttributeSimilarity
from vaegan_bench.metrics.attributes.vectors import AttributeVectors
from vaegan_bench.metrics.samplers.gaussian import FittedGaussian, root_of
from vaegan_bench.metrics.samplers.mixture import FittedMixture
from vaegan_bench.models.gan import GAN
from vaegan_bench.models.vae import VAE
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.assembly import build_modules
from vaegan_bench.study.plan import make_plan
from vaegan_bench.study.study import Study
from vaegan_bench.system.errors import IncompleteError
from vaegan_bench.testing import blobs, small_run
from vaegan_bench.testing.quadrants import real_world
from vaegan_bench.training.trained_model import TrainedModel

CPU = torch.device("cpu")


def noise(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_codes_that_do_not_fill_all_dimensions_are_drawn_where_they_are() -> None:
    on_a_line = torch.arange(-3.0, 4.0)[:, None] * torch.tensor([[1.0, 0.0, -2.0]])
    flat = Posterior(on_a_line, torch.full_like(on_a_line, -torch.inf))
    codes = FittedGaussian()(flat, 500, noise())
    torch.testing.assert_close(codes[:, 2], -2 * codes[:, 0], atol=1e-5, rtol=0)
    assert codes[:, 1].abs().max() < 1e-6
    assert codes[:, 0].std().item() == pytest.approx(2, rel=0.1)
    covariance = torch.tensor([[4.0, 2.0], [2.0, 1.0]], dtype=torch.float64)
    torch.testing.assert_close(root_of(covariance) @ root_of(covariance).T, covariance)


def test_a_mixture_keeps_apart_what_a_gaussian_fills() -> None:
    pytest.importorskip("sklearn")
    far = torch.where(torch.arange(300)[:, None] % 3 == 0, 5.0, -5.0) + 0.1 * torch.randn(300, 2, generator=noise(4))
    given = Posterior(far, torch.full_like(far, -8.0))
    apart = FittedMixture(components=2)(given, 900, noise())
    assert (apart.abs() - 5).abs().max() < 1.5
    assert (apart[:, 0] > 0).float().mean().item() == pytest.approx(1 / 3, abs=0.06)
    assert (FittedGaussian()(given, 900, noise()).abs() < 2).any()


def test_codes_that_nothing_fits_are_refused() -> None:
    broken = Posterior(torch.full((20, 2), torch.nan), torch.zeros(20, 2))
    for sampler in (FittedGaussian(), FittedMixture()):
        with pytest.raises(BenchError, match="NaN or infinite"):
            sampler(broken, 3, noise())
    with pytest.raises(BenchError, match="No mixture of 10 fits 9 codes"):
        FittedMixture()(Posterior(torch.zeros(9, 2), torch.zeros(9, 2)), 3, noise())
    with pytest.raises(ValueError, match="components must be at least 1"):
        FittedMixture(components=0)


def test_codes_that_are_flat_need_a_floor() -> None:
    pytest.importorskip("sklearn")
    flat = torch.randn(60, 3, generator=noise()) * torch.tensor([1.0, 1.0, 0.0])
    given = Posterior(flat, torch.full_like(flat, -torch.inf))
    says = r"'mixture\[components=2,floor=0.0\]' cannot fit 60 codes: .* a floor above 0, fewer components, or gaussian"
    with pytest.raises(BenchError, match=says):
        FittedMixture(components=2, floor=0.0)(given, 5, noise())
    assert FittedMixture(components=2)(given, 5, noise())[:, 2].abs().max() < 0.01


def test_without_scikit_learn_a_mixture_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.mixture", None)
    with pytest.raises(PluginError, match=r"pip install \"vaegan-bench\[mixture\]\", or choose gaussian"):
        FittedMixture()(Posterior(torch.zeros(9, 2), torch.zeros(9, 2)), 3, noise())


def test_samples_and_draws_from_the_prior_come_from_it(tmp_path: Path) -> None:
    made = {
        model.name: ModelOutputs(
            TrainedModel(model, build_modules(model, small_run(model).networks, 0, blobs().shape, CPU), 6),
            References(blobs(), tmp_path, CPU),
            20,
            seed=1,
            sampler=FittedGaussian(),
        )
        for model in (VAE(), GAN())
    }
    vae, gan = made["vae"], made["gan"]
    assert vae.train_means is not None
    codes = vae.codes(3000)
    torch.testing.assert_close(codes.mean(0), vae.train_means.mean(0), atol=0.08, rtol=0)
    assert torch.equal(gan.codes(30), gan.model.codes(30, seed_of_prior := derive(1)))
    assert not torch.equal(vae.codes(30), vae.model.codes(30, seed_of_prior))
    assert not torch.equal(vae.redrawn(1).samples, vae.samples)
    assert vae.redrawn(1).sampler == FittedGaussian()


def derive(seed: int) -> int:
    from vaegan_bench.system.randomness import derive_seed

    return derive_seed(seed, "evaluation", "prior")


@pytest.mark.usefixtures("tables_alone")
def test_a_study_says_where_samples_came_from_and_keeps_both(tmp_path: Path) -> None:
    shared = {"models": ["vae"], "steps": 3, "seeds": 1, "samples": 32, "calibrate": False, "results": tmp_path}
    metrics = ["power-spectrum", "reconstruction"]
    fitted = vb.run("smoke", sampler="gaussian", metrics=metrics, cache=tmp_path, **shared).rows.set_index("metric")
    assert json.loads(fitted.loc["spectral-distance", "protocol"])["sampler"] == "gaussian"
    assert "sampler" not in json.loads(fitted.loc["psnr", "protocol"])
    record = json.loads((tmp_path / "smoke" / "study.json").read_text("utf-8"))
    assert record["evaluation"]["sampler"] == record["study"]["sampler"] == "gaussian"
    again = vb.run("smoke", metrics=metrics, cache=tmp_path, **shared).rows
    found = again[again["metric"] == "spectral-distance"]
    assert sorted("sampler" in json.loads(each) for each in found["protocol"]) == [False, True]
    assert found["value"].nunique() == 2
    assert found[found["planned"]]["protocol"].map(json.loads).map(lambda each: "sampler" in each).tolist() == [False]


@pytest.mark.usefixtures("tables_alone")
def test_sheets_show_samples_of_the_sampler_of_the_study(tmp_path: Path) -> None:
    shared = {"models": ["vae"], "steps": 3, "seeds": 1, "samples": 32, "metrics": ["power-spectrum"]}
    shared |= {"calibrate": False, "results": tmp_path, "cache": tmp_path}

    def sheet() -> np.ndarray[Any, Any]:
        (run,) = StudyFolder(tmp_path / "smoke").runs()
        return run.images()["samples"]

    vb.run("smoke", **shared)
    of_prior = sheet()
    place = next((tmp_path / "smoke").glob("vae-*"))
    mixture = ("--sampler", "mixture", "--fields", "mixture[components=2]")
    several = ("--metrics", "power-spectrum", "--metrics", "reconstruction")
    done = bench("evaluate", place, *several, *mixture, "--samples", "32", "--cache-dir", tmp_path)
    assert done.returncode == 0, done.stderr
    rows = StudyFolder(tmp_path / "smoke").rows()
    found = rows.groupby("metric")["protocol"].agg(lambda each: [json.loads(one).get("sampler") for one in each])
    assert found["spectral-distance"] == [None, "mixture[components=2]"]
    assert found["psnr"] == [None]
    assert np.array_equal(sheet(), of_prior)
    vb.run("smoke", sampler="gaussian", **shared)
    assert not np.array_equal(sheet(), of_prior)
    vb.run("smoke", **shared)
    assert np.array_equal(sheet(), of_prior)


def test_numbers_on_drawn_codes_say_where_the_codes_came_from() -> None:
    outputs = replace(real_world(), sampler="gaussian")
    rows = AttributeVectors(images=8, drawn=100)(outputs)
    rows += AttributeSimilarity(vectors=20)(replace(outputs, conditional=True))
    says = {row.metric: row.protocol.get("sampler", "prior") for row in rows}
    assert {"prior-flip-rate", "prior-attributes", "attribute-cosine", "attribute-error-sd", "flip-rate"} <= set(says)
    for name, source in says.items():
        assert source == ("gaussian" if name.startswith(("prior-", "attribute-")) else "prior")


@pytest.mark.parametrize(
    ("sampler", "error", "says"),
    [
        ("gausian", UnknownNameError, "Did you mean 'gaussian'"),
        ("pror", UnknownNameError, "Did you mean 'prior'"),
        ("prior[x=1]", UnknownNameError, "Unknown sampler 'prior.x=1.'. Did you mean 'prior'"),
        ("mixture[components=0]", SelectorError, "components must be at least 1"),
    ],
)
def test_what_is_no_sampler_is_refused_in_the_plan(sampler: str, error: type[BenchError], says: str) -> None:
    with pytest.raises(error, match=says):
        make_plan(Study(sampler=sampler), Registry())


@dataclass(frozen=True, kw_only=True)
class Unable(Sampler):
    """Fails, always or with many codes only."""

    name = "unable"
    most: int = 0

    def __call__(self, posterior: Posterior, n: int, noise: torch.Generator) -> Tensor:
        if len(posterior.mu_BZ) > self.most:
            raise KeyError("x")
        return posterior.sample(noise)[:n]


@hookimpl
def vaegan_bench_plugins() -> list[type[Plugin]]:
    return [Unable]


def test_a_sampler_that_cannot_draw_is_refused_in_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StudyError, match=r"Sampler 'unable' cannot be used: KeyError: 'x' \(test_samplers\.py:\d+\)"):
        make_plan(Study(sampler="unable"), Registry([__file__]))
    make_plan(Study(sampler="mixture[components=101]"), Registry())  # data may have more codes than the check
    monkeypatch.setitem(sys.modules, "sklearn.mixture", None)
    with pytest.raises(PluginError, match="needs scikit-learn"):
        make_plan(Study(sampler="mixture"), Registry())


def test_a_sampler_that_fails_after_training_costs_no_number_that_needs_no_samples(tmp_path: Path) -> None:
    with pytest.raises(IncompleteError, match="KeyError: 'x'"):
        vb.run(
            "smoke", models=["vae"], steps=2, seeds=1, samples=20, sampler="unable[most=100]", calibrate=False,
            metrics=["reconstruction"], plugins=[__file__], results=tmp_path, cache=tmp_path,
        )  # fmt: skip
    assert "psnr" in set(StudyFolder(tmp_path / "smoke").rows()["metric"])


def test_a_sampler_is_part_of_the_plan_and_not_of_a_run_s_identity() -> None:
    studies = (Study(sampler=sampler, models=("vae",)) for sampler in ("prior", "gaussian"))
    plain, fitted = (make_plan(study, Registry()) for study in studies)
    assert plain.sampler is None
    assert isinstance(fitted.sampler, Sampler)
    assert [run.id for run in plain.runs] == [run.id for run in fitted.runs]

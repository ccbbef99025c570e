"""What figures show is what runs left: means over seeds, the first seed that has any, models in the study's order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from drawn import contains, pixels
from matplotlib.figure import Figure
from small_studies import tables_alone

import vaegan_bench as vb
from vaegan_bench.report.figures import study_figures
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.results.study_folder import StudyFolder

MODELS = ["vae", "gan", "vae[reconstruction=laplace]"]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyFolder:
    folder = tmp_path_factory.mktemp("figures")
    with tables_alone(), torch.random.fork_rng():
        results = vb.run(
            "smoke",
            models=MODELS,
            seeds=[7, 3],
            steps=3,
            samples=12,
            draws=1,
            datasets=["avatars[faces=60]"],
            metrics=["latent-health", "memorisation"],
            results=folder,
            cache=folder / "cache",
        )
    return results.folder


@pytest.fixture(scope="module")
def figures(study: StudyFolder) -> dict[str, Figure]:
    return study_figures(study)


def of(study: StudyFolder, model: str) -> list[RunFolder]:
    """The model's runs, in the order of the plan."""
    return [run for run in study.shown() if run.record().label == model]


def doubled(image_HWC: np.ndarray) -> np.ndarray:
    return image_HWC.repeat(2, 0).repeat(2, 1)


def exhibit(run: RunFolder, name: str) -> Any:
    """One of a run's exhibits."""
    return next(each[name] for each in run.measurements.exhibits().values() if name in each)


def spectrum(run: RunFolder) -> np.ndarray:
    """The KL of each dimension, from the largest down."""
    return np.sort(exhibit(run, "latent").values_Z)[::-1]


def test_spectra_are_means_over_seeds_rank_by_rank(study: StudyFolder, figures: dict[str, Figure]) -> None:
    """Dimensions of different seeds have no more in common than their rank."""
    [ax] = figures["latent"].axes
    drawn = [line for line in ax.lines if len(line.get_xdata()) == 8]  # type: ignore[arg-type]
    for line, model in zip(drawn, ["vae", "vae[reconstruction=laplace]"], strict=True):
        each = [spectrum(run) for run in of(study, model)]
        assert len(each) == 2
        assert not np.allclose(each[0], each[1])
        np.testing.assert_allclose(line.get_ydata(), np.mean(each, axis=0), rtol=1e-5)  # type: ignore[arg-type]
        assert str(line.get_label()).startswith(f"{model}: ")


def shown(figure: Figure, images: np.ndarray) -> list[bool]:
    sheet = pixels(figure)
    return [contains(sheet, doubled(image)) for image in images]


def test_sheets_show_the_first_seed_of_each_model_and_the_originals(
    study: StudyFolder, figures: dict[str, Figure]
) -> None:
    for model in MODELS:
        first, second = (run.images() for run in of(study, model))
        assert all(shown(figures["samples"], first["samples"][:4]))
        assert not any(shown(figures["samples"], second["samples"][:4]))
        assert all(shown(figures["samples"], first["originals"][:4]))
        if "reconstructions" in first:
            assert all(shown(figures["reconstructions"], first["reconstructions"][:4]))
            assert not any(shown(figures["reconstructions"], second["reconstructions"][:4]))
    assert all(shown(figures["reconstructions"], of(study, "gan")[0].images()["originals"][:4]))


def test_the_nearest_training_image_stands_below_its_sample(study: StudyFolder, figures: dict[str, Figure]) -> None:
    figure = figures["nearest-training"]
    pairs = exhibit(of(study, "gan")[0], "nearest-training").pairs_K2HWC
    assert all(shown(figure, pairs[:3, 0]))
    assert all(shown(figure, pairs[:3, 1]))


def test_models_stand_in_the_order_of_the_study(figures: dict[str, Figure]) -> None:
    samples = [text.get_text().replace("\n", "") for text in figures["samples"].texts]
    assert samples == ["real", *MODELS]
    rebuilt = [text.get_text().replace("\n", "") for text in figures["reconstructions"].texts]
    assert rebuilt == ["original", "vae", "vae[reconstruction=laplace]"]


@pytest.fixture
def without_the_first(study: StudyFolder) -> Iterator[RunFolder]:
    """The first VAE, whose images and exhibits are gone for a while."""
    run = of(study, "vae")[0]
    arrays = [path for path in run.path.iterdir() if path.suffix == ".npz"]
    away = [(path, path.with_suffix(".away")) for path in arrays]
    for path, aside in away:
        path.rename(aside)
    yield run
    for path, aside in away:
        aside.rename(path)


def test_the_first_seed_that_has_any_is_shown(study: StudyFolder, without_the_first: RunFolder) -> None:
    figures, second = study_figures(study), of(study, "vae")[1]
    assert all(shown(figures["samples"], second.images()["samples"][:4]))
    assert all(shown(figures["reconstructions"], second.images()["reconstructions"][:4]))
    drawn = figures["latent"].axes[0].lines[0]
    np.testing.assert_allclose(drawn.get_ydata(), spectrum(second), rtol=1e-5)  # type: ignore[arg-type]


def test_curves_leave_out_weights_that_never_change_and_gradients_have_a_figure_of_their_own(
    study: StudyFolder, figures: dict[str, Figure]
) -> None:
    history = study.history()
    gradients = {term.removeprefix("gradient of ") for term in history["term"] if term.startswith("gradient of ")}
    quiet = {term for term in history["term"] if term.startswith(("weight of ", "moves of "))}
    assert gradients
    assert quiet  # none of which changes in a study without schedules
    assert {ax.get_title(loc="left") for ax in figures["gradients"].axes} == gradients
    shown = {ax.get_title(loc="left") for ax in figures["learning-curves"].axes}
    assert shown == set(history["term"]) - quiet - {f"gradient of {term}" for term in gradients}

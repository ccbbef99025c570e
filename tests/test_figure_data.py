"""What figures show is what runs left: means over seeds, the first seed that has any, models in the study's order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from test_plots import contains, pixels

import vaegan_bench as vb
from vaegan_bench.figures import number_figures, picture_figures
from vaegan_bench.store import RunFolder, StudyFolder

MODELS = ["vae", "gan", "vae[reconstruction=laplace]"]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyFolder:
    folder = tmp_path_factory.mktemp("figures")
    with torch.random.fork_rng():
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


def of(study: StudyFolder, model: str) -> list[RunFolder]:
    """The model's runs, in the order of the plan."""
    return [run for run in study.finished() if run.record()["label"] == model]


def doubled(image_HWC: np.ndarray) -> np.ndarray:
    return image_HWC.repeat(2, 0).repeat(2, 1)


def test_spectra_are_means_over_seeds_from_the_largest_dimension_down(study: StudyFolder) -> None:
    [ax] = number_figures(study)["latent"].axes
    drawn = [line for line in ax.lines if len(line.get_xdata()) == 8]  # type: ignore[arg-type]
    for line, model in zip(drawn, ["vae", "vae[reconstruction=laplace]"], strict=True):
        each = [run.exhibits()["kl-per-dimension"] for run in of(study, model)]
        assert len(each) == 2
        assert not np.allclose(each[0], each[1])
        np.testing.assert_allclose(line.get_ydata(), np.sort(np.mean(each, axis=0))[::-1], rtol=1e-5)  # type: ignore[arg-type]
        assert str(line.get_label()).startswith(f"{model}: ")


def shown(figure: Figure, images: np.ndarray) -> list[bool]:
    sheet = pixels(figure)
    return [contains(sheet, doubled(image)) for image in images]


def test_sheets_show_the_first_seed_of_each_model_and_the_originals(study: StudyFolder) -> None:
    figures = picture_figures(study)
    for model in MODELS:
        first, second = (run.pictures() for run in of(study, model))
        assert all(shown(figures["samples"], first["samples"][:4]))
        assert not any(shown(figures["samples"], second["samples"][:4]))
        assert all(shown(figures["samples"], first["originals"][:4]))
        if "reconstructions" in first:
            assert all(shown(figures["reconstructions"], first["reconstructions"][:4]))
            assert not any(shown(figures["reconstructions"], second["reconstructions"][:4]))
    assert all(shown(figures["reconstructions"], of(study, "gan")[0].pictures()["originals"][:4]))


def test_the_nearest_training_image_stands_below_its_sample(study: StudyFolder) -> None:
    figure = picture_figures(study)["nearest-training"]
    pairs = of(study, "gan")[0].exhibits()["nearest-training"]
    assert all(shown(figure, pairs[:3, 0]))
    assert all(shown(figure, pairs[:3, 1]))


def test_models_stand_in_the_order_of_the_study(study: StudyFolder) -> None:
    samples = [text.get_text().replace("\n", "") for text in picture_figures(study)["samples"].texts]
    assert samples == ["real", *MODELS]
    rebuilt = [text.get_text().replace("\n", "") for text in picture_figures(study)["reconstructions"].texts]
    assert rebuilt == ["original", "vae", "vae[reconstruction=laplace]"]


@pytest.fixture
def without_the_first(study: StudyFolder) -> Iterator[RunFolder]:
    """The first VAE, whose images and exhibits are gone for a while."""
    run = of(study, "vae")[0]
    away = [(run.path / name, run.path / f"{name}.away") for name in ("pictures.npz", "exhibits.npz")]
    for path, aside in away:
        path.rename(aside)
    yield run
    for path, aside in away:
        aside.rename(path)


def test_the_first_seed_that_has_any_is_shown(study: StudyFolder, without_the_first: RunFolder) -> None:
    figures, second = picture_figures(study), of(study, "vae")[1]
    assert all(shown(figures["samples"], second.pictures()["samples"][:4]))
    assert all(shown(figures["reconstructions"], second.pictures()["reconstructions"][:4]))
    spectrum = number_figures(study)["latent"].axes[0].lines[0]
    expected = np.sort(second.exhibits()["kl-per-dimension"])[::-1]
    np.testing.assert_allclose(spectrum.get_ydata(), expected, rtol=1e-5)  # type: ignore[arg-type]

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import matplotlib
import numpy as np
import pandas as pd
import pytest
from drawn import contains, pixels, some_images
from matplotlib import pyplot
from matplotlib.patches import Rectangle

from vaegan_bench.report import plots
from vaegan_bench.report.tables import MixedProtocolsError

MODELS = ["vae", "gan", "vaegan", "vaegan[gamma=1e-05]"]
METRICS = [
    ("frechet[efflite0]", "sample quality", "lower", ""),
    ("psnr", "reconstruction", "higher", "dB"),
    ("mse", "reconstruction", "lower", ""),
    ("parameters", "training", "none", ""),
]


def some_rows(models: Sequence[str] = MODELS, seeds: int = 3) -> pd.DataFrame:
    """Rows in which a GAN has no reconstruction, and the last seed of 'vaegan' diverged."""
    draw = np.random.default_rng(0)
    rows = []
    for model in models:
        for seed in range(seeds):
            dead = model == "vaegan" and seed == 2
            run = {"study": "quick", "run": f"{model}-{seed}", "dataset": "avatars", "model": model, "seed": seed}
            run |= {"status": "diverged at step 812" if dead else "ok", "setting": "3f2a"}
            run |= {"health": run["status"], "protocol": "{}", "attribute": ""}
            for metric, family, direction, units in METRICS:
                lost = (dead and family != "training") or (model == "gan" and family == "reconstruction")
                measured = {"metric": metric, "family": family, "direction": direction, "units": units}
                rows += [] if lost else [run | measured | {"value": 10 + draw.normal()}]
    return pd.DataFrame(rows)


def some_history(models: Sequence[str] = MODELS, seeds: int = 2) -> pd.DataFrame:
    """Three terms, one of them falling by orders of magnitude; the first run of 'vaegan' ends early in infinity."""
    rows = []
    for model in models:
        for seed in range(seeds):
            for step in range(0, 300, 2):
                if model == "vaegan" and seed == 0 and step > 100:
                    break
                values = {"prior": 20 + seed, "reconstruction": 1e4 * np.exp(-step / 20) + 50, "margin": seed - 0.5}
                if model == "vaegan" and seed == 0 and step == 100:
                    values["prior"] = np.inf
                run = {"run": f"{model}-{seed}", "model": model, "seed": seed, "step": step, "images": step * 64}
                rows += [run | {"term": term, "value": value} for term, value in values.items()]
    return pd.DataFrame(rows)


@pytest.mark.parametrize("channels", [1, 3])
def test_grid_by_hand(channels: int) -> None:
    images = some_images(5, size=4, channels=channels)
    sheet = plots.grid(images, columns=3, gap=2)
    assert sheet.shape == (4 + 2 + 4, 3 * 4 + 2 * 2, channels)
    assert sheet.dtype == np.uint8
    np.testing.assert_array_equal(sheet[:4, 6:10], images[1])
    np.testing.assert_array_equal(sheet[6:, :4], images[3])
    assert (sheet[4:6] == 255).all()
    assert (sheet[6:, 12:] == 255).all()


def test_grid_of_fewer_images_than_columns_is_narrower() -> None:
    assert plots.grid(some_images(2, size=4), columns=8).shape == (4, 10, 3)
    with pytest.raises(ValueError, match="at least one"):
        plots.grid(some_images(0), columns=8)


@pytest.mark.parametrize(("size", "channels", "factor"), [(32, 3, 2), (28, 1, 2), (64, 3, 1), (100, 3, 1)])
def test_sheets_are_crisp(size: int, channels: int, factor: int) -> None:
    by_model = {model: some_images(4 + i, size, channels) for i, model in enumerate(MODELS)}
    shown = pixels(plots.sample_sheet(by_model, columns=2, rows=2, real=some_images(3, size, channels)))
    rebuilt = pixels(plots.reconstruction_sheet(some_images(3, size, channels), by_model, columns=3))
    for images in by_model.values():
        tile = np.broadcast_to(images[0].repeat(factor, 0).repeat(factor, 1), (size * factor, size * factor, 3))
        assert contains(shown, tile)
        assert contains(rebuilt, tile)


def test_samples_and_reconstructions_are_labelled() -> None:
    images = {"vae": some_images(), "vaegan": some_images()}
    samples = plots.sample_sheet(images, real=some_images())
    assert [text.get_text() for text in samples.texts] == ["real", "vae", "vaegan"]
    rebuilt = plots.reconstruction_sheet(some_images(), images)
    assert [text.get_text() for text in rebuilt.texts] == ["original", "vae", "vaegan"]


def test_colours_stay_with_models_that_others_lack() -> None:
    colours = plots.colours(MODELS)
    figure = plots.reconstruction_sheet(some_images(), {"vaegan": some_images()}, models=MODELS)
    marks = [matplotlib.colors.to_hex(mark.get_facecolor()).upper() for mark in figure.findobj(Rectangle)]
    assert colours["vaegan"] in marks
    assert len(set(plots.colours(map(str, range(8))).values())) == 8


def test_dots_show_every_seed_and_a_dash_where_there_is_none() -> None:
    figure = plots.metric_dots(some_rows())
    titles = [ax.get_title(loc="left").strip() for ax in figure.axes]
    assert titles == ["frechet[efflite0]", "psnr (dB)", "mse"]
    frechet, psnr, _ = figure.axes
    assert sum(len(dots.get_offsets()) for dots in frechet.collections if hasattr(dots, "get_offsets")) >= 11
    assert frechet.get_xlabel() == "← better"
    assert psnr.get_xlabel() == "better →"
    assert "—" in [text.get_text() for text in psnr.texts]
    assert "—" not in [text.get_text() for text in frechet.texts]
    assert [label.get_text() for label in frechet.get_yticklabels()][2] == "vaegan\n2 of 3 runs"


def test_another_protocol_has_a_panel_of_its_own() -> None:
    rows = some_rows()
    rows.loc[0, "protocol"] = '{"n_real": 5000}'
    titles = [ax.get_title(loc="left").strip() for ax in plots.metric_dots(rows).axes]
    assert {rows.loc[0, "metric"], f"{rows.loc[0, 'metric']}\n(n_real=5000)"} <= set(titles)
    rows.loc[0, "setting"] = "another"
    with pytest.raises(MixedProtocolsError):
        plots.metric_dots(rows)


def test_a_diverged_run_neither_stretches_the_axis_nor_hides() -> None:
    history = some_history()
    history.loc[history["run"].eq("vaegan-0") & history["term"].eq("margin"), "value"] = 1e9
    figure = plots.learning_curves(history)
    margin = next(ax for ax in figure.axes if ax.get_title(loc="left") == "margin")
    assert margin.get_ylim()[1] < 1
    assert [line for line in margin.lines if line.get_marker() == "x"]
    assert "ended early" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_scales_serve_the_values() -> None:
    scales = {ax.get_title(loc="left"): ax.get_yscale() for ax in plots.learning_curves(some_history()).axes}
    assert scales == {"prior": "linear", "reconstruction": "log", "margin": "linear"}


@pytest.mark.parametrize(
    ("models", "seeds"),
    [
        (MODELS[:1], 1),
        (MODELS[:1], 3),
        (MODELS, 1),
        (MODELS, 3),
        ([f"vaegan[adversarial=hinge,gamma={i}]" for i in range(9)], 2),
    ],
)
def test_figures_of_any_size_draw_without_a_warning(models: list[str], seeds: int) -> None:
    pixels(plots.metric_dots(some_rows(models, seeds)))
    pixels(plots.learning_curves(some_history(models, seeds)))


def test_captions_of_narrow_figures_stay_on_the_page() -> None:
    figure = plots.metric_dots(some_rows(["vae"], 1).query("metric == 'psnr'").assign(value=1.0))
    pixels(figure)
    caption = next(text for text in figure.texts if text.get_text().startswith("dot:"))
    assert caption.get_window_extent().x1 <= figure.bbox.x1


def test_nothing_to_draw_is_said() -> None:
    assert plots.metric_dots(some_rows().query("family == 'training'")).texts[0].get_text() == "No metric was measured."
    assert plots.learning_curves(some_history().iloc[:0]).texts[0].get_text() == "No training was logged."
    assert plots.sample_sheet({}).texts[0].get_text() == "No samples."


def test_figures_leave_no_global_state() -> None:
    before = dict(matplotlib.rcParams)
    plots.metric_dots(some_rows(seeds=1))
    plots.learning_curves(some_history(seeds=1))
    plots.sample_sheet({"vae": some_images()})
    assert pyplot.get_fignums() == []
    assert dict(matplotlib.rcParams) == before


def test_plots_need_no_torch() -> None:
    code = "import sys, vaegan_bench.report.plots; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0

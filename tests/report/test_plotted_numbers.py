"""The numbers that figures draw: where dots, bars, lines and images are."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from drawn import contains, pixels, some_images
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from vaegan_bench.report import plots

METRIC = ("frechet[efflite0]", "sample quality", "lower", "")


def rows(values: dict[str, dict[int, float]], metric: tuple[str, str, str, str] = METRIC) -> pd.DataFrame:
    name, family, direction, units = metric
    shared = {"study": "s", "dataset": "avatars", "status": "ok", "health": "ok", "setting": "1", "protocol": "{}"}
    shared |= {"metric": name, "family": family, "direction": direction, "units": units, "attribute": ""}
    return pd.DataFrame(
        {**shared, "run": f"{model}-{seed}", "model": model, "seed": seed, "value": value}
        for model, by_seed in values.items()
        for seed, value in by_seed.items()
    )


def dots(ax: Axes) -> dict[int, list[float]]:
    """Line → the places of its dots."""
    found: dict[int, list[float]] = {}
    for collection in ax.collections:
        if isinstance(collection, PathCollection):
            for x, y in np.asarray(collection.get_offsets()):
                found.setdefault(round(y), []).append(float(x))
    return {line: sorted(places) for line, places in found.items()}


def test_each_seed_is_a_dot_at_its_value_each_mean_a_tick_and_each_interval_a_bar() -> None:
    values = {"vae": {0: 3.0, 1: 4.0, 2: 8.0}, "gan": {0: 6.0, 1: 6.5, 2: 10.0}}
    [ax] = plots.metric_dots(rows(values)).axes
    assert dots(ax) == {0: [3, 4, 8], 1: [6, 6.5, 10]}
    ticks = {round(np.mean(line.get_ydata())): line.get_xdata()[0] for line in ax.lines if len(line.get_xdata()) == 2}  # type: ignore[arg-type, index]
    assert ticks == pytest.approx({0: 5, 1: 7.5})
    bars = [c.get_paths()[0].vertices[:, 0] for c in ax.collections if not isinstance(c, PathCollection)]
    reach = 4.302653 * np.std([3, 4, 8], ddof=1) / 3**0.5
    assert (bars[0].min(), bars[0].max()) == pytest.approx((5 - reach, 5 + reach))  # type: ignore[union-attr]


@pytest.mark.parametrize("scale", [1e-6, 1e7])
def test_numbers_of_an_axis_have_no_common_factor(scale: float) -> None:
    figure = plots.metric_dots(rows({"vae": {0: 3 * scale, 1: 4 * scale}, "gan": {0: 6 * scale, 1: 7 * scale}}))
    figure.draw_without_rendering()
    [ax] = figure.axes
    assert ax.xaxis.get_offset_text().get_text() == ""
    written = [float(label.get_text().replace("−", "-")) for label in ax.get_xticklabels()]
    np.testing.assert_allclose(written, ax.get_xticks(), rtol=1e-5)


@pytest.mark.parametrize(
    "label", ["vaegan-pixel", "vaegan[similarity=gaussian-learned,regulariser=zero-centred[weight=1]]"]
)
def test_models_of_one_cost_are_named_beside_the_figure_and_not_upon_each_other(label: str) -> None:
    figure = plots.cost_front(
        {"vae": (9.0, 80.0), label: (20.0, 22.0), "vaegan": (20.1, 22.1)}, ["vae"], ("cost", "fid")
    )
    figure.draw_without_rendering()
    assert not figure.axes[0].texts
    names = [text.get_window_extent() for text in figure.legends[0].get_texts()]
    assert len(names) == 3
    assert all(box.x1 <= figure.bbox.x1 for box in names)
    assert figure.axes[0].get_window_extent().width > figure.bbox.width / 2
    left, right = figure.axes[0].get_xlim()
    assert left == 0
    assert right > 20.1


def test_the_order_of_models_is_the_given_one() -> None:
    values = {"vae": {0: 3.0, 1: 4.0}, "gan": {0: 6.0, 1: 6.5}}
    [ax] = plots.metric_dots(rows(values), ["gan", "elsewhere", "vae"]).axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["gan", "vae"]
    assert dots(ax) == {0: [6, 6.5], 1: [3, 4]}


def several(**metrics: tuple[str, dict[str, dict[int, float]]]) -> pd.DataFrame:
    """Rows of several metrics: name → its family and its values by model and seed."""
    named = {name.replace("_", "-"): each for name, each in metrics.items()}
    return pd.concat(rows(values, (name, family, "lower", "")) for name, (family, values) in named.items())


def titles(figure: Figure) -> list[str]:
    return [ax.get_title(loc="left").strip() for ax in figure.axes]


VALUES = {"vae": {0: 3.0, 1: 4.0}, "gan": {0: 6.0, 1: 6.5}}


def test_headlines_come_first_and_families_after() -> None:
    found = several(mse=("reconstruction", VALUES), kid=("sample quality", VALUES), psnr=("reconstruction", VALUES))
    found = found.assign(headline=found["metric"] == "psnr").reset_index(drop=True)
    figure = plots.metric_dots(found)
    assert titles(figure) == ["psnr", "kid", "mse"]
    headings = [text.get_text() for ax in figure.axes for text in ax.texts if text.get_text().strip()]
    assert headings == ["Headlines", "Sample quality", "Reconstruction"]
    assert titles(plots.metric_dots(found.drop(columns="headline"))) == ["kid", "mse", "psnr"]


def test_a_metric_that_is_equal_everywhere_has_no_panel_but_a_line() -> None:
    same = {"vae": {0: 0.25, 1: 0.25}, "gan": {0: 0.25, 1: 0.25}}
    figure = plots.metric_dots(several(kid=("sample quality", VALUES), duplicates=("sample quality", same)))
    assert titles(figure) == ["kid"]
    assert figure.texts[-1].get_text().splitlines()[-1] == "Equal in all runs: duplicates (0.2500)"
    elsewhere = several(kid=("sample quality", VALUES)).assign(dataset="mnist", run=lambda rows: "m-" + rows["run"])
    both = pd.concat([several(kid=("sample quality", same)), elsewhere], ignore_index=True)
    assert plots.metric_dots(both).texts[-1].get_text().endswith("Equal in all runs: kid on avatars (0.2500)")
    alone = plots.metric_dots(several(duplicates=("sample quality", same)))
    assert [text.get_text() for text in alone.texts] == ["Equal in all runs: duplicates (0.2500)"]
    assert titles(plots.metric_dots(several(kid=("sample quality", {"vae": {0: 3.0}})))) == ["kid"]


def test_an_extractor_that_is_not_usable_is_marked_and_explained() -> None:
    found = several(kid=("sample quality", VALUES), psnr=("reconstruction", VALUES))
    found["instrument"] = ["not usable here: it sees nothing" if name == "kid" else "" for name in found["metric"]]
    figure = plots.metric_dots(found)
    assert titles(figure) == ["kid †", "psnr"]
    assert "†: extractor not usable on these data" in figure.texts[-1].get_text()
    assert "†" not in plots.metric_dots(found.assign(instrument="usable")).texts[-1].get_text()


def box_of(text: Text) -> Bbox:
    """Where a text stands, without the empty lines above it."""
    box, lines = text.get_window_extent(), text.get_text().split("\n")
    empty = len(lines) - len(text.get_text().lstrip("\n").split("\n"))
    return Bbox.from_extents(box.x0, box.y0, box.x1, box.y1 - box.height * empty / len(lines))


@pytest.mark.parametrize("models", [2, 5, 12])
@pytest.mark.parametrize("label", ["m{}", "vaegan[adversarial=hinge,gamma=1e-{}]"])
def test_no_label_of_dots_lies_upon_another(models: int, label: str) -> None:
    values = {label.format(i): {seed: 1.0 + i / 10 + seed / 100 for seed in range(3)} for i in range(models)}
    long = {f"reconstruction_spectral_distance_{i}": ("reconstruction", values) for i in range(3)}
    figure = plots.metric_dots(several(kid=("sample quality", values), **long))
    pixels(figure)
    shown = [text for ax in figure.axes for text in (ax._left_title, *ax.texts, *ax.get_yticklabels())]  # type: ignore[attr-defined]
    boxes = [box_of(text) for text in shown if text.get_text().strip() and text.get_visible()]
    assert len(boxes) >= 4 + 2 * models
    assert not [pair for pair in combinations(boxes, 2) if Bbox.intersection(*pair)]


def history(values: dict[str, list[float]], model: str = "vae") -> pd.DataFrame:
    return pd.DataFrame(
        {"run": run, "model": model, "step": step, "images": 10 * step, "term": "prior", "value": value}
        for run, line in values.items()
        for step, value in enumerate(line)
    )


def test_curves_are_the_seeds_and_their_mean_over_the_images_seen() -> None:
    [ax] = plots.learning_curves(history({"a": [5.0, 4.0, 3.0], "b": [7.0, 4.0, 1.0]})).axes
    lines = [line for line in ax.lines if len(line.get_xdata())]  # type: ignore[arg-type]
    drawn = {tuple(np.asarray(line.get_ydata()).tolist()) for line in lines}
    assert drawn == {(5, 4, 3), (7, 4, 1), (6, 4, 2)}
    assert all(np.asarray(line.get_xdata()).tolist() == [0, 10, 20] for line in lines)
    thick = max(lines, key=lambda line: line.get_linewidth())
    assert np.asarray(thick.get_ydata()).tolist() == [6, 4, 2]


def test_a_run_that_ended_early_is_marked_at_its_end_and_not_averaged() -> None:
    [ax] = plots.learning_curves(history({"a": [5.0, 4.0, 3.0, 3.5], "b": [4.5, 4.0]})).axes
    thick = max((line for line in ax.lines if len(line.get_xdata()) > 1), key=lambda line: line.get_linewidth())  # type: ignore[arg-type]
    assert np.asarray(thick.get_ydata()).tolist() == [5, 4, 3, 3.5]
    [cross] = [line for line in ax.lines if line.get_marker() == "x"]
    assert (cross.get_xdata()[0], cross.get_ydata()[0]) == (10, 4)  # type: ignore[index]


def test_many_points_are_averaged_with_their_neighbours_only() -> None:
    long = [float(i % 2) + i // 500 for i in range(1000)]
    [ax] = plots.learning_curves(history({"a": long})).axes
    drawn = np.asarray(max(ax.lines, key=lambda line: len(line.get_xdata())).get_ydata())  # type: ignore[arg-type]
    assert len(drawn) <= 101
    assert drawn[1:45] == pytest.approx(0.5)
    assert drawn[55:99] == pytest.approx(1.5)


def test_floors_and_ceilings_of_attributes_are_means_at_their_attribute() -> None:
    ends = [(0.1, 0.9), (0.3, 1.0)]
    frame = pd.DataFrame(
        {
            "run": f"vae-{seed}",
            "dataset": "avatars",
            "model": "vae",
            "seed": seed,
            "metric": "auc",
            "direction": "higher",
        }
        | {
            "attribute": name,
            "value": value,
            "low": value - 0.1,
            "high": value + 0.2,
            "floor": floor,
            "ceiling": ceiling,
        }
        for seed, (floor, ceiling) in enumerate(ends)
        for name, value in (("Bald", 0.4 + 0.1 * seed), ("Smiling", 0.7 + 0.02 * seed))
    )
    [ax] = plots.attribute_dots(frame).axes
    [line] = ax.lines
    assert np.asarray(line.get_xdata()).tolist() == pytest.approx([0.45, 0.71])
    assert np.asarray(line.get_ydata()).tolist() == [1, 0]  # the largest mean is on top
    upright = [s for c in ax.collections if hasattr(c, "get_segments") for s in c.get_segments() if s[0][0] == s[1][0]]
    assert sorted({round(float(s[0][0]), 6) for s in upright}) == pytest.approx([0.2, 0.95])


def test_sheets_begin_with_the_first_images_row_by_row() -> None:
    images, real = some_images(10), some_images(9)
    sheet = pixels(plots.sample_sheet({"vae": images}, columns=2, rows=2, real=real))

    def there(image: np.ndarray) -> bool:
        return contains(sheet, image.repeat(2, 0).repeat(2, 1))

    assert [there(image) for image in images] == [True] * 4 + [False] * 6
    assert [there(image) for image in real] == [True] * 4 + [False] * 5
    columns = pixels(plots.reconstruction_sheet(real, {"vae": images}, columns=3))
    assert [contains(columns, image.repeat(2, 0).repeat(2, 1)) for image in images] == [True] * 3 + [False] * 7

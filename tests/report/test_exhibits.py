from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from drawn import contains, pixels, some_images
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from stored_study import edit, store_study

from vaegan_bench.api import (
    Exhibit,
    ImagePairs,
    ImageSheet,
    LatentVectors,
    Matrix,
    Profile,
    Spectrum,
    StoreError,
    Strips,
)
from vaegan_bench.report import plots
from vaegan_bench.report.exhibits import combine, draw, figure_name
from vaegan_bench.report.figures import image_figures
from vaegan_bench.results.exhibits import decode, encode
from vaegan_bench.results.stored_files import RUN

LONG = "vaegan[adversarial=hinge,gamma=0.001]"
MODELS = ["vae", "gan", LONG, "vaegan-pixel"]
NAMES = [f"Attribute_Number_{i}" for i in range(29)]
FEW = ["Bald", "Smiling", "Eyeglasses"]
METRICS = ["flip-rate", "retention-auc", "retention-skill", "linear-probe-auc", "authenticity"]


def spectrum(values: np.ndarray) -> Spectrum:
    return Spectrum(values, "KL", "nats", dimension="latent dimension", threshold=0.01)


def matrix(values: np.ndarray, names: Sequence[str], **changes: Any) -> Matrix:
    words = {"quantity": "change of the oracle's decisions", "row": "vector added", "column": "decision that changes"}
    return Matrix(values, tuple(names), tuple(names), **{**words, **changes})


def profile(values: np.ndarray, places: Sequence[float] = (0.1, 0.2, 0.5), **changes: Any) -> Profile:
    words: dict[str, Any] = {"quantity": "power", "units": "dB", "axis": "frequency", "reference": -3.0}
    return Profile(values, tuple(places), **{**words, "reference_name": "half of it", **changes})


def some_matrices(models: Sequence[str], names: Sequence[str]) -> dict[str, Matrix]:
    """Vectors that mostly do what they should; the second one was not measured."""
    draw = np.random.default_rng(0)
    changes = {model: np.eye(len(names)) * draw.uniform(0, 1, (len(names), len(names))) for model in models}
    for values in changes.values():
        values[1] = np.nan
    return {model: matrix(values, names) for model, values in changes.items()}


def some_rows(
    models: Sequence[str] = MODELS, seeds: int = 3, metrics: Sequence[str] = METRICS, names: Sequence[str] = FEW
) -> pd.DataFrame:
    """Later attributes have larger values, seeds are 0.01 apart, and only the first metric has a ceiling."""
    return pd.DataFrame(
        {"run": f"{model}-{seed}", "dataset": "avatars", "model": model, "seed": seed, "metric": metric}
        | {"attribute": name, "value": value, "low": value - 0.02, "high": value + 0.03, "direction": "higher"}
        | {"ceiling": 0.95 if metric == metrics[0] else np.nan, "floor": np.nan}
        for model in models
        for seed in range(seeds)
        for metric in metrics
        for i, name in enumerate(names)
        for value in [0.1 + 0.6 * i / len(names) + 0.01 * seed]
    )


def some_strips(titles: Sequence[str], steps: Sequence[float], size: int = 32, channels: int = 3) -> Strips:
    shape = (len(titles), len(steps), size, size, channels)
    images = some_images(len(titles) * len(steps), size, channels).reshape(shape)
    return Strips(images, tuple(titles), tuple(steps), symbol="α")


def some_pairs(k: int = 3, size: int = 32, channels: int = 3) -> ImagePairs:
    images = some_images(2 * k, size, channels).reshape(k, 2, size, size, channels)
    return ImagePairs(images, ("sample", "nearest in training"))


def shown(image_HWC: np.ndarray, factor: int) -> np.ndarray:
    """What a drawn looks like on a sheet."""
    large = image_HWC.repeat(factor, 0).repeat(factor, 1)
    return np.broadcast_to(large, (*large.shape[:2], 3))


def texts(figure: Figure) -> list[str]:
    return [text.get_text().replace("\n", "") for text in figure.texts]


def place(figure: Figure, text: str) -> tuple[float, float]:
    """Pixels from the left and from the top at which a text was placed."""
    [found] = [label for label in figure.texts if label.get_text().replace("\n", "") == text]
    x, y = figure.transFigure.transform(found.get_position())
    return x, figure.bbox.height - y


def titles(figure: Figure) -> list[str]:
    return [title for ax in figure.axes if (title := ax.get_title(loc="left").replace("\n", ""))]


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def marks(figure: Figure) -> list[str]:
    """The colours of the models' marks, from top to bottom."""
    placed = [mark for mark in figure.artists if isinstance(mark, Rectangle)]
    return [matplotlib.colors.to_hex(m.get_facecolor()).upper() for m in sorted(placed, key=lambda m: -m.get_y())]


def rows_of(ax: Axes) -> list[str]:
    """The names beside a panel, from top to bottom."""
    down = ax.get_ylim()[0] > ax.get_ylim()[1]
    names = [label.get_text() for label in ax.get_yticklabels()]
    return names if down else names[::-1]


def overlapping(figure: Figure, labels: Sequence[matplotlib.text.Text]) -> bool:
    pixels(figure)
    boxes = [label.get_window_extent() for label in labels]
    return any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def inside(figure: Figure) -> bool:
    """Whether all that is drawn lies on the page."""
    pixels(figure)
    box = figure.get_tightbbox().transformed(figure.dpi_scale_trans)
    return bool(min(box.x0, box.y0) >= -1 and box.x1 <= figure.bbox.x1 + 1 and box.y1 <= figure.bbox.y1 + 1)


def test_spectrum_sorts_dimensions_and_shows_dead_ones_on_the_floor() -> None:
    figure = plots.spectra({"vae": spectrum(np.array([0.0, 0.5, 3.0, -1e-9, 0.02]))})
    [ax] = figure.axes
    line = ax.lines[0]
    np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3, 4, 5])
    floor = ax.get_ylim()[0]
    np.testing.assert_array_equal(line.get_ydata(), [3.0, 0.5, 0.02, floor, floor])
    pixels(figure)
    said = [label.get_text() for label in ax.get_yticklabels() if label.get_position()[1] == pytest.approx(floor)]
    assert said == ["≤ 0.0001"]
    assert legend(figure) == ["vae: 3 of 5 above 0.01 nats"]


def test_spectrum_of_a_collapsed_posterior_is_seen_to_be_dead() -> None:
    figure = plots.spectra({"vae": spectrum(np.zeros(8)), "vaegan": spectrum(np.full(1, 2.0))})
    assert legend(figure) == ["vae: 0 of 8 above 0.01 nats", "vaegan: 1 of 1 above 0.01 nats"]
    assert figure.axes[0].get_ylim()[1] > 0.01
    assert inside(figure)
    assert inside(plots.spectra({"vae": spectrum(np.zeros(8))}))


def test_spectrum_keeps_the_colours_and_order_of_the_study() -> None:
    kl = {"vaegan-pixel": spectrum(np.ones(4)), "vae": spectrum(np.ones(4))}
    figure = plots.spectra(kl, MODELS)
    assert [label.partition(":")[0] for label in legend(figure)] == ["vae", "vaegan-pixel"]
    colour = plots.colours(MODELS)
    drawn = [line.get_color() for line in figure.axes[0].lines[:2]]
    assert drawn == [colour["vae"], colour["vaegan-pixel"]]


def test_spectrum_of_many_long_labels_stays_on_the_page() -> None:
    figure = plots.spectra({f"{LONG[:-1]},steps={i}]": spectrum(np.geomspace(9, 1e-6, 64)) for i in range(10)})
    assert inside(figure)
    assert len({(line.get_color(), line.get_linestyle()) for line in figure.legends[0].get_lines()}) == 10


def test_profile_has_a_line_per_model_over_its_places_and_a_reference() -> None:
    values = {"gan": np.array([1.0, -9.0, 4.0]), "vae": np.array([-1.0, -2.0, -30.0])}
    figure = plots.profiles({model: profile(each) for model, each in values.items()}, MODELS)
    [ax] = figure.axes
    reference, *lines = ax.lines
    assert set(reference.get_ydata()) == {-3.0}
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("frequency", "power (dB)")
    assert legend(figure) == ["vae", "gan", "half of it"]
    for line, model in zip(lines, ["vae", "gan"], strict=True):
        assert line.get_xdata().tolist() == [0.1, 0.2, 0.5]
        np.testing.assert_array_equal(line.get_ydata(), values[model])
        assert line.get_color() == plots.colours(MODELS)[model]
    assert inside(figure)
    assert inside(plots.profiles({"vae": profile(np.ones(1), [0.25])}))


def test_matrix_puts_vectors_down_and_decisions_across() -> None:
    changes = np.array([[1.0, -0.5, 0], [np.nan] * 3, [0.25, 0, 0.75]])
    figure = plots.matrices({"vae": matrix(changes, FEW)})
    ax, bar = figure.axes
    assert rows_of(ax) == [label.get_text() for label in ax.get_xticklabels()] == FEW
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("vector added", "decision that changes")
    assert bar.get_ylabel() == "change of the oracle's decisions"
    rgb = ax.images[0].to_rgba(ax.images[0].get_array())[..., :3]
    assert (np.ptp(rgb[1], axis=-1) == 0).all()  # grey: not measured
    assert rgb[0, 0, 0] > rgb[0, 0, 2]  # red: appears
    assert rgb[0, 1, 2] > rgb[0, 1, 0]  # blue: disappears
    assert not np.array_equal(rgb[0, 2], rgb[1, 2])  # no change is not the same as not measured


@pytest.mark.parametrize(("models", "lines"), [(1, 1), (2, 1), (3, 2), (4, 2)])
def test_matrices_stand_two_on_a_line_and_share_names(models: int, lines: int) -> None:
    figure = plots.matrices(some_matrices(MODELS[:models], FEW))
    assert titles(figure) == MODELS[:models]
    assert inside(figure)
    panels = figure.axes[:models]
    assert len({round(ax.get_position().y0, 3) for ax in panels}) == lines
    named = [ax.yaxis.get_tick_params()["labelleft"] for ax in panels]
    assert named == [i % 2 == 0 for i in range(models)]
    assert all(ax.images[0].get_clim() == (-1, 1) for ax in panels)


def test_matrix_of_29_attributes_is_legible() -> None:
    figure = plots.matrices(some_matrices([LONG, "vae"], NAMES))
    pixels(figure)
    ax = figure.axes[0]
    assert rows_of(ax) == NAMES
    assert not overlapping(figure, ax.get_yticklabels())
    assert not overlapping(figure, ax.get_xticklabels())
    assert ax.get_yticklabels()[0].get_fontsize() >= 6
    assert inside(figure)


def test_matrices_follow_the_study_without_the_models_it_lacks() -> None:
    figure = plots.matrices(some_matrices(["vaegan-pixel", "vae"], FEW), MODELS)
    assert titles(figure) == ["vae", "vaegan-pixel"]
    spines = [ax.spines["top"].get_edgecolor() for ax in figure.axes[:2]]
    colour = plots.colours(MODELS)
    assert [matplotlib.colors.to_hex(c).upper() for c in spines] == [colour["vae"], colour["vaegan-pixel"]]


@pytest.mark.parametrize(("metrics", "lines"), [(1, 1), (4, 1), (5, 2)])
def test_dots_have_a_panel_per_metric_and_at_most_four_on_a_line(metrics: int, lines: int) -> None:
    figure = plots.attribute_dots(some_rows(metrics=METRICS[:metrics]))
    assert titles(figure) == METRICS[:metrics]
    assert inside(figure)
    assert len({round(ax.get_position().y0, 3) for ax in figure.axes}) == lines


LACKING = [("low", "high"), ("ceiling",), ("low", "high", "ceiling", "floor")]


@pytest.mark.parametrize("lacking", LACKING, ids=" ".join)
@pytest.mark.parametrize("models", [1, 4])
def test_dots_are_drawn_without_what_no_row_has(lacking: tuple[str, ...], models: int) -> None:
    rows = some_rows(MODELS[:models], seeds=1, metrics=METRICS[:1]).assign(**dict.fromkeys(lacking))
    assert rows["low"].dtype == object or "low" not in lacking  # as it comes from records that all say None
    figure = plots.attribute_dots(rows)
    drawn = sorted({round(float(dot), 6) for line in figure.axes[0].lines for dot in line.get_xdata()})
    assert drawn == [0.1, 0.3, 0.5]
    assert inside(figure)


def test_dots_of_one_perfect_value_have_an_axis_around_it() -> None:
    rows = some_rows(seeds=1, metrics=METRICS[:1]).assign(value=1.0, low=None, high=None, ceiling=1.0)
    left, right = plots.attribute_dots(rows).axes[0].get_xlim()
    assert left < 1.0 < right
    assert right - left < 0.2


def test_an_interval_is_shown_where_one_attribute_of_two_has_one() -> None:
    rows = some_rows(["vae"], seeds=1, metrics=METRICS[:1], names=FEW[:2])
    rows.loc[rows["attribute"] == "Bald", ["value", "low", "high"]] = [1.0, None, None]
    ax = plots.attribute_dots(rows).axes[0]
    assert [(round(low, 3), round(high, 3)) for low, high in bars_of(ax) if np.isfinite(low)] == [(0.38, 0.43)]


def test_dots_sort_attributes_by_the_first_metric() -> None:
    rows = some_rows()
    rows.loc[rows["metric"] == METRICS[1], "value"] *= -1
    unknown = rows["metric"].eq(METRICS[0]) & rows["attribute"].eq("Smiling")
    assert rows_of(plots.attribute_dots(rows).axes[0]) == ["Eyeglasses", "Smiling", "Bald"]
    assert rows_of(plots.attribute_dots(rows[~unknown]).axes[0]) == ["Eyeglasses", "Bald", "Smiling"]


def bars_of(ax: Axes) -> list[tuple[float, float]]:
    """The ends of all intervals, from top to bottom."""
    segments = [segment for bars in ax.collections for segment in bars.get_segments() if len(segment)]
    return [(left[0], right[0]) for left, right in sorted(segments, key=lambda s: s[0][1]) if left[1] == right[1]]


def test_one_seed_has_the_interval_of_its_run_and_several_that_over_seeds() -> None:
    rows = some_rows(["vae"], seeds=3, metrics=METRICS[:1], names=["Bald"])
    [one] = bars_of(plots.attribute_dots(rows[rows["seed"] == 0]).axes[0])
    assert one == pytest.approx((0.08, 0.13))
    several = plots.attribute_dots(rows)
    [over] = bars_of(several.axes[0])
    assert over == pytest.approx((0.11 - 4.303 * 0.01 / 3**0.5, 0.11 + 4.303 * 0.01 / 3**0.5), abs=1e-5)
    assert "t-interval over seeds" in several._supxlabel.get_text()  # type: ignore[attr-defined]


def test_a_run_that_stands_in_two_studies_counts_once() -> None:
    rows = some_rows(["vae"], seeds=1, names=["Bald"])
    [bar] = bars_of(plots.attribute_dots(pd.concat([rows, rows])).axes[0])
    assert bar == pytest.approx((0.08, 0.13))


def test_a_bar_that_goes_on_beyond_the_frame_has_an_arrowhead() -> None:
    rows = some_rows(["vae"], seeds=2, metrics=METRICS[:1])
    rows.loc[(rows["seed"] == 1) & (rows["attribute"] == "Bald"), "value"] += 0.3
    [ax] = plots.attribute_dots(rows).axes
    assert ax.get_xlim()[1] < 2
    assert {line.get_marker() for line in ax.lines} == {"o", "<", ">"}


def test_models_are_dodged_and_named_with_the_ceiling() -> None:
    figure = plots.attribute_dots(some_rows(), MODELS)
    assert legend(figure) == [*MODELS, "ceiling"]
    dots = [line.get_ydata()[0] for line in figure.axes[0].lines]
    assert dots == sorted(set(dots))
    assert 2 - 0.5 < dots[0] < dots[-1] < 2 + 0.5  # Bald is the third from above
    assert legend(plots.attribute_dots(some_rows(["vae"], metrics=METRICS[:1]).assign(ceiling=np.nan))) == ["vae"]


def test_a_model_without_one_of_the_metrics_keeps_its_place() -> None:
    rows = some_rows()
    lacks = rows["model"].eq("gan") & rows["metric"].eq(METRICS[1])
    whole, partial = plots.attribute_dots(rows[~lacks]).axes[:2]
    assert partial.lines[-1].get_ydata()[0] == whole.lines[-1].get_ydata()[0]
    assert sum(len(line.get_ydata()) for line in partial.lines) == 3 * len(FEW)


def test_dots_of_several_data_sets_are_refused() -> None:
    with pytest.raises(ValueError, match="avatars and celeba"):
        plots.attribute_dots(pd.concat([some_rows(), some_rows().assign(dataset="celeba")]))


@pytest.mark.parametrize("models", [["vae"], [LONG, "vae"], [f"{LONG[:-1]},steps={i}]" for i in range(10)]])
def test_dots_of_29_attributes_are_legible(models: list[str]) -> None:
    figure = plots.attribute_dots(some_rows(models, seeds=1, metrics=METRICS[:3], names=NAMES))
    assert rows_of(figure.axes[0]) == NAMES[::-1]
    assert not overlapping(figure, figure.axes[0].get_yticklabels())
    assert inside(figure)
    handles = figure.legends[0].get_lines()
    assert len({(line.get_color(), line.get_marker()) for line in handles}) == len(models) + 1


@pytest.mark.parametrize(("size", "channels", "factor"), [(32, 3, 2), (28, 1, 2), (64, 3, 1), (100, 1, 1)])
def test_strips_and_pairs_land_unaltered(size: int, channels: int, factor: int) -> None:
    strips = {m: some_strips([*FEW, *FEW], [0, 0.5, 1], size, channels) for m in ("vae", LONG)}
    sheet = pixels(plots.strips(strips))
    images = strips[LONG].images_NSHWC.reshape(-1, size, size, channels)
    assert all(contains(sheet, shown(image, factor)) for image in images)
    pairs = some_pairs(3, size, channels)
    sheet = pixels(plots.image_pairs({"vae": pairs, LONG: pairs}))
    images = pairs.pairs_K2HWC.reshape(-1, size, size, channels)
    assert all(contains(sheet, shown(image, factor)) for image in images)
    images = some_images(9, size, channels)
    sheet = pixels(plots.image_sheet({"vae": ImageSheet(images, "images"), LONG: ImageSheet(images, "images")}))
    assert all(contains(sheet, shown(image, factor)) for image in images)


def corner(drawn: np.ndarray, part: np.ndarray) -> tuple[int, int]:
    """Pixels from the left and from the top at which `part` first stands in `drawn`."""
    height, width, _ = part.shape
    found = np.argwhere((drawn == part[0, 0]).all(-1))
    y, x = next((y, x) for y, x in found if np.array_equal(drawn[y : y + height, x : x + width], part))
    return x, y


def test_strips_of_one_title_lie_side_by_side_under_their_steps() -> None:
    strips = some_strips(["Eyeglasses", "Eyeglasses"], [0, 0.5, -1])
    figure = plots.strips({"vae": strips})
    assert texts(figure) == ["Eyeglasses", "α = 0", "0.5", "−1", "0", "0.5", "−1", "vae"]
    drawn = pixels(figure)
    corners = [corner(drawn, shown(image, 2)) for strip in strips.images_NSHWC for image in strip]
    assert len({top for _, top in corners}) == 1
    alphas = [figure.transFigure.transform(text.get_position())[0] for text in figure.texts[1:7]]
    np.testing.assert_allclose(alphas, [left + 32 for left, _ in corners])
    gaps = np.diff([left for left, _ in corners]) - 64
    assert gaps[2] > gaps[0] == gaps[1]


def test_titles_and_labels_wider_than_their_images_are_not_cut_off() -> None:
    title = "An_attribute_with_a_long_name_from_a_table"
    figures = [
        (plots.strips({"vae": some_strips([title], [0, 1])}), title),
        (plots.sample_sheet({"a_model_with_a_long_name": some_images(1, 28, 1)}), "a_model_with_a_long_name"),
    ]
    for figure, written in figures:
        figure.draw_without_rendering()
        (text,) = (each for each in figure.texts if each.get_text() == written)
        assert text.get_window_extent().x1 <= figure.bbox.x1


def test_blocks_follow_the_attributes_and_lines_the_models() -> None:
    twice, more = ["Smiling", "Smiling"], ["Smiling", "Smiling", "Bald"]
    strips = {LONG: some_strips(more, [0, 1, 2]), "vae": some_strips(twice, [0, 1, 2])}
    figure = plots.strips(strips, MODELS)
    assert [text for text in texts(figure) if text in (*more, *MODELS)] == ["Smiling", "vae", LONG, "Bald", LONG]
    assert texts(figure).count("1") == 3  # two faces, and the only one of Bald
    assert place(figure, "Smiling")[1] < place(figure, "vae")[1] < place(figure, "Bald")[1]
    colour = plots.colours(MODELS)
    assert marks(figure) == [colour["vae"], colour[LONG], colour[LONG]]
    assert inside(figure)


def test_exhibits_that_differ_are_not_drawn_together() -> None:
    with pytest.raises(ValueError, match="do not have the same steps"):
        plots.strips({"vae": some_strips(["Bald"], [0, 1]), "gan": some_strips(["Bald"], [0, 2])})
    for other in (profile(np.ones(3), [1, 2, 3]), profile(np.ones(3), reference=0.0)):
        with pytest.raises(ValueError, match="do not have the same places and reference"):
            plots.profiles({"vae": profile(np.ones(3)), "gan": other})
    different = [some_matrices(["gan"], NAMES[:3]), {"gan": matrix(np.eye(3), FEW, low=0.0)}]
    for other in different:
        with pytest.raises(ValueError, match="do not have the same rows, columns and range"):
            plots.matrices({**some_matrices(["vae"], FEW), **other})


def test_a_matrix_has_rows_and_columns_of_its_own_and_the_colours_of_its_range() -> None:
    words = {"quantity": "share", "row": "class of the image", "column": "class of its nearest"}
    shares = Matrix(np.array([[0.0, 1.0, 0.5]]), ("left",), tuple(FEW), **words, low=0.0)
    ax, bar = plots.matrices({"vae": shares}).axes
    assert (rows_of(ax), [label.get_text() for label in ax.get_xticklabels()]) == (["left"], FEW)
    assert (ax.get_ylabel(), ax.get_xlabel(), bar.get_ylabel()) == (words["row"], words["column"], "share")
    rgb = ax.images[0].to_rgba(ax.images[0].get_array())[0, :, :3]
    assert rgb[0].min() > rgb[2].min() > rgb[1].min()  # the more, the darker


def test_latent_vectors_are_drawn_as_the_cosines_between_them() -> None:
    vectors = np.array([[3.0, 4.0], [np.nan, np.nan], [-8.0, 6.0], [0.0, -2.0]])
    shown = LatentVectors(vectors, ("Bald", "Smiling", "Hat", "Young"), "attribute vector")
    ax, bar = plots.latent_vectors({"gan": shown}).axes
    nan = np.nan
    expected = [[1, nan, 0, -0.8], [nan] * 4, [0, nan, 1, -0.6], [-0.8, nan, -0.6, 1]]
    np.testing.assert_allclose(np.ma.filled(ax.images[0].get_array(), nan), expected, atol=1e-12)
    assert rows_of(ax) == ["Bald", "Smiling", "Hat", "Young"]
    assert bar.get_ylabel() == "cosine between two attribute vectors"


def test_of_several_seeds_the_latent_vectors_of_the_first_are_shown() -> None:
    seeds = [LatentVectors(np.array(v, float), ("a", "b"), "vector") for v in ([[1, 0], [0, 2]], [[1, 0], [1, 0]])]
    assert combine(seeds) is seeds[0]
    ax, _ = draw("vectors", {"vae": seeds}).axes
    assert ax.images[0].get_array()[0, 1] == 0


def test_an_image_sheet_has_a_title_and_a_panel_per_model() -> None:
    sheet = ImageSheet(some_images(40), "samples with the highest contrast, of which a few are shown here")
    figure = plots.image_sheet({LONG: sheet, "vae": sheet}, MODELS)
    assert texts(figure) == [sheet.title, "vae", LONG]
    assert marks(figure) == [plots.colours(MODELS)[model] for model in ("vae", LONG)]
    assert place(figure, sheet.title)[1] < place(figure, "vae")[1]
    assert inside(figure)
    assert inside(plots.image_sheet({"vae": ImageSheet(some_images(1), sheet.title)}))


WRONG: list[tuple[Callable[[], object], str]] = [
    (lambda: spectrum(np.zeros(0)), r"values_Z is float64 \(0,\)"),
    (lambda: spectrum(np.array([1])), "values_Z is int64"),
    (lambda: spectrum(np.array([1.0, np.inf])), "values_Z are not all finite"),
    (lambda: Spectrum(np.ones(3), "KL", "nats", dimension="d", threshold=0.0), "threshold is 0.0, and must be above 0"),
    (lambda: Spectrum(np.ones(3), "KL", "nats", dimension="d", threshold=np.nan), "nan is not a number"),
    (lambda: Spectrum([1.0], "KL", "nats", dimension="d", threshold=1.0), "values_Z is a list"),  # type: ignore[arg-type]
    (lambda: profile(np.ones(2)), "values_X has 2 numbers, and there are 3 places"),
    (lambda: profile(np.ones(3), [1, 3, 2]), "the places do not increase"),
    (lambda: profile(np.array([1, np.nan, 2])), "values_X are not all finite"),
    (lambda: profile(np.ones(3), reference=np.inf), "inf is not a number"),
    (lambda: matrix(np.eye(2), FEW), r"values_RC has the shape \(2, 2\), and the names \(3, 3\)"),
    (lambda: matrix(2 * np.eye(3), FEW), r"values_RC must be in \[-1.0, 1.0\]"),
    (lambda: matrix(np.full((3, 3), np.inf), FEW), "values_RC must be in"),
    (lambda: matrix(np.eye(3), FEW, low=1.0), "low is 1.0 and high is 1.0"),
    (lambda: matrix(np.eye(3), FEW, row=None), "None is not text"),
    (lambda: LatentVectors(np.ones((2, 3)), ("a",), "vector"), "vectors_NZ has 2 vectors, and there are 1 names"),
    (lambda: LatentVectors(np.array([[1.0, np.nan]]), ("a",), "vector"), "neither finite nor all NaN"),
    (lambda: Strips(some_images(2)[None], ("a", "b"), (0.0, 1.0), "α"), "titles and steps are 2 and 2"),
    (lambda: Strips(some_images(2), ("a",), (0.0, 1.0), "α"), "does not hold images but uint8"),
    (lambda: ImagePairs(some_images(3)[None], ("a", "b")), r"not \(K, 2, …\)"),
    (lambda: ImagePairs(some_images(2)[None], ("a",)), "a pair has two names, not 1"),  # type: ignore[arg-type]
    (lambda: ImageSheet(some_images(2) / 255, "a"), "images_NHWC does not hold images: their type is uint8"),
    (lambda: ImageSheet(some_images(0), "a"), "images_NHWC does not hold images but uint8"),
]


@pytest.mark.parametrize(("make", "words"), WRONG, ids=[words for _, words in WRONG])
def test_exhibits_check_what_they_hold(make: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


def test_seeds_combine_as_their_type_says() -> None:
    def drawn(*seeds: Exhibit) -> Any:
        return combine(seeds)

    ranks = drawn(spectrum(np.array([1.0, 3.0])), spectrum(np.array([5.0, 2.0])))
    assert ranks.values_Z.tolist() == [4.0, 1.5]
    curve = drawn(profile(np.array([1.0, 5.0, 3.0])), profile(np.array([3.0, 1.0, 4.0])))
    assert (curve.values_X.tolist(), curve.places) == ([2.0, 3.0, 3.5], (0.1, 0.2, 0.5))
    means = drawn(matrix(np.eye(3), FEW), matrix(-np.eye(3), FEW))
    assert (means.values_RC == 0).all()
    assert (means.rows, means.quantity) == (tuple(FEW), "change of the oracle's decisions")
    sheets = [ImageSheet(some_images(2), "first"), ImageSheet(some_images(3), "second")]
    assert drawn(*sheets) is sheets[0]


def test_exhibits_of_one_name_that_do_not_fit_each_other_are_named() -> None:
    for other in (spectrum(np.ones(4)), ImageSheet(some_images(1), "a")):
        with pytest.raises(StoreError, match=r"exhibits 'latent' do not fit each other: .* or Spectrum \(3,\)|\(4,\)"):
            draw("latent", {"vae": [spectrum(np.ones(3)), other]})


def test_what_is_stored_is_what_was_exhibited() -> None:
    exhibits = {"a": spectrum(np.ones(3)), "b": matrix(np.eye(3), FEW), "c": some_strips(["x/y"], [0, -0.5])}
    exhibits |= {"d": some_pairs(), "e": ImageSheet(some_images(2), "é"), "f": profile(np.ones(3))}
    found = decode(encode(exhibits))
    assert list(found) == list(exhibits)
    for name, exhibit in exhibits.items():
        for field, value in vars(exhibit).items():
            np.testing.assert_array_equal(vars(found[name])[field], value)


def test_each_sample_stands_above_its_nearest_training_image() -> None:
    pairs = some_pairs(3)
    figure = plots.image_pairs({"vae": pairs})
    drawn = pixels(figure)
    for sample, nearest in pairs.pairs_K2HWC:
        (left, top), (below_left, below_top) = (corner(drawn, shown(image, 2)) for image in (sample, nearest))
        assert left == below_left
        assert 64 <= below_top - top < 70
    middle = corner(drawn, shown(pairs.pairs_K2HWC[0, 0], 2))[1] + 32
    assert place(figure, "sample")[1] == pytest.approx(middle, abs=2)
    assert place(figure, "nearest intraining")[1] == pytest.approx(middle + 66, abs=2)


def test_nearest_sheet_shows_the_study_in_its_order() -> None:
    figure = plots.image_pairs({LONG: some_pairs(14, channels=1), "vae": some_pairs(14)}, MODELS, columns=4)
    assert [text for text in texts(figure) if text in MODELS] == ["vae", LONG]
    assert marks(figure) == [plots.colours(MODELS)[model] for model in ("vae", LONG)]
    assert inside(figure)
    assert figure.bbox.width < plots.image_pairs({LONG: some_pairs(14)}).bbox.width
    assert not overlapping(figure, figure.texts)


def test_nothing_to_exhibit_is_said() -> None:
    assert texts(plots.spectra({}, MODELS)) == ["No model has such a spectrum."]
    assert texts(plots.matrices({}, MODELS)) == ["No model has such a matrix."]
    assert texts(plots.attribute_dots(some_rows().assign(value=np.nan))) == ["No attribute was measured."]
    assert texts(plots.strips({})) == ["No model has such strips of images."]
    assert texts(plots.image_pairs({})) == ["No model has such pairs of images."]
    assert texts(plots.image_sheet({})) == ["No model has such images."]


def test_names_of_figures_are_short_and_no_two_data_sets_share_one() -> None:
    datasets = [
        "folder[path=a/b] 32×32",
        "folder[path=a-b] 32×32",
        "folder[path=A/b] 32×32",
        f"folder[path={'x' * 230}]",
    ]
    datasets += [f"folder[path={'x' * 229}y]", "avatars 32×32"]
    names = [figure_name("samples", dataset, datasets) for dataset in datasets]
    assert len({name.casefold() for name in names}) == len(datasets)
    assert max(map(len, names)) < 80
    assert names[-1] == "samples-avatars-32x32"
    assert names[0].startswith("samples-folder-path-a-b-32x32-")
    assert figure_name("samples", datasets[0], datasets[:1]) == "samples"


def test_no_figure_of_one_data_set_replaces_that_of_another(tmp_path: Path) -> None:
    study = store_study(tmp_path / "stored")
    datasets = {"vae": "grey[note=photos/a b]", "gan": "grey[note=photos/a-b]"}
    for run in study.runs():
        edit(run.path / RUN, dataset=datasets[run.record().label])
    assert len([name for name in image_figures(study) if name.startswith("samples-")]) == 2

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from test_plots import contains, pixels, some_images

from vaegan_bench.report import plots

LONG = "vaegan[adversarial=hinge,gamma=0.001]"
MODELS = ["vae", "gan", LONG, "vaegan-pixel"]
NAMES = [f"Attribute_Number_{i}" for i in range(29)]
FEW = ["Bald", "Smiling", "Eyeglasses"]
METRICS = ["flip-rate", "retention-auc", "retention-skill", "linear-probe-auc", "authenticity"]


def some_matrices(models: Sequence[str], attributes: int) -> dict[str, np.ndarray]:
    """Vectors that mostly do what they should; the second one was not measured."""
    draw = np.random.default_rng(0)
    matrices = {model: np.eye(attributes) * draw.uniform(0, 1, (attributes, attributes)) for model in models}
    for matrix in matrices.values():
        matrix[1] = np.nan
    return matrices


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


def some_strips(faces: int = 2, steps: int = 3, size: int = 32, channels: int = 3) -> np.ndarray:
    return some_images(faces * steps, size, channels).reshape(faces, steps, size, size, channels)


def some_pairs(k: int = 3, size: int = 32, channels: int = 3) -> np.ndarray:
    return some_images(2 * k, size, channels).reshape(k, 2, size, size, channels)


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
    figure = plots.latent_spectrum({"vae": np.array([0.0, 0.5, 3.0, 1e-9, 0.02])})
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
    figure = plots.latent_spectrum({"vae": np.zeros(8), "vaegan": np.full(1, 2.0)})
    assert legend(figure) == ["vae: 0 of 8 above 0.01 nats", "vaegan: 1 of 1 above 0.01 nats"]
    assert figure.axes[0].get_ylim()[1] > 0.01
    assert inside(figure)
    assert inside(plots.latent_spectrum({"vae": np.zeros(8)}))


def test_spectrum_keeps_the_colours_and_order_of_the_study() -> None:
    kl = {"vaegan-pixel": np.ones(4), "vae": np.ones(4)}
    figure = plots.latent_spectrum(kl, MODELS)
    assert [label.partition(":")[0] for label in legend(figure)] == ["vae", "vaegan-pixel"]
    colour = plots.colours(MODELS)
    drawn = [line.get_color() for line in figure.axes[0].lines[:2]]
    assert drawn == [colour["vae"], colour["vaegan-pixel"]]


def test_spectrum_of_many_long_labels_stays_on_the_page() -> None:
    figure = plots.latent_spectrum({f"{LONG[:-1]},steps={i}]": np.geomspace(9, 1e-6, 64) for i in range(10)})
    assert inside(figure)
    assert len({(line.get_color(), line.get_linestyle()) for line in figure.legends[0].get_lines()}) == 10


def test_matrix_puts_vectors_down_and_decisions_across() -> None:
    matrix = np.array([[1.0, -0.5, 0], [np.nan] * 3, [0.25, 0, 0.75]])
    figure = plots.attribute_matrix({"vae": matrix}, FEW)
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
    figure = plots.attribute_matrix(some_matrices(MODELS[:models], 3), FEW)
    assert titles(figure) == MODELS[:models]
    assert inside(figure)
    panels = figure.axes[:models]
    assert len({round(ax.get_position().y0, 3) for ax in panels}) == lines
    named = [ax.yaxis.get_tick_params()["labelleft"] for ax in panels]
    assert named == [i % 2 == 0 for i in range(models)]
    assert all(ax.images[0].get_clim() == (-1, 1) for ax in panels)


def test_matrix_of_29_attributes_is_legible() -> None:
    figure = plots.attribute_matrix(some_matrices([LONG, "vae"], 29), NAMES)
    pixels(figure)
    ax = figure.axes[0]
    assert rows_of(ax) == NAMES
    assert not overlapping(figure, ax.get_yticklabels())
    assert not overlapping(figure, ax.get_xticklabels())
    assert ax.get_yticklabels()[0].get_fontsize() >= 6
    assert inside(figure)


def test_matrices_follow_the_study_without_the_models_it_lacks() -> None:
    figure = plots.attribute_matrix(some_matrices(["vaegan-pixel", "vae"], 3), FEW, MODELS)
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
    strips = {name: {m: some_strips(2, 3, size, channels) for m in ("vae", LONG)} for name in FEW}
    sheet = pixels(plots.attribute_strips(strips, [0, 0.5, 1]))
    assert all(
        contains(sheet, shown(image, factor)) for image in strips["Bald"][LONG].reshape(-1, size, size, channels)
    )
    pairs = some_pairs(3, size, channels)
    sheet = pixels(plots.nearest_sheet({"vae": pairs, LONG: pairs}))
    assert all(contains(sheet, shown(image, factor)) for image in pairs.reshape(-1, size, size, channels))


def corner(drawn: np.ndarray, part: np.ndarray) -> tuple[int, int]:
    """Pixels from the left and from the top at which `part` first stands in `drawn`."""
    height, width, _ = part.shape
    found = np.argwhere((drawn == part[0, 0]).all(-1))
    y, x = next((y, x) for y, x in found if np.array_equal(drawn[y : y + height, x : x + width], part))
    return x, y


def test_faces_lie_side_by_side_under_their_alphas() -> None:
    faces = some_strips(2, 3)
    figure = plots.attribute_strips({"Eyeglasses": {"vae": faces}}, [0, 0.5, -1])
    assert texts(figure) == ["Eyeglasses", "α = 0", "0.5", "−1", "0", "0.5", "−1", "vae"]
    drawn = pixels(figure)
    corners = [corner(drawn, shown(image, 2)) for face in faces for image in face]
    assert len({top for _, top in corners}) == 1
    alphas = [figure.transFigure.transform(text.get_position())[0] for text in figure.texts[1:7]]
    np.testing.assert_allclose(alphas, [left + 32 for left, _ in corners])
    gaps = np.diff([left for left, _ in corners]) - 64
    assert gaps[2] > gaps[0] == gaps[1]


def test_blocks_follow_the_attributes_and_lines_the_models() -> None:
    strips = {"Smiling": {LONG: some_strips(), "vae": some_strips()}, "Bald": {LONG: some_strips(1)}, "Bangs": {}}
    figure = plots.attribute_strips(strips, [0, 1, 2], MODELS)
    assert [text for text in texts(figure) if text in (*strips, *MODELS)] == ["Smiling", "vae", LONG, "Bald", LONG]
    assert texts(figure).count("1") == 3  # two faces, and the only one of Bald
    assert place(figure, "Smiling")[1] < place(figure, "vae")[1] < place(figure, "Bald")[1]
    colour = plots.colours(MODELS)
    assert marks(figure) == [colour["vae"], colour[LONG], colour[LONG]]
    assert inside(figure)


def test_strips_refuse_alphas_that_are_not_theirs() -> None:
    with pytest.raises(ValueError, match="shorter"):
        plots.attribute_strips({"Bald": {"vae": some_strips(steps=3)}}, [0, 1])


def test_each_sample_stands_above_its_nearest_training_image() -> None:
    pairs = some_pairs(3)
    figure = plots.nearest_sheet({"vae": pairs})
    drawn = pixels(figure)
    for sample, nearest in pairs:
        (left, top), (below_left, below_top) = (corner(drawn, shown(image, 2)) for image in (sample, nearest))
        assert left == below_left
        assert 64 <= below_top - top < 70
    middle = corner(drawn, shown(pairs[0, 0], 2))[1] + 32
    assert place(figure, "sample")[1] == pytest.approx(middle, abs=2)
    assert place(figure, "nearest intraining")[1] == pytest.approx(middle + 66, abs=2)


def test_nearest_sheet_shows_the_study_in_its_order() -> None:
    figure = plots.nearest_sheet({LONG: some_pairs(14, channels=1), "vae": some_pairs(14)}, columns=4, models=MODELS)
    assert [text for text in texts(figure) if text in MODELS] == ["vae", LONG]
    assert marks(figure) == [plots.colours(MODELS)[model] for model in ("vae", LONG)]
    assert inside(figure)
    assert figure.bbox.width < plots.nearest_sheet({LONG: some_pairs(14)}).bbox.width
    assert not overlapping(figure, figure.texts)


def test_nothing_to_exhibit_is_said() -> None:
    assert texts(plots.latent_spectrum({}, MODELS)) == ["No model has an encoder."]
    assert texts(plots.attribute_matrix({}, FEW, MODELS)) == ["No attribute vector was measured."]
    assert texts(plots.attribute_dots(some_rows().assign(value=np.nan))) == ["No attribute was measured."]
    assert texts(plots.attribute_strips({"Bald": {}}, [0, 1])) == ["No attribute vector was drawn."]
    assert texts(plots.nearest_sheet({})) == ["No samples."]

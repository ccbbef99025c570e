"""Samples against reconstructions: which distances are paired, which runs, and what the figure shows of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from vaegan_bench.report import plots, tables

NUMBERS = {
    ("vae", 3): {"frechet[oracle]": 90.0, "reconstruction-frechet[oracle]": 61.0, "operations": 20.0},
    ("vqgan", 1): {"frechet[oracle]": 40.0, "reconstruction-frechet[oracle]": 8.0, "operations": 80.0, "fid": 33.0},
    ("vqgan", 0): {"frechet[oracle]": 44.0, "reconstruction-frechet[oracle]": 9.0, "operations": 80.0, "rfid": 30.0},
    ("gan", 0): {"frechet[oracle]": 22.0, "operations": 25.0, "frechet[efflite0]": 900.0},
}


def some_rows(**changed: object) -> pd.DataFrame:
    common: dict[str, Any] = {"dataset": "avatars", "status": "ok", "attribute": "", **changed}
    return pd.DataFrame(
        common | {"model": model, "seed": seed, "run": f"{model}-{seed}", "metric": metric, "value": value}
        for (model, seed), numbers in NUMBERS.items()
        for metric, value in numbers.items()
    )


def pairs_of(metric: str) -> dict[tuple[str, int], list[float | None]]:
    """Run → the distance of its samples, that of its reconstructions, its cost; None where there is none."""
    pairs = tables.trade_off(some_rows())
    chosen = pairs[pairs["metric"] == metric].drop(columns="metric")
    return {
        (model, seed): [None if math.isnan(each) else each for each in numbers]
        for model, seed, *numbers in chosen.itertuples(index=False)
    }


def test_every_run_has_both_distances_of_one_extractor_and_its_cost() -> None:
    assert pairs_of("frechet[oracle]") == {
        ("vae", 3): [90, 61, 20], ("vqgan", 1): [40, 8, 80], ("vqgan", 0): [44, 9, 80], ("gan", 0): [22, None, 25],
    }  # fmt: skip


def test_a_distance_that_no_run_has_of_reconstructions_is_left_out_and_fid_goes_with_rfid() -> None:
    assert set(tables.trade_off(some_rows())["metric"]) == {"frechet[oracle]", "fid"}
    assert pairs_of("fid") == {("vqgan", 1): [33, None, 80]}


def test_only_frechet_distances_are_paired() -> None:
    more = {"high-frequencies": -20.0, "reconstruction-high-frequencies": -11.0, "kid": 0.1, "reconstruction-kid": 0.2}
    rows = some_rows()
    added = [{**rows.iloc[0].to_dict(), "metric": metric, "value": value} for metric, value in more.items()]
    assert "high-frequencies" not in set(tables.trade_off(pd.concat([rows, pd.DataFrame(added)]))["metric"])
    assert set(tables.trade_off(pd.DataFrame(added))["metric"]) == set()


@pytest.mark.parametrize("changed", [{"status": "diverged at step 3"}, {"attribute": "Smiling"}])
def test_runs_that_diverged_and_numbers_of_one_attribute_do_not_count(changed: dict[str, str]) -> None:
    assert tables.trade_off(some_rows(**changed)).empty


def drawn(rows: pd.DataFrame) -> Figure:
    pairs = tables.trade_off(rows)
    return plots.distance_pairs(pairs, ["vae", "gan", "vqgan"], ["fid"])


def dots_of(figure: Figure) -> dict[tuple[float, ...], tuple[tuple[float, ...], float]]:
    """Place of a dot in the first panel → its colour and its area."""
    found = [each for each in figure.axes[0].collections if isinstance(each, PathCollection)]
    return {
        tuple(place): (tuple(np.asarray(dots.get_facecolor())[0][:3]), float(area))
        for dots in found
        for place, area in zip(np.asarray(dots.get_offsets()).tolist(), dots.get_sizes(), strict=True)
    }


def test_each_run_is_a_dot_at_its_distances_in_its_models_colour() -> None:
    dots = dots_of(drawn(some_rows()))
    assert dots.keys() == {(61, 90), (8, 40), (9, 44)}
    assert dots[8, 40][0] == dots[9, 44][0] != dots[61, 90][0]


def test_the_area_of_a_dot_is_the_cost() -> None:
    dots = dots_of(drawn(some_rows()))
    assert dots[9, 44][1] / dots[61, 90][1] == pytest.approx(80 / 20)


def test_models_that_share_a_colour_have_another_marker() -> None:
    models = [f"m{i}" for i in range(9)]
    numbers = {"metric": ["fid"] * 9, "samples": range(3, 12), "reconstructions": range(1, 10), "cost": [1.0] * 9}
    figure = plots.distance_pairs(pd.DataFrame({"model": models, "seed": 0, **numbers}))
    first, *_, last = (each for each in figure.axes[0].collections if isinstance(each, PathCollection))
    assert np.array_equal(first.get_facecolor(), last.get_facecolor())
    assert not np.array_equal(first.get_paths()[0].vertices, last.get_paths()[0].vertices)
    handles = [handle.get_marker() for handle in figure.legends[0].legend_handles if isinstance(handle, Line2D)]
    assert len(handles) == 9
    assert handles[0] != handles[8]


def test_without_costs_all_dots_are_alike_and_nothing_is_said_of_them() -> None:
    figure = drawn(some_rows().query("metric != 'operations'"))
    assert len({area for _, area in dots_of(figure).values()}) == 1
    assert "area" not in figure.get_supxlabel()


def test_a_model_without_reconstructions_stands_at_the_edge_at_its_height() -> None:
    figure = drawn(some_rows())
    assert [np.asarray(line.get_ydata()).tolist() for line in figure.axes[0].lines] == [[22.0]]
    assert "no reconstructions" in figure.get_supxlabel()
    without = drawn(some_rows().query("model != 'gan' and metric != 'fid'"))
    assert "no reconstructions" not in without.get_supxlabel()


def test_a_distance_that_is_not_usable_is_marked() -> None:
    assert [ax.get_title(loc="left") for ax in drawn(some_rows()).axes] == ["frechet[oracle]", "fid †"]


def test_where_nothing_is_paired_the_figure_says_so() -> None:
    (text,) = drawn(some_rows().query("metric == 'operations'")).texts
    assert "both samples and reconstructions" in text.get_text()

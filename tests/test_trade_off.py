"""Samples against reconstructions: which distances are paired, which runs, and what the figure shows of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

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


@pytest.mark.parametrize("changed", [{"status": "diverged at step 3"}, {"attribute": "Smiling"}])
def test_runs_that_diverged_and_numbers_of_one_attribute_do_not_count(changed: dict[str, str]) -> None:
    assert tables.trade_off(some_rows(**changed)).empty


def drawn(rows: pd.DataFrame) -> Figure:
    pairs = tables.trade_off(rows)
    return plots.distance_pairs(pairs, ["vae", "gan", "vqgan"], ["fid"])


def test_each_run_is_a_dot_at_its_distances_in_its_models_colour() -> None:
    panel = drawn(some_rows()).axes[0]
    (dots,) = (each for each in panel.collections if isinstance(each, PathCollection))
    assert np.asarray(dots.get_offsets()).tolist() == [[61, 90], [8, 40], [9, 44]]
    one, two, three = (tuple(colour[:3]) for colour in np.asarray(dots.get_facecolor()))
    assert two == three != one


def test_the_area_of_a_dot_is_the_cost() -> None:
    (dots,) = (each for each in drawn(some_rows()).axes[0].collections if isinstance(each, PathCollection))
    cheap, dear, _ = dots.get_sizes()
    assert dear / cheap == pytest.approx(80 / 20)


def test_without_costs_all_dots_are_alike_and_nothing_is_said_of_them() -> None:
    figure = drawn(some_rows().query("metric != 'operations'"))
    (dots,) = (each for each in figure.axes[0].collections if isinstance(each, PathCollection))
    assert len(set(dots.get_sizes())) == 1
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

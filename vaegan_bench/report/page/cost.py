"""Quality against cost: each model's leading number and what its training took; which models no other dominates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from vaegan_bench.report import plots, tables
from vaegan_bench.report.exhibits import Drawing
from vaegan_bench.system.status import OK

COSTS = {
    "seconds": "training time (s)",
    "operations": "operations (MFLOP per image)",
    "parameters": "parameters",
}
"""Metric that measures a cost of training → the label of its axis."""


@dataclass(frozen=True)
class CostPoint:
    """The cost and the quality of one model."""

    cost: float
    quality: float
    on_front: bool
    """Whether no other model dominates it: is no worse in quality and cost, and better in one of them."""


@dataclass(frozen=True)
class CostCard:
    """All models on one kind of cost."""

    axis: str
    heading: str
    """The heading of the quality."""
    points: dict[str, CostPoint]
    """Model → its point, the cheapest first; models without one of the two numbers are left out."""


def leading_number(headlines: pd.DataFrame) -> str:
    """The first number of a study that has a direction, without its protocol; '' where none has."""
    judged = headlines.loc[headlines["direction"] != "none", "metric"]
    return str(judged.iloc[0]).partition(" (")[0] if len(judged) else ""


def cost_cards(rows: pd.DataFrame, metric: str) -> list[CostCard]:
    """A card per kind of cost, of the rows of one data set, named by protocol; `metric` leads the study.

    Means over finished runs.
    """
    finished = tables.overall(rows[rows["status"] == OK])
    means = finished.groupby(["metric", "model"], sort=False)["value"].mean()
    quality = finished[finished["metric"] == metric]
    if quality.empty:
        return []
    first = quality.iloc[0]
    heading = tables.heading(metric, first["direction"], first["units"])
    if (first["dataset"], metric) in tables.unusable(finished):
        return []
    return [
        CostCard(axis, heading, _points(means[metric], means[cost], first["direction"]))
        for cost, axis in COSTS.items()
        if cost in means
    ]


def _points(quality: pd.Series[float], cost: pd.Series[float], direction: str) -> dict[str, CostPoint]:
    sign = -1.0 if direction == "higher" else 1.0
    both = pd.DataFrame({"quality": quality, "cost": cost}).dropna().sort_values(["cost", "quality"])
    found = dict[str, CostPoint]()
    for model, row in both.iterrows():
        others = both.drop(index=model)
        no_worse = (sign * others["quality"] <= sign * row["quality"]) & (others["cost"] <= row["cost"])
        better = (sign * others["quality"] < sign * row["quality"]) | (others["cost"] < row["cost"])
        on_front = not bool((no_worse & better).any())
        found[str(model)] = CostPoint(float(row["cost"]), float(row["quality"]), on_front)
    return found


def cost_drawings(cards: Sequence[CostCard], models: Sequence[str], of: str) -> dict[str, Drawing]:
    """A figure per card; `of` names the study and the data set, so that no two figures of a page have one name."""
    return {f"cost-{of}-{i}": partial(_draw, card, models) for i, card in enumerate(cards)}


def _draw(card: CostCard, models: Sequence[str]) -> Figure:
    points = {model: (point.cost, point.quality) for model, point in card.points.items()}
    front = [model for model, point in card.points.items() if point.on_front]
    return plots.cost_front(points, front, (card.axis, card.heading), models)

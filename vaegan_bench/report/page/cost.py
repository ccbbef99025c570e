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
class Bargain:
    """One model: its quality and its cost."""

    model: str
    quality: float
    cost: float
    on_front: bool
    """Whether no other model dominates it: is no worse in quality and cost, and better in one of them."""


@dataclass(frozen=True)
class CostCard:
    """All models on one kind of cost."""

    axis: str
    metric: str
    heading: str
    direction: str
    bargains: list[Bargain]


def cost_cards(rows: pd.DataFrame, metric: str) -> list[CostCard]:
    """A card per kind of cost, of the rows of one data set; `metric` leads the study. Means over finished runs."""
    finished = tables.overall(rows[rows["status"] == OK])
    means = finished.groupby(["metric", "model"], sort=False)["value"].mean()
    quality = finished[finished["metric"] == metric]
    if quality.empty:
        return []
    first = quality.iloc[0]
    heading = tables.heading(metric, first["direction"], first["units"])
    return [
        CostCard(axis, metric, heading, first["direction"], _bargains(means[metric], means[cost], first["direction"]))
        for cost, axis in COSTS.items()
        if cost in means
    ]


def _bargains(quality: pd.Series[float], cost: pd.Series[float], direction: str) -> list[Bargain]:
    """The models with both numbers, the cheapest first."""
    sign = -1.0 if direction == "higher" else 1.0
    both = pd.DataFrame({"quality": quality, "cost": cost}).dropna().sort_values(["cost", "quality"])
    found = []
    for model, row in both.iterrows():
        others = both.drop(index=model)
        no_worse = (sign * others["quality"] <= sign * row["quality"]) & (others["cost"] <= row["cost"])
        better = (sign * others["quality"] < sign * row["quality"]) | (others["cost"] < row["cost"])
        on_front = not bool((no_worse & better).any())
        found.append(Bargain(str(model), float(row["quality"]), float(row["cost"]), on_front))
    return found


def cost_drawings(cards: Sequence[CostCard], models: Sequence[str]) -> dict[str, Drawing]:
    """A figure per card."""
    return {f"cost-{i}": partial(_draw, card, models) for i, card in enumerate(cards)}


def _draw(card: CostCard, models: Sequence[str]) -> Figure:
    points = {each.model: (each.cost, each.quality) for each in card.bargains}
    front = [each.model for each in card.bargains if each.on_front]
    return plots.cost_front(points, front, (card.axis, card.heading), models)

"""How training went, as data for the page's own drawing: few points, one line per run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pandas as pd

from vaegan_bench.results.history import ended_early

POINTS = 60
"""Points per line beyond which neighbours are averaged."""
DIGITS = 4
"""Significant digits of a value."""
Array = np.ndarray[Any, np.dtype[Any]]


def curve_data(history: pd.DataFrame, models: Sequence[str]) -> dict[str, Any]:
    """JSON-able: {'models': […], 'terms': [{'term', 'runs': [{'model', 'seed', 'early', 'images': …, 'values': …}]}]}.

    All runs of a term have points at the same places, as far as they go, so that seeds can be averaged place by place.
    Values that are not finite are left out, as are terms that never change. 'early' says whether the run ended early:
    a mean of seeds would jump where it leaves.
    """
    finite = history[np.isfinite(history["value"])]
    early = ended_early(finite)
    terms = [
        {
            "term": str(term),
            "runs": _lines(group, early),
        }
        for term, group in finite.groupby("term", sort=False)
        if group["value"].nunique() > 1
    ]
    return {"models": list(models), "terms": terms}


def _lines(runs: pd.DataFrame, early: Collection[str]) -> list[dict[str, Any]]:
    starts, places = _places(runs)
    by_run = [run for _, run in runs.groupby(["model", "seed"], sort=False)]
    return [{**_line(run, starts, places), "early": run["run"].iloc[0] in early} for run in by_run]


def _places(runs: pd.DataFrame) -> tuple[Array, Array]:
    """Where the parts begin whose neighbouring values are averaged, and where the point of each part stands."""
    images = np.unique(runs["images"].to_numpy(float))
    parts = np.array_split(images, min(POINTS, len(images)))
    return np.array([part[0] for part in parts]), np.array([part.mean() for part in parts])


def _line(run: pd.DataFrame, starts: Array, places: Array) -> dict[str, Any]:
    part_of = np.searchsorted(starts, run["images"].to_numpy(float), side="right") - 1
    means = run["value"].astype(float).groupby(part_of).mean()
    return {
        "model": str(run["model"].iloc[0]),
        "seed": int(run["seed"].iloc[0]),
        "images": [int(places[part]) for part in means.index],
        "values": [float(f"{mean:.{DIGITS}g}") for mean in means],
    }

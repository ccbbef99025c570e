"""How training went, as data for the page's own drawing: few points, one line per run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

POINTS = 60
"""Points per line beyond which neighbours are averaged."""
DIGITS = 4
"""Significant digits of a value."""


def curve_data(history: pd.DataFrame, models: Sequence[str]) -> dict[str, Any]:
    """{'models': […], 'terms': [{'term', 'runs': [{'model', 'seed', 'images': […], 'values': […]}]}]}, JSON-able.

    Values that are not finite are left out, as are terms that never change.
    """
    finite = history[np.isfinite(history["value"])]
    terms = [
        {"term": str(term), "runs": [_line(run) for _, run in group.groupby(["model", "seed"], sort=False)]}
        for term, group in finite.groupby("term", sort=False)
        if group["value"].nunique() > 1
    ]
    return {"models": list(models), "terms": terms}


def _line(run: pd.DataFrame) -> dict[str, Any]:
    run = run.sort_values("images")
    parts = np.array_split(np.arange(len(run)), min(POINTS, len(run)))
    images, values = run["images"].to_numpy(float), run["value"].to_numpy(float)
    return {
        "model": str(run["model"].iloc[0]),
        "seed": int(run["seed"].iloc[0]),
        "images": [int(images[part].mean()) for part in parts],
        "values": [float(f"{values[part].mean():.{DIGITS}g}") for part in parts],
    }

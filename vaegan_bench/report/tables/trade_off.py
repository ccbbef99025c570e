"""Does generation pay for better reconstruction? Both distances of every run, and the cost of its training."""

from __future__ import annotations

import pandas as pd

from vaegan_bench.report.tables.summary import overall
from vaegan_bench.system.status import OK

COST = "operations"
"""The metric that measures the cost of training: MFLOP per image, equal on all machines."""


def trade_off(rows: pd.DataFrame) -> pd.DataFrame:
    """Finished runs on one data set: a row per distance and run, for distances measured on reconstructions too.

    Columns: metric (the name of the distance on samples), model, seed, samples, reconstructions, cost (MFLOP per
    image). The last two are NaN where a model has no reconstructions, or where they were not measured.
    """
    finished = overall(rows[rows["status"] == OK])
    measured = finished.pivot_table(index=["model", "seed"], columns="metric", values="value", sort=False)
    pairs = {name: _of_reconstructions(name) for name in map(str, measured)}
    found = [
        pd.DataFrame(
            {"metric": name, "samples": measured[name], "reconstructions": measured[other],
             "cost": measured.get(COST, float("nan"))}
        )
        for name, other in pairs.items()
        if other in measured
    ]  # fmt: skip
    columns = ["metric", "model", "seed", "samples", "reconstructions", "cost"]
    return pd.concat(found).dropna(subset="samples").reset_index()[columns] if found else pd.DataFrame(columns=columns)


def _of_reconstructions(metric: str) -> str:
    """The name of the same distance on reconstructions instead of samples."""
    return "rfid" if metric == "fid" else f"reconstruction-{metric}"

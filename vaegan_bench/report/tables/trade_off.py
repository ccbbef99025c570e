"""Does generation pay for better reconstruction? Both distances of every run, and the cost of its training."""

from __future__ import annotations

import pandas as pd

from vaegan_bench.report.tables.summary import overall
from vaegan_bench.results.readings import is_read
from vaegan_bench.system.status import OK

COST = "operations"
"""The metric that measures the cost of training: MFLOP per image, equal on all machines."""
COLUMNS = ["metric", "model", "seed", "samples", "reconstructions", "cost"]


def trade_off(rows: pd.DataFrame) -> pd.DataFrame:
    """Finished runs on one data set: a row per Fréchet distance and run, for those measured on reconstructions too.

    Columns: metric (the name of the distance on samples), model, seed, samples, reconstructions, cost (MFLOP per
    image). The last two are NaN where a model has no reconstructions, or where they were not measured.
    """
    finished = overall(rows[rows["status"] == OK])
    measured = finished.pivot_table(index=["model", "seed"], columns="metric", values="value", sort=False)
    distances = [name for name in map(str, measured) if is_read(name) and _of_reconstructions(name) in measured]
    found = [_pair(measured, name) for name in distances]
    return pd.concat(found).reset_index()[COLUMNS] if found else pd.DataFrame(columns=COLUMNS)


def _pair(measured: pd.DataFrame, metric: str) -> pd.DataFrame:
    """One distance of all runs that have it on samples; `measured` has a row per run, and a column per metric."""
    both = {"samples": measured[metric], "reconstructions": measured[_of_reconstructions(metric)]}
    cost = measured[COST] if COST in measured else float("nan")
    return pd.DataFrame({"metric": metric, **both, "cost": cost}).dropna(subset="samples")


def _of_reconstructions(metric: str) -> str:
    """The name of the same distance on reconstructions instead of samples."""
    return "rfid" if metric == "fid" else f"reconstruction-{metric}"

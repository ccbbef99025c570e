"""Rows summarised over seeds, with Student t-intervals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit  # scipy.stats takes a second to import

from vaegan_bench.report.tables.protocols import by_protocol
from vaegan_bench.system.status import OK

OF_METRICS = ("sample quality", "reconstruction", "attributes", "latent")
"""The families of metrics."""
FAMILIES = (*OF_METRICS, "training")
"""The order in which families of metrics are shown; families of plugins come after."""
KEYS = ["dataset", "model", "metric", "attribute", "family", "direction", "units"]
SUMMARY = [*KEYS, "mean", "half_width", "seeds", "protocol"]
MEASURED = {name: ("value", name) for name in ("mean", "std", "min", "max")}
MEASURED |= {"seeds": ("value", "size"), "protocol": ("protocol", "first")}
"""Column → the column of rows and the function of a group that make it."""
CONFIDENCE = 0.95


def interval(values: Iterable[float], confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The mean and the half-width of its Student t-interval; the half-width of a single value is NaN.

    Below ten seeds a bootstrap covers far less than it claims; Student's t holds from three on.
    Raises `ValueError` for no values.
    """
    sample = np.asarray(list(values), dtype=float)
    n = len(sample)
    if n == 0:
        raise ValueError("An interval needs at least one value.")
    if n == 1 or not np.isfinite(sample).all():
        return float(sample.mean()), float("nan")
    if (sample == sample[0]).all():
        return float(sample[0]), 0.0  # over thousands of values, the rounding of their mean would be a spread
    return float(sample.mean()), float(_half_width(sample.std(ddof=1), n, confidence))


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per dataset, model, metric and attribute: mean, half-width of the 95 % interval, seeds, protocol.

    Only finished runs count, each once, and only values that are not missing. Another protocol makes another metric,
    named by `by_protocol`. Raises `MixedProtocolsError` where values of one metric differ in their setting.
    """
    rows = by_protocol(rows)
    finished = rows[rows["status"] == OK].dropna(subset=["value"]).astype({"value": float})
    # One run may serve several studies: counted twice, it would narrow the interval for nothing.
    groups = finished.drop_duplicates(["run", "metric", "attribute"]).groupby(
        KEYS, sort=False, observed=True, dropna=False
    )
    return _order(_with_intervals(groups.agg(**MEASURED).reset_index())[SUMMARY], rows)


def overall(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that are not about one attribute."""
    return rows[rows["attribute"] == ""]


def rank_of_family(family: str) -> int:
    """The position of a family of metrics in tables and figures."""
    return FAMILIES.index(family) if family in FAMILIES else len(FAMILIES)


def _with_intervals(summary: pd.DataFrame) -> pd.DataFrame:
    """The same means with the half-widths of `interval`, all at once: one by one, thousands take seconds."""
    n, alike = summary["seeds"], summary["min"] == summary["max"]
    means = summary["mean"].mask(alike, summary["min"])  # of equal values, without rounding
    return summary.assign(mean=means, half_width=_half_width(summary["std"], n, CONFIDENCE))


def _half_width(std: Any, n: Any, confidence: float) -> Any:
    """The half-width of the t-interval of n values, for one sample or for many at once; NaN for a single value."""
    quantile = stdtrit(n - 1, 0.5 + confidence / 2)
    return quantile * std / np.sqrt(n)


def _order(summary: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Datasets and models as they first appear in `rows`, even where their first run diverged."""
    ranks = {column: {name: i for i, name in enumerate(rows[column].unique())} for column in ("dataset", "model")}
    ranked = summary.assign(
        _dataset=summary["dataset"].map(ranks["dataset"]),
        _model=summary["model"].map(ranks["model"]),
        _family=summary["family"].map(rank_of_family),
    )
    order = ranked.sort_values(["_dataset", "_model", "_family"], kind="stable").index
    return summary.loc[order].reset_index(drop=True)

"""Rows summarised over seeds, with Student t-intervals."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit  # scipy.stats takes a second to import

from vaegan_bench.errors import BenchError

FAMILIES = ("sample quality", "reconstruction", "attributes", "latent", "training")
"""The order in which families of metrics are shown; families of plugins come after."""
KEYS = ["dataset", "model", "metric", "attribute", "family", "direction", "units"]
SUMMARY = [*KEYS, "mean", "half_width", "seeds", "protocol"]
ALIKE = ["setting", "networks", "family", "direction", "units"]
"""Beside the protocol, what all values of one column share."""


class MixedProtocolsError(BenchError):
    """Values that were not measured alike, and so cannot be compared or averaged."""

    def __init__(self, dataset: str, metric: str, differences: Mapping[str, Iterable[object]]) -> None:
        spelled = "; ".join(f"{key} is {' or '.join(map(str, values))}" for key, values in differences.items())
        super().__init__(
            f"'{metric}' on '{dataset}' was not always measured alike: {spelled}. "
            "Only runs of one setting, measured by one protocol, can be compared: select them first."
        )


def interval(values: Iterable[float], confidence: float = 0.95) -> tuple[float, float]:
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
    quantile = stdtrit(n - 1, 0.5 + confidence / 2)
    return float(sample.mean()), float(quantile * sample.std(ddof=1) / np.sqrt(n))


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per dataset, model, metric and attribute: mean, half-width of the 95 % interval, seeds, protocol.

    Only finished runs count, each once, and only with values that are numbers.
    Raises `MixedProtocolsError` where values of one metric differ in their setting or protocol.
    """
    check_alike(rows)
    finished = rows[rows["status"] == "ok"].dropna(subset=["value"])
    # One run may serve several studies: counted twice, it would narrow the interval for nothing.
    groups = finished.drop_duplicates(["run", "metric", "attribute"]).groupby(
        KEYS, sort=False, observed=True, dropna=False
    )
    summary = pd.DataFrame([_summary(key, group) for key, group in groups], columns=SUMMARY)
    return _ordered(summary, rows)


def check_alike(rows: pd.DataFrame) -> None:
    """Raise `MixedProtocolsError` unless every metric has one setting and one protocol per data set."""
    for (dataset, metric, _), group in rows.groupby(["dataset", "metric", "attribute"], sort=False, observed=True):
        protocols = [protocol_of(text) for text in group["protocol"].unique()]
        keys = dict.fromkeys(key for protocol in protocols for key in protocol)
        seen = {key: [protocol.get(key, "unstated") for protocol in protocols] for key in keys}
        seen |= {column: group[column].tolist() for column in ALIKE if column in group}
        different = {key: distinct for key, values in seen.items() if len(distinct := _distinct(values)) > 1}
        if different:
            raise MixedProtocolsError(str(dataset), str(metric), different)


def overall(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that are not about one attribute."""
    return rows[rows["attribute"] == ""]


def protocol_of(text: str | None) -> dict[str, Any]:
    """A protocol as it stands in a row, read; {} where a row has none."""
    protocol: dict[str, Any] = json.loads(text) if isinstance(text, str) and text else {}
    return protocol


def rank_of_family(family: str) -> int:
    """Where a family of metrics stands in tables and figures."""
    return FAMILIES.index(family) if family in FAMILIES else len(FAMILIES)


def _distinct(values: Iterable[object]) -> list[object]:
    return list({json.dumps(value, sort_keys=True, default=str): value for value in values}.values())


def _summary(key: Hashable, group: pd.DataFrame) -> dict[str, object]:
    mean, half_width = interval(group["value"])
    measured = {"mean": mean, "half_width": half_width, "seeds": len(group), "protocol": group["protocol"].iloc[0]}
    return dict(zip(KEYS, key, strict=True)) | measured  # type: ignore[call-overload]  # key is a tuple


def _ordered(summary: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Datasets and models as they first appear in `rows`, even where their first run diverged."""
    ranks = {column: {name: i for i, name in enumerate(rows[column].unique())} for column in ("dataset", "model")}
    ranked = summary.assign(
        _dataset=summary["dataset"].map(ranks["dataset"]),
        _model=summary["model"].map(ranks["model"]),
        _family=summary["family"].map(rank_of_family),
    )
    order = ranked.sort_values(["_dataset", "_model", "_family"], kind="stable").index
    return summary.loc[order].reset_index(drop=True)

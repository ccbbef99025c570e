"""Every pair of models on every number: the gain of one over the other, and whether it is a verdict."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from vaegan_bench.report import tables


@dataclass(frozen=True)
class PairCell:
    """The gain of the row's model over the column's model."""

    difference: str
    p: str
    improvement: str
    verdict: str
    """'better', 'worse', or '' without a verdict."""
    reason: str
    """Why there is no verdict, where not all pairs share the reason."""


@dataclass(frozen=True)
class PairMatrix:
    """All pairs on one number."""

    metric: str
    heading: str
    note: str
    """How many seeds are common, and why there is no verdict where all pairs share a reason."""
    lines: list[tuple[str, list[PairCell | None]]]
    """Model and its cells; None on the diagonal, and where two models have no common seeds."""


def pair_matrices(pairs: pd.DataFrame, models: Sequence[str]) -> list[PairMatrix]:
    """One matrix per number with a direction, from the pairs of `tables.paired_differences` on one data set."""
    return [_matrix(str(metric), group, models) for metric, group in pairs.groupby("metric", sort=False)]


def _matrix(metric: str, pairs: pd.DataFrame, models: Sequence[str]) -> PairMatrix:
    first = pairs.iloc[0]
    says_why = pairs["verdict"].nunique() > 1
    cells = {(row["model"], row["other"]): _cell(row, says_why=says_why) for row in pairs.to_dict("records")}
    shown = [model for model in models if any(model in key for key in cells)]
    lines = [(model, [cells.get((model, other)) for other in shown]) for model in shown]
    return PairMatrix(metric, tables.heading(metric, first["direction"], first["units"]), _note(pairs), lines)


def _note(pairs: pd.DataFrame) -> str:
    """How many seeds the pairs have in common, and why there is no verdict where no pair has one."""
    seeds = tables.common_seeds(pairs["seeds"].min(), pairs["seeds"].max())
    reasons = [tables.reason_in(row["verdict"]) for row in pairs.to_dict("records")]
    return "; ".join([seeds, *([reasons[0]] if all(reasons) and len(set(reasons)) == 1 else [])])


def _cell(row: Mapping[Hashable, Any], *, says_why: bool) -> PairCell:
    difference = tables.cell(row["difference"], row["half_width"])
    sign = "" if row["difference"] < 0 or difference.startswith("(") else "+"
    reason = tables.reason_in(row["verdict"])
    return PairCell(
        difference=sign + difference.replace("-", "−"),
        p=tables.p_value(row["p_holm"]),
        improvement=f"{row['improvement']:.2f}",
        verdict="" if reason else row["verdict"],
        reason=reason if says_why else "",
    )

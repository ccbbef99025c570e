"""The floor (chance) and the ceiling (real images, or the best possible value) of every number that has them."""

from __future__ import annotations

import pandas as pd

from vaegan_bench.report.tables.summary import overall
from vaegan_bench.report.tables.words import heading, number
from vaegan_bench.system.status import OK

BOUNDS = ("floor", "ceiling")
BOUNDS_MEAN = "Floor: chance. Ceiling: real images, or the best possible value where the metric has one (1 for `mig`)."


def bounds(rows: pd.DataFrame) -> pd.DataFrame:
    """Metrics down, models across: 'floor to ceiling', averaged over finished runs; '—' for a missing bound.

    `rows` are those of one data set; rows about single attributes are left out.
    """
    whole = overall(rows[rows["status"] == OK])
    whole = whole.dropna(subset=[*BOUNDS], how="all")
    keys = [whole[name] for name in ("metric", "direction", "units")]
    whole = whole.assign(heading=[heading(*key) for key in zip(*keys, strict=True)])
    means = whole.groupby(["heading", "model"], sort=False)[[*BOUNDS]].mean()
    cells = means.apply(lambda ends: " to ".join(number(end) or "—" for end in ends), axis=1)
    if cells.empty:
        return pd.DataFrame()
    table: pd.DataFrame = cells.unstack("model", fill_value="")
    return table.reindex(index=whole["heading"].unique(), columns=whole["model"].unique())

"""Which runs finished, and what became of the others."""

from __future__ import annotations

from collections import Counter

import pandas as pd

FINISHED = "ok"
"""The status of a run that was trained and evaluated to its end."""


def runs(rows: pd.DataFrame) -> pd.Series[str]:
    """How many runs of each (dataset, model) finished: '3', or '2 of 3 (1 diverged at step 812)'."""
    statuses = rows.drop_duplicates("run").groupby(["dataset", "model"], sort=False, observed=True)["status"]
    counted = {key: _counted(list(group)) for key, group in statuses}
    datasets = list(rows["dataset"].unique())
    keys = sorted(counted, key=lambda key: datasets.index(key[0]))
    index = pd.MultiIndex.from_tuples(keys, names=["dataset", "model"])
    return pd.Series([counted[key] for key in keys], index=index, name="runs", dtype=object)


def unfinished(rows: pd.DataFrame) -> pd.DataFrame:
    """The runs that did not finish: dataset, model, seed, status."""
    each = rows.drop_duplicates("run")
    return each.loc[each["status"] != FINISHED, ["dataset", "model", "seed", "status"]].reset_index(drop=True)


def _counted(statuses: list[str]) -> str:
    fates = Counter(status for status in statuses if status != FINISHED)
    if not fates:
        return str(len(statuses))
    told = ", ".join(f"{count} {status}" for status, count in fates.items())
    return f"{len(statuses) - fates.total()} of {len(statuses)} ({told})"

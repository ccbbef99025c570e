"""Which runs finished, and why others did not."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from vaegan_bench.system.status import OK


def runs(rows: pd.DataFrame) -> pd.Series[str]:
    """How many runs of each (dataset, model) finished, and what was wrong: '2 of 3 (1 diverged at step 812)'."""
    fates = rows.drop_duplicates("run").groupby(["dataset", "model"], sort=False, observed=True)
    counted = {key: _count(group) for key, group in fates}
    datasets = list(rows["dataset"].unique())
    keys = sorted(counted, key=lambda key: datasets.index(key[0]))
    index = pd.MultiIndex.from_tuples(keys, names=["dataset", "model"])
    return pd.Series([counted[key] for key in keys], index=index, name="runs", dtype=object)


def unhealthy(rows: pd.DataFrame) -> pd.DataFrame:
    """The runs whose training went wrong, divergence included: dataset, model, seed, health."""
    each = rows.drop_duplicates("run")
    return each.loc[each["health"] != OK, ["dataset", "model", "seed", "health"]].reset_index(drop=True)


def _count(runs: pd.DataFrame) -> str:
    fates = [part.partition(":")[0] for health in runs["health"] for part in health.split("; ")]
    verdicts = Counter(verdict for verdict in fates if verdict != OK)
    finished, planned = int((runs["status"] == OK).sum()), len(runs)
    count = str(planned) if finished == planned else f"{finished} of {planned}"
    remarks = ", ".join(f"{number} {verdict}" for verdict, number in verdicts.items())
    return f"{count} ({remarks})" if remarks else count

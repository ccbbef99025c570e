"""Why no verdict is drawn between two models on a number, whatever its p-value."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from vaegan_bench.report.tables.instruments import off_scale, trained_on, unusable
from vaegan_bench.report.tables.summary import overall
from vaegan_bench.report.tables.verdicts import NO_VERDICT
from vaegan_bench.system.status import OK


class Reasons:
    """The reasons that rows give, which are named by protocol and include those about single attributes."""

    def __init__(self, rows: pd.DataFrame) -> None:
        whole = overall(rows)
        self._unusable, self._trained_on, self._off_scale = unusable(whole), trained_on(whole), off_scale(whole)
        self._averaged = averaged_over(rows)

    def against(self, dataset: str, metric: str, models: Sequence[str]) -> str:
        """The reason against a verdict between these models, beginning with `NO_VERDICT`; '' where there is none."""
        keys = [(dataset, metric, model) for model in models]
        if (dataset, metric) in self._unusable:
            return f"{NO_VERDICT}the extractor is not usable on {dataset}"
        if on_it := [key for key in keys if key in self._trained_on]:
            named = " and ".join(model for *_, model in on_it)
            return f"{NO_VERDICT}{named} trained on features of {self._trained_on[on_it[0]]}"
        if all(key in self._off_scale for key in keys):
            return f"{NO_VERDICT}both models are off the scale of the ruler"
        if len(set[frozenset[str]]().union(*(self._averaged.get(key, ()) for key in keys))) > 1:
            return f"{NO_VERDICT}the means are over different attributes"
        return ""


def averaged_over(rows: pd.DataFrame) -> dict[tuple[str, str, str], set[frozenset[str]]]:
    """(dataset, metric, model) → the attributes that its finished runs have the number for, each set of them once."""
    single = rows[(rows["attribute"] != "") & (rows["status"] == OK)]
    found: dict[tuple[str, str, str], set[frozenset[str]]] = {}
    for (dataset, metric, model, _), run in single.groupby(["dataset", "metric", "model", "run"], observed=True):
        found.setdefault((str(dataset), str(metric), str(model)), set()).add(frozenset(run["attribute"]))
    return found

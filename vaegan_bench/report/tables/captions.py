"""The caption below a table: what n, ±, bold and an empty cell mean in it."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from vaegan_bench.report.tables.sign_flip_test import seeds_needed


def caption(summary: pd.DataFrame, *, decided: bool, gaps: bool) -> str:
    """The caption of a table of the means in `summary`; `decided`: a cell is bold, `gaps`: a cell is empty."""
    fewest, most = summary["seeds"].min(), summary["seeds"].max()
    said = [_seeds(fewest, most)]
    judged = summary[summary["direction"] != "none"]
    if judged["model"].nunique() > 1 and most > 1:
        said.append(_verdicts(judged, decided=decided))
    if gaps:
        said.append("Empty: the model has no such output, was not measured so, or has no finished run.")
    return " ".join(said)


def _verdicts(judged: pd.DataFrame, *, decided: bool) -> str:
    """What bold means; where no cell is bold, the reason. A metric's pairs are those of the models that have it."""
    if decided:
        return "Bold: better than every other model by a paired sign-flip test (5 %, Holm over all pairs)."
    of_metric = judged.groupby(["dataset", "metric"])["seeds"].agg(["size", "max"])
    compared = of_metric[of_metric["size"] > 1]
    if compared.empty:
        return "Nothing is compared: no two models here have a number by the same protocol."
    needed = {int(models): seeds_needed(models * (models - 1) // 2) for models in sorted(compared["size"].unique())}
    if any(seeds >= needed[models] for models, seeds in compared.itertuples(index=False)):
        return "No model is shown to be better than every other (paired sign-flip test, 5 %, Holm over all pairs)."
    return _too_few_seeds(needed, f"{compared['max'].max()} seeds")


def _too_few_seeds(needed: Mapping[int, int], seeds: str) -> str:
    """Number of compared models → the seeds that a verdict needs, as a sentence."""
    if len(needed) == 1:
        ((models, enough),) = needed.items()
        return f"No verdict is possible over {models} models at {seeds}: {enough} are needed."
    counts = ", ".join(f"{enough} for {models} models" for models, enough in needed.items())
    return f"No verdict is possible at {seeds}. Needed are {counts}."


def _seeds(fewest: int, most: int) -> str:
    if most == 1:
        return "One seed: there is no interval, and no difference here is a verdict."
    meaning = "± is the 95 % Student t-interval over seeds."
    if fewest == most:
        return f"Means over {most} seeds; {meaning}"
    alone = " A value without ± is from one seed, which has no interval and carries no verdict." if fewest == 1 else ""
    return f"Means over {fewest} to {most} seeds; {meaning}{alone}"

"""The caption below a table: what n, ±, bold and an empty cell mean in it."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from vaegan_bench.report.tables.sign_flip_test import seeds_needed
from vaegan_bench.report.tables.words import common_seeds


def caption(summary: pd.DataFrame, pairs: pd.DataFrame, *, decided: bool, gaps: bool) -> str:
    """The caption of a table of the means in `summary`; `decided`: a cell is bold, `gaps`: a cell is empty.

    `pairs`: those of `paired_differences`, at least on these numbers.
    """
    fewest, most = summary["seeds"].min(), summary["seeds"].max()
    said = [_seeds(fewest, most)]
    judged = summary[summary["direction"] != "none"]
    if judged["model"].nunique() > 1 and most > 1:
        said.append(_verdicts(judged, pairs, decided=decided))
    if gaps:
        said.append("Empty: the model has no such output, was not measured so, or has no finished run.")
    return " ".join(said)


def _verdicts(judged: pd.DataFrame, pairs: pd.DataFrame, *, decided: bool) -> str:
    """What bold means; where no cell is bold, the reason. A metric's pairs are those of models with common seeds."""
    if decided:
        return "Bold: better than every other model by a paired sign-flip test (5 %, Holm over all pairs)."
    numbers = judged[["dataset", "metric"]].drop_duplicates()
    of_metric = pairs.merge(numbers).groupby(["dataset", "metric"])["seeds"].agg(["size", "min", "max"])
    if of_metric.empty:
        return "Nothing is compared: no two models here have a number by the same protocol at a common seed."
    tests = of_metric["size"] // 2  # every pair stands in both orders
    needed = {int(n): seeds_needed(n) for n in sorted(tests.unique())}
    if any(seeds >= needed[n] for n, seeds in zip(tests, of_metric["max"], strict=True)):
        return "No model is shown to be better than every other (paired sign-flip test, 5 %, Holm over all pairs)."
    return _too_few_seeds(needed, common_seeds(of_metric["min"].min(), of_metric["max"].max()))


def _too_few_seeds(needed: Mapping[int, int], seeds: str) -> str:
    """Number of compared pairs → the seeds that a verdict needs, as a sentence."""
    if len(needed) == 1:
        ((tests, enough),) = needed.items()
        return f"No verdict is possible over {_pairs(tests)} at {seeds}: {enough} are needed."
    counts = ", ".join(f"{enough} for {_pairs(tests)}" for tests, enough in needed.items())
    return f"No verdict is possible at {seeds}. Needed are {counts}."


def _pairs(number: int) -> str:
    return f"{number} pair{'' if number == 1 else 's'} of models"


def _seeds(fewest: int, most: int) -> str:
    if most == 1:
        return "One seed: there is no interval, and no difference here is a verdict."
    meaning = "± is the 95 % Student t-interval over seeds."
    if fewest == most:
        return f"Means over {most} seeds; {meaning}"
    alone = " A value without ± is from one seed, which has no interval and carries no verdict." if fewest == 1 else ""
    return f"Means over {fewest} to {most} seeds; {meaning}{alone}"

"""The caption below a table: what n, ±, bold and an empty cell mean in it."""

from __future__ import annotations

import pandas as pd

from vaegan_bench.report.tables.statistics import seeds_needed


def caption(summary: pd.DataFrame, *, decided: bool, gaps: bool) -> str:
    """The caption of a table of the means in `summary`; `decided`: a cell is bold, `gaps`: a cell is empty."""
    fewest, most = summary["seeds"].min(), summary["seeds"].max()
    said = [_seeds(fewest, most)]
    models = summary["model"].nunique()
    if models > 1 and most > 1 and (summary["direction"] != "none").any():
        said.append(_verdicts(models, most, decided=decided))
    if gaps:
        said.append("Empty: the model has no such output, was not measured so, or has no finished run.")
    return " ".join(said)


def _verdicts(models: int, seeds: int, *, decided: bool) -> str:
    """What bold means; where no cell is bold, the reason."""
    if decided:
        return "Bold: better than every other model by an exact paired test (5 %, Holm over all pairs)."
    needed = seeds_needed(models * (models - 1) // 2)
    if seeds < needed:
        return f"No verdict is possible over {models} models at {seeds} seeds: {needed} are needed."
    return "No model is shown to be better than every other (exact paired test, 5 %, Holm over all pairs)."


def _seeds(fewest: int, most: int) -> str:
    if most == 1:
        return "One seed: there is no interval, and no difference here is a verdict."
    meaning = "± is the 95 % Student t-interval over seeds."
    if fewest == most:
        return f"Means over {most} seeds; {meaning}"
    alone = " A value without ± is from one seed, which has no interval and carries no verdict." if fewest == 1 else ""
    return f"Means over {fewest} to {most} seeds; {meaning}{alone}"

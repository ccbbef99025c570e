"""How much numbers vary from seed to seed, and from one set of samples to the next."""

from __future__ import annotations

import numpy as np
import pandas as pd

from vaegan_bench.report.tables.protocols import protocol_of
from vaegan_bench.report.tables.summary import overall
from vaegan_bench.report.tables.words import heading, two_digits
from vaegan_bench.system.status import OK


def noise(rows: pd.DataFrame) -> pd.DataFrame:
    """Models down, metrics measured over several draws across: 'training / evaluation', as standard deviations.

    Evaluation noise e is the standard deviation of one draw, pooled over runs. A run's number is the mean of its draws,
    so the variance s² over seeds includes e²/draws, which is subtracted: s² − e²/draws (one-way random effects). '—'
    for a single seed.
    """
    drawn = overall(rows[rows["status"] == OK]).dropna(subset=["noise"]).drop_duplicates(["run", "metric"])
    drawn = drawn.assign(heading=[heading(m, d, u) for m, d, u in drawn[["metric", "direction", "units"]].to_numpy()])
    cells = {key: _cell(group) for key, group in drawn.groupby(["model", "heading"], sort=False)}
    order = [list(drawn[column].unique()) for column in ("model", "heading")]
    table = [[cells.get((model, column), "") for column in order[1]] for model in order[0]]
    return pd.DataFrame(table, index=order[0], columns=order[1])


def _cell(runs: pd.DataFrame) -> str:
    evaluation = float(np.sqrt((runs["noise"].astype(float) ** 2).mean()))
    draws = protocol_of(runs["protocol"].iloc[0])["draws"]
    return f"{_training(runs['value'], evaluation**2 / draws)} / {two_digits(evaluation)}"


def _training(values: pd.Series[float], part: float) -> str:
    return two_digits(float(np.sqrt(max(0.0, values.var(ddof=1) - part)))) if len(values) > 1 else "—"

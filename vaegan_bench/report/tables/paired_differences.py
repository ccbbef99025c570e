"""Two models over the same seeds: how large the difference is, and whether it is a verdict."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from itertools import combinations, islice
from typing import NamedTuple

import numpy as np
import pandas as pd

from vaegan_bench.report.tables.no_verdict import Reasons
from vaegan_bench.report.tables.protocols import by_protocol
from vaegan_bench.report.tables.sign_flip_test import LEVEL, Array, holm, improvement, seeds_among, sign_flips
from vaegan_bench.report.tables.summary import interval, overall
from vaegan_bench.report.tables.verdicts import BETTER, NONE_POSSIBLE, NONE_SHOWN, WORSE
from vaegan_bench.system.errors import StudyError, UnknownNameError
from vaegan_bench.system.status import OK

KEYS = ["dataset", "metric", "direction", "units"]
COLUMNS = [*KEYS, "model", "other", "seeds", "mean", "other_mean", "difference", "half_width"]
COLUMNS += ["improvement", "p", "p_holm", "verdict"]


def paired_differences(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per data set, metric and ordered pair of models with common seeds: what `model` gains over `other`.

    Columns: dataset, metric, direction, units, model, other, seeds, mean and other_mean (over the common seeds),
    difference and half_width (mean of the paired differences and its 95 % t-interval), improvement (probability that
    `model` is better), p (sign-flip, alone), p_holm (adjusted for all pairs of this metric) and verdict. Seeds pair
    runs: the same seed means the same initial weights, order of images and evaluation codes. There is no verdict where
    the extractor is not usable on the data, where a model was trained on it, where both models are off the scale of its
    ruler, or where rows about single attributes show that the means are over different attributes.
    Raises `MixedProtocolsError` where values are not comparable.
    """
    named = by_protocol(rows)
    rows = overall(named)
    judged = rows[(rows["direction"] != "none") & (rows["status"] == OK)].dropna(subset=["value"])
    metrics = judged.drop_duplicates(["run", "metric"]).groupby(KEYS, sort=False, observed=True)
    families = [(key, _pairs(metric)) for key, metric in metrics]
    p_values = iter(sign_flips([pair.mine - pair.theirs for _, pairs in families for pair in pairs]))
    compared = [row for key, pairs in families for row in _compared(key, pairs, [*islice(p_values, len(pairs))])]
    return _without_blind_verdicts(pd.DataFrame(compared, columns=COLUMNS), Reasons(named))


def compare(rows: pd.DataFrame, model: str, other: str) -> pd.DataFrame:
    """The rows of `paired_differences` for one pair, metrics in their order.

    Raises `UnknownNameError` for a model that has no rows, `StudyError` for a model and itself.
    """
    known = list(rows["model"].unique())
    for name in (model, other):
        if name not in known:
            raise UnknownNameError("model of these results:", name, known)
    if model == other:
        raise StudyError(f"'{model}' cannot be compared with itself: name two models.")
    pairs = paired_differences(rows)
    return pairs[(pairs["model"] == model) & (pairs["other"] == other)].reset_index(drop=True)


class _Pair(NamedTuple):
    """Two models on one metric, over their common seeds."""

    model: str
    other: str
    mine: Array
    theirs: Array


def _pairs(metric: pd.DataFrame) -> list[_Pair]:
    """Every pair of models that has common seeds."""
    wide = metric.pivot(index="seed", columns="model", values="value")
    values = {str(model): wide[model].to_numpy(float) for model in metric["model"].unique()}
    pairs = []
    for (model, mine), (other, theirs) in combinations(values.items(), 2):
        common = ~(np.isnan(mine) | np.isnan(theirs))
        if common.any():
            pairs.append(_Pair(model, other, mine[common], theirs[common]))
    return pairs


def _compared(key: Hashable, pairs: Sequence[_Pair], p_values: Sequence[float]) -> Iterator[dict[str, object]]:
    """Every pair in both orders, on one metric."""
    plain = dict(zip(KEYS, key, strict=True))  # type: ignore[call-overload]  # key is a tuple
    needed_at = {p: seeds_among(p_values, i) for p, i in {p: i for i, p in enumerate(p_values)}.items()}
    for (a, b, x, y), p, p_holm in zip(pairs, p_values, holm(p_values), strict=True):
        needed = needed_at[p]  # equal p-values leave the same others
        for model, other, mine, theirs in ((a, b, x, y), (b, a, y, x)):
            shared = {**plain, "model": model, "other": other, "p": p, "p_holm": p_holm}
            yield {**shared, **_gain(mine, theirs, str(plain["direction"]), p_holm, needed)}


def _without_blind_verdicts(pairs: pd.DataFrame, reasons: Reasons) -> pd.DataFrame:
    """The same pairs, without verdicts where there are reasons against them."""
    named = pairs[["dataset", "metric", "model", "other", "verdict"]].itertuples(index=False)
    verdicts = [reasons.against(dataset, metric, both) or verdict for dataset, metric, *both, verdict in named]
    return pairs.assign(verdict=pd.Series(verdicts, index=pairs.index, dtype=object))


def _gain(mine: Array, theirs: Array, direction: str, p_holm: float, needed: int) -> dict[str, object]:
    sign = 1.0 if direction == "higher" else -1.0
    difference, half_width = interval(mine - theirs)
    return {
        "seeds": len(mine),
        "mean": float(mine.mean()),
        "other_mean": float(theirs.mean()),
        "difference": difference,
        "half_width": half_width,
        "improvement": improvement(sign * mine, sign * theirs),
        "verdict": _verdict(p_holm, sign * difference, len(mine), needed),
    }


def _verdict(p_holm: float, gain: float, seeds: int, needed: int) -> str:
    if p_holm < LEVEL:
        return BETTER if gain > 0 else WORSE
    if seeds >= needed:
        return NONE_SHOWN
    return f"{NONE_POSSIBLE} at {seeds} {'seed' if seeds == 1 else 'seeds'}: {needed} are needed"

"""Two models over the same seeds: how large the difference is, and whether it is a verdict."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import combinations, product

import numpy as np
import pandas as pd

from vaegan_bench.report.tables.protocols import by_protocol
from vaegan_bench.report.tables.summary import interval, overall
from vaegan_bench.system.errors import StudyError, UnknownNameError
from vaegan_bench.system.status import OK

LEVEL = 0.05
"""The probability, over all comparisons of one metric together, of a verdict where there is no difference."""
EXACT = 16
"""Seeds up to which all signs are tried: 2¹⁶ = 65,536."""
DRAWS = 100_000
SEED = 2020
KEYS = ["dataset", "metric", "direction", "units"]
COLUMNS = [*KEYS, "model", "other", "seeds", "mean", "other_mean", "difference", "half_width"]
COLUMNS += ["improvement", "p", "p_holm", "verdict"]
BETTER, WORSE = "better", "worse"


def sign_flip(differences: Iterable[float]) -> float:
    """Two-sided p-value of paired differences, exact: the share of sign patterns whose sum is as far from zero.

    Under the hypothesis that both models are alike, each difference may as well have the other sign. With S
    differences p is at least 2^(1 − S), so fewer than six can never fall below .05. From 17 on, signs are drawn.
    Raises `ValueError` for no differences.
    """
    d = np.asarray(list(differences), dtype=float)
    if len(d) == 0:
        raise ValueError("A test needs at least one difference.")
    if len(d) <= EXACT:
        signs = np.array(list(product((1.0, -1.0), repeat=len(d))))
        drawn = 0
    else:
        signs = np.random.default_rng(SEED).choice((1.0, -1.0), size=(DRAWS, len(d)))
        drawn = 1  # the observed signs count as a draw, or p could be 0
    sums = np.abs(signs @ d)
    as_far = int((sums >= abs(d.sum()) * (1 - 1e-12)).sum())  # equal sums differ by rounding
    return (as_far + drawn) / (len(signs) + drawn)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for their number (Holm, 1979): all may be held against one level together."""
    n = len(p_values)
    order = np.argsort(p_values, kind="stable")
    raised = np.maximum.accumulate([(n - rank) * p_values[i] for rank, i in enumerate(order)])
    adjusted = np.empty(n)
    adjusted[order] = np.minimum(raised, 1.0)
    return [float(p) for p in adjusted]


def improvement(a: Iterable[float], b: Iterable[float]) -> float:
    """The probability that a value of `a` exceeds one of `b`, ties counted half (Mann–Whitney U/nm)."""
    x, y = np.asarray(list(a), dtype=float)[:, None], np.asarray(list(b), dtype=float)[None, :]
    return float(((x > y) + 0.5 * (x == y)).mean())


def seeds_needed(comparisons: int = 1, level: float = LEVEL) -> int:
    """The fewest paired seeds at which the smallest possible p-value, times the comparisons, is below the level."""
    return math.floor(1 + math.log2(comparisons / level)) + 1


def comparisons(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per data set, metric and ordered pair of models with common seeds: what `model` gains over `other`.

    Columns: dataset, metric, direction, units, model, other, seeds, mean and other_mean (over the common seeds),
    difference and half_width (mean of the paired differences and its 95 % t-interval), improvement (probability that
    `model` is better), p (sign-flip, alone), p_holm (adjusted for all pairs of this metric) and verdict. Seeds pair
    runs: the same seed means the same initial weights, order of images and evaluation codes.
    Raises `MixedProtocolsError` where values are not comparable.
    """
    rows = overall(by_protocol(rows))
    judged = rows[(rows["direction"] != "none") & (rows["status"] == OK)].dropna(subset=["value"])
    metrics = judged.drop_duplicates(["run", "metric"]).groupby(KEYS, sort=False, observed=True)
    return pd.DataFrame([row for key, metric in metrics for row in _pairs(key, metric)], columns=COLUMNS)


def compare(rows: pd.DataFrame, model: str, other: str) -> pd.DataFrame:
    """The rows of `comparisons` for one pair, metrics in their order.

    Raises `UnknownNameError` for a model that has no rows, `StudyError` for a model and itself.
    """
    known = list(rows["model"].unique())
    for name in (model, other):
        if name not in known:
            raise UnknownNameError("model of these results:", name, known)
    if model == other:
        raise StudyError(f"'{model}' cannot be compared with itself: name two models.")
    pairs = comparisons(rows)
    return pairs[(pairs["model"] == model) & (pairs["other"] == other)].reset_index(drop=True)


def _pairs(key: Hashable, metric: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Every ordered pair on one metric."""
    plain = dict(zip(KEYS, key, strict=True))  # type: ignore[call-overload]  # key is a tuple
    values = metric.pivot(index="seed", columns="model", values="value")
    common = {pair: values[list(pair)].dropna() for pair in combinations(metric["model"].unique(), 2)}
    common = {pair: paired for pair, paired in common.items() if len(paired)}
    p_values = [sign_flip(paired[a] - paired[b]) for (a, b), paired in common.items()]
    tested = zip(common.items(), p_values, holm(p_values), strict=True)
    for ((a, b), paired), p, p_holm in tested:
        for model, other in ((a, b), (b, a)):
            shared = {**plain, "model": model, "other": other, "p": p, "p_holm": p_holm}
            yield {**shared, **_gain(paired[model], paired[other], str(plain["direction"]), p_holm, len(common))}


def _gain(
    mine: pd.Series[float], theirs: pd.Series[float], direction: str, p_holm: float, tests: int
) -> dict[str, object]:
    sign = 1.0 if direction == "higher" else -1.0
    difference, half_width = interval(mine - theirs)
    return {
        "seeds": len(mine),
        "mean": float(mine.mean()),
        "other_mean": float(theirs.mean()),
        "difference": difference,
        "half_width": half_width,
        "improvement": improvement(sign * mine, sign * theirs),
        "verdict": _verdict(p_holm, sign * difference, len(mine), tests),
    }


def _verdict(p_holm: float, gain: float, seeds: int, tests: int) -> str:
    if p_holm < LEVEL:
        return BETTER if gain > 0 else WORSE
    needed = seeds_needed(tests)
    if seeds >= needed:
        return "no difference shown"
    return f"no verdict possible at {seeds} {'seed' if seeds == 1 else 'seeds'}: {needed} are needed"

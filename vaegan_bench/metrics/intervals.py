"""Confidence intervals over images."""

from __future__ import annotations

from math import inf, sqrt
from typing import TypedDict

Z = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""


class Ends(TypedDict):
    """The ends of an interval as a `Measurement` has them."""

    low: float | None
    high: float | None


def around(value: float, reach: float | None, least: float = -inf) -> Ends:
    """From `value` − `reach`, but no less than `least`, to `value` + `reach`; no interval where `reach` is None."""
    return Ends(low=None, high=None) if reach is None else Ends(low=max(least, value - reach), high=value + reach)


def wilson(successes: int, n: int) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson, 1927): (low, high) in [0, 1], for 0 ≤ successes ≤ n and n ≥ 1."""
    share = successes / n
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    reach = Z / (1 + Z**2 / n) * sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    # At the ends of the range, rounding would leave 1e-19 instead of 0.
    return centre - reach if successes else 0.0, centre + reach if successes < n else 1.0

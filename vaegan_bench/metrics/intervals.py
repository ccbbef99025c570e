"""Confidence intervals for shares of images."""

from __future__ import annotations

from math import sqrt

Z = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""


def wilson(successes: int, n: int) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson, 1927): (low, high) in [0, 1], for 0 ≤ successes ≤ n and n ≥ 1."""
    share = successes / n
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    reach = Z / (1 + Z**2 / n) * sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    # At the ends of the range, rounding would leave 1e-19 instead of 0.
    return centre - reach if successes else 0.0, centre + reach if successes < n else 1.0

"""The sign-flip test of paired differences: p-values, their adjustment for many tests, and the seeds that it needs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

LEVEL = 0.05
"""The probability of at least one false verdict among all comparisons of one metric."""
EXACT = 16
"""The most seeds for which all sign patterns are tried: 2¹⁶ = 65,536."""
DRAWS = 100_000
SEED = 2020
PART = 2**20
"""How many signs are in memory at once."""
Array = np.ndarray[Any, np.dtype[Any]]


def sign_flip(differences: Iterable[float]) -> float:
    """Exact two-sided p-value of paired differences: the share of sign patterns with a sum at least as far from zero.

    Under the hypothesis that both models are alike, each difference may as well have the other sign. With S
    differences p is at least 2^(1 − S), so fewer than six can never fall below .05. From 17 on, signs are drawn.
    Raises `ValueError` for no differences.
    """
    return sign_flips([np.asarray(list(differences), dtype=float)])[0]


def sign_flips(tests: Sequence[Array]) -> list[float]:
    """The p-values of several tests, as `sign_flip` defines them.

    Tests of equal length share their sign patterns, which are the main cost for thousands of seeds.
    Raises `ValueError` where a test has no differences.
    """
    lengths = np.array([len(d) for d in tests])
    if not lengths.all():
        raise ValueError("A test needs at least one difference.")
    p_values = np.empty(len(tests))
    for n in np.unique(lengths).tolist():
        alike = np.flatnonzero(lengths == n).tolist()
        p_values[alike] = _shares_as_far([tests[i] for i in alike], n)
    return p_values.tolist()


def _shares_as_far(tests: Sequence[Array], n: int) -> Array:
    """For tests of n differences each, the share of sign patterns whose sum is at least as far from zero."""
    d_NT = np.stack(tests, axis=1)
    sums = d_NT.sum(axis=0)
    observed = np.abs(sums) - 1e-12 * np.abs(d_NT).sum(axis=0)  # equal sums differ by rounding
    as_far, patterns = np.zeros(len(tests)), 0
    for flips in _flips(n):
        as_far += (np.abs(sums - 2 * (flips @ d_NT)) >= observed).sum(axis=0)
        patterns += len(flips)
    drawn = int(n > EXACT)  # the observed signs count as a draw, or p could be 0
    shares: Array = (as_far + drawn) / (patterns + drawn)
    return shares


def _flips(n: int) -> Iterator[Array]:
    """Patterns of n signs, 1 for one that is flipped and 0 otherwise, in blocks that fit into memory.

    All patterns; for n > `EXACT`, `DRAWS` random ones.
    """
    if n <= EXACT:
        yield np.array(list(product((0.0, 1.0), repeat=n)))
        return
    source = np.random.PCG64(SEED)
    rows = max(64, PART // n // 64 * 64)  # so that each number of 64 bits is used whole
    for start in range(0, DRAWS, rows):
        count = min(rows, DRAWS - start) * n
        numbers = source.random_raw(math.ceil(count / 64)).astype("<u8", copy=False)
        yield np.unpackbits(numbers.view(np.uint8), count=count).reshape(-1, n).astype(float)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for multiple testing (Holm, 1979), to be compared with one level."""
    n = len(p_values)
    order = np.argsort(p_values, kind="stable")
    raised = np.maximum.accumulate([(n - rank) * p_values[i] for rank, i in enumerate(order)])
    adjusted = np.empty(n)
    adjusted[order] = np.minimum(raised, 1.0)
    return [float(p) for p in adjusted]


def improvement(a: Iterable[float], b: Iterable[float]) -> float:
    """The probability that a value of `a` exceeds one of `b`, ties counted half (Mann–Whitney U/nm)."""
    x, y = np.asarray(list(a), dtype=float), np.sort(np.asarray(list(b), dtype=float))
    below, not_above = (y.searchsorted(x, side) for side in ("left", "right"))
    return float((below + not_above).sum() / (2 * len(x) * len(y)))


def seeds_needed(comparisons: int = 1, level: float = LEVEL) -> int:
    """The fewest paired seeds at which the smallest possible p-value, times the comparisons, is below the level."""
    return math.floor(1 + math.log2(comparisons / level)) + 1


def seeds_among(p_values: Sequence[float], of: int, level: float = LEVEL) -> int:
    """The fewest paired seeds at which one of several tests could be below the level by `holm`, the others as they are.

    These are fewer than `seeds_needed` for all tests where others have small p-values: the last ones are raised less.
    """
    others, n = np.sort(np.delete(p_values, of)), len(p_values)
    above = np.flatnonzero((n - np.arange(n - 1)) * others >= level)
    places = int(above[0]) if len(above) else n - 1  # behind the first that is not below the level, none is
    for seeds in range(seeds_needed(1, level), seeds_needed(n, level)):
        least = 2.0 ** (1 - seeds)
        place = int(others.searchsorted(least))
        if place <= places and (n - place) * least < level:
            return seeds
    return seeds_needed(n, level)

"""Movements of numbers, described axis by axis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]


class UntranslatableError(Exception):
    """An operation, or a use of it, that a page has no counterpart for."""


def split_by_axes(sources: Positions) -> list[list[int]]:
    """Where numbers come from, as one list for each axis: the position is the sum of one entry of each.

    −1 is padding: in the sum, as in a list. Slices, permutations, repetitions, flips and padding are such sums.
    """
    axes = range(sources.ndim)
    others = [tuple(a for a in axes if a != axis) for axis in axes]
    kept = [(sources >= 0).any(axis=other) for other in others]
    origin = tuple(int(axis.argmax()) for axis in kept)
    for _ in range(2):  # from any number that is no padding to the first one that is, so that no term is negative
        lines = [_line_through(sources, origin, a) for a in axes]
        lows = [np.where(axis, line, np.iinfo(np.int64).max) for axis, line in zip(kept, lines, strict=True)]
        origin = tuple(int(low.argmin()) for low in lows)
    start = sources[origin]
    first, *rest = [np.where(axis, line, -1) for axis, line in zip(kept, lines, strict=True)]
    terms = [first, *(np.where(term < 0, -1, term - start) for term in rest)]
    if not np.array_equal(_sum_of(terms), sources):
        raise UntranslatableError("a movement that is no sum over axes")
    return [term.tolist() for term in terms]


def _line_through(sources: Positions, origin: tuple[int, ...], axis: int) -> Positions:
    """The positions along one axis, all other indexes being those of the origin."""
    index: list[int | slice] = [*origin]
    index[axis] = slice(None)
    line: Positions = sources[tuple(index)]
    return line


def _sum_of(terms: list[Positions]) -> Positions:
    """The positions that terms of all axes describe."""
    grids = np.meshgrid(*terms, indexing="ij", sparse=True)
    total: Positions = np.asarray(sum(grids))
    for grid in grids:
        total = np.where(grid < 0, -1, total)
    return total

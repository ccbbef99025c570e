"""Rearrangements of numbers, described axis by axis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]


class UntranslatableError(Exception):
    """An operation, or a use of one, that has no counterpart in the page."""


def split_by_axes(sources: Positions) -> list[list[int]]:
    """The positions that numbers come from, as one list per axis: each position is a sum of one entry from each list.

    −1 marks padding, in `sources` and in the lists. Slices, permutations, repetitions, flips and padding are such sums.
    """
    axes = range(sources.ndim)
    others = [tuple(a for a in axes if a != axis) for axis in axes]
    kept = [(sources >= 0).any(axis=other) for other in others]
    origin = tuple(int(axis.argmax()) for axis in kept)
    for _ in range(2):  # first from any number that is not padding, then from the lowest position: no term is negative
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
    """The positions along one axis, with the indices of the origin on all other axes."""
    index: list[int | slice] = [*origin]
    index[axis] = slice(None)
    line: Positions = sources[tuple(index)]
    return line


def _sum_of(terms: list[Positions]) -> Positions:
    """The positions that the terms of all axes describe: their sums, or −1 where a term is −1."""
    grids = np.meshgrid(*terms, indexing="ij", sparse=True)
    total: Positions = np.asarray(sum(grids))
    for grid in grids:
        total = np.where(grid < 0, -1, total)
    return total

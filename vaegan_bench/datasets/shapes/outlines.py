"""The outlines of shapes, each upright in a frame of its own: x to the right, y up.

Only operations that every machine computes to the same bits are used on pixels: arithmetic, roots and comparisons.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]


class Outline(NamedTuple):
    """A shape that no rotation by less than 180° maps to itself; upright, all but the heart are higher than wide."""

    distance: Callable[[Numbers, Numbers], Numbers]
    """(x, y) → the distance to the outline, exact to first order near it; below 0 inside."""
    area: float
    centre: tuple[float, float] = (0.0, 0.0)
    """Its centre of gravity."""


def ellipse(x: Numbers, y: Numbers) -> Numbers:
    """Axes of 1.12 and 2."""
    across = x / WIDE
    level = np.sqrt(across * across + y * y)
    slope = np.sqrt((across / WIDE) * (across / WIDE) + y * y)
    distance: Numbers = level * (level - 1) / np.maximum(slope, 1e-9)
    return distance


def rectangle(x: Numbers, y: Numbers) -> Numbers:
    """Sides of 1.2 and 2."""
    distance: Numbers = np.maximum(np.abs(x) - 0.6, np.abs(y) - 1)
    return distance


def triangle(x: Numbers, y: Numbers) -> Numbers:
    """A base of 1.3 below, and two equal sides that meet 1.7 above it."""
    return np.maximum(_below_roof(x, y, 0.65, 1.7), -y)


def arrow(x: Numbers, y: Numbers) -> Numbers:
    """A head of 1.6 by 1 that points up, and a shaft of 0.6 by 1."""
    head = np.maximum(_below_roof(x, y, 0.8, 1.0), -y)
    shaft = np.maximum(np.abs(x) - 0.3, np.abs(y + 0.4) - 0.6)  # its end is within the head, which leaves no seam
    return np.minimum(head, shaft)


def heart(x: Numbers, y: Numbers) -> Numbers:
    """A square on its corner, and a circle over each of its two upper sides."""
    square = (np.abs(x) + np.abs(y - 0.5) - 0.5) / math.sqrt(2)
    return np.minimum(square, _circle(np.abs(x) - 0.25, y - 0.75, math.sqrt(2) / 4))


def crescent(x: Numbers, y: Numbers) -> Numbers:
    """A circle without a smaller one, open to the right."""
    return np.maximum(_circle(x, y, 1.0), -_circle(x - 0.6, y, 0.8))


def _circle(x: Numbers, y: Numbers, radius: float) -> Numbers:
    return np.sqrt(x * x + y * y) - radius


def _below_roof(x: Numbers, y: Numbers, half: float, height: float) -> Numbers:
    """Under two slopes from (±half, 0) to (0, height)."""
    return (np.abs(x) * height + (y - height) * half) / math.sqrt(height * height + half * half)


WIDE = 0.56
"""Half the width of the ellipse, whose half height is 1."""
HALF_BAY = 0.64 * math.pi / 2
"""Half of the crescent's smaller circle, whose diameter ends on the larger one."""
HEART = 1 / 2 + math.pi / 8
CRESCENT = math.pi - (math.acos(0.6) - 0.48) - HALF_BAY

OUTLINES: Mapping[str, Outline] = {
    "ellipse": Outline(ellipse, math.pi * WIDE),
    "rectangle": Outline(rectangle, 2.4),
    "triangle": Outline(triangle, 1.105, (0.0, 1.7 / 3)),
    "arrow": Outline(arrow, 1.4, (0.0, (0.8 / 3 - 0.6 / 2) / 1.4)),
    "heart": Outline(heart, HEART, (0.0, (7 / 24 + 3 * math.pi / 32) / HEART)),
    "crescent": Outline(crescent, CRESCENT, (-0.6 * HALF_BAY / CRESCENT, 0.0)),
}

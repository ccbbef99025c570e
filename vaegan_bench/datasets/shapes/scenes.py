"""Draw a random scene description; the same index always gives the same scene."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from vaegan_bench.datasets.shapes.outlines import OUTLINES

SEED = 2016
Colour = tuple[float, float, float]
"""Red, green and blue in [0, 1]."""

COLOURS: Mapping[str, tuple[float, float, float]] = {
    "red": (2, 0.50, 0.75),
    "yellow": (48, 0.55, 0.85),
    "green": (130, 0.42, 0.55),
    "turquoise": (178, 0.48, 0.60),
    "blue": (222, 0.52, 0.75),
    "purple": (288, 0.48, 0.50),
}
"""Hue in degrees, lightness, saturation."""
RADII: Mapping[str, float] = {"small": 7.8, "medium": 9.1, "large": 11.1, "huge": 12.9}
"""The radius of a circle with the area of the shape, in pixels of a 64-pixel image."""
BACKGROUNDS: Mapping[str, float] = {"light": 0.90, "dark": 0.16, "stripes": 0.86, "checks": 0.86}
"""The brightness of the ground."""
STEP, TURN = 3.0, 30.0
"""Pixels of a 64-pixel image from one position to the next, and degrees from one orientation to the next."""

FACTORS: Mapping[str, tuple[str, ...]] = {
    "shape": tuple(OUTLINES),
    "colour": tuple(COLOURS),
    "size": tuple(RADII),
    "orientation": ("60° left", "30° left", "upright", "30° right", "60° right"),
    "horizontal": ("far left", "left", "centre", "right", "far right"),
    "vertical": ("top", "high", "middle", "low", "bottom"),
    "shading": ("flat", "lit from left", "lit from right", "lit from above", "lit from below"),
    "background": tuple(BACKGROUNDS),
}
"""Factor → its values, chosen uniformly and independently of other factors; each factor is a field of `Scene`."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """All that decides one image: the value of each factor, and the numbers that vary a little within a value."""

    shape: str
    colour: str
    size: str
    orientation: str
    horizontal: str
    vertical: str
    shading: str
    background: str
    fill: Colour
    radius: float
    """Of a circle with the area of the shape, in pixels of a 64-pixel image."""
    angle: float
    """Degrees, clockwise."""
    right: float
    """Of the centre of gravity, in pixels from the middle of a 64-pixel image, like `down`."""
    down: float
    ground: Colour
    phase: tuple[float, float]
    """Where stripes and checks begin, in periods."""


def random_scene(index: int) -> Scene:
    """Scene number `index` of the fixed, endless sequence from which the data set takes its images."""
    # A string seeds `Random` through SHA-512, and `random()` is the same on every platform and version.
    chance = Random(f"shapes/{SEED}/{index}")
    places = {factor: int(chance.random() * len(values)) for factor, values in FACTORS.items()}
    values = {factor: FACTORS[factor][place] for factor, place in places.items()}
    return Scene(
        **values,
        fill=_fill(chance, *COLOURS[values["colour"]]),
        radius=_near(chance, RADII[values["size"]], 0.025 * RADII[values["size"]]),
        angle=_near(chance, TURN * (places["orientation"] - 2), 7.0),
        right=_near(chance, STEP * (places["horizontal"] - 2), 0.75),
        down=_near(chance, STEP * (places["vertical"] - 2), 0.75),
        ground=_ground(chance, BACKGROUNDS[values["background"]]),
        phase=(_near(chance, 0.5, 0.5), _near(chance, 0.5, 0.5)),
    )


def _near(chance: Random, value: float, reach: float) -> float:
    return round(value + reach * (2 * chance.random() - 1), 4)


def _fill(chance: Random, hue: float, lightness: float, saturation: float) -> Colour:
    hue, lightness = _near(chance, hue, 6.0), _near(chance, lightness, 0.04)
    return colorsys.hls_to_rgb(hue / 360, lightness, saturation)


def _ground(chance: Random, brightness: float) -> Colour:
    brightness = _near(chance, brightness, 0.04)
    red, green, blue = (_near(chance, brightness, 0.04) for _ in range(3))
    return red, green, blue

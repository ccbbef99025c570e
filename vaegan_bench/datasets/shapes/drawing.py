"""From the description of a scene to its pixels.

Pixels come from arithmetic and roots alone, which every machine computes to the same bits.
"""

from __future__ import annotations

import math

import numpy as np

from vaegan_bench.api import Progress
from vaegan_bench.datasets.arrays import Pixels
from vaegan_bench.datasets.shapes.outlines import OUTLINES, Numbers
from vaegan_bench.datasets.shapes.scenes import Colour, Scene, random_scene

REPORTED = 1000
"""Images from one report of progress to the next."""
LIGHTS = {
    "lit from left": (-1, 0),
    "lit from right": (1, 0),
    "lit from above": (0, -1),
    "lit from below": (0, 1),
}
"""The direction of the light: to the right, and down."""
STRIPES, CHECKS = 11.0, 14.0
"""The period of each, in pixels of a 64-pixel image."""


def draw_all(images: int, size: int, progress: Progress) -> Pixels:
    """The first `images` scenes; (images, 3, size, size)."""
    drawn = np.empty((images, 3, size, size), np.uint8)
    for i in range(images):
        if i % REPORTED == 0:
            progress("drawing shapes", i, images)
        drawn[i] = draw(random_scene(i), size)
    progress("drawing shapes", images, images)
    return drawn


def draw(scene: Scene, size: int) -> Pixels:
    """The image of a scene, antialiased; (3, size, size) in [0, 255]."""
    places = ((np.arange(size) + 0.5) / size - 0.5) * 64
    right, down = places[None, :], places[:, None]
    cover = _cover(scene, right - scene.right, down - scene.down, size / 64)
    ground = _ground(scene, right, down, size / 64)
    image = ground + cover * (_fill(scene, right - scene.right, down - scene.down) - ground)
    return np.floor(255 * image + 0.5).astype(np.uint8)


def _cover(scene: Scene, right: Numbers, down: Numbers, sharpness: float) -> Numbers:
    """How much of each pixel the shape covers; (H, W)."""
    outline = OUTLINES[scene.shape]
    # Sines, cosines and roots of one number may differ in the last bit between machines; so they are rounded.
    unit = round(scene.radius * math.sqrt(math.pi / outline.area), 9)
    angle = math.radians(scene.angle)
    cos, sin = round(math.cos(angle), 9) / unit, round(math.sin(angle), 9) / unit
    x, y = cos * right + sin * down, sin * right - cos * down
    from_centre = outline.distance(x + outline.centre[0], y + outline.centre[1])
    return _soft(-from_centre * (unit * sharpness))


def _soft(inside: Numbers) -> Numbers:
    """The share of a pixel that lies inside of an edge, from its distance to the edge in pixels."""
    return np.minimum(np.maximum(0.5 + inside, 0), 1)


def _fill(scene: Scene, right: Numbers, down: Numbers) -> Numbers:
    """The colour of the shape everywhere; (3, 1 or H, 1 or W)."""
    colour = _channels(scene.fill)
    if scene.shading not in LIGHTS:
        return colour
    to_right, to_down = LIGHTS[scene.shading]
    light = np.minimum(np.maximum((to_right * right + to_down * down) / (1.3 * scene.radius), -1), 1)
    return colour + np.where(light > 0, 0.5 * light * (1 - colour), 0.45 * light * colour)


def _ground(scene: Scene, right: Numbers, down: Numbers, sharpness: float) -> Numbers:
    """The background; (3, 1 or H, 1 or W)."""
    colour = _channels(scene.ground)
    if scene.background == "stripes":
        return colour * (1 - 0.18 * _wave((right + down) * math.sqrt(0.5), STRIPES, scene.phase[0], sharpness))
    if scene.background == "checks":
        across = _wave(right, CHECKS, scene.phase[0], sharpness)
        along = _wave(down, CHECKS, scene.phase[1], sharpness)
        return colour * (1 - 0.18 * (across + along - 2 * across * along))
    return colour


def _wave(place: Numbers, period: float, phase: float, sharpness: float) -> Numbers:
    """1 and 0 in turns, half a period each, with soft edges."""
    turns = place / period + phase
    to_middle = np.abs(turns - np.floor(turns) - 0.5) * period
    return _soft((to_middle - period / 4) * sharpness)


def _channels(colour: Colour) -> Numbers:
    return np.array(colour)[:, None, None]

"""From the description of a portrait to its pixels."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import dicebear

from vaegan_bench.datasets.arrays import Pixels
from vaegan_bench.datasets.avatars.faces import Pose
from vaegan_bench.datasets.preparation.drawing import rasterise, scene
from vaegan_bench_dicebear.artwork import definition
from vaegan_bench_dicebear.portraits import Portrait
from vaegan_bench_dicebear.style import COLOUR, NONE, Style
from vaegan_bench_dicebear.styles import STYLES

MOVED = ("translate", "rotate", "scale")
"""Keys of a component by which DiceBear moves it at random; no option sets them."""


def draw(portrait: Portrait, size: int) -> Pixels:
    """The image of a portrait, antialiased; (3, size, size) in [0, 255]."""
    return rasterise(svg(portrait), size)


def svg(portrait: Portrait) -> str:
    """The image of a portrait as an SVG document of 64 × 64 units."""
    style = STYLES[portrait.style]
    avatar = dicebear.Avatar(artwork(portrait.style), options(portrait)).to_string()
    # Hair and shoulders may reach beyond the artwork's canvas, and drawing is faster without clipping.
    avatar = avatar.replace("<svg", '<svg overflow="visible"', 1)
    avatar = re.sub(r' clip-path="url\(#clip-[^"]*"', "", avatar, count=1)
    return scene(portrait.values["background" + COLOUR], _transform(style, portrait.pose), avatar)


def options(portrait: Portrait) -> dict[str, Any]:
    """The options for DiceBear: every component and colour, so that it chooses none itself."""
    asked: dict[str, Any] = {}
    for name, value in {**STYLES[portrait.style].fixed, **portrait.values}.items():
        if name.endswith(COLOUR):
            asked[name] = [value]
        elif value == NONE:
            asked[f"{name}Probability"] = 0
        else:
            asked |= {f"{name}Variant": value, f"{name}Probability": 100}
    return asked


@cache
def artwork(style: str) -> dicebear.Style:
    """The artwork of a style, without the keys by which DiceBear moves components at random."""
    known = definition(style)
    components = {
        name: {key: value for key, value in component.items() if key not in MOVED}
        for name, component in known["components"].items()
    }
    return dicebear.Style({**known, "components": components})


def _transform(style: Style, pose: Pose) -> str:
    # Without a size of its own, the artwork fills the square of 64 units.
    right, down = (64 * place for place in style.centre)
    return (
        f"translate({32 + pose.right} {32 + pose.down}) rotate({pose.rotation}) "
        f"scale({pose.scale / style.window:.6f}) translate({-right:.6f} {-down:.6f})"
    )

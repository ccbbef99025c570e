"""The binary attributes of a scene, each defined by a set of values of one factor."""

from __future__ import annotations

from vaegan_bench.datasets.drawn import attribute

ATTRIBUTES = (
    attribute("Arrow", "the shape is an arrow", "shape", "arrow"),
    attribute("Heart", "the shape is a heart", "shape", "heart"),
    attribute("Crescent", "the shape is a crescent", "shape", "crescent"),
    attribute("Red", "the shape has that colour", "colour", "red"),
    attribute("Green", "the shape has that colour", "colour", "green"),
    attribute("Blue", "the shape has that colour", "colour", "blue"),
    attribute("Large", "the shape has one of the larger two sizes", "size", "large, huge"),
    attribute("Upright", "the shape is turned by less than 8°", "orientation", "upright"),
    attribute("Turned_Right", "the shape is turned clockwise", "orientation", "30° right, 60° right"),
    attribute("Left", "the shape is left of the middle", "horizontal", "far left, left"),
    attribute("High", "the shape is above the middle", "vertical", "top, high"),
    attribute(
        "Lit_From_Left", "the shape is bright on its left side and dark on the right", "shading", "lit from left"
    ),
    attribute("Lit_From_Above", "the shape is bright above and dark below", "shading", "lit from above"),
    attribute("Dark_Background", "the background is dark and plain", "background", "dark"),
    attribute("Patterned_Background", "the background has stripes or checks", "background", "stripes, checks"),
)

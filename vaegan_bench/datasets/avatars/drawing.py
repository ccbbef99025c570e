"""From the description of a face to its pixels; imports no torch, so that worker processes start fast."""

from __future__ import annotations

import python_avatars as artwork

from vaegan_bench.datasets.arrays import Pixels
from vaegan_bench.datasets.avatars.faces import Face, Pose
from vaegan_bench.datasets.avatars.parts import HEADWEAR
from vaegan_bench.datasets.preparation.drawing import rasterise, scene

WINDOW = 192.0
"""The side of the square that an image shows, in units of the artwork, whose head is 112 wide."""
CENTRE = (132.0, 121.0)
"""The middle of the face in the artwork."""


def draw(face: Face, size: int) -> Pixels:
    """The image of a face, antialiased; (3, size, size) in [0, 255]."""
    return rasterise(svg(face), size)


def svg(face: Face) -> str:
    """The image of a face as an SVG document of 64 × 64 units."""
    # The artwork's own canvas would cut off tall hair and the brims of hats.
    avatar = _avatar(face).render().replace("<svg", '<svg overflow="visible"', 1)
    return scene(face.background, _transform(face.pose), avatar)


def _avatar(face: Face) -> artwork.Avatar:
    tops = artwork.HatType if face.style in HEADWEAR else artwork.HairType
    return artwork.Avatar(
        top=tops[face.top],
        eyebrows=artwork.EyebrowType[face.brows],
        eyes=artwork.EyeType[face.eyes],
        nose=artwork.NoseType[face.nose],
        mouth=artwork.MouthType[face.mouth],
        facial_hair=artwork.FacialHairType[face.facial_hair],
        accessory=artwork.AccessoryType[face.glasses],
        clothing=artwork.ClothingType[face.clothes],
        skin_color=face.skin_color,
        hair_color=face.hair_color,
        facial_hair_color=face.hair_color,
        hat_color=face.hat_color,
        clothing_color=face.cloth_color,
    )


def _transform(pose: Pose) -> str:
    scale = pose.scale * 64 / WINDOW
    return (
        f"translate({32 + pose.right} {32 + pose.down}) rotate({pose.rotation}) scale({scale:.6f}) "
        f"translate({-CENTRE[0]} {-CENTRE[1]})"
    )

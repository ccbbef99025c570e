"""Draw a random face description; the same index always gives the same face."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from random import Random

from vaegan_bench.datasets.avatars import parts

SEED = 2016


@dataclass(frozen=True, kw_only=True)
class Pose:
    """How a face sits in its image."""

    rotation: float
    """Degrees, clockwise."""
    right: float
    """Pixels of a 64-pixel image."""
    down: float
    """Pixels of a 64-pixel image."""
    scale: float


@dataclass(frozen=True, kw_only=True)
class Face:
    """The full description of one image: names of parts, as `python_avatars` spells them, and colours."""

    style: str
    """The class: what is on the head."""
    top: str
    hair: str
    """The name of the colour of the hair on the head; 'none' where none shows."""
    skin: str
    """The name of the skin's colour."""
    eyes: str
    brows: str
    nose: str
    mouth: str
    facial_hair: str
    glasses: str
    clothes: str
    hair_color: str
    """The colour of hair and facial hair, as '#rrggbb', like the other colours."""
    skin_color: str
    hat_color: str
    cloth_color: str
    background: str
    pose: Pose


def random_face(index: int) -> Face:
    """Face number `index` of the fixed, endless sequence from which the data set takes its faces."""
    # A string seeds `Random` through SHA-512: the same on every platform, and independent of other faces.
    chance = Random(f"avatars/{SEED}/{index}")
    style = _pick(chance, parts.STYLES)
    top = _pick(chance, parts.TOPS[style])
    glasses = _pick(chance, parts.GLASSES)
    hair = _pick(chance, parts.HAIRS)
    skin = _pick(chance, parts.SKINS)
    return Face(
        style=style,
        top=top,
        hair="none" if style == "bald" or style in parts.HEADWEAR else hair,
        skin=skin,
        eyes="DEFAULT" if glasses in parts.DARK_GLASSES else _pick(chance, parts.EYES),
        brows=_brows(chance, top, glasses),
        nose=_pick(chance, parts.NOSES),
        mouth=_pick(chance, parts.MOUTHS),
        facial_hair=_facial_hair(chance, style, top),
        glasses=glasses,
        clothes=_pick(chance, parts.CLOTHES),
        hair_color=_shade(chance, parts.HAIR_COLORS[hair]),
        skin_color=_shade(chance, parts.SKIN_COLORS[skin]),
        hat_color=_shade(chance, chance.choice(parts.CLOTH_COLORS)),
        cloth_color=_shade(chance, chance.choice(parts.CLOTH_COLORS)),
        background=_background(chance),
        pose=_pose(chance),
    )


def _pick(chance: Random, weights: parts.Weights) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]


def _brows(chance: Random, top: str, glasses: str) -> str:
    hidden = top in parts.LOW_TOPS or glasses != "NONE"
    return _pick(chance, parts.PLAIN_BROWS if hidden else parts.BROWS)


def _facial_hair(chance: Random, style: str, top: str) -> str:
    if top in parts.BEARDLESS_TOPS or chance.random() >= parts.BEARDED[style]:
        return "NONE"
    return _pick(chance, parts.FACIAL_HAIR)


def _shade(chance: Random, color: str) -> str:
    light = chance.randint(-9, 9)
    return _hex(*(int(color[i : i + 2], 16) + light + chance.randint(-3, 3) for i in (1, 3, 5)))


def _background(chance: Random) -> str:
    lightness, saturation = chance.uniform(0.78, 0.88), chance.uniform(0.2, 0.4)
    red, green, blue = colorsys.hls_to_rgb(chance.random(), lightness, saturation)
    return _hex(round(255 * red), round(255 * green), round(255 * blue))


def _hex(*channels: int) -> str:
    return "#" + "".join(f"{min(max(c, 0), 255):02x}" for c in channels)


def _pose(chance: Random) -> Pose:
    return Pose(
        rotation=round(chance.uniform(-8, 8), 3),
        right=round(chance.uniform(-4, 4), 3),
        down=round(chance.uniform(-4, 4), 3),
        scale=round(chance.uniform(0.92, 1.08), 4),
    )

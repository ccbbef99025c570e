"""Draw a random description of a portrait; the same index always gives the same one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from vaegan_bench.datasets.avatars.faces import Pose
from vaegan_bench_dicebear.artwork import factors
from vaegan_bench_dicebear.style import NONE
from vaegan_bench_dicebear.styles import STYLES

SEED = 2016


@dataclass(frozen=True, kw_only=True)
class Portrait:
    """The full description of one image."""

    style: str
    values: Mapping[str, str]
    """Factor of the style → its value."""
    pose: Pose


def random_portrait(style: str, index: int) -> Portrait:
    """Portrait number `index` of the endless sequence of a style."""
    # A string seeds `Random` through SHA-512, and `random()` is the same on every platform and version.
    chance = Random(f"dicebear/{style}/{SEED}/{index}")
    presence = STYLES[style].presence
    values = {name: _pick(chance, known, presence.get(name)) for name, known in factors(style).items()}
    return Portrait(style=style, values=values, pose=_pose(chance))


def _pick(chance: Random, values: tuple[str, ...], presence: float | None) -> str:
    """One of the values with equal probabilities; of an optional component, one of its variants or none."""
    if presence is not None:
        if chance.random() >= presence:
            return NONE
        values = values[1:]
    return values[int(chance.random() * len(values))]


def _pose(chance: Random) -> Pose:
    """A random pose, in the ranges of the poses of `avatars`."""
    return Pose(
        rotation=_near(chance, 0, 8),
        right=_near(chance, 0, 4),
        down=_near(chance, 0, 4),
        scale=_near(chance, 1, 0.08),
    )


def _near(chance: Random, value: float, reach: float) -> float:
    return round(value + reach * (2 * chance.random() - 1), 4)

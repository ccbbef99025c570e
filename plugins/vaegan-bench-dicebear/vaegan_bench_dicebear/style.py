"""The settings with which portraits of a style of DiceBear are drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from vaegan_bench.datasets.drawn import Attribute

NONE = "none"
"""The value of a component that an image does not show."""
COLOUR = "Color"
"""The end of the names of DiceBear's options that are colours."""
PASTELS = ("#b6e3f4", "#c0aede", "#d1d4f9", "#ffd5dc", "#ffdfbf")
"""DiceBear's colours for the background of several styles."""
SKINS = ("#ffdbb4", "#edb98a", "#d08b5b", "#ae5d29", "#694d3d")
"""The skins of Open Peeps, from light to dark."""
PALE_SKIN, DARK_SKIN = SKINS[0], ", ".join(SKINS[-2:])


@dataclass(frozen=True, kw_only=True)
class Style:
    """How portraits of a style are drawn; components, variants and colours have DiceBear's names.

    Components that no field names are always shown, with all of their variants.
    """

    centre: tuple[float, float]
    """Of the face: to the right and down, as shares of the artwork's side."""
    window: float
    """The side of the square that an image shows, as a share of the artwork's side."""
    colours: Mapping[str, tuple[str, ...]]
    """The colours that vary, with their values."""
    presence: Mapping[str, float] = field(default_factory=dict)
    """The components that some images do not show, and the share of images that do."""
    left_out: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Variants that hide another component, or do not show a face."""
    fixed: Mapping[str, str] = field(default_factory=dict)
    """Components and colours that are the same in all images."""
    attributes: tuple[Attribute, ...]


def numbered(stem: str, numbers: Iterable[int]) -> str:
    """The variants 'stem01', …, separated by commas."""
    return ", ".join(f"{stem}{number:02}" for number in numbers)


def variants(words: str) -> frozenset[str]:
    """The variants that are separated by commas."""
    return frozenset(words.split(", "))

"""The choices in DiceBear's definition of a style."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from vaegan_bench_dicebear.style import COLOUR, NONE
from vaegan_bench_dicebear.styles import STYLES


@cache
def definition(name: str) -> Mapping[str, Any]:
    """The artwork of a style, with its licence, as the package dicebear-styles has it."""
    found: Mapping[str, Any] = json.loads(files("dicebear_styles").joinpath(f"{name}.json").read_text("utf-8"))
    return found


@cache
def factors(name: str) -> Mapping[str, tuple[str, ...]]:
    """The factors of a style's portraits: its components and colours, with the values of each.

    A component that some images do not show has the value 'none' first.
    """
    style, found = STYLES[name], {}
    for component, artwork in definition(name)["components"].items():
        if component not in style.fixed:
            left_out = style.left_out.get(component, frozenset())
            shown = tuple(variant for variant in artwork["variants"] if variant not in left_out)
            found[component] = (NONE, *shown) if component in style.presence else shown
    return found | {colour + COLOUR: values for colour, values in style.colours.items()}

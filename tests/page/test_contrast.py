"""The page's colours of text stand out from their ground by at least 4.5 to 1 (WCAG 2.2, 1.4.3), light and dark."""

from __future__ import annotations

import re

import pytest

from vaegan_bench.report.page.page import static
from vaegan_bench.report.plots.style import PALETTE

PAIRS = [
    (text, ground)
    for ground in ("paper", "card")
    for text in ("ink", "muted", "accent")
] + [("ink", "good"), ("ink", "bad")]  # fmt: skip


def palettes() -> dict[str, dict[str, str]]:
    light, dark = re.findall(r":root \{(.*?)\}", static("page.css"), re.DOTALL)
    both = [dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", block)) for block in (light, dark)]
    return dict(zip(("light", "dark"), both, strict=True))


def luminance(colour: str) -> float:
    """Relative luminance of an sRGB colour (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(first: str, second: str) -> float:
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_black_on_white_has_the_largest_contrast() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_stands_out(scheme: str, text: str, ground: str) -> None:
    colours = palettes()[scheme]
    assert contrast(colours[text], colours[ground]) >= 4.5


@pytest.mark.parametrize("colour", PALETTE)
def test_the_lines_of_all_models_stand_out_in_light_and_dark(colour: str) -> None:
    """By 2 to 1, on a ground that is the same in both schemes; dashes tell lines apart as well."""
    grounds = re.findall(r"^\.panel svg, \.key \{ background: (#[0-9a-f]{6});", static("page.css"), re.MULTILINE)
    assert [contrast(colour, ground) >= 2 for ground in grounds] == [True]

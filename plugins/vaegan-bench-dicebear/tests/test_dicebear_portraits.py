"""Descriptions of portraits: uniform, independent, and complete for DiceBear."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args, get_type_hints

import dicebear
import pytest
from scipy.stats import chi2_contingency
from vaegan_bench_dicebear.artwork import definition, factors
from vaegan_bench_dicebear.dataset import DiceBear
from vaegan_bench_dicebear.drawing import artwork, options
from vaegan_bench_dicebear.portraits import Portrait, random_portrait
from vaegan_bench_dicebear.style import NONE
from vaegan_bench_dicebear.styles import STYLES

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
EVERY = pytest.mark.parametrize("style", STYLES)


@pytest.fixture(scope="session")
def portraits() -> dict[str, list[Portrait]]:
    return {style: [random_portrait(style, i) for i in range(3_000)] for style in STYLES}


def resolved(portrait: Portrait, seed: str) -> dict[str, Any]:
    """All that DiceBear decides on, in its own words."""
    avatar = dicebear.Avatar(artwork(portrait.style), {**options(portrait), "seed": seed})
    found: dict[str, Any] = avatar.to_json()["options"]
    return found


def test_the_field_offers_the_styles_that_there_are() -> None:
    assert get_args(get_type_hints(DiceBear)["style"]) == tuple(STYLES)


@EVERY
def test_the_licence_is_cc0_and_the_readme_names_artist_and_source(style: str) -> None:
    meta = json.loads(files("dicebear_styles").joinpath(f"{style}.json").read_text("utf-8"))["meta"]
    assert meta["license"]["name"] == "CC0 1.0"
    (row,) = (line for line in README.splitlines() if line.startswith(f"| `{style}`"))
    assert meta["creator"]["name"] in row
    assert f"[{meta['source']['name']}]({meta['source']['url']})" in row
    assert row.endswith(f"| {len(factors(style))} | {len(STYLES[style].attributes)} |")


@EVERY
def test_the_style_names_only_what_the_artwork_has(style: str) -> None:
    ours, known, components = STYLES[style], factors(style), definition(style)["components"]
    every = {name: {NONE, *component["variants"]} for name, component in components.items()}
    assert {*ours.presence, *ours.left_out} <= set(components)
    assert all(left_out < every[name] for name, left_out in ours.left_out.items())
    assert all(value in every[name] for name, value in ours.fixed.items() if not name.endswith("Color"))
    for each in ours.attributes:
        assert each.kinds < set(known[each.part]), each.name


@EVERY
def test_dicebear_chooses_nothing(style: str, portraits: dict[str, list[Portrait]]) -> None:
    """What it draws is what the factors say, and does not depend on its seed."""
    for portrait in portraits[style][:4]:
        found = resolved(portrait, "a")
        assert found == resolved(portrait, "b")
        for name, value in {**STYLES[style].fixed, **portrait.values}.items():
            if name.endswith("Color"):
                assert found.get(name, [value]) == [value], name  # absent where nothing has that colour
            else:
                assert found.get(f"{name}Variant", NONE) == value, name
        shown = {name for name in definition(style)["components"] if f"{name}Variant" in found}
        assert shown <= {name for name, value in {**STYLES[style].fixed, **portrait.values}.items() if value != NONE}


@EVERY
def test_values_are_uniform_and_components_as_frequent_as_stated(
    style: str, portraits: dict[str, list[Portrait]]
) -> None:
    for factor, values in factors(style).items():
        counts = Counter(portrait.values[factor] for portrait in portraits[style])
        share = STYLES[style].presence.get(factor, 1.0)
        assert counts[NONE] == pytest.approx(3_000 * (1 - share), abs=110)  # 4 standard deviations
        shown = [value for value in values if value != NONE]
        expected = 3_000 * share / len(shown)
        assert max(abs(counts[value] - expected) for value in shown) < 4.5 * expected**0.5, factor


@EVERY
def test_factors_are_independent(style: str, portraits: dict[str, list[Portrait]]) -> None:
    chances = []
    for one, other in itertools.combinations(factors(style), 2):
        pairs = Counter((portrait.values[one], portrait.values[other]) for portrait in portraits[style])
        table = [[pairs[a, b] for b in factors(style)[other]] for a in factors(style)[one]]
        chances.append(chi2_contingency(table).pvalue)
    assert min(chances) > 0.01 / len(chances)


@EVERY
def test_each_attribute_is_true_of_five_to_ninety_five_percent(
    style: str, portraits: dict[str, list[Portrait]]
) -> None:
    for each in STYLES[style].attributes:
        true = sum(portrait.values[each.part] in each.kinds for portrait in portraits[style])
        assert 0.05 < true / 3_000 < 0.95, each.name


def test_poses_are_those_of_avatars(portraits: dict[str, list[Portrait]]) -> None:
    poses = [portrait.pose for portrait in portraits["lorelei"]]
    for name, middle, reach in (("rotation", 0, 8), ("right", 0, 4), ("down", 0, 4), ("scale", 1, 0.08)):
        numbers = [getattr(pose, name) for pose in poses]
        assert min(numbers) == pytest.approx(middle - reach, abs=0.02 * reach)
        assert max(numbers) == pytest.approx(middle + reach, abs=0.02 * reach)


def test_a_portrait_is_known_by_style_and_number_and_no_two_are_alike(portraits: dict[str, list[Portrait]]) -> None:
    assert random_portrait("moods", 7) == portraits["moods"][7]
    described = {repr(replace(portrait, style="")) for some in portraits.values() for portrait in some}
    assert len(described) == 3_000 * len(STYLES)

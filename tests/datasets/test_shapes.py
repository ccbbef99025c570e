"""Drawn shapes: their factors and attributes against the pixels that were drawn."""

from __future__ import annotations

import colorsys
import itertools
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from fixtures_faces import Counted
from scipy.stats import chi2_contingency

from vaegan_bench.api import Data, DataError
from vaegan_bench.datasets.drawn import Attribute
from vaegan_bench.datasets.shapes import Shapes
from vaegan_bench.datasets.shapes.attributes import ATTRIBUTES
from vaegan_bench.datasets.shapes.dataset import SAMPLE_DIGEST
from vaegan_bench.datasets.shapes.drawing import draw
from vaegan_bench.datasets.shapes.scenes import COLOURS, FACTORS, Scene, random_scene

DOCS = Path(__file__).parents[2] / "docs" / "datasets.md"
SIZE = 128
Image = npt.NDArray[np.float64]
PLAIN = replace(
    random_scene(0), background="light", shading="flat", fill=(1.0, 1.0, 1.0), ground=(0.0, 0.0, 0.0),
    radius=10.0, angle=0.0, right=0.0, down=0.0,
)  # fmt: skip
"""A white shape in the middle of a black image."""


@pytest.fixture(scope="session")
def scenes() -> list[Scene]:
    return [random_scene(i) for i in range(12_000)]


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Data:
    return Shapes(images=60).load(64, tmp_path_factory.mktemp("shapes"))


def mask(scene: Scene, size: int = SIZE) -> Image:
    """How much of each pixel the shape covers; (H, W) in [0, 1]."""
    black = {"shading": "flat", "background": "light", "fill": PLAIN.fill, "ground": PLAIN.ground}
    return draw(replace(scene, **black), size)[0] / 255


def moments(cover: Image) -> tuple[float, float, float]:
    """Area, and the centre of gravity to the right and down, in pixels of a 64-pixel image."""
    unit = 64 / len(cover)
    places = (np.arange(len(cover)) + 0.5) * unit - 32
    total = cover.sum()
    return total * unit**2, float((cover.sum(0) * places).sum() / total), float((cover.sum(1) * places).sum() / total)


def colours(scene: Scene) -> tuple[Image, npt.NDArray[np.bool_]]:
    """The pixels, (H, W, 3) in [0, 1], and which of them the shape covers."""
    return draw(scene, SIZE).transpose(1, 2, 0) / 255, mask(scene) == 1


def test_rows_belong_to_the_scenes_of_their_images(sample: Data) -> None:
    described = [random_scene(i) for i in range(60)]
    assert sample.factors == FACTORS
    assert sample.attribute_names == tuple(attribute.name for attribute in ATTRIBUTES)
    for split, part in ((sample.train, described[:50]), (sample.test, described[50:])):
        assert np.array_equal(split.images_NCHW.numpy(), np.stack([draw(scene, 64) for scene in part]))
        assert split.attributes_NA.tolist() == [[holds(scene) for holds in ATTRIBUTES] for scene in part]
        assert split.factors_NF is not None
        assert split.factors_NF.dtype == torch.int64
        for row, scene in zip(split.factors_NF.tolist(), part, strict=True):
            named = {f: values[place] for place, (f, values) in zip(row, FACTORS.items(), strict=True)}
            assert named == {factor: getattr(scene, factor) for factor in FACTORS}
        assert split.labels_N is not None
        assert [sample.class_names[label] for label in split.labels_N] == [scene.shape for scene in part]


def test_a_slice_of_a_split_keeps_the_factors_of_its_images(sample: Data) -> None:
    assert sample.train.factors_NF is not None
    assert torch.equal(sample.train[7:9].factors_NF, sample.train.factors_NF[7:9])  # type: ignore[arg-type]


def test_the_digest_covers_the_factors_and_is_that_of_published_results(sample: Data) -> None:
    assert sample.digest == SAMPLE_DIGEST, "the drawing changed: old results do not compare"


def test_small_images_are_area_averages_and_large_ones_are_drawn_sharp(sample: Data, tmp_path: Path) -> None:
    small, large = (Shapes(images=60).load(size, tmp_path) for size in (32, 128))
    mean = torch.nn.functional.avg_pool2d(sample.train.images_NCHW.float(), 2)
    assert float((small.train.images_NCHW - mean).abs().max()) <= 0.5
    assert large.shape == (3, 128, 128)
    halved = torch.nn.functional.avg_pool2d(large.train.images_NCHW.float(), 2)
    off = (halved - sample.train.images_NCHW).abs()
    assert float(off.mean()) < 1
    assert float((off > 32).float().mean()) < 0.002


def test_images_are_drawn_once_with_progress_and_do_not_depend_on_their_number(sample: Data, tmp_path: Path) -> None:
    first, second = Counted(), Counted()
    fewer = Shapes(images=12)
    assert fewer.load(64, tmp_path, first).digest == fewer.load(64, tmp_path, second).digest
    assert (first.calls, second.calls) == ([("drawing shapes", done, 12) for done in (0, 12)], [])
    assert torch.equal(fewer.load(64, tmp_path).train.images_NCHW, sample.train.images_NCHW[:10])


def test_impossible_wishes_are_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="shapes come in 16, 32, 64, 128 pixels, not 48"):
        Shapes(images=12).load(48, tmp_path)
    with pytest.raises(DataError, match="shapes needs at least 6 images"):
        Shapes(images=5)


def test_values_are_uniform_and_independent_in_both_parts(scenes: list[Scene]) -> None:
    for part in (scenes[:10_000], scenes[10_000:]):
        for factor, values in FACTORS.items():
            counts = Counter(getattr(scene, factor) for scene in part)
            expected = len(part) / len(values)
            assert max(abs(counts[value] - expected) for value in values) < 4 * expected**0.5, factor
    chances = []
    for one, other in itertools.combinations(FACTORS, 2):
        pairs = Counter((getattr(scene, one), getattr(scene, other)) for scene in scenes)
        table = [[pairs[a, b] for b in FACTORS[other]] for a in FACTORS[one]]
        chances.append(chi2_contingency(table).pvalue)
    assert min(chances) > 0.05 / len(chances)


def test_no_image_is_drawn_twice(scenes: list[Scene]) -> None:
    assert len(set(map(repr, scenes))) == len(scenes)


@pytest.mark.parametrize("shape", FACTORS["shape"])
def test_shapes_of_one_size_have_one_area_wherever_they_are(shape: str, scenes: list[Scene]) -> None:
    for scene in [scene for scene in scenes if scene.shape == shape][:40]:
        area, right, down = moments(mask(scene))
        assert area == pytest.approx(np.pi * scene.radius**2, rel=0.02)
        assert (right, down) == pytest.approx((scene.right, scene.down), abs=0.1)


@pytest.mark.parametrize("shape", FACTORS["shape"])
def test_shapes_are_within_the_image(shape: str, scenes: list[Scene]) -> None:
    """At most a hundredth of the area of the largest, in the farthest corner, is cut off."""
    for scene in [scene for scene in scenes if scene.shape == shape and scene.size == "huge"][:150]:
        assert moments(mask(scene, 64))[0] > 0.99 * np.pi * scene.radius**2


def test_numbers_stay_near_their_value_and_apart_from_the_next(scenes: list[Scene]) -> None:
    for factor, number in (("orientation", "angle"), ("horizontal", "right"), ("vertical", "down"), ("size", "radius")):
        ranges = []
        for value in FACTORS[factor]:
            found = [getattr(scene, number) for scene in scenes if getattr(scene, factor) == value]
            ranges.append((min(found), max(found)))
        gaps = [after[0] - before[1] for before, after in itertools.pairwise(ranges)]
        assert min(gaps) > 0.4 * min(high - low for low, high in ranges), factor


def widths(scene: Scene) -> Image:
    """Pixels that the shape covers in each row, from the top of the shape to its end."""
    across = mask(scene).sum(1)
    return across[across > 0.01]


def test_upright_shapes_stand_as_described() -> None:
    rows = {shape: widths(replace(PLAIN, shape=shape)) for shape in FACTORS["shape"]}
    heights = {shape: len(across) for shape, across in rows.items()}
    assert max(rows["ellipse"]) / heights["ellipse"] == pytest.approx(0.56, abs=0.04)
    assert max(rows["rectangle"]) / heights["rectangle"] == pytest.approx(0.6, abs=0.04)
    assert max(rows["triangle"]) / heights["triangle"] == pytest.approx(1.3 / 1.7, abs=0.04)
    for shape, widest in {"triangle": 0.95, "arrow": 0.47, "heart": 0.25}.items():
        assert np.argmax(rows[shape]) / heights[shape] == pytest.approx(widest, abs=0.06), shape
    for shape in set(FACTORS["shape"]) - {"crescent"}:
        upright = mask(replace(PLAIN, shape=shape))
        assert np.abs(upright - upright[:, ::-1]).max() < 0.01
    crescent = mask(replace(PLAIN, shape="crescent"))
    assert np.abs(crescent - crescent[::-1]).max() < 0.01
    across = np.flatnonzero(crescent[SIZE // 2] > 0.5)
    tips = np.flatnonzero(crescent.max(0) > 0.5).max()
    assert across.max() < tips - heights["crescent"] / 4  # open to the right


@pytest.mark.parametrize("shape", FACTORS["shape"])
def test_a_quarter_turn_is_clockwise(shape: str) -> None:
    upright, turned = (mask(replace(PLAIN, shape=shape, angle=angle)) for angle in (0.0, 90.0))
    assert np.abs(turned - np.rot90(upright, -1)).max() < 0.01


@pytest.mark.parametrize("shape", FACTORS["shape"])
def test_no_two_orientations_look_the_same(shape: str, scenes: list[Scene]) -> None:
    """All angles of one orientation differ more from those of each other one than most of them among themselves."""
    angles = {value: [s.angle for s in scenes if s.orientation == value] for value in FACTORS["orientation"]}
    ends = {value: (min(found), max(found)) for value, found in angles.items()}
    drawn = {value: [mask(replace(PLAIN, shape=shape, angle=a)) for a in pair] for value, pair in ends.items()}
    area = np.pi * PLAIN.radius**2 * (SIZE / 64) ** 2
    for one, other in itertools.combinations(drawn, 2):
        nearest = min(np.abs(a - b).sum() for a, b in itertools.product(drawn[one], drawn[other]))
        assert nearest > 0.15 * area, (one, other)


def test_colours_have_their_names(scenes: list[Scene]) -> None:
    for scene in [scene for scene in scenes if scene.shading == "flat"][:60]:
        pixels, inside = colours(scene)
        hue = 360 * colorsys.rgb_to_hls(*np.median(pixels[inside], 0))[0]
        apart = {name: abs((hue - known[0] + 180) % 360 - 180) for name, known in COLOURS.items()}
        assert min(apart, key=lambda name: apart[name]) == scene.colour
        assert apart[scene.colour] < 8


def test_the_lit_side_is_bright(scenes: list[Scene]) -> None:
    for scene in [scene for scene in scenes if scene.size == "huge"][:100]:
        pixels, inside = colours(scene)
        rows, columns = (np.argwhere(inside) / SIZE * 64 - 31.75).T
        bright = pixels[inside].sum(1)
        to_right, to_down = (np.polyfit(places, bright, 1)[0] for places in (columns, rows))
        tilts = {"lit from left": -to_right, "lit from right": to_right, "lit from above": -to_down}
        tilts["lit from below"] = to_down
        steepest = max(tilts, key=lambda name: tilts[name])
        assert (steepest if tilts[steepest] > 0.02 else "flat") == scene.shading


def test_backgrounds_are_what_they_are_called(scenes: list[Scene]) -> None:
    for scene in scenes[:200]:
        pixels, _ = colours(scene)
        ground = pixels[mask(scene) == 0].mean(1)
        assert (ground.mean() < 0.3) == (scene.background == "dark")
        assert (ground.std() > 0.05) == (scene.background in ("stripes", "checks"))
        if scene.background in ("stripes", "checks"):
            along_stripes = np.roll(pixels, (7, -7), (0, 1))
            changed = (np.abs(along_stripes - pixels).mean(2) > 0.05)[mask(scene) == 0].mean()
            assert (changed < 0.3) == (scene.background == "stripes"), changed


def test_attributes_are_neither_rare_nor_common(scenes: list[Scene]) -> None:
    shares = {holds.name: sum(map(holds, scenes)) / len(scenes) for holds in ATTRIBUTES}
    assert {name: share for name, share in shares.items() if not 0.15 <= share <= 0.55} == {}
    assert len(shares) >= 10
    for attribute in ATTRIBUTES:
        assert attribute.kinds < set(FACTORS[attribute.part]), attribute.name


def test_the_docs_list_factors_and_attributes(scenes: list[Scene]) -> None:
    page = DOCS.read_text(encoding="utf-8").partition("## shapes: factors with several values")[2]
    listed = [line for line in page.splitlines() if line.startswith("| `")]
    factors = [f"| `{factor}` | {', '.join(values)} |" for factor, values in FACTORS.items()]
    assert listed == [*factors, *(row(attribute, scenes) for attribute in ATTRIBUTES)]


def row(attribute: Attribute, scenes: list[Scene]) -> str:
    values = [value for value in FACTORS[attribute.part] if value in attribute.kinds]
    share = 100 * sum(map(attribute, scenes)) / len(scenes)
    return f"| `{attribute.name}` | {attribute.meaning} | {attribute.part}: {', '.join(values)} | {share:.1f} % |"

"""The images against their descriptions, and the data set around them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pytest
import torch
from vaegan_bench_dicebear import dataset
from vaegan_bench_dicebear.artwork import factors
from vaegan_bench_dicebear.dataset import SAMPLE_DIGEST, DiceBear
from vaegan_bench_dicebear.drawing import draw
from vaegan_bench_dicebear.gallery import draw_gallery
from vaegan_bench_dicebear.portraits import Portrait, random_portrait
from vaegan_bench_dicebear.styles import STYLES

from vaegan_bench.api import BenchError, Data, DataError, Dataset, silent
from vaegan_bench.datasets.avatars.faces import Pose
from vaegan_bench.registry.plugins import Registry

STRAIGHT = Pose(rotation=0, right=0, down=0, scale=1)
BUST = replace(random_portrait("pixel-art", 0), pose=STRAIGHT)
"""Its edges lie along rows and columns, so that errors of position show."""


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Data:
    return DiceBear(faces=60).load(64, tmp_path_factory.mktemp("dicebear"))


def with_value(portrait: Portrait, factor: str, value: str) -> Portrait:
    return replace(portrait, values={**portrait.values, factor: value})


def strongest_change(one: Portrait, other: Portrait) -> int:
    """By how many levels two images differ where they differ most."""
    return int(np.abs(draw(one, 64).astype(int) - draw(other, 64)).max())


def test_rows_belong_to_the_portraits_of_their_images(sample: Data) -> None:
    described, known, chosen = [random_portrait("lorelei", i) for i in range(60)], factors("lorelei"), STYLES["lorelei"]
    assert sample.factors == known
    assert sample.attribute_names == tuple(each.name for each in chosen.attributes)
    for split, part in ((sample.train, described[:50]), (sample.test, described[50:])):
        assert np.array_equal(split.images_NCHW.numpy(), np.stack([draw(portrait, 64) for portrait in part]))
        held = [[each.kinds >= {portrait.values[each.part]} for each in chosen.attributes] for portrait in part]
        assert split.attributes_NA.tolist() == held
        assert split.factors_NF is not None
        for row, portrait in zip(split.factors_NF.tolist(), part, strict=True):
            named = {factor: values[place] for place, (factor, values) in zip(row, known.items(), strict=True)}
            assert named == portrait.values


def test_the_images_are_those_that_results_were_computed_on(sample: Data) -> None:
    assert sample.digest == SAMPLE_DIGEST, "DiceBear, resvg_py or the drawing changed: old results do not compare"


@pytest.mark.parametrize("style", STYLES)
def test_each_factor_shows_and_equal_factors_give_equal_pixels(style: str) -> None:
    for index, (factor, values) in enumerate(factors(style).items()):
        portrait = random_portrait(style, 100 + index)
        place = values.index(portrait.values[factor])
        assert strongest_change(portrait, with_value(portrait, factor, values[place])) == 0
        assert strongest_change(portrait, with_value(portrait, factor, values[place - 1])) > 8, factor


def test_a_colour_is_that_of_its_factor() -> None:
    """In the middle of a forehead and in a corner."""
    image = draw(with_value(with_value(BUST, "skinColor", "#d08b5b"), "backgroundColor", "#c0aede"), 64)
    assert image[:, 0, 0].tolist() == [0xC0, 0xAE, 0xDE]
    assert (image.reshape(3, -1).T == [0xD0, 0x8B, 0x5B]).all(1).sum() > 100


@pytest.mark.parametrize(("pose", "right", "down"), [({"right": 3.0}, 3, 0), ({"down": 4.0}, 0, 4)])
def test_a_pose_moves_the_whole_image(pose: dict[str, float], right: int, down: int) -> None:
    straight, moved = (draw(replace(BUST, pose=p), 64).astype(int) for p in (STRAIGHT, replace(STRAIGHT, **pose)))
    shown = moved[:, down : 60 + down, right : 60 + right] - straight[:, :60, :60]
    assert np.abs(shown).max() <= 2


def test_a_pose_turns_clockwise_about_the_middle_and_enlarges() -> None:
    straight, turned = (draw(replace(BUST, pose=replace(STRAIGHT, rotation=r)), 64).astype(int) for r in (0, 90))
    assert np.abs(turned - np.rot90(straight, -1, (1, 2)))[:, 8:56, 8:56].mean() < 1
    half, whole = (draw(replace(BUST, pose=replace(STRAIGHT, scale=s)), size) for s, size in ((0.5, 128), (1, 64)))
    assert np.abs(half[:, 40:88, 40:88].astype(int) - whole[:, 8:56, 8:56]).mean() < 1


def test_the_number_of_processes_changes_nothing() -> None:
    alone, together = (draw_gallery("cutouts", 41, 64, silent, workers) for workers in (1, 2))
    assert np.array_equal(alone, together)


def test_images_are_drawn_once_and_again_for_other_artwork(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def count(what: str, done: int, of: int) -> None:
        calls.append(done)

    few = DiceBear(faces=12)
    first = few.load(64, tmp_path, count)
    assert few.load(64, tmp_path, count).digest == first.digest
    assert calls == [0, 12]
    for package in dataset.PACKAGES:
        monkeypatch.setattr(dataset, "version", lambda asked, new=package: "99" if asked == new else version(asked))
        few.load(64, tmp_path, count)
    assert calls == [0, 12] * (1 + len(dataset.PACKAGES))


def test_styles_have_images_of_their_own(sample: Data, tmp_path: Path) -> None:
    assert torch.equal(DiceBear(faces=12).load(64, tmp_path).train.images_NCHW, sample.train.images_NCHW[:10])
    other = DiceBear(style="moods", faces=12).load(64, tmp_path)
    assert not torch.equal(other.train.images_NCHW, sample.train.images_NCHW[:10])
    assert other.factors != sample.factors


def refuse(build: Callable[[], object]) -> str:
    with pytest.raises(BenchError) as error:
        build()
    assert "\n" not in str(error.value)
    return str(error.value)


def test_impossible_wishes_are_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry(["vaegan_bench_dicebear"])
    assert "'lorelei'" in refuse(lambda: registry.build(Dataset, "dicebear[style=lorelai]"))
    assert "dicebear needs at least 6 faces" in refuse(lambda: registry.build(Dataset, "dicebear[faces=5]"))
    assert "16, 32, 64, 128 pixels, not 48" in refuse(lambda: DiceBear(faces=12).load(48, tmp_path))

    def missing(package: str) -> str:
        raise PackageNotFoundError(package)

    monkeypatch.setattr(dataset, "version", missing)
    with pytest.raises(DataError, match="needs the package dicebear-core, which is not installed: run `pip install"):
        DiceBear(faces=12).load(64, tmp_path)

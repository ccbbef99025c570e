import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from fixtures_faces import Counted, LFWFiles, data_dir, face
from PIL import Image

from vaegan_bench.api import Data, DataError, Dataset
from vaegan_bench.datasets.lfw import LFW
from vaegan_bench.datasets.preparation.treatment import Treatment, treat
from vaegan_bench.testing import datasets as conformance

__all__ = ["data_dir"]
TRAIN, TEST = [5, 0, 1, 2], [3, 4, 6, 7, 8, 9]
"""Rows of Cy and Ann, whose names have these hashes, and of Bob and Dee, who are in the first set."""


@pytest.fixture
def files(data_dir: Path) -> LFWFiles:
    return LFWFiles(data_dir).tables().loose()


def load(tmp_path: Path, size: int = 32, progress: Counted | None = None, **fields: object) -> Data:
    return LFW(**fields).load(size, tmp_path / "cache", progress or Counted())  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [32, 64])
def test_people_of_the_first_set_are_the_test_part(files: LFWFiles, tmp_path: Path, size: int) -> None:
    data = load(tmp_path, size)
    assert data.shape == (3, size, size)
    contents = list(files.images.values())
    for split, rows in ((data.train, TRAIN), (data.test, TEST)):
        assert split.scores_NA is not None
        assert split.scores_NA.dtype == torch.float32
        assert np.array_equal(split.scores_NA.numpy(), files.scores[rows].astype(np.float32))
        assert torch.equal(split.attributes_NA, split.scores_NA > 0)
        for image, row in zip(split.images_NCHW.numpy(), rows, strict=True):
            assert np.array_equal(image, treat(contents[row], Treatment(size, (50, 50, 200, 200))))


def test_each_image_keeps_its_scores_where_the_table_is_in_another_order(files: LFWFiles, tmp_path: Path) -> None:
    before, table = load(tmp_path), files.folder / "lfw_attributes.txt"
    lines = table.read_text().splitlines()
    shuffled = np.random.default_rng(3).permutation(len(lines) - 2)
    table.write_text("\n".join([*lines[:2], *(lines[2 + i] for i in shuffled)]) + "\n")
    after = load(tmp_path)
    by_image = {
        treat(content, Treatment(32, (50, 50, 200, 200))).tobytes(): row
        for row, content in enumerate(files.images.values())
    }
    for split in (after.train, after.test):
        rows = [by_image[image.numpy().tobytes()] for image in split.images_NCHW]
        assert split.scores_NA is not None
        assert np.array_equal(split.scores_NA.numpy(), files.scores[rows].astype(np.float32))
        assert torch.equal(split.conditions, split.scores_NA)
    assert torch.equal(after.test.images_NCHW, before.test.images_NCHW)


def test_another_fold_has_other_people(files: LFWFiles, tmp_path: Path) -> None:
    first, second = load(tmp_path), load(tmp_path, fold=2)
    assert torch.equal(first.train.images_NCHW, second.test.images_NCHW)
    assert first.digest != second.digest
    with pytest.raises(DataError, match=r"people.txt has 2 sets of people, but no set 3"):
        load(tmp_path, fold=3)


def test_names_of_attributes_are_underscored(files: LFWFiles, tmp_path: Path) -> None:
    names = load(tmp_path).attribute_names
    assert len(names) == 73
    assert names[:4] == ("Male", "Bags_Under_Eyes", "5_o_Clock_Shadow", "Attribute_0")


def test_the_comment_may_begin_the_first_column(files: LFWFiles, tmp_path: Path) -> None:
    before, table = load(tmp_path), files.folder / "lfw_attributes.txt"
    table.write_text(table.read_text().replace("#\tperson", "# person"))
    assert load(tmp_path).digest == before.digest


def test_spaces_and_tabs_at_the_ends_of_cells_and_lines_do_not_count(files: LFWFiles, tmp_path: Path) -> None:
    before = load(tmp_path)
    for name in ("people.txt", "lfw_attributes.txt"):
        table = files.folder / name
        table.write_text(table.read_text().replace("\n", "\t\n").replace("Ann Lee\t", "Ann Lee \t "))
    assert load(tmp_path).digest == before.digest


@pytest.mark.parametrize("archive", ["lfw-deepfunneled.tgz", "lfw-deepfunneled.zip", "lfw-deepfunneled.tar"])
def test_archives_hold_the_same_data(files: LFWFiles, tmp_path: Path, archive: str) -> None:
    before = load(tmp_path)
    (files.folder / "lfw-deepfunneled").rename(files.folder / "unused")
    files.packed(archive)
    assert load(tmp_path).digest == before.digest


def test_alignments_are_looked_for_under_their_own_names(files: LFWFiles, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"lfw-funneled.tgz or a folder lfw_funneled"):
        load(tmp_path, alignment="funneled")
    files.images = {name: face(i + 50, (250, 250)) for i, name in enumerate(files.images)}
    files.loose("lfw_funneled").packed("lfw.tgz")
    funneled, original = load(tmp_path, alignment="funneled"), load(tmp_path, alignment="original")
    assert funneled.digest == original.digest != load(tmp_path).digest
    assert str(LFW(alignment="funneled")) == "lfw[alignment=funneled]"


def test_landmarks_are_refused_with_the_reason() -> None:
    with pytest.raises(DataError, match=r"68 landmarks for each image .* choose deep-funneled, funneled, original"):
        LFW(alignment="landmarks")


def test_images_without_attributes_are_left_out_and_named(files: LFWFiles, tmp_path: Path) -> None:
    files.tables(slice(1, None))
    data = load(tmp_path)
    assert (len(data.train), len(data.test)) == (3, 6)
    (manifest,) = tmp_path.glob("cache/lfw/*.json")
    assert json.loads(manifest.read_text())["left_out"] == {"Ann_Lee_0001.jpg": "it has no attributes"}


def test_missing_images_are_refused_with_their_line(files: LFWFiles, tmp_path: Path) -> None:
    (files.folder / "lfw-deepfunneled/Bob_Ray/Bob_Ray_0002.jpg").unlink()
    with pytest.raises(DataError, match=r"lfw_attributes.txt:7: Bob_Ray_0002.jpg is not in .*; 1 of 10 images are not"):
        load(tmp_path)


def test_one_missing_image_in_a_hundred_is_left_out_and_named(data_dir: Path, tmp_path: Path) -> None:
    files = LFWFiles(data_dir)
    files.rows = [("Ann Lee", i + 1) for i in range(90)] + [("Bob Ray", i + 1) for i in range(10)]
    files.scores = np.ones((100, 73))
    content = face(0, (250, 250))
    files.images = {f"x/{p.replace(' ', '_')}_{n:04}.jpg": content for p, n in files.rows if (p, n) != ("Ann Lee", 7)}
    files.tables().packed()
    assert len(load(tmp_path).train) == 89
    (manifest,) = tmp_path.glob("cache/lfw/*.json")
    assert json.loads(manifest.read_text())["left_out"] == {"Ann_Lee_0007.jpg": "there is no image"}


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("lfw_attributes.txt", "\tMale", "", "its second comment does not name 73 attributes"),
        ("lfw_attributes.txt", "#", "", "its second comment does not name 73 attributes"),
        (
            "lfw_attributes.txt",
            "Ann Lee\t2\t",
            "Ann Lee\tx\t",
            "lfw_attributes.txt:4: 'x' is not the number of an image",
        ),
        ("lfw_attributes.txt", "Ann Lee\t2\t", "Ann Lee\t2\t1.0\t", "lfw_attributes.txt:4: 75 columns, not 74"),
        (
            "lfw_attributes.txt",
            "Ann Lee\t2\t",
            "Ann Lee\t1\t",
            "lfw_attributes.txt:4: Ann_Lee_0001.jpg has a row already",
        ),
        ("lfw_attributes.txt", "Ann Lee\t2\t", "Ann Lee\t2\tnan", "lfw_attributes.txt:4: 'nan"),
        ("people.txt", "2\n2\n", "3\n2\n", "people.txt:1: this line must be the number of sets that follow, 2"),
        ("people.txt", "2\n2\nBob", "2\n4\nBob", "people.txt:5: this line must be a person and a number of images"),
        ("people.txt", "2\n2\nBob", "2\nBob", "people.txt:2: this line must be the number of people in a set"),
        ("people.txt", "2\nAnn", "3\nAnn", "people.txt:5: promises 3 people, but 2 follow"),
    ],
)
def test_a_wrong_table_is_refused_by_file_and_line(
    files: LFWFiles, tmp_path: Path, name: str, old: str, new: str, message: str
) -> None:
    table = files.folder / name
    table.write_text(table.read_text().replace(old, new, 2 if old == "#" else 1))
    with pytest.raises(DataError, match=re.escape(message)):
        load(tmp_path)


def test_missing_files_are_all_named_with_their_place_and_their_page(data_dir: Path, tmp_path: Path) -> None:
    for attempt in (lambda: load(tmp_path), lambda: LFW().fetch()):
        with pytest.raises(DataError) as raised:
            attempt()
        message = str(raised.value)
        assert "\n" not in message
        for word in (
            "lfw_attributes.txt",
            "people.txt",
            "lfw-deepfunneled.tgz",
            str(data_dir / "lfw"),
            "umass.edu/lfw",
        ):
            assert word in message


def test_there_is_no_set_before_the_first() -> None:
    with pytest.raises(ValueError, match="fold must be at least 1"):
        LFW(fold=0)


def test_the_crop_is_exact(data_dir: Path, tmp_path: Path) -> None:
    files = LFWFiles(data_dir)
    places = [(50, 50), (199, 199), (49, 50), (0, 0), (0, 0), (200, 199)]
    for name, place in zip(list(files.images), places, strict=False):
        image, content = Image.new("RGB", (250, 250)), io.BytesIO()
        image.putpixel(place[::-1], (255, 255, 255))
        image.save(content, "PNG")
        files.images[name] = content.getvalue()
    files.tables().loose()
    rows = load(tmp_path, 150).train.images_NCHW
    images = rows[[TRAIN.index(row) for row in sorted(TRAIN)]]
    assert (int(images[0, 0, 0, 0]), int(images[1, 0, -1, -1])) == (255, 255)
    assert int(images[:2].sum()) == 2 * 3 * 255
    assert int(images[2:].max()) == 0


def test_it_does_what_every_data_set_must(files: LFWFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conformance, "CACHE", tmp_path)
    for augmentation in ("flip", "paper", "none"):
        conformance.load_data.cache_clear()
        for check in conformance.CHECKS[Dataset]:
            check(LFW(augmentation=augmentation))
    conformance.load_data.cache_clear()

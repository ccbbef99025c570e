import hashlib
import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from fixtures_faces import Counted, data_dir, face, write
from PIL import Image

from vaegan_bench.api import Data, DataError, Dataset
from vaegan_bench.datasets.folder import Folder
from vaegan_bench.datasets.preparation.treatment import Treatment, treat
from vaegan_bench.registry.selectors import parse_selector
from vaegan_bench.testing import datasets as conformance

__all__ = ["data_dir"]
NAMES = [f"{i:02}.jpg" for i in range(12)]
MODES = {"10.png": face(10, (30, 40), "P", "PNG"), "11.jpg": face(11, (50, 40), "CMYK")}


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Twelve images of several sizes and modes."""
    files = {name: face(i, (30 + i, 40 - i)) for i, name in enumerate(NAMES[:10])}
    return write(tmp_path / "images", files | MODES)


def load(folder: Path, size: int = 32, progress: Counted | None = None) -> Data:
    return Folder(path=str(folder)).load(size, folder.parent / "cache", progress or Counted())


def put(folder: Path, name: str, *lines: str) -> None:
    write(folder, {name: "\n".join([*lines, ""]).encode()})


def contents(folder: Path, data: Data, size: int = 32) -> tuple[list[str], list[str]]:
    """The names of the images of both parts, found by their pixels."""
    known = {treat(path.read_bytes(), Treatment(size)).tobytes(): path for path in folder.rglob("*.*g")}
    return tuple(  # type: ignore[return-value]
        [known[image.tobytes()].relative_to(folder).as_posix() for image in split.images_NCHW.numpy()]
        for split in (data.train, data.test)
    )


@pytest.mark.parametrize("size", [32, 64])
def test_all_images_become_squares(images: Path, size: int) -> None:
    data = load(images, size)
    assert data.shape == (3, size, size)
    train, test = contents(images, data, size)
    assert sorted(train + test) == sorted(path.name for path in images.iterdir())
    assert (len(train), len(test)) == (10, 2)
    assert train + test == sorted(train + test, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    assert data.train.attributes_NA.shape == (10, 0)


def test_a_new_file_moves_few_others(images: Path) -> None:
    before = set(contents(images, load(images))[1])
    write(images, {"new.jpg": face(77)})
    assert len(before - set(contents(images, load(images))[1])) <= 1


def test_two_folders_name_the_parts(tmp_path: Path) -> None:
    folder = write(tmp_path / "p", {f"{'test' if i < 3 else 'train'}/a/{i}.jpg": face(i) for i in range(8)})
    assert sorted(contents(folder, load(folder))[1]) == ["test/a/0.jpg", "test/a/1.jpg", "test/a/2.jpg"]
    write(folder, {"stray.jpg": face(9)})
    with pytest.raises(DataError, match=r"stray\.jpg is beside test/ and train/, not in one of them"):
        load(folder)


@pytest.mark.parametrize("header", [[], ["file,split"]])
def test_a_table_names_the_parts(tmp_path: Path, header: list[str]) -> None:
    folder = write(tmp_path / "p", {f"{i}.jpg": face(i) for i in range(5)})
    put(folder, "splits.csv", *header, *(f"{i}.jpg,{'test' if i in (1, 4) else 'train'}" for i in range(5)))
    assert sorted(contents(folder, load(folder))[1]) == ["1.jpg", "4.jpg"]


@pytest.mark.parametrize(("no", "yes"), [("0", "1"), ("-1", "1")])
def test_attributes_are_yes_or_no(tmp_path: Path, no: str, yes: str) -> None:
    folder = write(tmp_path / "p", {f"{i}.jpg": face(i) for i in range(6)})
    put(
        folder,
        "attributes.csv",
        "file,Odd,Large",
        *(f"{i}.jpg,{(no, yes)[i % 2]},{(no, yes)[i > 2]}" for i in range(6)),
    )
    data = load(folder)
    assert data.attribute_names == ("Odd", "Large")
    for part, split in zip(contents(folder, data), (data.train, data.test), strict=True):
        assert split.scores_NA is None
        assert split.attributes_NA.tolist() == [[int(n[0]) % 2 == 1, int(n[0]) > 2] for n in part]


def test_real_numbers_are_scores(tmp_path: Path) -> None:
    folder = write(tmp_path / "p", {f"{i}.jpg": face(i) for i in range(6)})
    put(folder, "attributes.csv", "file, Odd,Amount ", *(f"{i}.jpg,{i % 2},{i - 2.5}" for i in range(6)))
    data = load(folder)
    for part, split in zip(contents(folder, data), (data.train, data.test), strict=True):
        assert split.scores_NA is not None
        assert split.scores_NA.tolist() == [[int(n[0]) % 2, int(n[0]) - 2.5] for n in part]
        assert data.attribute_names == ("Odd", "Amount")
        assert torch.equal(split.attributes_NA, split.scores_NA > 0)


@pytest.mark.parametrize(
    ("table", "lines", "message"),
    [
        ("attributes.csv", ["file,A", "0.jpg,1"], "attributes.csv has no row for 1.jpg"),
        ("attributes.csv", ["file,A", "0.jpg,1", "1.jpg,0", "2.jpg,1"], "attributes.csv:4: 2.jpg is not in"),
        ("attributes.csv", ["file,A,", "0.jpg,1,1", "1.jpg,0,0"], "attributes.csv:1: column 3 has no name."),
        ("attributes.csv", ["file,A, A", "0.jpg,1,1", "1.jpg,0,0"], "attributes.csv:1: two columns are called A"),
        ("attributes.csv", ["file,A,B,A", "0.jpg,1,1,1", "1.jpg,0,0,0"], "attributes.csv:1: two columns are called A"),
        ("attributes.csv", ["file,A", "0.jpg,1", "1.jpg"], "attributes.csv:3: 1 columns, not 2"),
        ("attributes.csv", ["file,A", "0.jpg,1", "1.jpg,yes"], "attributes.csv:3: 'yes' is not a finite number"),
        ("attributes.csv", ["file,A", "0.jpg,1", "1.jpg,nan"], "attributes.csv:3: 'nan' is not a finite number"),
        ("attributes.csv", ["file,A", "0.jpg,1", "1.jpg,-1e39"], "attributes.csv:3: '-1e39' is not a finite number"),
        ("attributes.csv", ["file,A", "0.jpg,1", "0.jpg,1"], "attributes.csv:3: 0.jpg has a row already"),
        ("splits.csv", ["0.jpg,train"], "splits.csv has no row for 1.jpg"),
        ("splits.csv", ["0.jpg,train", "1.jpg,tset"], "splits.csv:2: 'tset' is none of train, training"),
        ("splits.csv", ["0.jpg,train", "1.jpg,train"], "No images are left for the test part: 2 images in all"),
    ],
)
def test_a_wrong_table_is_refused_by_file_and_line(tmp_path: Path, table: str, lines: list[str], message: str) -> None:
    folder = write(tmp_path / "p", {f"{i}.jpg": face(i) for i in range(2)})
    put(folder, table, *lines)
    with pytest.raises(DataError, match=re.escape(message)):
        load(folder)


def test_the_digest_is_of_the_content(images: Path, tmp_path: Path) -> None:
    before = load(images)
    moved = images.rename(tmp_path / "moved")
    assert load(moved).digest == before.digest
    put(moved, "attributes.csv", "file,A", *(f"{path.name},1" for path in sorted(moved.glob("*.*g"))))
    named = load(moved)
    assert named.digest != before.digest
    put(
        moved,
        "attributes.csv",
        "file,A",
        *(f"{path.name},{i % 2}" for i, path in enumerate(sorted(moved.glob("*.*g")))),
    )
    assert load(moved).digest not in (named.digest, before.digest)
    write(moved, {"00.jpg": face(99)})
    assert len({load(moved).digest, named.digest, before.digest}) == 3


def test_a_second_load_is_equal_and_decodes_nothing(images: Path) -> None:
    first, again = load(images), Counted()
    assert load(images, progress=again).digest == first.digest
    assert again.calls == []


def test_folders_whose_files_have_equal_names_sizes_and_times_never_meet(tmp_path: Path) -> None:
    digests = []
    for colour in ("red", "blue"):
        (tmp_path / colour).mkdir()
        for i in range(6):
            file = tmp_path / colour / f"{i}.bmp"
            Image.new("RGB", (16, 16), colour).save(file)
            os.utime(file, (0, 0))
        digests.append(load(tmp_path / colour, 16).digest)
    assert digests[0] != digests[1]


def test_a_link_to_a_folder_is_the_folder(images: Path, tmp_path: Path) -> None:
    load(images)
    (tmp_path / "link").symlink_to(images)
    again = Counted()
    load(tmp_path / "link", progress=again)
    assert again.calls == []


def test_without_a_path_it_lies_among_the_source_files(data_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=re.escape(f"There is no folder {data_dir / 'folder'}: name yours as folder[path=")
    ):
        Folder().load(32, tmp_path)
    write(data_dir / "folder", {f"{i}.jpg": face(i) for i in range(6)})
    assert len(Folder().load(32, tmp_path).train) == 5
    Folder().fetch()


def test_an_empty_folder_and_a_missing_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no images \(.jpg"):
        load(tmp_path)
    with pytest.raises(DataError, match="There is no folder"):
        Folder(path="elsewhere").fetch()


def test_a_selector_can_hold_the_path() -> None:
    selector = parse_selector("folder[path=/data/my images,augmentation=flip]")
    assert selector.fields == {"path": "/data/my images", "augmentation": "flip"}
    assert Folder.kind == Dataset.kind


def test_it_does_what_every_data_set_must(images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conformance, "CACHE", tmp_path)
    for augmentation in ("flip", "paper", "none"):
        conformance.load_data.cache_clear()
        for check in conformance.CHECKS[Dataset]:
            check(Folder(path=str(images), augmentation=augmentation))
    conformance.load_data.cache_clear()


def test_nothing_is_varied_unless_wanted() -> None:
    x = torch.linspace(-1, 1, 3 * 16 * 16).reshape(1, 3, 16, 16)
    assert torch.equal(Folder().augment(x, torch.Generator()), x)
    assert not np.allclose(Folder(augmentation="paper").augment(x, torch.Generator().manual_seed(1)), x)

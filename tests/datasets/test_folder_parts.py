"""How images of a folder are divided, and what its tables may say."""

import re
from pathlib import Path

import pytest
import torch
from fixtures_faces import Counted, face, write

from vaegan_bench.api import Data, DataError
from vaegan_bench.datasets.folder import Folder
from vaegan_bench.datasets.preparation.treatment import Treatment, treat


def load(folder: Path) -> Data:
    return Folder(path=str(folder)).load(8, folder.parent / "cache", Counted())


def folder_of(root: Path, *counts: tuple[str, int]) -> Path:
    """So many images in each folder; all images differ."""
    names = [f"{where}{i}.png" for where, count in counts for i in range(count)]
    return write(root / "p", {name: face(i, (9, 8), form="PNG") for i, name in enumerate(names)})


def names_of(folder: Path, data: Data) -> tuple[list[str], list[str]]:
    known = {treat(path.read_bytes(), Treatment(8)).tobytes(): path for path in folder.rglob("*.png")}
    train, test = (
        sorted(known[image.tobytes()].relative_to(folder).as_posix() for image in split.images_NCHW.numpy())
        for split in (data.train, data.test)
    )
    return train, test


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train", "test"),
        ("Train", "Test"),
        ("training", "testing"),
        ("TRAINING", "Val"),
        ("train", "valid"),
        ("train", "Validation"),
    ],
)
def test_the_usual_names_of_parts_are_known_in_any_case(tmp_path: Path, train: str, test: str) -> None:
    folder = folder_of(tmp_path, (f"{train}/", 7), (f"{test}/", 3))
    data = load(folder)
    assert names_of(folder, data) == ([f"{train}/{i}.png" for i in range(7)], [f"{test}/{i}.png" for i in range(3)])
    (remark,) = data.remarks
    assert remark.startswith(f"parts by the folders {min(train, test)}/ and {max(train, test)}/")
    assert ("validation images are the test part" in remark) == test.casefold().startswith("val")


def test_validation_images_beside_a_test_part_are_in_neither_and_counted(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, ("train/", 7), ("test/", 3), ("val/", 2))
    lines = [f"{path.relative_to(folder).as_posix()},{i % 2}" for i, path in enumerate(sorted(folder.rglob("*.png")))]
    write(folder, {"attributes.csv": "\n".join(["file,Odd", *lines]).encode()})
    data = load(folder)
    assert names_of(folder, data) == ([f"train/{i}.png" for i in range(7)], [f"test/{i}.png" for i in range(3)])
    assert data.remarks == ("parts by the folders test/ and train/ and val/; 2 validation images are in neither part",)


def test_a_table_outranks_folders_and_may_name_validation_images(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, ("train/", 6), ("test/", 2))
    said = ["Train", "train", "VAL", "training", "validation", "train"]
    lines = [*(f"train/{i}.png,{part}" for i, part in enumerate(said)), "test/0.png,test", "test/1.png,train"]
    write(folder, {"Splits.CSV": "\n".join(["File,Split", *lines]).encode()})
    data = load(folder)
    assert names_of(folder, data)[1] == ["test/0.png"]
    assert len(data.train) == 5
    assert data.remarks == ("parts by Splits.CSV; 2 validation images are in neither part",)


def test_without_a_word_on_parts_the_division_by_names_is_told(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, ("cats/", 5), ("dogs/", 2))
    write(folder, {"readme.txt": b"", "a.heic": b"", "b.HEIC": b""})
    data = load(folder)
    assert (len(data.train), len(data.test)) == (6, 1)
    assert data.remarks == (
        "parts by a hash of the names: the last sixth is the test part",
        "3 other files ignored (2 .heic, 1 .txt)",
    )


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([("train/", 5), ("Training/", 1), ("test/", 2)], "Training/ and train/ mean the same part"),
        ([("train/", 5), ("valid/", 2), ("val/", 2)], "val/ and valid/ mean the same part"),
        ([("train/", 5), ("test/", 2), ("cats/", 1)], "cats/0.png is beside test/ and train/, not in one of them"),
        ([("train/", 5), ("test/", 2), ("", 1)], "0.png is beside test/ and train/, not in one of them"),
        ([("train/", 5)], "holds train/ and no test part"),
        ([("Test/", 5)], "holds Test/ and no train/"),
        ([("test/", 5), ("val/", 3)], "holds test/ and val/ and no train/"),
    ],
)
def test_what_can_be_understood_in_two_ways_is_refused(
    tmp_path: Path, counts: list[tuple[str, int]], message: str
) -> None:
    with pytest.raises(DataError, match=re.escape(message)) as refused:
        load(folder_of(tmp_path, *counts))
    assert "splits.csv" in str(refused.value)


def attributes(folder: Path, *lines: str, name: str = "attributes.csv") -> Path:
    return write(folder, {name: "\n".join(lines).encode()})


def test_words_for_yes_and_no_are_understood_and_constant_columns_told(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, ("", 7))
    lines = [f"{i}.png,{('No', 'YES')[i % 3 == 0]},{('true', 'False')[i == 2]},1,-1" for i in range(7)]
    data = load(attributes(folder, "file,Third,Late,All,Nobody", *lines, name="Attributes.csv"))
    assert data.train.scores_NA is None
    held = torch.cat([data.train.attributes_NA, data.test.attributes_NA]).T.sum(1)
    assert held.tolist() == [3, 6, 7, 0]
    known = {treat((folder / f"{i}.png").read_bytes(), Treatment(8)).tobytes(): i for i in range(7)}
    for image, has in zip(data.train.images_NCHW.numpy(), data.train.attributes_NA.tolist(), strict=True):
        i = known[image.tobytes()]
        assert has == [i % 3 == 0, i != 2, True, False]
    assert data.remarks[1:] == ("every image has All", "no image has Nobody")


@pytest.mark.parametrize(("no", "yes"), [("1", "2"), ("0", "2"), ("-1", "0"), ("3", "7")])
def test_other_codes_of_two_values_are_refused_with_what_to_write(tmp_path: Path, no: str, yes: str) -> None:
    folder = folder_of(tmp_path, ("", 7))
    lines = [f"{i}.png,{i % 2},{(no, yes)[i > 3]}" for i in range(7)]
    told = f"attributes.csv: column Hat holds only {no} and {yes}: write 0 and 1, or −1 and 1"
    with pytest.raises(DataError, match=re.escape(told)):
        load(attributes(folder, "file,Odd,Hat", *lines))


def test_scores_of_two_values_are_scores(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, ("", 7))
    data = load(attributes(folder, "file,A", *(f"{i}.png,{(-0.5, 1.25)[i % 2]}" for i in range(7))))
    assert data.train.scores_NA is not None
    assert set(data.train.scores_NA[:, 0].tolist()) == {-0.5, 1.25}


def test_a_word_among_numbers_is_refused_by_line(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, ("", 7))
    with pytest.raises(DataError, match=re.escape("attributes.csv:3: 'yes' is not a finite number")):
        load(attributes(folder, "file,A", "0.png,1", "1.png,yes", *(f"{i}.png,0" for i in range(2, 7))))


@pytest.mark.parametrize("table", ["attributes.csv", "splits.csv"])
def test_two_tables_of_one_name_are_refused(tmp_path: Path, table: str) -> None:
    folder = folder_of(tmp_path, ("", 7))
    write(folder, {table: b"file,A", table.title(): b"file,A"})
    with pytest.raises(DataError, match=f"holds both {table.title()} and {table}: remove one"):
        load(folder)

import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from fixtures_faces import CelebAFiles, Counted, data_dir, face
from PIL import Image

from vaegan_bench.api import Data, DataError, Dataset, to_signed
from vaegan_bench.datasets.celeba import CelebA
from vaegan_bench.datasets.celeba.tables import ATTRIBUTES
from vaegan_bench.datasets.preparation.treatment import Treatment, treat
from vaegan_bench.testing import datasets as conformance

__all__ = ["data_dir"]
Edit = Callable[[list[str]], list[str]]
TABLE, PARTITION = "list_attr_celeba.txt", "list_eval_partition.txt"


@pytest.fixture
def files(data_dir: Path) -> CelebAFiles:
    return CelebAFiles(data_dir).text().loose()


def load(tmp_path: Path, crop: str = "paper", size: int = 32, progress: Counted | None = None) -> Data:
    return CelebA(crop=crop).load(size, tmp_path / "cache", progress or Counted())  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [32, 64])
def test_parts_shapes_and_attributes_are_the_official_ones(files: CelebAFiles, tmp_path: Path, size: int) -> None:
    files.edit(PARTITION, lambda lines: lines[::-1])
    data = load(tmp_path, size=size)
    assert data.shape == (3, size, size)
    assert (len(data.train), len(data.test)) == (9, 3)
    assert data.attribute_names == ATTRIBUTES
    assert data.train.images_NCHW.dtype == torch.uint8
    assert np.array_equal(data.train.attributes_NA.numpy(), files.signs[:9] > 0)
    assert np.array_equal(data.test.attributes_NA.numpy(), files.signs[9:] > 0)
    assert data.train.scores_NA is None


def of(files: CelebAFiles, size: int = 32) -> dict[bytes, int]:
    """Each prepared image of the crop '148' → the number of its file."""
    treatment = Treatment(size, (15, 40, 163, 188), (178, 218))
    return {treat(files.images[name], treatment).tobytes(): i for i, name in enumerate(files.names)}


def test_each_image_keeps_its_attributes_where_files_rows_and_parts_are_in_three_orders(
    data_dir: Path, tmp_path: Path
) -> None:
    files = CelebAFiles(data_dir)
    files.parts = [2, 0, 1, 0, 2, 1, 0, 0, 2, 0, 1, 0]
    files.text().loose()
    shuffled = np.random.default_rng(5).permutation(12)
    files.edit(TABLE, lambda lines: [*lines[:2], *(lines[2 + i] for i in shuffled)])
    files.edit(PARTITION, lambda lines: [lines[i] for i in shuffled[::-1]])
    data, number = load(tmp_path, "148"), of(files)
    for split, parts in ((data.train, {0, 1}), (data.test, {2})):
        rows = [number[image.numpy().tobytes()] for image in split.images_NCHW]
        assert {files.parts[row] for row in rows} == parts
        assert np.array_equal(split.attributes_NA.numpy(), files.signs[rows] > 0)
    assert (len(data.train), len(data.test)) == (9, 3)
    trained = [number[image.numpy().tobytes()] for image in data.train.images_NCHW]
    assert [files.parts[row] for row in trained] == [0] * 6 + [1] * 3  # so that validation holds out official ones


def test_there_are_forty_attributes_in_alphabetical_order() -> None:
    assert len(set(ATTRIBUTES)) == 40
    assert list(ATTRIBUTES) == sorted(ATTRIBUTES)


def test_validation_images_are_the_last_of_the_training_part(files: CelebAFiles, tmp_path: Path) -> None:
    before = load(tmp_path)
    files.parts = [1, *files.parts[1:]]
    files.text()
    after = load(tmp_path)
    assert torch.equal(before.train.images_NCHW[1:6], after.train.images_NCHW[:5])
    assert torch.equal(before.train.images_NCHW[0], after.train.images_NCHW[5])
    assert before.digest != after.digest


@pytest.mark.parametrize(
    "place",
    [
        lambda files: files.text().loose("img_align_celeba/img_align_celeba"),
        lambda files: files.text().zipped(),
        lambda files: files.text().zipped("Img/img_align_celeba.zip"),
        lambda files: files.csv().loose("Img/img_align_celeba"),
        lambda files: files.csv().loose(),
    ],
    ids=["nested", "zip", "Img zip", "Img and csv", "csv"],
)
def test_all_layouts_hold_the_same_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Callable[[CelebAFiles], CelebAFiles]
) -> None:
    digests = set()
    for name, put in (("plain", lambda files: files.text().loose()), ("other", place)):
        monkeypatch.setenv("VAEGAN_BENCH_DATA", str(tmp_path / name))
        put(CelebAFiles(tmp_path / name))
        digests.add(load(tmp_path / name).digest)
    assert len(digests) == 1


def test_tables_may_lie_in_their_official_folders(files: CelebAFiles, tmp_path: Path) -> None:
    before = load(tmp_path)
    for name, folder in ((TABLE, "Anno"), (PARTITION, "Eval")):
        (files.folder / folder).mkdir()
        (files.folder / name).rename(files.folder / folder / name)
    assert load(tmp_path).digest == before.digest


def test_a_part_of_celeba_is_called_a_part(files: CelebAFiles, tmp_path: Path) -> None:
    assert load(tmp_path).remarks == ("12 of the 202,599 official images",)


def test_missing_files_are_all_named_with_their_place_and_their_page(data_dir: Path, tmp_path: Path) -> None:
    for attempt in (lambda: load(tmp_path), lambda: CelebA().fetch()):
        with pytest.raises(DataError) as raised:
            attempt()
        message = str(raised.value)
        assert "\n" not in message
        for word in (TABLE, PARTITION, "img_align_celeba.zip", str(data_dir / "celeba"), "mmlab.ie.cuhk.edu.hk"):
            assert word in message
    CelebAFiles(data_dir).text()
    with pytest.raises(DataError) as raised:
        load(tmp_path)
    assert "list_attr" not in str(raised.value)


def test_nothing_is_fetched_where_all_is_there(files: CelebAFiles) -> None:
    CelebA().fetch()


@pytest.mark.parametrize(
    ("name", "edit", "message"),
    [
        (TABLE, lambda x: ["13", *x[1:]], f"{TABLE}:1: promises 13 images, but 12 rows follow"),
        (TABLE, lambda x: x[1:], f"{TABLE}:1: this line must be the number of images"),
        (TABLE, lambda x: [x[0], x[1].replace(" Bald ", " "), *x[2:]], f"{TABLE}:2: there is no column Bald; 1 of 40"),
        (TABLE, lambda x: [*x[:4], x[4][:-3], *x[5:]], f"{TABLE}:5: 40 columns, not 41"),
        (TABLE, lambda x: [*x[:4], x[4][:-2] + " 0", *x[5:]], f"{TABLE}:5: 0 is not the value of an attribute"),
        (TABLE, lambda x: [*x[:5], x[4], *x[6:]], f"{TABLE}:6: 000003.jpg has a row already"),
        (TABLE, lambda x: ["11", *x[1:-1]], f"{TABLE} has no row for 000012.jpg of img_align_celeba; 1 have none"),
        (TABLE, lambda x: ["13", *x[1:], "0" + x[-1]], f"{TABLE}:15: 0000012.jpg is not in img_align_celeba"),
        (TABLE, lambda x: [], f"{TABLE}:1: this line must be the number of images"),
        (PARTITION, lambda x: [*x, "000013.jpg 1"], f"{PARTITION}:13: 000013.jpg is not in {TABLE}"),
        (PARTITION, lambda x: x[1:], f"{PARTITION} has no row for 000001.jpg of {TABLE}"),
        (PARTITION, lambda x: [x[0][:-1] + "3", *x[1:]], f"{PARTITION}:1: 3 is not a part"),
        (PARTITION, lambda x: ["000001.jpg", *x[1:]], f"{PARTITION}:1: 1 columns, not 2"),
        (PARTITION, lambda x: [line[:-1] + "0" for line in x], "No images are left for the test part"),
    ],
)
def test_a_wrong_table_is_refused_by_file_and_line(
    files: CelebAFiles, tmp_path: Path, name: str, edit: Edit, message: str
) -> None:
    files.edit(name, edit)
    with pytest.raises(DataError, match=re.escape(message)):
        load(tmp_path)


@pytest.mark.parametrize(
    ("name", "edit", "message"),
    [
        ("list_attr_celeba.csv", lambda x: [x[0].replace(",Young", ""), *x[1:]], "csv:1: there is no column Young"),
        ("list_attr_celeba.csv", lambda x: [*x[:3], x[3] + ",1", *x[4:]], "csv:4: 42 columns, not 41"),
        ("list_eval_partition.csv", lambda x: x[1:], "csv:1: the columns are not image_id,partition"),
    ],
)
def test_a_wrong_csv_is_refused_by_file_and_line(
    data_dir: Path, tmp_path: Path, name: str, edit: Edit, message: str
) -> None:
    CelebAFiles(data_dir).csv().loose().edit(name, edit)
    with pytest.raises(DataError, match=message):
        load(tmp_path)


def test_csv_columns_may_come_in_any_order(data_dir: Path, tmp_path: Path) -> None:
    files = CelebAFiles(data_dir).csv().loose()
    before = load(tmp_path)

    def reverse(lines: list[str]) -> list[str]:
        rows = [line.split(",") for line in lines]
        return [",".join([row[0], *row[:0:-1]]) for row in rows]

    files.edit("list_attr_celeba.csv", reverse)
    assert load(tmp_path).digest == before.digest


def test_a_image_that_cannot_be_read_loses_its_attributes_too(data_dir: Path, tmp_path: Path) -> None:
    files = CelebAFiles(data_dir, images=100)
    files.images = {name: face(i % 5) for i, name in enumerate(files.names)}
    files.images["000003.jpg"] = files.images["000003.jpg"][:-400]
    files.text().zipped()
    data = load(tmp_path)
    assert (len(data.train), len(data.test)) == (74, 25)
    assert np.array_equal(data.train.attributes_NA.numpy(), np.delete(files.signs, 2, 0)[:74] > 0)


def marked(row: int, column: int) -> bytes:
    """A black image with one white pixel, lossless."""
    image, content = Image.new("RGB", (178, 218)), io.BytesIO()
    image.putpixel((column, row), (255, 255, 255))
    image.save(content, "PNG")
    return content.getvalue()


@pytest.mark.parametrize(
    ("crop", "size", "upper", "left", "side"),
    [("paper", 148, 40, 15, 148), ("148", 148, 40, 15, 148), ("178", 178, 20, 0, 178), ("148", 37, 40, 15, 148)],
)
def test_the_crop_is_exact(
    data_dir: Path, tmp_path: Path, crop: str, size: int, upper: int, left: int, side: int
) -> None:
    files = CelebAFiles(data_dir)
    lower, right = upper + side - 1, left + side - 1
    corners = [(upper, left), (upper, right), (lower, left), (lower, right), (upper + 20, left + 36)]
    outside = [(upper - 1, left), (lower + 1, left), *([(upper, left - 1), (upper, right + 1)] if left else [])]
    places = [*corners, *outside]
    files.images = {n: marked(*places[i % len(places)]) for i, n in enumerate(files.names)}
    files.text().loose()
    images = load(tmp_path, crop, size).train.images_NCHW
    last = size - 1
    wanted = [(0, 0), (0, last), (last, 0), (last, last), (20 * size // side, 36 * size // side)]
    for image, place in zip(images, wanted, strict=False):
        brightest = int(image[0].flatten().argmax())
        assert divmod(brightest, size) == place
    for image in images[len(corners) : len(places)]:
        assert int(image.max()) == 0


def test_the_paper_s_crop_at_full_size_is_a_gaussian_blur(data_dir: Path, tmp_path: Path) -> None:
    files = CelebAFiles(data_dir)
    files.images = dict.fromkeys(files.names, marked(110, 90))
    files.text().loose()
    image = load(tmp_path, "paper", 148).train.images_NCHW[0, 0].double()
    offsets = torch.arange(-2.0, 3.0)
    gaussian = torch.exp(-(offsets**2) / (2 * 0.5**2))  # σ = ½√(148 / 148)
    gaussian /= gaussian.sum()
    expected = 255 * gaussian[:, None] * gaussian
    assert float((image[68:73, 73:78] - expected).abs().max()) <= 0.51


def test_the_paper_s_blur_is_half_the_square_root_of_the_ratio_of_sizes(files: CelebAFiles, tmp_path: Path) -> None:
    images = load(tmp_path, "paper", 37).train.images_NCHW
    wanted = Treatment(37, (15, 40, 163, 188), (178, 218), blur=1.0)  # ½√(148 / 37)
    assert np.array_equal(images[0].numpy(), treat(files.images["000001.jpg"], wanted))


def test_crops_differ_and_are_kept_apart(files: CelebAFiles, tmp_path: Path) -> None:
    assert len({load(tmp_path, crop).digest for crop in ("paper", "148", "178")}) == 3


def test_a_second_load_is_equal_and_decodes_nothing(files: CelebAFiles, tmp_path: Path) -> None:
    first, again = load(tmp_path), Counted()
    second = load(tmp_path, progress=again)
    assert again.calls == []
    assert first.digest == second.digest
    assert torch.equal(first.train.images_NCHW, second.train.images_NCHW)
    assert torch.equal(first.test.attributes_NA, second.test.attributes_NA)


def test_it_does_what_every_data_set_must(files: CelebAFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conformance, "CACHE", tmp_path)
    for augmentation in ("flip", "paper", "none"):
        conformance.load_data.cache_clear()
        for check in conformance.CHECKS[Dataset]:
            check(CelebA(augmentation=augmentation))
    conformance.load_data.cache_clear()


def test_images_are_mirrored_unless_nothing_is_wanted(files: CelebAFiles, tmp_path: Path) -> None:
    x = to_signed(load(tmp_path).train.images_NCHW)
    flipped = CelebA().augment(x, torch.Generator().manual_seed(0))
    alike = [torch.equal(a, b) or torch.equal(a, b.flip(-1)) for a, b in zip(flipped, x, strict=True)]
    assert all(alike)
    assert not torch.equal(flipped, x)
    assert torch.equal(CelebA(augmentation="none").augment(x, torch.Generator()), x)


def test_two_images_of_one_name_are_refused(data_dir: Path, tmp_path: Path) -> None:
    files = CelebAFiles(data_dir).text().loose()
    (twin,) = files.folder.rglob("000001.jpg")
    other = twin.parent / "occluded" / twin.name
    other.parent.mkdir()
    other.write_bytes(twin.read_bytes())
    with pytest.raises(DataError, match=r"two images 000001.jpg: 000001.jpg and occluded/000001.jpg"):
        load(tmp_path)

"""Data sets that torchvision reads, from files in the true formats; torchvision's MD5 sums are replaced by theirs."""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import struct
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
import scipy.io
import torch
from PIL import Image

from vaegan_bench.api import Data, DataError, Dataset
from vaegan_bench.api.places import VARIABLE
from vaegan_bench.datasets.cifar10 import CIFAR10
from vaegan_bench.datasets.cifar10 import CLASSES as CIFAR_CLASSES
from vaegan_bench.datasets.fashion_mnist import CLOTHES, FashionMNIST
from vaegan_bench.datasets.mnist import DIGITS, MNIST
from vaegan_bench.datasets.stl10 import CLASSES as STL10_CLASSES
from vaegan_bench.datasets.stl10 import STL10
from vaegan_bench.datasets.svhn import SVHN
from vaegan_bench.system.vision import load_torchvision

Bytes = npt.NDArray[np.uint8]
Files = dict[str, bytes]
TRAIN, TEST = 20, 10
DEAD = "http://127.0.0.1:9/"
"""Nothing answers here, and fast."""


class Original(NamedTuple):
    """Images and labels before they were written in some format."""

    images_NCHW: Bytes
    labels_N: npt.NDArray[np.int64]


class World(NamedTuple):
    """A data set whose makers publish its files in a folder of this machine."""

    dataset: Dataset
    web: Path
    folder: Path
    """Where the data set looks for its files."""
    parts: Mapping[str, Original]


def original(n: int, channels: int, side: int, seed: int) -> Original:
    draw = np.random.default_rng(seed)
    images = draw.integers(0, 256, (n, channels, side, side), dtype=np.uint8)
    return Original(images, draw.permutation(np.arange(n) % 10))


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def idx(array: Bytes) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def archive(files: Files) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def mnist_files(parts: Mapping[str, Original]) -> tuple[Files, dict[str, Any]]:
    files = {}
    for word, (images, labels) in zip(("train", "t10k"), parts.values(), strict=False):
        files[f"{word}-images-idx3-ubyte.gz"] = gzip.compress(idx(images[:, 0]))
        files[f"{word}-labels-idx1-ubyte.gz"] = gzip.compress(idx(labels.astype(np.uint8)))
    return files, {"resources": [(name, md5(content)) for name, content in files.items()]}


def cifar_files(parts: Mapping[str, Original]) -> tuple[Files, dict[str, Any]]:
    batches = {f"data_batch_{i + 1}": (parts["train"], slice(4 * i, 4 * i + 4)) for i in range(5)}
    batches["test_batch"] = (parts["test"], slice(None))
    inside = {"batches.meta": pickle.dumps({"label_names": list("abcdefghij")}, protocol=2)}
    for name, (part, rows) in batches.items():
        entry = {"data": part.images_NCHW[rows].reshape(-1, 3072), "labels": part.labels_N[rows].tolist()}
        inside[name] = pickle.dumps(entry, protocol=2)
    packed = archive({f"cifar-10-batches-py/{name}": content for name, content in inside.items()})
    sums = [[name, md5(inside[name])] for name in batches]
    meta = {"filename": "batches.meta", "key": "label_names", "md5": md5(inside["batches.meta"])}
    changed = {"train_list": sums[:5], "test_list": sums[5:], "meta": meta, "tgz_md5": md5(packed)}
    return {"cifar-10-python.tar.gz": packed}, changed


def stl_files(parts: Mapping[str, Original]) -> tuple[Files, dict[str, Any]]:
    inside = {}
    for word, (images, labels) in parts.items():
        inside[f"{word}_X.bin"] = images.transpose(0, 1, 3, 2).tobytes()  # column by column
        inside[f"{word}_y.bin"] = (labels + 1).astype(np.uint8).tobytes()
    packed = archive({f"stl10_binary/{name}": content for name, content in inside.items()})
    sums = {name: [name, md5(content)] for name, content in inside.items()}
    train = [sums[name] for name in ("train_X.bin", "train_y.bin", "unlabeled_X.bin")]
    test = [sums[name] for name in ("test_X.bin", "test_y.bin")]
    return {"stl10_binary.tar.gz": packed}, {"train_list": train, "test_list": test, "tgz_md5": md5(packed)}


def svhn_files(parts: Mapping[str, Original]) -> tuple[Files, dict[str, Any]]:
    files = {}
    for word, (images, labels) in parts.items():
        written = io.BytesIO()
        digits = np.where(labels == 0, 10, labels).astype(np.uint8)[:, None]
        scipy.io.savemat(written, {"X": images.transpose(2, 3, 1, 0), "y": digits}, do_compression=True)
        files[f"{word}_32x32.mat"] = written.getvalue()
    return files, {}


WRITERS: dict[str, tuple[type[Dataset], int, int, Callable[..., tuple[Files, dict[str, Any]]]]] = {
    "mnist": (MNIST, 1, 28, mnist_files),
    "fashion-mnist": (FashionMNIST, 1, 28, mnist_files),
    "cifar10": (CIFAR10, 3, 32, cifar_files),
    "stl10": (STL10, 3, 96, stl_files),
    "svhn": (SVHN, 3, 32, svhn_files),
}
Publish = Callable[..., World]


@pytest.fixture
def publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publish:
    """Make the world of a data set: its files in a 'web' of this machine, and nothing fetched yet."""

    def make(name: str, address: str | None = None, **fields: bool) -> World:
        plugin, channels, side, write = WRITERS[name]
        counts = {"train": TRAIN, "test": TEST} | ({} if "mnist" in name or name == "cifar10" else {EXTRA[name]: 30})
        parts = {part: original(n, channels, side, seed) for seed, (part, n) in enumerate(counts.items())}
        files, changed = write(parts)
        web = tmp_path / "web"
        web.mkdir()
        for file, content in files.items():
            (web / file).write_bytes(content)
        opened = getattr(load_torchvision().datasets, plugin.__name__)
        for attribute, value in {**changed, **addresses(name, address or f"{web.as_uri()}/", files)}.items():
            monkeypatch.setattr(opened, attribute, value)
        monkeypatch.setenv(VARIABLE, str(tmp_path / "data"))
        return World(plugin(**fields), web, tmp_path / "data" / name, parts)

    return make


EXTRA = {"stl10": "unlabeled", "svhn": "extra"}


def addresses(name: str, base: str, files: Files) -> dict[str, Any]:
    if "mnist" in name:
        return {"mirrors": [DEAD, base]}
    if name == "svhn":
        return {"split_list": {f.split("_")[0]: [f"{base}{f}", f, md5(content)] for f, content in files.items()}}
    return {"url": base + next(iter(files))}


def fetched(world: World, size: int, cache: Path) -> Data:
    world.dataset.fetch()
    return world.dataset.load(size, cache)


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(DataError) as caught:
        act()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", WRITERS)
def test_what_is_fetched_is_what_was_published(publish: Publish, tmp_path: Path, name: str) -> None:
    world = publish(name)
    native = world.parts["train"].images_NCHW.shape[-1]
    data = fetched(world, native, tmp_path)
    for split, part in ((data.train, world.parts["train"]), (data.test, world.parts["test"])):
        assert np.array_equal(split.images_NCHW.numpy(), part.images_NCHW)
        assert split.labels_N is not None
        assert np.array_equal(split.labels_N.numpy(), part.labels_N)
        assert torch.equal(split.attributes_NA, torch.nn.functional.one_hot(split.labels_N, 10).bool())
    assert data.attribute_names == data.class_names
    assert len(data.class_names) == 10


@pytest.mark.parametrize("name", WRITERS)
def test_a_load_repeats_and_comes_from_the_cache(
    publish: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    world = publish(name)
    first = fetched(world, 16, tmp_path)
    assert first.shape == (world.parts["train"].images_NCHW.shape[1], 16, 16)
    monkeypatch.setattr("vaegan_bench.datasets.torchvision_sets._read", lambda *_: pytest.fail("read again"))
    again = world.dataset.load(16, tmp_path)
    assert again.digest == first.digest
    assert torch.equal(again.train.images_NCHW, first.train.images_NCHW)


def test_a_frame_of_two_black_pixels_makes_32_of_28(publish: Publish, tmp_path: Path) -> None:
    world = publish("mnist")
    images = fetched(world, 32, tmp_path).train.images_NCHW.numpy()
    assert images.shape == (TRAIN, 1, 32, 32)
    assert np.array_equal(images[:, :, 2:30, 2:30], world.parts["train"].images_NCHW)
    framed = images.copy()
    framed[:, :, 2:30, 2:30] = 0
    assert not framed.any()


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
@pytest.mark.parametrize("size", [16, 64])
def test_other_sizes_are_bicubic_from_32(publish: Publish, tmp_path: Path, name: str, size: int) -> None:
    world = publish(name)
    world.dataset.fetch()
    at_32, resized = (world.dataset.load(side, tmp_path).test.images_NCHW[3] for side in (32, size))
    image = Image.fromarray(at_32.permute(1, 2, 0).squeeze().numpy()).resize((size, size), Image.Resampling.BICUBIC)
    assert np.array_equal(np.atleast_3d(np.asarray(image)), resized.permute(1, 2, 0).numpy())


def test_sizes_and_contents_have_digests_of_their_own(publish: Publish, tmp_path: Path) -> None:
    world = publish("mnist")
    first, larger = fetched(world, 32, tmp_path), world.dataset.load(64, tmp_path)
    path = world.folder / "MNIST" / "raw" / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1] + b"\x07")
    changed = world.dataset.load(32, tmp_path)
    assert len({first.digest, larger.digest, changed.digest}) == 3
    assert int(changed.train.images_NCHW[-1, 0, 29, 29]) == 7


@pytest.mark.parametrize("name", WRITERS)
def test_load_never_downloads_and_says_what_does(publish: Publish, tmp_path: Path, name: str) -> None:
    world = publish(name)
    words = refused(lambda: world.dataset.load(32, tmp_path))
    assert f"`vaegan-bench data prepare {name}`" in words
    assert str(world.folder) in words
    assert not world.folder.exists()
    if "mnist" not in name:
        assert world.web.as_uri() in words


@pytest.mark.parametrize("name", WRITERS)
def test_without_a_network_fetch_says_what_to_put_where(publish: Publish, name: str) -> None:
    world = publish(name, address=DEAD)
    words = refused(lambda: world.dataset.fetch())
    assert "Connection refused" in words
    assert str(world.folder) in words
    for file in world.web.iterdir():
        assert f"{DEAD}{file.name}" in words or file.name.startswith("extra")
    assert not [path for path in world.folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("name", WRITERS)
def test_what_was_put_there_by_hand_needs_no_network(publish: Publish, tmp_path: Path, name: str) -> None:
    world = publish(name, address=DEAD)
    place = world.folder / {"mnist": "MNIST/raw", "fashion-mnist": "FashionMNIST/raw"}.get(name, "")
    place.mkdir(parents=True)
    for file in world.web.iterdir():
        file.rename(place / file.name)
    assert len(fetched(world, 32, tmp_path).train) == TRAIN


def test_another_file_than_the_published_one_is_refused(publish: Publish) -> None:
    world = publish("cifar10")
    (world.web / "cifar-10-python.tar.gz").write_bytes(b"an error page")
    assert "does not have the MD5" in refused(lambda: world.dataset.fetch())
    assert list(world.folder.iterdir()) == []


def test_fetching_tells_how_far_it_is_and_is_done_once(publish: Publish) -> None:
    world, told = publish("svhn"), []
    for _ in range(2):
        world.dataset.fetch(lambda *report: told.append(report))
    sizes = {f"fetching {file.name}": file.stat().st_size for file in world.web.iterdir() if "extra" not in file.name}
    assert sorted(told) == sorted((description, size, size) for description, size in sizes.items())


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("mnist", "MNIST/raw/train-images-idx3-ubyte"),
        ("mnist", "MNIST/raw/t10k-labels-idx1-ubyte"),
        ("fashion-mnist", "FashionMNIST/raw/t10k-images-idx3-ubyte"),
        ("cifar10", "cifar-10-batches-py/data_batch_3"),
        ("stl10", "stl10_binary/test_X.bin"),
        ("svhn", "train_32x32.mat"),
    ],
)
@pytest.mark.parametrize("left", [0.5, 0])
def test_truncated_files_are_named_as_damaged(
    publish: Publish, tmp_path: Path, name: str, file: str, left: float
) -> None:
    world = publish(name)
    world.dataset.fetch()
    content = (world.folder / file).read_bytes()
    (world.folder / file).write_bytes(content[: int(left * len(content))])
    words = refused(lambda: world.dataset.load(32, tmp_path))
    assert f"in {world.folder} are damaged" in words
    assert f"data prepare {name}" in words


def test_a_label_that_is_no_class_is_refused(publish: Publish, tmp_path: Path) -> None:
    world = publish("mnist")
    world.dataset.fetch()
    (world.folder / "MNIST" / "raw" / "t10k-labels-idx1-ubyte").write_bytes(idx(np.full(TEST, 12, np.uint8)))
    assert "one of its 10 classes" in refused(lambda: world.dataset.load(32, tmp_path))


def test_stl10_with_its_unlabelled_images_has_no_classes(publish: Publish, tmp_path: Path) -> None:
    world = publish("stl10", unlabeled=True)
    data = fetched(world, 96, tmp_path)
    assert (data.attribute_names, data.class_names, data.train.labels_N) == ((), (), None)
    assert (data.train.attributes_NA.shape, data.test.attributes_NA.shape) == ((TRAIN + 30, 0), (TEST, 0))
    both = np.concatenate([world.parts[part].images_NCHW for part in ("train", "unlabeled")])
    assert np.array_equal(data.train.images_NCHW.numpy(), both)


def test_svhn_trains_on_its_extra_part_if_wanted(publish: Publish, tmp_path: Path) -> None:
    world = publish("svhn", extra=True)
    data = fetched(world, 32, tmp_path)
    assert (len(data.train), len(data.test)) == (TRAIN + 30, TEST)
    assert np.array_equal(data.train.images_NCHW[TRAIN:].numpy(), world.parts["extra"].images_NCHW)
    (world.folder / "extra_32x32.mat").unlink()
    assert '`vaegan-bench data prepare "svhn[extra=true]"`' in refused(lambda: world.dataset.load(32, tmp_path))


def test_classes_are_in_the_order_of_their_labels() -> None:
    datasets = load_torchvision().datasets
    assert [name.partition(" - ")[2] for name in datasets.MNIST.classes] == list(DIGITS)
    plain = [name.replace("/", "_or_").replace(" ", "_") for name in datasets.FashionMNIST.classes]
    assert plain == list(CLOTHES)
    assert sorted(STL10_CLASSES) == list(STL10_CLASSES)


def test_classes_have_the_numbers_that_their_makers_gave_them() -> None:
    assert " ".join(CIFAR_CLASSES) == "airplane automobile bird cat deer dog frog horse ship truck"
    assert " ".join(STL10_CLASSES) == "airplane bird car cat deer dog horse monkey ship truck"
    assert [DIGITS.index(word) for word in ("zero", "three", "seven", "nine")] == [0, 3, 7, 9]
    assert (CLOTHES.index("Trouser"), CLOTHES.index("Sandal"), CLOTHES.index("Bag")) == (1, 5, 8)


@pytest.mark.parametrize("name", WRITERS)
def test_no_image_is_in_both_parts(publish: Publish, tmp_path: Path, name: str) -> None:
    data = fetched(publish(name), 32, tmp_path)
    train, test = ({image.numpy().tobytes() for image in part.images_NCHW} for part in (data.train, data.test))
    assert (len(train), len(test)) == (TRAIN, TEST)
    assert not train & test


def test_a_size_below_one_is_refused(publish: Publish, tmp_path: Path) -> None:
    world = publish("mnist")
    assert "at least 1 pixel" in refused(lambda: fetched(world, 0, tmp_path))


def test_too_little_memory_is_no_damage(publish: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = publish("stl10")
    world.dataset.fetch()

    def without_memory(*_: object, **__: object) -> None:
        raise MemoryError("Unable to allocate 2.57 GiB")

    monkeypatch.setattr(np, "fromfile", without_memory)
    words = refused(lambda: world.dataset.load(32, tmp_path))
    assert "too little memory to read stl10: Unable to allocate 2" in words

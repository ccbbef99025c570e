"""Small faces in the true formats of CelebA and LFW, and what may happen to files."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vaegan_bench.api.places import VARIABLE
from vaegan_bench.datasets.celeba.tables import ATTRIBUTES


class Counted:
    """A `Progress` that remembers."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int, int]] = []

    def __call__(self, description: str, done: int, total: int) -> None:
        self.calls.append((description, done, total))


def face(i: int, size: tuple[int, int] = (178, 218), mode: str = "RGB", form: str = "JPEG") -> bytes:
    """Smooth colours that differ by image, as the content of a file."""
    coarse = np.random.default_rng(i).integers(0, 256, (4, 4, 3), np.uint8)
    image = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).convert(mode)
    content = io.BytesIO()
    image.save(content, form, quality=90)
    return content.getvalue()


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def pack(archive: Path, files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    """A zip or a tar, by its name; only of a zip can the compression be chosen."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive, "w", compression) as packed:
            for name, content in files.items():
                packed.writestr(name, content)
        return archive
    with tarfile.open(archive, "w" if archive.suffix == ".tar" else "w:gz") as packed_tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            packed_tar.addfile(member, io.BytesIO(content))
    return archive


def spoil(path: Path, damage: str) -> None:
    """Damage a file: 'bit', 'half', 'empty', 'garbage' or 'gone'."""
    content = path.read_bytes()
    middle = len(content) // 2
    spoiled = {
        "bit": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
        "half": content[:middle],
        "empty": b"",
        "garbage": b"[1, 2]",
    }
    path.unlink()
    if damage in spoiled:
        path.write_bytes(spoiled[damage])


Rows = Sequence[Sequence[int]]


class CelebAFiles:
    """CelebA in a folder: twelve images, of which six are for training, three for validation, three for test."""

    def __init__(self, root: Path, images: int = 12) -> None:
        self.folder = root / "celeba"
        self.names = [f"{i + 1:06}.jpg" for i in range(images)]
        self.signs = np.where(np.random.default_rng(0).random((images, 40)) < 0.5, 1, -1)
        self.parts = [0 if i < images // 2 else 1 if i < images * 3 // 4 else 2 for i in range(images)]
        self.images = {name: face(i) for i, name in enumerate(self.names)}

    def text(self) -> CelebAFiles:
        """Official tables, fixed widths and all, at the top of the folder."""
        rows = [
            f"{name} {' '.join(f'{s:2d}' for s in signs)}" for name, signs in zip(self.names, self.signs, strict=True)
        ]
        lines = [str(len(self.names)), " ".join(ATTRIBUTES) + " ", *rows]
        return self.put("list_attr_celeba.txt", lines).put(
            "list_eval_partition.txt", [f"{name} {part}" for name, part in zip(self.names, self.parts, strict=True)]
        )

    def csv(self) -> CelebAFiles:
        """Tables as on Kaggle."""
        rows = [",".join([name, *map(str, signs)]) for name, signs in zip(self.names, self.signs, strict=True)]
        self.put("list_attr_celeba.csv", [",".join(["image_id", *ATTRIBUTES]), *rows])
        parts = [f"{name},{part}" for name, part in zip(self.names, self.parts, strict=True)]
        return self.put("list_eval_partition.csv", ["image_id,partition", *parts])

    def put(self, name: str, lines: Sequence[str]) -> CelebAFiles:
        write(self.folder, {name: ("\n".join(lines) + "\n").encode()})
        return self

    def edit(self, name: str, change: Callable[[list[str]], list[str]]) -> None:
        """Rewrite the lines of a table."""
        self.put(name, change((self.folder / name).read_text().splitlines()))

    def loose(self, folder: str = "img_align_celeba") -> CelebAFiles:
        write(self.folder / folder, self.images)
        return self

    def zipped(self, archive: str = "img_align_celeba.zip") -> CelebAFiles:
        pack(self.folder / archive, {f"img_align_celeba/{name}": c for name, c in self.images.items()})
        return self


LFW_NAMES = ("Male", "Bags Under Eyes", "5 o' Clock Shadow", *(f"Attribute {i}" for i in range(70)))
PEOPLE = {"Ann Lee": 3, "Bob Ray": 2, "Cy Low": 1, "Dee Moe": 4}


class LFWFiles:
    """LFW in a folder: ten images of four people, of whom Bob and Dee are in the first of two sets."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "lfw"
        self.rows = [(person, number) for person, most in PEOPLE.items() for number in range(1, most + 1)]
        self.scores = np.random.default_rng(1).normal(size=(len(self.rows), 73)).round(6)
        self.images = {
            f"{person.replace(' ', '_')}/{person.replace(' ', '_')}_{number:04}.jpg": face(i, (250, 250))
            for i, (person, number) in enumerate(self.rows)
        }

    def tables(self, scored: slice = slice(None)) -> LFWFiles:
        """Both tables; only some of the images may have scores."""
        rows = zip(self.rows[scored], self.scores[scored], strict=True)
        lines = ["\t".join([person, str(number), *map(str, scores)]) for (person, number), scores in rows]
        header = ["# scores of attribute classifiers", "#\t" + "\t".join(["person", "imagenum", *LFW_NAMES])]
        people = ["2", "2", "Bob_Ray\t2", "Dee_Moe\t4", "2", "Ann_Lee\t3", "Cy_Low\t1"]
        return self.put("lfw_attributes.txt", [*header, *lines]).put("people.txt", people)

    def put(self, name: str, lines: Sequence[str]) -> LFWFiles:
        write(self.folder, {name: ("\n".join(lines) + "\n").encode()})
        return self

    def loose(self, folder: str = "lfw-deepfunneled") -> LFWFiles:
        write(self.folder / folder, self.images)
        return self

    def packed(self, archive: str = "lfw-deepfunneled.tgz") -> LFWFiles:
        pack(self.folder / archive, {f"lfw-deepfunneled/{name}": c for name, c in self.images.items()})
        return self


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for source files."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "data"))
    return tmp_path / "data"

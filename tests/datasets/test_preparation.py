import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np
import pytest
import scipy.ndimage
import skimage.transform
from fixtures_faces import Counted, face, pack, spoil, write
from PIL import Image

from vaegan_bench.api import DataError, Progress, StoreError, silent
from vaegan_bench.datasets.arrays import array_of
from vaegan_bench.datasets.preparation import array, reading
from vaegan_bench.datasets.preparation.array import Prepared, prepare, recipe_of
from vaegan_bench.datasets.preparation.sources import Source, content_of, listing_of
from vaegan_bench.datasets.preparation.treatment import Treatment, treat
from vaegan_bench.datasets.preparation.workers import useful_workers
from vaegan_bench.system.claims import Claim, try_claim
from vaegan_bench.system.code import code_behind

SMALL = Treatment(8)
DAMAGES = ["bit", "half", "empty", "gone", "garbage"]


@dataclass(frozen=True)
class Case:
    """Sources with a cache of their own."""

    sources: Sequence[Source]
    cache: Path

    def prepare(self, progress: Progress = silent, workers: int = 1) -> Prepared:
        return prepare("faces", self.sources, SMALL, self.cache, progress, workers=workers)

    def manifest(self) -> dict[str, object]:
        (path,) = self.cache.glob("*.json")
        return dict(json.loads(path.read_text()))


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    """Twelve images, in parts of five."""
    monkeypatch.setattr(array, "PART", 5)
    folder = write(tmp_path / "faces", {f"{i:02}.jpg": face(i, (20, 24)) for i in range(12)})
    return Case(listing_of(folder).sources, tmp_path / "cache")


def many(folder: Path, n: int, broken: dict[str, bytes]) -> Path:
    one = face(0, (12, 12))
    return write(folder, {f"{i:03}.jpg": one for i in range(n)} | broken)


def test_pixels_come_in_the_order_of_the_sources(case: Case) -> None:
    backwards = replace(case, sources=case.sources[::-1]).prepare().pixels
    pixels = case.prepare().pixels
    assert pixels.shape == (12, 3, 8, 8)
    assert pixels.dtype == np.uint8
    assert np.array_equal(pixels, backwards[::-1])
    for source, image in zip(case.sources, pixels, strict=True):
        assert np.array_equal(image, treat(Path(source.file).read_bytes(), SMALL))


def test_images_are_decoded_once_with_progress(case: Case) -> None:
    first, second = Counted(), Counted()
    assert case.prepare(first).sha256 == case.prepare(second).sha256
    assert first.calls == [("preparing faces", done, 12) for done in (0, 5, 10, 12)]
    assert second.calls == []
    assert sorted(path.suffix for path in case.cache.iterdir()) == [".json", ".uint8"]


def test_the_number_of_processes_changes_nothing(case: Case, tmp_path: Path) -> None:
    together = replace(case, cache=tmp_path / "other")
    assert together.prepare(workers=2).sha256 == case.prepare().sha256


def test_processes_are_started_only_where_they_are_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert useful_workers(20, worth=500) == 1
    assert 1 <= useful_workers(10**6, worth=500) <= 32
    monkeypatch.setattr("vaegan_bench.datasets.preparation.workers.usable_cores", lambda: 3)
    assert useful_workers(10**6, worth=500) == 3


def test_processes_that_decode_load_no_torch() -> None:
    check = "import sys, vaegan_bench.datasets.preparation.array; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_finished_before_an_interruption_is_kept(case: Case, workers: int) -> None:
    def interrupt(description: str, done: int, total: int) -> None:
        if done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        case.prepare(interrupt, workers)
    assert list(case.cache.glob("*.json")) == list(case.cache.glob("*.uint8")) == []
    for source in case.sources[:10]:
        Path(source.file).unlink()
    assert len(case.prepare().pixels) == 12
    assert sorted(path.suffix for path in case.cache.iterdir()) == [".json", ".uint8"]


@pytest.mark.parametrize("suffix", ["unfinished", "journal"])
@pytest.mark.parametrize("damage", [*DAMAGES, "long"])
def test_a_damaged_part_is_decoded_again(case: Case, tmp_path: Path, suffix: str, damage: str) -> None:
    def interrupt(description: str, done: int, total: int) -> None:
        if done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        case.prepare(interrupt)
    (file,) = case.cache.glob(f"*.{suffix}")
    if damage == "long":
        file.write_bytes(file.read_bytes() + bytes(3000))
    else:
        spoil(file, damage)
    assert case.prepare().sha256 == replace(case, cache=tmp_path / "other").prepare().sha256


@pytest.mark.parametrize("suffix", ["uint8", "json"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_array_is_made_again(case: Case, suffix: str, damage: str) -> None:
    whole = case.prepare().sha256
    (path,) = case.cache.glob(f"*.{suffix}")
    before = path.read_bytes()
    spoil(path, damage)
    again = Counted()
    assert case.prepare(again).sha256 == whole
    assert again.calls
    assert path.read_bytes() == before


def test_other_settings_and_other_images_never_meet(case: Case) -> None:
    first = case.prepare()
    larger = prepare("faces", case.sources, Treatment(16), case.cache, Counted())
    fewer = replace(case, sources=case.sources[1:]).prepare()
    changed = Path(case.sources[0].file)
    changed.write_bytes(face(99, (20, 24)))
    edited = replace(case, sources=listing_of(changed.parent).sources).prepare()
    assert len(list(case.cache.glob("*.uint8"))) == 4
    assert larger.pixels.shape == (12, 3, 16, 16)
    assert np.array_equal(fewer.pixels, first.pixels[1:])
    assert not np.array_equal(edited.pixels[0], first.pixels[0])
    assert np.array_equal(edited.pixels[1:], first.pixels[1:])


@pytest.mark.parametrize("module", ["treatment", "decoding"])
def test_images_are_decoded_anew_by_other_code(case: Case, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = recipe_of(case.sources, SMALL, {})
    behind = code_behind(treat)
    assert any(name.startswith(f"vaegan_bench.datasets.preparation.{module}") for name in behind.own)
    assert not any(name.startswith("vaegan_bench.system") for name in behind.own)
    monkeypatch.setattr(array, "code_behind", lambda *of: replace(behind, parts={"decoding.py": "other"}))
    assert array_of(case.cache, recipe_of(case.sources, SMALL, {})) != array_of(case.cache, first)


def test_what_is_handed_out_can_be_changed_without_harm(case: Case) -> None:
    case.prepare().pixels[:] = 0
    again = Counted()
    assert case.prepare(again).pixels.max() > 0
    assert again.calls == []


def test_the_manifest_says_what_was_made(case: Case) -> None:
    prepared = case.prepare()
    manifest = case.manifest()
    assert manifest["treatment"] == {"size": 8, "box": None, "of": None, "blur": None}
    assert manifest["shape"] == [12, 3, 8, 8]
    assert manifest["sha256"] == prepared.sha256
    assert manifest["skipped"] == {}
    assert {"code", "images", "sources", "left_out", "pillow"} <= set(manifest)


def test_a_few_unreadable_images_are_skipped_and_named(tmp_path: Path) -> None:
    half = face(0)[: len(face(0)) // 2]
    folder = many(tmp_path / "faces", 299, {"zz.jpg": b"no image", "000.jpg": half, "001.jpg": b""})
    case = Case(listing_of(folder).sources, tmp_path / "cache")
    assert np.array_equal(case.prepare().kept_N, np.arange(2, 299))
    skipped = case.manifest()["skipped"]
    assert isinstance(skipped, dict)
    assert skipped.pop("000.jpg").startswith("image file is truncated")
    assert skipped == dict.fromkeys(["001.jpg", "zz.jpg"], "it is not an image of a known format")


def test_more_unreadable_images_than_one_in_a_hundred_end_it(tmp_path: Path) -> None:
    folder = many(tmp_path / "faces", 298, {"000.jpg": b"", "001.jpg": b"", "zz.jpg": b""})
    case = Case(listing_of(folder).sources, tmp_path / "cache")
    for _ in range(2):
        with pytest.raises(
            DataError,
            match=r"3 of the first 299 .* over 1 % of all 299: 000.jpg: it is not an image of a known format; 001",
        ):
            case.prepare()
    assert list(case.cache.glob("*.json")) == list(case.cache.glob("*.uint8")) == []


@pytest.mark.parametrize("unreadable", [1, 3])
def test_repaired_images_are_used_even_if_they_look_as_before(tmp_path: Path, unreadable: int) -> None:
    folder = many(tmp_path / "faces", 200, {})
    case = Case(listing_of(folder).sources, tmp_path / "cache")
    damaged = [Path(source.file) for source in case.sources[:unreadable]]
    whole, times = damaged[0].read_bytes(), os.stat(damaged[0])
    for path in damaged:
        path.write_bytes(bytes(len(whole)))
    if unreadable == 1:
        assert len(case.prepare().kept_N) == 199
        assert len(case.prepare().kept_N) == 199
    else:
        with pytest.raises(DataError, match="over 1 %"):
            case.prepare()
    for path in damaged:
        path.write_bytes(whole)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert len(case.prepare().kept_N) == 200
    assert case.manifest()["skipped"] == {}


@pytest.mark.parametrize("archive", ["faces.zip", "faces.tgz", "faces.tar.gz", "faces.tar"])
def test_archives_hold_the_same_images(case: Case, tmp_path: Path, archive: str) -> None:
    files = {f"inside/{Path(source.file).name}": Path(source.file).read_bytes() for source in reversed(case.sources)}
    packed = pack(tmp_path / archive, files | {"inside/._00.jpg": b"of macOS", "inside/list.txt": b"of images"})
    inside = replace(case, sources=listing_of(packed).sources, cache=tmp_path / "other")
    assert [source.name for source in inside.sources] == [f"inside/{i:02}.jpg" for i in range(12)]
    assert inside.prepare().sha256 == case.prepare().sha256


def test_an_archive_is_read_forwards(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = pack(tmp_path / "faces.tgz", {f"{i}.jpg": face(i, (12, 12)) for i in (3, 0, 4, 1, 2)})
    offsets = []

    def noted(source: Source, archive: Callable[[str], IO[bytes]]) -> bytes:
        offsets.append(source.offset)
        return content_of(source, archive)

    monkeypatch.setattr(reading, "content_of", noted)
    pixels = replace(case, sources=listing_of(packed).sources).prepare().pixels
    assert offsets == sorted(offsets)
    for i, image in enumerate(pixels):
        assert np.array_equal(image, treat(face(i, (12, 12)), SMALL))


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_damaged_member_of_a_zip_is_skipped_and_a_damaged_archive_refused(tmp_path: Path, compression: int) -> None:
    files = {f"{i:03}.bmp": face(i, (12, 12), form="BMP") for i in range(100)}
    path = pack(tmp_path / "faces.zip", files, compression)
    source = listing_of(path).sources[50]
    content = bytearray(path.read_bytes())
    content[source.offset + source.length - 20] ^= 1
    path.write_bytes(content)
    case = Case(listing_of(path).sources, tmp_path / "cache")
    assert len(case.prepare().pixels) == 99
    skipped = case.manifest()["skipped"]
    assert isinstance(skipped, dict)
    assert list(skipped) == ["050.bmp"]
    if compression == zipfile.ZIP_STORED:
        assert skipped["050.bmp"] == "its checksum differs from the one in the archive"
    spoil(path, "half")
    with pytest.raises(DataError, match=r"Cannot read .*faces.zip"):
        listing_of(path)


@pytest.mark.parametrize("mode", ["L", "CMYK", "P", "RGBA", "1"])
def test_all_modes_become_rgb(mode: str) -> None:
    form = "JPEG" if mode in ("L", "CMYK") else "PNG"
    content = face(3, (40, 40), mode, form)
    expected = np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).transpose(2, 0, 1)
    assert np.array_equal(treat(content, Treatment(40)), expected)


def test_images_are_turned_as_their_camera_says() -> None:
    image, exif = Image.new("RGB", (8, 8)), Image.Exif()
    image.putpixel((0, 0), (255, 255, 255))
    exif[0x0112] = 6  # to be turned clockwise by 90°
    content = io.BytesIO()
    image.save(content, "PNG", exif=exif)
    assert treat(content.getvalue(), Treatment(8))[0, 0, 7] == 255


def test_the_middle_square_is_taken_where_no_box_is_given() -> None:
    image = Image.new("RGB", (30, 10), "white")
    image.paste((0, 0, 0), (10, 0, 20, 10))
    assert treat(encoded(image, "PNG"), Treatment(10)).max() == 0


def test_images_of_another_size_are_refused_where_the_box_means_something() -> None:
    with pytest.raises(ValueError, match="it has 20×24 pixels, not 178×218"):
        treat(face(0, (20, 24)), Treatment(8, (0, 0, 8, 8), (178, 218)))


@pytest.mark.parametrize(("size", "sigma"), [(64, 0.76), (32, 1.08), (128, 0.54)])
def test_blur_and_interpolation_agree_with_scipy_and_scikit_image(size: int, sigma: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (148, 148, 3), np.uint8)
    # What lies beyond the edge is repeated before the blur; the two libraries can only do so in turn.
    padded = np.pad(noise.astype(float), ((8, 8), (8, 8), (0, 0)), "edge")
    blurred = scipy.ndimage.gaussian_filter(padded, (sigma, sigma, 0), mode="nearest")
    scale = 148 / size
    place = skimage.transform.AffineTransform(scale=(scale, scale), translation=(scale / 2 - 0.5 + 8,) * 2)
    expected = skimage.transform.warp(blurred, place, order=3, output_shape=(size, size), mode="edge", clip=False)
    ours = treat(encoded(Image.fromarray(noise), "PNG"), Treatment(size, blur=sigma)).transpose(1, 2, 0)
    assert np.abs(ours - expected.clip(0, 255)).max() <= 0.501


def test_two_processes_prepare_once(tmp_path: Path) -> None:
    folder = write(tmp_path / "faces", {f"{i:03}.jpg": face(i, (178, 218)) for i in range(60)})
    script = (
        "import sys; from pathlib import Path\n"
        "from vaegan_bench.datasets.preparation import array, sources, treatment\n"
        "array.PART = 3\n"
        "told = []\n"
        f"found = sources.listing_of(Path({str(folder)!r})).sources\n"
        "made = array.prepare('faces', found, treatment.Treatment(64, blur=.76), "
        f"Path({str(tmp_path / 'cache')!r}), lambda *call: told.append(call[0]))\n"
        "print(made.sha256, sum(word == 'preparing faces' for word in told))\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = [process.communicate()[0].split() for process in both]
    assert told[0][0] == told[1][0]
    assert sorted(int(calls) for _, calls in told) == [0, 21]


def test_who_waits_for_another_process_says_so(case: Case) -> None:
    array_path = array_of(case.cache, recipe_of(case.sources, SMALL, {}))
    case.cache.mkdir()
    other = try_claim(array_path)
    assert isinstance(other, Claim)
    said = []

    def progress(description: str, done: int, total: int) -> None:
        said.append(description)
        other.release()

    assert len(case.prepare(progress).pixels) == 12
    assert said[0] == "waiting for another process that prepares faces"


def test_a_cache_that_cannot_be_written_is_refused_in_one_line(case: Case, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(DataError, match=r"Cannot keep faces in .*--cache-dir"):
        case.prepare()


def test_space_for_all_images_is_asked_for_before_any_image_is_decoded(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = 12 * 3 * SMALL.size**2
    usage = shutil.disk_usage(case.cache.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=needed - 1))
    with pytest.raises(StoreError, match=r"Preparing faces can take up to .* --cache-dir"):
        case.prepare()
    assert not [path for path in case.cache.rglob("*") if path.is_file()]
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=needed))
    assert len(case.prepare().pixels) == 12


def encoded(image: Image.Image, form: str) -> bytes:
    content = io.BytesIO()
    image.save(content, form)
    return content.getvalue()


def test_grey_of_sixteen_bits_keeps_its_upper_eight() -> None:
    deep = np.random.default_rng(0).integers(0, 2**16, (8, 8), np.uint16)
    pixels = treat(encoded(Image.fromarray(deep), "PNG"), SMALL)
    assert np.array_equal(pixels, np.broadcast_to(deep >> 8, (3, 8, 8)))


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_images_of_no_known_range_are_refused(kind: type) -> None:
    with pytest.raises(ValueError, match="32 bits per pixel"):
        treat(encoded(Image.fromarray(np.ones((8, 8), kind)), "TIFF"), SMALL)


def test_links_are_followed_once_and_what_machines_make_is_left(tmp_path: Path) -> None:
    one = face(0, (12, 12))
    elsewhere = write(tmp_path / "elsewhere", {"b.png": one})
    folder = write(
        tmp_path / "faces",
        {"a.JPG": one, ".thumbnails/a.jpg": one, "@eaDir/a.jpg": one, "cats/.ipynb_checkpoints/c.jpg": one},
    )
    (folder / "linked").symlink_to(elsewhere, target_is_directory=True)
    (folder / "cats" / "back").symlink_to(folder, target_is_directory=True)
    assert [source.name for source in listing_of(folder).sources] == ["a.JPG", "linked/b.png"]


def test_a_name_that_is_not_utf8_is_refused_in_words(tmp_path: Path) -> None:
    folder = write(tmp_path / "faces", {"a.jpg": face(0, (12, 12))})
    (folder / "a.jpg").rename(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.jpg"))
    with pytest.raises(DataError, match=r"the name 'caf\\udce9.jpg' is not UTF-8"):
        listing_of(folder)


def test_processes_do_not_run_the_user_s_script_once_more(tmp_path: Path) -> None:
    script = tmp_path / "bare.py"  # without `if __name__ == "__main__":`
    script.write_text(
        "print('begun')\n"
        "from vaegan_bench.datasets.preparation.workers import crew\n"
        "with crew(2, 'numbers') as spread:\n"
        "    print(list(spread(abs, [-3, 4, -5])))\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "begun\n[3, 4, 5]\n"

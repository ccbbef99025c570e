"""Image files of all kinds, against pixels that were known before they were written."""

import io
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from fixtures_faces import face, write
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

from vaegan_bench.datasets.preparation.decoding import decode_file
from vaegan_bench.datasets.preparation.reading import read_images
from vaegan_bench.datasets.preparation.sources import listing_of

NOISE = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "PPM", "GIF", "TIFF")


def encoded(image: Image.Image, form: str = "PNG", **how: object) -> bytes:
    content = io.BytesIO()
    image.save(content, form, **how)
    return content.getvalue()


def red_for_green() -> bytes:
    """A profile whose red is the green of sRGB, and the other way round."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"----").replace(b"gXYZ", b"rXYZ").replace(b"----", b"gXYZ")


def pixels(content: bytes) -> np.ndarray:
    image = decode_file(content)
    assert image.mode == "RGB"
    return np.asarray(image)


@pytest.mark.parametrize("form", ["PNG", "BMP", "PPM", "TIFF", "JPEG", "WEBP"])
def test_plain_colours_are_those_of_pillow(form: str) -> None:
    content = encoded(Image.fromarray(NOISE), form)
    assert np.array_equal(pixels(content), np.asarray(Image.open(io.BytesIO(content)).convert("RGB")))
    if form not in ("JPEG", "WEBP"):
        assert np.array_equal(pixels(content), NOISE)


def test_transparent_pixels_are_white_whatever_hides_there() -> None:
    alpha = np.full((6, 9), 255, np.uint8)
    alpha[2, 3], alpha[4, 5] = 0, 51
    expected = NOISE.astype(int)
    expected[2, 3] = 255
    expected[4, 5] = np.rint(0.2 * expected[4, 5] + 0.8 * 255)
    found = pixels(encoded(Image.fromarray(np.dstack([NOISE, alpha]))))
    assert np.abs(found - expected).max() <= 1
    assert np.array_equal(np.delete(found.reshape(-1, 3), 4 * 9 + 5, 0), np.delete(expected.reshape(-1, 3), 41, 0))


def test_transparency_of_grey_palettes_and_colour_keys_is_white_too() -> None:
    grey, white = np.array([[10, 200, 90]], np.uint8), [255, 255, 255]
    with_alpha = Image.fromarray(np.dstack([grey, np.array([[255, 0, 255]], np.uint8)]), "LA")
    assert pixels(encoded(with_alpha)).tolist() == [[[10] * 3, white, [90] * 3]]
    assert pixels(encoded(Image.fromarray(grey), transparency=10)).tolist() == [[white, [200] * 3, [90] * 3]]
    deep = Image.fromarray(grey.astype(np.uint16) * 257)
    assert pixels(encoded(deep, transparency=90 * 257)).tolist() == [[[10] * 3, [200] * 3, white]]
    paletted = Image.fromarray(np.array([[0, 1, 2]], np.uint8), "P")
    paletted.putpalette([1, 2, 3, 4, 5, 6, 7, 8, 9])
    for form in ("PNG", "GIF"):
        assert pixels(encoded(paletted, form, transparency=1)).tolist() == [[[1, 2, 3], white, [7, 8, 9]]]
    keyed = encoded(Image.fromarray(NOISE), transparency=tuple(map(int, NOISE[3, 4])))
    assert pixels(keyed)[3, 4].tolist() == white
    assert np.array_equal(pixels(keyed)[0], NOISE[0])


def test_sixteen_bits_keep_the_upper_eight_in_every_format() -> None:
    deep = np.random.default_rng(1).integers(0, 2**16, (6, 9), np.uint16)
    for form in ("PNG", "TIFF"):
        assert np.array_equal(pixels(encoded(Image.fromarray(deep), form))[..., 1], deep >> 8)
    portable = b"P5 9 6 65535\n" + deep.astype(">u2").tobytes()
    assert np.array_equal(pixels(portable)[..., 2], deep >> 8)


TURNS = {
    1: lambda x: x, 2: np.fliplr, 3: lambda x: np.rot90(x, 2), 4: np.flipud, 5: lambda x: x.transpose(1, 0, 2),
    6: lambda x: np.rot90(x, -1), 7: lambda x: np.rot90(x, 2).transpose(1, 0, 2), 8: np.rot90,
}  # fmt: skip


@pytest.mark.parametrize("orientation", TURNS)
def test_every_orientation_is_turned_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    for form in ("PNG", "TIFF"):
        found = pixels(encoded(Image.fromarray(NOISE), form, exif=exif))
        assert np.array_equal(found, TURNS[orientation](NOISE))


def test_profiles_are_converted_to_srgb() -> None:
    swapped = encoded(Image.fromarray(NOISE), icc_profile=red_for_green())
    assert np.abs(pixels(swapped).astype(int) - NOISE[..., [1, 0, 2]]).max() <= 2
    alpha = np.full((6, 9), 255, np.uint8)
    alpha[0] = 0
    both = pixels(encoded(Image.fromarray(np.dstack([NOISE, alpha])), icc_profile=red_for_green()))
    assert (both[0] == 255).all()
    assert np.array_equal(both[1:], pixels(swapped)[1:])


@pytest.mark.parametrize(
    "profile",
    [ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), b"damaged" * 40, red_for_green()[:300]],
    ids=["srgb", "damaged", "half"],
)
def test_srgb_and_broken_profiles_change_no_pixel(profile: bytes) -> None:
    assert np.array_equal(pixels(encoded(Image.fromarray(NOISE), icc_profile=profile)), NOISE)


def test_a_profile_of_other_colours_than_the_image_has_is_ignored() -> None:
    grey = encoded(Image.fromarray(NOISE[..., 0]), icc_profile=red_for_green())
    assert np.array_equal(pixels(grey), np.repeat(NOISE[..., :1], 3, 2))


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_several_frames_the_first_counts(form: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ((200, 0, 0), (0, 0, 250))]
    how = {"lossless": True} if form == "WEBP" else {}
    content = encoded(frames[0], form, save_all=True, append_images=frames[1:], **how)
    assert getattr(Image.open(io.BytesIO(content)), "n_frames", 1) == 2
    assert (pixels(content) == [200, 0, 0]).all()


@pytest.mark.parametrize("size", [(9500, 9500), (15000, 15000)])
def test_bombs_are_refused_without_a_warning(size: tuple[int, int]) -> None:
    content = encoded(Image.new("1", size))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=r"more than 89,478,485"):
            decode_file(content)


def test_what_needs_another_program_is_not_opened() -> None:
    with pytest.raises(ValueError, match="it is not an image of a known format"):
        decode_file(encoded(Image.fromarray(NOISE), "EPS"))
    text = PngImagePlugin.PngInfo()
    text.add_text("bomb", "x" * 2_000_000, zip=True)
    assert np.array_equal(pixels(encoded(Image.fromarray(NOISE))), NOISE)
    with pytest.raises(ValueError, match="too large"):
        decode_file(encoded(Image.fromarray(NOISE), pnginfo=text))


@pytest.mark.parametrize("form", FORMATS)
def test_damaged_files_are_read_or_left_out_and_nothing_is_printed(
    form: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    noise = np.random.default_rng(FORMATS.index(form))
    whole, files = face(1, (12, 14), form=form), {}
    for i in range(60):
        damaged = bytearray(whole[: noise.integers(1, len(whole) + 1)])
        for place in noise.integers(0, len(damaged), noise.integers(0, 4)):
            damaged[place] = noise.integers(256)
        files[f"{i:02}.png"] = bytes(damaged)
    sources = listing_of(write(tmp_path / "faces", files)).sources
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made, unreadable = read_images(sources, pixels)
    assert len(made) + len(unreadable) == 60
    assert set(unreadable) <= set(files)
    assert all(reason and "\n" not in reason for reason in unreadable.values())
    assert capfd.readouterr() == ("", "")


def test_a_link_to_nowhere_is_left_out_by_name_and_a_pipe_is_not_read(tmp_path: Path) -> None:
    folder = write(tmp_path / "faces", {"a.png": face(0, (8, 8), form="PNG"), "notes.txt": b"", "b.HEIC": b""})
    (folder / "lost.png").symlink_to(tmp_path / "nowhere.png")
    os.mkfifo(folder / "pipe.png")
    listing = listing_of(folder)
    assert listing.others == ["b.HEIC", "notes.txt"]
    made, unreadable = read_images(listing.sources, pixels)
    assert len(made) == 1
    assert unreadable == {"lost.png": "No such file or directory"}


@pytest.mark.parametrize("name", ["._x.png", ".ipynb_checkpoints/x.png", "@eaDir/x.png", "__MACOSX/x.png", "Thumbs.db"])
def test_hidden_and_machine_made_files_are_not_there(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path / "faces", {"a.png": face(0, (8, 8), form="PNG"), name: face(1, (8, 8), form="PNG")})
    listing = listing_of(folder)
    assert ([source.name for source in listing.sources], listing.others) == (["a.png"], [])


def test_a_file_that_was_written_again_has_another_stamp(tmp_path: Path) -> None:
    folder = write(tmp_path / "faces", {"a.png": b"once"})
    (before,) = listing_of(folder).sources
    os.utime(folder / "a.png", ns=(1, 1_600_000_000_000_000_000))
    (after,) = listing_of(folder).sources
    assert (before.name, before.file) == (after.name, after.file)
    assert before.stamp != after.stamp


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_a_damaged_exif_block_changes_no_pixel(form: str) -> None:
    how = {"lossless": True} if form == "WEBP" else {}
    damaged = encoded(Image.fromarray(NOISE), form, exif=b"Exif\0\0" + bytes(16), **how)
    assert np.array_equal(pixels(damaged), NOISE)

"""From the content of an image file to 8-bit RGB, by rules that hold wherever images are read; imports no torch."""

from __future__ import annotations

import io
import warnings
from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops, ImageCms, ImageOps, UnidentifiedImageError

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""The formats that content may have, whatever the file's name; Pillow's others start programs, or need a size."""
LARGEST = 89_478_485
"""Pixels of an image, at most: from here on Pillow suspects a file that is made to fill the memory."""
SIXTEEN_BITS = ("PNG", "PPM")
"""Formats whose deepest grey has 16 bits: older versions of Pillow call them images of 32 bits."""
SAME = 2
"""Levels by which the colours of a profile may differ from sRGB and still count as sRGB: profiles round."""
GREYS = ("1", "L", "LA", "La")


def decode_file(content: bytes) -> Image.Image:
    """The image as 8-bit RGB, upright, on white, in sRGB. Raises errors of many types for damaged content."""
    with warnings.catch_warnings(action="ignore"):  # only errors matter here
        image = _upright(_open(content))
        alpha, colours = _alpha(image), _in_srgb(image)
    if alpha is None:
        return colours
    white = Image.new("RGB", image.size, "white")
    white.paste(colours, mask=alpha)
    return white


def _upright(image: Image.Image) -> Image.Image:
    """The image turned as its EXIF block says; as it is where the block is damaged, as in other viewers."""
    image.load()  # raises for damaged pixels
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # damaged blocks raise errors of many types
        return image


def _open(content: bytes) -> Image.Image:
    """The first frame. Raises `ValueError` where it is no image, or too large."""
    try:
        opened = Image.open(io.BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise ValueError("it is not an image of a known format") from error
    except Image.DecompressionBombError as error:
        raise ValueError(f"it has more than {LARGEST:,} pixels") from error
    if opened.width * opened.height > LARGEST:
        raise ValueError(f"it has {opened.width}×{opened.height} pixels, more than {LARGEST:,}")
    if opened.mode == "I" and opened.format in SIXTEEN_BITS:
        deep = Image.fromarray(np.asarray(opened).astype(np.uint16))
        deep.info = opened.info
        return deep
    return opened


def _alpha(image: Image.Image) -> Image.Image | None:
    """How opaque each pixel is; None where all are."""
    clear = image.info.get("transparency")
    if image.mode.startswith("I;16"):
        return None if clear is None else Image.fromarray(np.where(np.asarray(image) == clear, 0, 255).astype(np.uint8))
    if clear is None and image.mode not in ("LA", "La", "PA", "RGBA", "RGBa"):
        return None
    return image.convert("RGBA").getchannel("A")


def _in_srgb(image: Image.Image) -> Image.Image:
    colours, profile = _in_eight_bits(image), image.info.get("icc_profile")
    transform = _to_srgb(profile, colours.mode) if profile else None
    return colours.convert("RGB") if transform is None else transform.apply(colours)


def _in_eight_bits(image: Image.Image) -> Image.Image:
    """L, RGB or CMYK, without alpha; Pillow would cut off levels above 255."""
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError("it has 32 bits per pixel, and nothing says which of its values is white")
    mode = "L" if image.mode in GREYS else "CMYK" if image.mode == "CMYK" else "RGB"
    # Pillow converts premultiplied colours to RGB only by way of RGBA.
    straight = image.convert({"La": "LA", "RGBa": "RGBA"}[image.mode]) if image.mode.endswith("a") else image
    return straight.convert(mode)


@lru_cache(maxsize=16)
def _to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From an embedded profile to sRGB; None where it is sRGB, cannot be read, or is for images of another mode."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, len(mode)), np.uint8)
    colours = Image.frombytes(mode, (64, 64), noise.tobytes())
    try:
        read = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(read, ImageCms.createProfile("sRGB"), mode, "RGB")
        changes = np.asarray(ImageChops.difference(transform.apply(colours), colours.convert("RGB")))
    except (OSError, ValueError, ImageCms.PyCMSError):
        return None
    return transform if changes.max() > SAME else None

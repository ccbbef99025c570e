"""How made-up files come out: what stands for our code and Pillow's in the name of a prepared array."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from functools import cache

import numpy as np
from PIL import ExifTags, Image, ImageCms

from vaegan_bench.datasets.preparation.treatment import Treatment, treated


@cache
def specimen(treatment: Treatment) -> str:
    """A hash of made-up files of every kind after the treatment, so that no version number is needed."""
    files = _files(*(treatment.of or (150, 170)))
    return hashlib.sha256(b"".join(treated(file, treatment).tobytes() for file in files)).hexdigest()


def _files(width: int, height: int) -> Iterator[bytes]:
    """One file for each rule of decoding: transparency, depth, palette, profile, ink."""
    y, x, c = np.ogrid[:height, :width, :4]
    noise_HW4 = ((7 * x * x + 3 * y * y + 5 * x * y + 11 * c) % 256).astype(np.uint8)
    translucent, deep = Image.fromarray(noise_HW4), noise_HW4[:, :, 0].astype(np.uint16) * 257
    colours = translucent.convert("RGB")
    yield _file(colours, "JPEG")
    yield _file(translucent, "PNG")
    yield _file(translucent.convert("LA"), "PNG")
    yield _file(Image.fromarray(deep), "PNG")
    yield _file(colours.quantize(16, Image.Quantize.FASTOCTREE), "PNG", transparency=3)
    yield _file(colours, "PNG", icc_profile=red_for_green())
    yield _file(colours.convert("CMYK"), "JPEG")


def red_for_green() -> bytes:
    """A profile whose red is the green of sRGB, and the other way round."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"----").replace(b"gXYZ", b"rXYZ").replace(b"----", b"gXYZ")


def _file(image: Image.Image, form: str, **how: object) -> bytes:
    """An image file that says that its image stands on its head."""
    exif, content = Image.Exif(), io.BytesIO()
    exif[ExifTags.Base.Orientation] = 3
    image.save(content, form, exif=exif, **how)
    return content.getvalue()

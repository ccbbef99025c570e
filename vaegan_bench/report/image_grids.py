"""Grids of images as files: of one run, or of new samples."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vaegan_bench.report import plots
from vaegan_bench.results.measurements import Images
from vaegan_bench.system.errors import StoreError
from vaegan_bench.system.files import replace_file

Array = np.ndarray[Any, np.dtype[np.uint8]]

TOO_LARGE = (ValueError, OverflowError, RuntimeError, struct.error)
"""What formats raise that hold fewer pixels per side, such as WebP with 16,383."""
COLUMNS = 8
"""Images per row of a run's grids."""


def write_grids(path: Path, kept: Images) -> list[Path]:
    """samples.png and reconstructions.png of one run: originals in the odd rows, reconstructions below them."""
    paths = [save_grid(kept["samples"], COLUMNS, path / "samples.png")]
    if "reconstructions" in kept:
        columns = min(COLUMNS, len(kept["originals"]))
        pairs = interleave(kept["originals"], kept["reconstructions"], columns)
        paths.append(save_grid(pairs, columns, path / "reconstructions.png"))
    return paths


def interleave(above: Array, below: Array, columns: int) -> Array:
    """Rows of `above` and `below` in turn, `columns` images each; (2N, H, W, C)."""
    n = len(above) // columns * columns
    rows = [part[:n].reshape(-1, columns, *part.shape[1:]) for part in (above, below)]
    return np.stack(rows, axis=1).reshape(-1, *above.shape[1:])


def save_grid(images: Array, columns: int, path: Path) -> Path:
    """Write (N, H, W, C) uint8 images as one grid, each pixel doubled. Raises `StoreError` if it cannot."""
    pixels = plots.grid(images, columns)
    height, width = pixels.shape[:2]
    doubled = Image.fromarray(pixels.squeeze()).resize((2 * width, 2 * height), Image.Resampling.NEAREST)
    try:
        with replace_file(path) as partial:
            doubled.save(partial, format=image_format(path))
    except TOO_LARGE as error:
        raise StoreError(f"Cannot write the image {path}: {error}. Choose a name that ends in .png.") from error
    return path


def image_format(path: Path) -> str:
    """The format of an image file. Raises `StoreError` for a name that ends in none that can be written."""
    found = Image.registered_extensions().get(path.suffix.lower(), "")
    if found not in Image.SAVE:
        raise StoreError(f"Cannot write the image {path}: choose a name that ends in .png.")
    return found

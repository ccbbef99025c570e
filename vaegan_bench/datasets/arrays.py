"""Arrays of images on disk, each with a manifest that says what it is: read only if whole and made by one recipe."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from vaegan_bench.system.claims import claimed
from vaegan_bench.system.errors import DataError
from vaegan_bench.system.files import remove_strays, replace_file, sha256_of_file

Pixels = npt.NDArray[np.uint8]
Recipe = Mapping[str, Any]
"""All that decides the images, as JSON."""
Found = TypeVar("Found")


class Array(NamedTuple):
    """An array that lies on disk, with its manifest."""

    pixels: Pixels
    """(N, C, H, W), mapped from the file: read as it is used, and never written back."""
    manifest: Mapping[str, Any]
    """The recipe, with `shape`, `sha256`, and what else was found in the making."""


def array_of(folder: Path, recipe: Recipe) -> Path:
    """The file for the pixels of a recipe."""
    key = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:16]
    return folder / f"{key}.uint8"


def read_array(array: Path, recipe: Recipe) -> Array | None:
    """The array on disk; None where it is absent, damaged or made by another recipe."""
    wanted = json.loads(json.dumps(recipe))  # in the form in which JSON is read back
    try:
        manifest = json.loads(array.with_suffix(".json").read_bytes())
        if manifest != {**manifest, **wanted, "sha256": sha256_of_file(array)}:
            return None
        pixels = np.memmap(array, np.uint8, "c").reshape(manifest["shape"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Array(pixels, manifest)


def write_manifest(array: Path, recipe: Recipe, **found: object) -> None:
    """Write the manifest of an array that was just put in place: its recipe, its `shape`, and what else was found."""
    manifest = {**recipe, **found, "sha256": sha256_of_file(array)}
    with replace_file(array.with_suffix(".json")) as unfinished:
        unfinished.write_text(json.dumps(manifest, indent=2), encoding="utf-8")


def keep(
    name: str,
    array: Path,
    read: Callable[[], Found | None],
    make: Callable[[], object],
    waiting: Callable[[], object] = lambda: None,
) -> Found:
    """What `read` finds on disk, after `make` where it finds nothing: one process makes it, and the others wait.

    Raises `DataError` where nothing can be kept there.
    """
    if (found := read()) is not None:
        return found
    try:
        array.parent.mkdir(parents=True, exist_ok=True)
        with claimed(array, waiting):
            if (found := read()) is None:
                remove_strays(array.parent)
                make()
                found = read()
    except OSError as error:
        raise DataError(
            f"Cannot keep {name} in {array.parent}: {error.strerror or error}. Choose another cache with --cache-dir."
        ) from error
    if found is None:
        raise DataError(f"{array} does not hold what was just written there: check the disk.")
    return found

"""Keep drawn images on disk: written whole or not at all, and believed only if their hash agrees."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

import numpy as np

from vaegan_bench.datasets.avatars.drawing import Pixels

Recipe = Mapping[str, object]
"""All that decides the images, as JSON."""


def recall(folder: Path, recipe: Recipe, make: Callable[[], Pixels]) -> Pixels:
    """The array that `recipe` describes, from `folder`, or made and kept there where it is missing or damaged.

    Several processes may do so at once: all write the same bytes, and each file appears whole.
    """
    images = _read(folder, recipe)
    if images is None:
        images = make()
        _write(folder, recipe, images)
    return images


def _paths(folder: Path, recipe: Recipe) -> tuple[Path, Path]:
    key = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:16]
    return folder / f"{key}.npy", folder / f"{key}.json"


def _read(folder: Path, recipe: Recipe) -> Pixels | None:
    array_path, manifest_path = _paths(folder, recipe)
    try:
        manifest = json.loads(manifest_path.read_bytes())
        with array_path.open("rb") as file:
            # Hashed before it is parsed: NumPy's errors on damaged headers are many.
            if manifest != {**recipe, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}:
                return None
            file.seek(0)
            images: Pixels = np.load(file)
            return images
    except (OSError, ValueError):
        return None


def _write(folder: Path, recipe: Recipe, images: Pixels) -> None:
    array_path, manifest_path = _paths(folder, recipe)
    folder.mkdir(parents=True, exist_ok=True)
    digest = _replace(array_path, lambda file: np.save(file, images))
    manifest = json.dumps({**recipe, "sha256": digest}, indent=2)
    _replace(manifest_path, lambda file: file.write(manifest.encode()))


def _replace(path: Path, write: Callable[[IO[bytes]], object]) -> str:
    """Put a file in place at once; the SHA-256 of what it holds."""
    # Not `tempfile`: its files are for their owner only, and caches are shared.
    unfinished = path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with unfinished.open("xb+") as file:
            write(file)
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return digest

"""An array of images and what is known of it, on disk; read only if it is whole and made by the same recipe."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL

from vaegan_bench.datasets.preparation.sources import Source
from vaegan_bench.datasets.preparation.specimen import specimen
from vaegan_bench.datasets.preparation.treatment import Pixels, Treatment

Recipe = Mapping[str, Any]
"""All that decides the images, as JSON."""


@dataclass(frozen=True)
class Prepared:
    """What a preparation ended in."""

    pixels: Pixels
    """(N, 3, size, size), mapped from the file: read as it is used, and never written back."""
    kept_N: npt.NDArray[np.int64]
    """Which of the sources it holds."""
    sha256: str
    """Of the pixels."""
    left_out: Mapping[str, str]
    """Images that could not be read, or were not to be used, with the reason."""


def recipe_of(sources: Sequence[Source], treatment: Treatment, left_out: Mapping[str, str]) -> Recipe:
    """What decides a preparation; the place of the sources is no part of it."""
    listed = "\n".join(f"{source.name} {source.stamp}" for source in sources)
    plain = {
        "treatment": treatment._asdict(),
        "specimen": specimen(treatment),
        "images": len(sources),
        "sources": hashlib.sha256(listed.encode()).hexdigest(),
        "left_out": left_out,
    }
    recipe: Recipe = json.loads(json.dumps(plain))  # as it comes back from a file
    return recipe


def array_of(folder: Path, recipe: Recipe) -> Path:
    """Where the pixels of a recipe lie."""
    key = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:16]
    return folder / f"{key}.uint8"


def manifest_of(array: Path) -> Path:
    """The file beside an array that says what it is; it appears last."""
    return array.with_suffix(".json")


def recall(array: Path, recipe: Recipe, sources: Sequence[Source]) -> Prepared | None:
    """What lies on disk; None where it is absent or damaged."""
    try:
        manifest = json.loads(manifest_of(array).read_bytes())
        with array.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        if manifest != {**manifest, **recipe, "sha256": sha256}:
            return None
        kept_N = np.array([i for i, source in enumerate(sources) if source.name not in manifest["skipped"]], np.int64)
        size = recipe["treatment"]["size"]
        pixels = np.memmap(array, np.uint8, "c").reshape(len(kept_N), 3, size, size)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Prepared(pixels, kept_N, sha256, {**manifest["skipped"], **manifest["left_out"]})


def describe(recipe: Recipe, skipped: Mapping[str, str], sha256: str) -> str:
    """The text of a manifest."""
    size = recipe["treatment"]["size"]
    shape = [recipe["images"] - len(skipped), 3, size, size]
    found = {"shape": shape, "skipped": skipped, "sha256": sha256, "pillow": PIL.__version__}
    return json.dumps({**recipe, **found}, indent=2)

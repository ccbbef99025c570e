"""Measure any autoencoder from two folders: images, and the reconstructions of the same images."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pandas as pd
import torch

from vaegan_bench.api import DataError, Metric
from vaegan_bench.datasets.preparation.sources import images_in
from vaegan_bench.evaluation.folders import measure_sides, refuse
from vaegan_bench.evaluation.given_images import GivenImages, data_of
from vaegan_bench.evaluation.image_folder import ImageFolder, read_folder
from vaegan_bench.evaluation.references import LoadedReferences

NAMED = 3
"""The number of images that an error names on each side, at most."""
Pairs = list[tuple[str, str]]
"""(name of an original, name of its reconstruction)."""


def measure_pairs(
    originals: Path,
    reconstructions: Path,
    metrics: Sequence[Metric],
    references: LoadedReferences,
    say: Callable[[str], object],
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Measure the reconstructions in one folder against their originals in another; return rows and problems.

    `say` is called with a line on each folder, and on how they were paired, before anything is measured. Raises
    `StudyError` for metrics that need more than pairs, `DataError` for folders that cannot be read or paired.
    """
    refuse([metric for metric in metrics if not metric.pairs_suffice], "more than originals and reconstructions")
    paths = {"originals": originals, "reconstructions": reconstructions}
    pairs, how = pair(*(_names(path) for path in paths.values()))
    read = {side: read_folder(path, references.progress) for side, path in paths.items()}
    lines = [*(f"{side}: {folder}" for side, folder in read.items()), how]
    sides = dict(zip(paths, aligned(pairs, *read.values()), strict=True))
    for line in lines:
        say(line)
    real, decoded = (side.images_NCHW for side in sides.values())
    return measure_sides(GivenImages(references.of(data_of(real)), real[:0], decoded), sides, metrics, lines)


def pair(originals: Sequence[str], reconstructions: Sequence[str]) -> tuple[Pairs, str]:
    """Each original with its reconstruction, and a line on how they were paired.

    They are paired by their names without suffixes if both sides have the same; in the order of their names if no name
    is common and the counts are equal. Raises `DataError` otherwise, with examples: to pair the rest would compare
    wrong images.
    """
    firsts, seconds = (_by_stem(names) for names in (originals, reconstructions))
    if firsts.keys() == seconds.keys():
        return [(name, seconds[stem]) for stem, name in firsts.items()], "paired by name"
    if firsts.keys() & seconds.keys() or len(originals) != len(reconstructions):
        raise DataError(_mismatch(firsts, seconds))
    pairs = list(zip(sorted(originals, key=_natural), sorted(reconstructions, key=_natural), strict=True))
    ends = ", ".join(f"{first} with {second}" for first, second in dict.fromkeys([pairs[0], pairs[-1]]))
    return pairs, f"no names are equal: paired in their order, {ends}"


def aligned(pairs: Pairs, *folders: ImageFolder) -> list[ImageFolder]:
    """The folders with their images in the order of the pairs, without pairs of which one image cannot be read.

    Raises `DataError` where the two sides have images of different sizes.
    """
    places = [{name: place for place, name in enumerate(folder.names)} for folder in folders]
    whole = [names for names in pairs if all(name in known for name, known in zip(names, places, strict=True))]
    sizes = [folder.size for folder in folders]
    if len(set(sizes)) > 1:
        raise DataError(
            f"{folders[0].path} has images of {sizes[0]} pixels, and {folders[1].path} of {sizes[1]}: "
            "reconstructions must have the size of their originals. Resize one side before you measure."
        )
    order_N2 = torch.tensor([[known[name] for name, known in zip(names, places, strict=True)] for names in whole])
    return [
        replace(folder, images_NCHW=folder.images_NCHW[index_N])
        for folder, index_N in zip(folders, order_N2.T, strict=True)
    ]


def _names(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}.")
    return [source.name for source in images_in(folder).sources]


def _by_stem(names: Sequence[str]) -> dict[str, str]:
    """Name without suffix → name. Raises `DataError` where two names differ only in their suffix."""
    found: dict[str, str] = {}
    for name in names:
        stem = str(PurePosixPath(name).with_suffix(""))
        if stem in found:
            raise DataError(f"{found[stem]} and {name} differ only in their suffix, and cannot be paired by name.")
        found[stem] = name
    return found


def _mismatch(firsts: Mapping[str, str], seconds: Mapping[str, str]) -> str:
    """An error message that names the images on one side only."""
    lone = [
        f"{len(ours)} {side} without {other} ({', '.join(ours[:NAMED])}{', …' if len(ours) > NAMED else ''})"
        for side, other, ours in (
            ("originals", "a reconstruction", [name for stem, name in firsts.items() if stem not in seconds]),
            ("reconstructions", "an original", [name for stem, name in seconds.items() if stem not in firsts]),
        )
        if ours
    ]
    total = f"{len(firsts)} originals and {len(seconds)} reconstructions cannot be paired"
    return f"{total}: {' and '.join(lone)}. Give both the same names, or remove these."


def _natural(name: str) -> list[tuple[int, int, str]]:
    """A sort key that puts 2.png before 10.png, and treats 002.png as 2.png."""
    parts = re.split(r"(\d+)", name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]

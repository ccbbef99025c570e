"""Published files of weights: where they lie, how they are fetched, and how they are verified."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from vaegan_bench.api import ExtractorError, Progress, silent
from vaegan_bench.system.files import sha256_of_file
from vaegan_bench.system.paths import user_path

FETCH_NOTHING = "VAEGAN_BENCH_OFFLINE"
"""The environment variable that keeps gigabytes of weights from being fetched."""
OFFLINE = "or use the extractor 'efflite0', which needs no download"


class WeightsFile(NamedTuple):
    """A file of weights on disk."""

    path: Path
    digest: str
    """Its SHA-256, in hexadecimal."""


@dataclass(frozen=True, kw_only=True)
class PublishedWeights:
    """One published file, and the extractor that is named after it."""

    extractor: str
    url: str
    sha256: str
    """The first digits of its SHA-256; '' where nobody has published any."""
    file: str
    """Its name in torch.hub's folder, where torch-fidelity looks for it, too."""

    @property
    def path(self) -> Path:
        """Where torch.hub, and so torch-fidelity, keeps it."""
        return user_path(torch.hub.get_dir()) / "checkpoints" / self.file


def known_file(
    published: PublishedWeights, given: str | None, progress: Progress = silent, also: str = ""
) -> WeightsFile:
    """The published file: at the path `given`, or in torch.hub's folder, where it is fetched if absent.

    Raises `ExtractorError` where it is missing, or another file lies there; `also` ends the advice given then.
    """
    found = file_at(given, published) if given is not None else _in_hub(published, progress)
    if not found.digest.startswith(published.sha256):
        advice = "it is damaged, remove it" if given is None else f"give {published.url}{also}"
        raise ExtractorError(
            f"{found.path} does not hold the known weights of '{published.extractor}' (its SHA-256 starts with "
            f"{found.digest[:8]}, theirs with {published.sha256[:8]}): {advice}."
        )
    return found


def file_at(given: str, published: PublishedWeights) -> WeightsFile:
    """Any file at the path `given`. Raises `ExtractorError` where there is none."""
    path = user_path(given)
    if not path.is_file():
        raise ExtractorError(
            f"The weights of '{published.extractor}' are not at {path}: put {published.url} there, {OFFLINE}."
        )
    return WeightsFile(path, sha256_of_file(path))


def plain_tensors(path: Path, extractor: str) -> Mapping[str, Tensor]:
    """The named tensors in a file, read without running anything that it may hold.

    Raises `ExtractorError` where it is damaged or holds more than tensors.
    """
    try:
        state: Mapping[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damage makes the unpickler raise errors of many types
        raise not_weights_of(path, extractor) from error
    return state


def not_weights_of(path: Path, extractor: str) -> ExtractorError:
    """The error for a file with other content."""
    return ExtractorError(f"{path} does not hold weights of '{extractor}': give the file that is published for it.")


def _in_hub(published: PublishedWeights, progress: Progress) -> WeightsFile:
    path = published.path
    if not path.is_file():
        progress(f"fetching {path.name}", 0, 1)
        _fetch(published, path)
        progress(f"fetching {path.name}", 1, 1)
    return WeightsFile(path, sha256_of_file(path))


def _fetch(published: PublishedWeights, path: Path) -> None:
    try:
        if os.environ.get(FETCH_NOTHING):
            raise OSError(f"{FETCH_NOTHING} is set")
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(published.url, str(path), published.sha256 or None, progress=False)
    except (OSError, RuntimeError, HTTPException) as error:
        reason = str(error).partition("\n")[0]
        raise ExtractorError(
            f"The weights of '{published.extractor}' could not be fetched ({reason}): put {published.url} at {path}, "
            f"{OFFLINE}."
        ) from error

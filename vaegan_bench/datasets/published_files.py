"""Published files: fetched whole or not at all, and verified by their MD5."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path, PurePath
from typing import NamedTuple
from urllib.request import Request, urlopen

from vaegan_bench.api import DataError, Progress
from vaegan_bench.system.files import replace_file
from vaegan_bench.system.vision import load_torchvision

PATIENCE = 30
"""Seconds without an answer after which an address is given up."""
CHUNK = 1 << 20


class PublishedFile(NamedTuple):
    """One file to download."""

    path: str
    """Its path below the data set's folder."""
    addresses: tuple[str, ...]
    """Where it is published: the next one is tried if one does not answer."""
    md5: str
    """As its makers publish it, in hexadecimal."""


def fetch_files(files: Sequence[PublishedFile], folder: Path, progress: Progress) -> None:
    """Download the files that are missing or damaged in `folder`.

    Raises `DataError` that names all files that are still missing, their addresses, and where to put them.
    """
    missing = [file for file in files if not _is_whole(folder / file.path, file.md5)]
    for done, file in enumerate(missing):
        with replace_file(folder / file.path) as unfinished:
            try:
                _fetch(file, unfinished, progress)
            except (OSError, HTTPException) as error:
                reason = str(error).partition("\n")[0]
                put = by_hand(missing[done:], folder)
                raise DataError(f"Cannot fetch {file.path} ({reason}): put {put} by hand, then try again.") from error


def by_hand(files: Sequence[PublishedFile], folder: Path) -> str:
    """The addresses to fetch by hand, and the folder for the files: '…, … into …'."""
    addresses = ", ".join(file.addresses[0] for file in files)
    return f"{addresses} into {(folder / files[0].path).parent}"


def _fetch(file: PublishedFile, path: Path, progress: Progress) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    *others, last = file.addresses
    for address in others:
        with suppress(OSError, HTTPException):
            return _download(address, file, path, progress)
    return _download(last, file, path, progress)


def _download(address: str, file: PublishedFile, path: Path, progress: Progress) -> None:
    request = Request(address, headers={"User-Agent": "vaegan-bench"})  # some servers refuse urllib's own
    with urlopen(request, timeout=PATIENCE) as answer, path.open("wb") as copy:
        total = int(answer.headers.get("Content-Length") or 0)
        while chunk := answer.read(CHUNK):
            copy.write(chunk)
            progress(f"fetching {PurePath(file.path).name}", copy.tell(), max(total, copy.tell()))
    if not _is_whole(path, file.md5):
        raise OSError(f"the file at {address} does not have the MD5 {file.md5}")


def _is_whole(path: Path, md5: str) -> bool:
    return bool(load_torchvision().datasets.utils.check_integrity(path, md5))

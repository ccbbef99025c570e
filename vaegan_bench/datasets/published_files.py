"""Files that their makers publish: fetched whole or not at all, and known by their MD5."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple
from urllib.request import Request, urlopen

from vaegan_bench.api import DataError, Progress

PATIENCE = 30
"""Seconds without an answer after which an address is given up."""
CHUNK = 1 << 20


class PublishedFile(NamedTuple):
    """One file to download."""

    path: str
    """Where it goes, below the data set's folder."""
    addresses: tuple[str, ...]
    """Where it is published: the next one is tried if one does not answer."""
    md5: str
    """As its makers publish it, in hexadecimal."""


def fetch_files(files: Sequence[PublishedFile], folder: Path, progress: Progress) -> None:
    """Download what is not whole in `folder`.

    Raises `DataError` that names all files that are still missing, their addresses, and where to put them.
    """
    missing = [file for file in files if not _is_whole(folder / file.path, file.md5)]
    for done, file in enumerate(missing):
        try:
            _fetch(file, folder / file.path, progress)
        except (OSError, HTTPException) as error:
            reason = str(error).partition("\n")[0]
            wanted = by_hand(missing[done:], folder)
            raise DataError(f"Cannot fetch {file.path} ({reason}): put {wanted} by hand, then try again.") from error


def by_hand(files: Sequence[PublishedFile], folder: Path) -> str:
    """Which addresses to fetch and where to put what is there: '…, … into …'."""
    addresses = ", ".join(file.addresses[0] for file in files)
    return f"{addresses} into {(folder / files[0].path).parent}"


def _fetch(file: PublishedFile, path: Path, progress: Progress) -> None:
    *others, last = file.addresses
    for address in others:
        with suppress(OSError, HTTPException):
            return _download(address, file.md5, path, progress)
    return _download(last, file.md5, path, progress)


def _download(address: str, md5: str, path: Path, progress: Progress) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        _copy(address, unfinished, f"fetching {path.name}", progress)
        if not _is_whole(unfinished, md5):
            raise OSError(f"the file at {address} does not have the MD5 {md5}")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _copy(address: str, path: Path, description: str, progress: Progress) -> None:
    request = Request(address, headers={"User-Agent": "vaegan-bench"})  # some servers refuse urllib's own
    with urlopen(request, timeout=PATIENCE) as answer, path.open("wb") as file:
        total = int(answer.headers.get("Content-Length") or 0)
        while chunk := answer.read(CHUNK):
            file.write(chunk)
            progress(description, file.tell(), max(total, file.tell()))


def _is_whole(path: Path, md5: str) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest() == md5

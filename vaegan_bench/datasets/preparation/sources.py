"""Sources of images: files in a folder, or members of an archive, read without unpacking it."""

from __future__ import annotations

import gzip
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Literal, NamedTuple, cast

from vaegan_bench.datasets.preparation.words import describe_ignored
from vaegan_bench.system.errors import DataError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".ppm", ".gif", ".tif", ".tiff")
MACHINE_MADE = (".", "@eaDir", "__MACOSX", "Thumbs.db", "desktop.ini", "$RECYCLE.BIN", "lost+found")
"""How the names of hidden and machine-made files and folders begin."""
ARCHIVES = (".zip", ".tgz", ".tar.gz", ".tar")
Packing = Literal["none", "tar", "stored", "deflated"]
ZIPPED: dict[int, Packing] = {zipfile.ZIP_STORED: "stored", zipfile.ZIP_DEFLATED: "deflated"}
LOCAL_HEADER = 30
"""Bytes of a zip member's own header before its name; the last four are the lengths of name and extra field."""


class Source(NamedTuple):
    """One image file."""

    name: str
    """Its path in the folder or archive, with forward slashes."""
    file: str
    """The file to open: the image itself, or the archive."""
    stamp: str
    """Changes when the content does: the checksum of a zip's member, otherwise size and time of the file."""
    packing: Packing = "none"
    offset: int = 0
    """Where it starts in the (uncompressed) archive; of a zip's member, where its header does."""
    length: int = 0
    """Bytes in the archive."""


class Listing(NamedTuple):
    """The files in a folder or archive."""

    sources: list[Source]
    """All images, in the order of their names."""
    others: list[str]
    """Names of the other files, without hidden and machine-made ones."""


def locate(name: str, folder: Path, needs: Mapping[str, Sequence[str]], origin: str) -> list[Path]:
    """The paths of files and folders that only the user can fetch: for each, the first of its places that exists.

    `needs` maps what to put into `folder`, in words, to its possible places there. Raises `DataError`, which names all
    that are missing.
    """
    found = {need: [folder / place for place in places if (folder / place).exists()] for need, places in needs.items()}
    if missing := [need for need, paths in found.items() if not paths]:
        raise DataError(f"{name} is not complete in {folder}. Put there {'; '.join(missing)}. {origin}")
    return [paths[0] for paths in found.values()]


def listing_of(place: Path) -> Listing:
    """All files in a folder with its folders, or in an archive. Raises `DataError` where it cannot be read."""
    listed = _in_folder if place.is_dir() else _in_zip if place.suffix == ".zip" else _in_tar
    try:
        found = sorted(source for source in listed(place) if not any(map(_is_hidden, source.name.split("/"))))
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, tarfile.TarError) as error:
        advice = "" if place.is_dir() else " Fetch it again."
        raise DataError(f"Cannot read {place}: {error}.{advice}") from error
    sources = [source for source in found if source.name.lower().endswith(SUFFIXES)]
    for source in sources:
        try:
            source.name.encode()
        except UnicodeEncodeError as error:
            raise DataError(f"{place}: the name {source.name!a} is not UTF-8: rename the file.") from error
    return Listing(sources, [source.name for source in found if not source.name.lower().endswith(SUFFIXES)])


def images_in(folder: Path) -> Listing:
    """All files in a folder with its folders. Raises `DataError` also where no image is among them."""
    listing = listing_of(folder)
    if not listing.sources:
        others = "".join(f"; {words}" for words in describe_ignored(listing.others))
        raise DataError(f"{folder} holds no images ({', '.join(SUFFIXES)}){others}.")
    return listing


def by_file_name(place: Path) -> dict[str, Source]:
    """The images of a folder or archive by the last part of their path. Raises `DataError` where two have the same."""
    found: dict[str, Source] = {}
    for source in listing_of(place).sources:
        name = source.name.rpartition("/")[2]
        if name in found:
            raise DataError(f"{place} holds two images {name}: {found[name].name} and {source.name}. Remove one.")
        found[name] = source
    return found


def _is_hidden(part: str) -> bool:
    """Whether a file or folder is hidden, or was made by a machine: thumbnails, checkpoints, twins of macOS's files."""
    return part.startswith(MACHINE_MADE) and part not in (".", "..")


def _in_folder(place: Path) -> Iterator[Source]:
    visited = set()
    for folder, inner, files in os.walk(place, followlinks=True, onerror=_raise):
        real = os.path.realpath(folder)
        if real in visited:  # a link may lead back to a folder that it is in
            inner.clear()
            continue
        visited.add(real)
        # Sorted, so that of two links to one folder the same is followed on every machine.
        inner[:] = sorted(name for name in inner if not _is_hidden(name))
        # Strings, not paths: there may be hundreds of thousands.
        inside = Path(folder).relative_to(place).as_posix()
        prefix = "" if inside == "." else f"{inside}/"
        for file in files:
            path = os.path.join(folder, file)
            if (stamp := stamp_of(path)) is not None:
                yield Source(f"{prefix}{file}", path, stamp)


def _raise(error: OSError) -> None:
    raise error


def _in_zip(place: Path) -> Iterator[Source]:
    with zipfile.ZipFile(place) as archive:
        for member in (each for each in archive.infolist() if not each.is_dir()):
            if member.compress_type not in ZIPPED or member.flag_bits & 1:
                raise zipfile.BadZipFile(f"{member.filename} is encrypted, or compressed in a rare way")
            where = ZIPPED[member.compress_type], member.header_offset, member.compress_size
            yield Source(member.filename, str(place), f"{member.CRC:08x}", *where)


def _in_tar(place: Path) -> Iterator[Source]:
    stamp = str(stamp_of(place))
    with tarfile.open(place) as archive:
        for member in archive:
            if member.isfile():
                yield Source(member.name, str(place), stamp, "tar", member.offset_data, member.size)


def stamp_of(file: str | Path) -> str | None:
    """Size and time of a file; None for anything else: reading a pipe would never end."""
    try:
        found = os.stat(file)
    except OSError:
        return "cannot be read"  # a broken link: reading it raises the error
    return f"{found.st_size} {found.st_mtime_ns}" if stat.S_ISREG(found.st_mode) else None


def content_of(source: Source, archive: Callable[[str], IO[bytes]]) -> bytes:
    """The content of an image file; `archive` opens its archive. Fast if called in the order of offsets.

    Raises `OSError`, `ValueError` or an error of zlib where it is damaged.
    """
    if source.packing == "none":
        return Path(source.file).read_bytes()
    stream = archive(source.file)
    stream.seek(source.offset)
    return stream.read(source.length) if source.packing == "tar" else _unzip(stream, source)


def open_archive(file: str) -> IO[bytes]:
    """An archive, opened for reading; decompressed where the whole file is compressed by gzip."""
    with open(file, "rb") as start:
        zipped = start.read(2) == b"\x1f\x8b"
    return cast(IO[bytes], gzip.open(file)) if zipped else open(file, "rb")


def _unzip(stream: IO[bytes], source: Source) -> bytes:
    header = stream.read(LOCAL_HEADER)
    stream.seek(sum(struct.unpack("<HH", header[-4:])), os.SEEK_CUR)
    packed = stream.read(source.length)
    content = zlib.decompress(packed, -zlib.MAX_WBITS) if source.packing == "deflated" else packed
    if f"{zlib.crc32(content):08x}" != source.stamp:
        raise ValueError("its checksum differs from the one in the archive")
    return content

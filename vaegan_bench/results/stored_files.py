"""The files of a run or of rulers, in their folder or in the archive of the study."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from zipfile import ZipFile

from vaegan_bench.results.files import error_of, readable
from vaegan_bench.system.errors import StoreError
from vaegan_bench.system.files import Stamp, stamp_of

RUN = "run.json"
"""Present once training has ended."""
ARCHIVE = "records.zip"
"""Holds the records of a study's runs, without weights and arrays: RUN/run.json, RUN/history.csv, RUN/metrics.json."""
MOVE_AWAY = "Move it away: `vaegan-bench report` with --archive writes it again, from the folders of the runs."
LARGEST = 2**26
"""Bytes of one file in an archive: the records of a run are never so large."""
Stamps = tuple[str | Stamp | None, ...]
"""The path of a folder, and the stamps of files in it."""
FIXED_DATE = (1980, 1, 1, 0, 0, 0)
"""The date of every file in an archive, so that equal records make equal archives."""


@dataclass(frozen=True)
class StoredFiles:
    """The files of one folder of a study, for reading: from the folder, or else from the archive of the study."""

    folder: Path
    hides: str = RUN
    """The file that hides all archived ones where it is in the folder; '' if each hides only that of its own name."""

    @property
    def archive(self) -> Path:
        """The archive of the study, which may not be there."""
        return self.folder.parent / ARCHIVE

    def place(self, name: str) -> Path:
        """The path of a file, for messages."""
        return self._archived(name) if self._is_archived(name) else self.folder / name

    def has(self, name: str) -> bool:
        """Whether a file is there; an archive that cannot be read has none."""
        return stamp_of(os.path.join(self.folder, name)) is not None or self._is_archived(name)

    def read(self, name: str) -> bytes:
        """The content of a file. Raises `OSError`, and whatever damage raises: read inside of `readable`."""
        if not self._is_archived(name):
            return (self.folder / name).read_bytes()
        return _content_of(f"{self.folder.name}/{name}", _opened(self.archive))

    def arrays(self) -> list[str]:
        """The names of the files of arrays in the folder."""
        with suppress(OSError):
            return self._there(".npz")
        return []

    def names(self, suffix: str) -> list[str]:
        """The names of all files with this suffix, in the folder and in the archive, if that can be read.

        Raises `StoreError` for a folder that cannot be read.
        """
        with readable(self.folder):
            there = self._there(suffix)
        paths = [name.split("/") for name in _names_in(self.archive) if name.endswith(suffix)]
        return sorted({*there, *(path[1] for path in paths if path[:-1] == [self.folder.name])})

    def _there(self, suffix: str) -> list[str]:
        with suppress(FileNotFoundError, NotADirectoryError):
            return sorted(name for name in os.listdir(self.folder) if name.endswith(suffix) and name[0] != ".")
        return []

    def stamps(self, names: Iterable[str]) -> Stamps:
        """The path of the folder, and the stamps of these files: equal as long as nothing changes."""
        place = os.path.join(os.getcwd(), self.folder)
        stamps = [stamp_of(f"{place}{os.sep}{name}") for name in names]
        return place, None if any(stamps) else stamp_of(self.archive), *stamps

    def _archived(self, name: str) -> Path:
        return self.archive / self.folder.name / name

    def _is_archived(self, name: str) -> bool:
        if stamp_of(self.folder / (self.hides or name)) is not None:
            return False
        return f"{self.folder.name}/{name}" in _names_in(self.archive)


def archive_damage(path: Path) -> str:
    """Why an archive cannot be read; '' where it can, or where there is none."""
    return error_of(lambda: _listed(path))


def _names_in(archive: Path) -> Collection[str]:
    """The names of the files in an archive; none where it cannot be read."""
    with suppress(StoreError):
        return _listed(archive)
    return ()


def _listed(archive: Path) -> Collection[str]:
    if stamp_of(archive) is None:
        return ()
    with readable(archive, MOVE_AWAY):
        return _opened(archive).NameToInfo


def _opened(archive: Path) -> ZipFile:
    return _open_archive(os.path.abspath(archive), stamp_of(archive))


@lru_cache(maxsize=4)
def _open_archive(path: str, stamp: Stamp | None) -> ZipFile:
    """Open an archive once as long as it does not change: the list of its files is as long as the study."""
    return ZipFile(path)


def _content_of(name: str, archive: ZipFile) -> bytes:
    member = archive.getinfo(name)
    if member.file_size > LARGEST:
        raise ValueError(f"it holds {member.file_size:,} bytes")
    return archive.read(member)


def read_archive(path: Path, is_wanted: Callable[[str], bool] = bool) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file in an archive whose name is wanted; nothing where there is no archive.

    Raises `StoreError` for damage.
    """
    for name in filter(is_wanted, _listed(path)):
        with readable(path / name, MOVE_AWAY):
            content = _content_of(name, _opened(path))
        yield name, content


def write_archive(path: Path, contents: Iterable[tuple[str, bytes]]) -> None:
    """Write name → content as a zip file; equal contents give equal bytes."""
    with ZipFile(path, "w") as archive:
        for name, content in contents:
            member = zipfile.ZipInfo(name, FIXED_DATE)
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, content, compresslevel=9)

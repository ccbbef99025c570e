"""The files of a run or of rulers, in their folder or in the archive of the study."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from zipfile import ZipFile

from vaegan_bench.results.files import readable
from vaegan_bench.system.files import Stamp, stamp_of

RUN = "run.json"
"""Present once training has ended."""
ARCHIVE = "records.zip"
"""Holds the records of a study's runs, without weights and arrays: RUN/run.json, RUN/history.csv, RUN/metrics.json."""
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
        """Whether a file is there. Raises `StoreError` for a damaged archive."""
        return stamp_of(os.path.join(self.folder, name)) is not None or self._is_archived(name)

    def read(self, name: str) -> bytes:
        """The content of a file. Raises `OSError`, and whatever damage raises: read inside of `readable`."""
        if not self._is_archived(name):
            return (self.folder / name).read_bytes()
        return _content_of(f"{self.folder.name}/{name}", self._opened())

    def arrays(self) -> list[str]:
        """The names of the files of arrays in the folder."""
        return self._there(".npz")

    def names(self, suffix: str) -> list[str]:
        """The names of all files with this suffix, in the folder and in the archive."""
        return sorted({*self._there(suffix), *self._in_archive(suffix)})

    def _there(self, suffix: str) -> list[str]:
        try:
            return sorted(name for name in os.listdir(self.folder) if name.endswith(suffix) and name[0] != ".")
        except OSError:
            return []

    def _in_archive(self, suffix: str) -> list[str]:
        if stamp_of(self.archive) is None:
            return []
        with readable(self.archive):
            paths = [name.split("/") for name in self._opened().NameToInfo if name.endswith(suffix)]
        return [path[1] for path in paths if path[:-1] == [self.folder.name]]

    def stamps(self, names: Iterable[str]) -> Stamps:
        """The path of the folder, and the stamps of these files: equal as long as nothing changes."""
        place = os.path.join(os.getcwd(), self.folder)
        stamps = [stamp_of(f"{place}{os.sep}{name}") for name in names]
        return place, None if any(stamps) else stamp_of(self.archive), *stamps

    def _opened(self) -> ZipFile:
        return _open_archive(os.path.abspath(self.archive), stamp_of(self.archive))

    def _archived(self, name: str) -> Path:
        return self.archive / self.folder.name / name

    def _is_archived(self, name: str) -> bool:
        if stamp_of(self.folder / (self.hides or name)) is not None or stamp_of(self.archive) is None:
            return False
        with readable(self.archive):
            return f"{self.folder.name}/{name}" in self._opened().NameToInfo


@lru_cache(maxsize=4)
def _open_archive(path: str, stamp: Stamp | None) -> ZipFile:
    """Open an archive once as long as it does not change: the list of its files is as long as the study."""
    return ZipFile(path)


def _content_of(name: str, archive: ZipFile) -> bytes:
    member = archive.getinfo(name)
    if member.file_size > LARGEST:
        raise ValueError(f"it holds {member.file_size:,} bytes")
    return archive.read(member)


def read_archive(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file in an archive; nothing where there is none. Raises `StoreError` for damage."""
    if (stamp := stamp_of(path)) is None:
        return
    with readable(path):
        archive = _open_archive(os.path.abspath(path), stamp)
        yield from ((name, _content_of(name, archive)) for name in archive.namelist())


def write_archive(path: Path, contents: Iterable[tuple[str, bytes]]) -> None:
    """Write name → content as a zip file; equal contents give equal bytes."""
    with ZipFile(path, "w") as archive:
        for name, content in contents:
            member = zipfile.ZipInfo(name, FIXED_DATE)
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, content, compresslevel=9)

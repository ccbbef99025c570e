"""The other studies of a results folder, from which a trained run is copied rather than trained again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.results.stored_files import RUN
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.system.errors import StoreError


class SiblingStudies:
    """The studies beside one study, listed again when the results folder has changed."""

    def __init__(self, folder: Path) -> None:
        """`folder` is that of the study itself."""
        self.folder = folder
        self._paths: list[Path] = []
        self._stamp: tuple[int, int] | None = None

    def holding(self, run: str) -> Iterator[RunFolder]:
        """The folders of a run in other studies where it has ended and has its weights; files may be damaged."""
        for path in (path for path in self._listed() if os.path.isdir(path / run)):
            with suppress(OSError, StoreError):  # a folder that may not be entered, such as lost+found, is no help
                place = StudyFolder(path).run(run)
                if place.training.has_weights and place.files.has(RUN):
                    yield place

    def _listed(self) -> list[Path]:
        """The folders beside the study; one request to the file system as long as none is added or removed."""
        try:
            found = os.stat(self.folder.parent)
            stamp = found.st_mtime_ns, found.st_nlink  # most file systems count folders there, without any delay
            if stamp != self._stamp:
                self._paths, self._stamp = self._list(), stamp
        except OSError:
            return []
        return self._paths

    def _list(self) -> list[Path]:
        own = self.folder
        there = (path for path in own.parent.iterdir() if not path.name.startswith(".") and path.name != own.name)
        return sorted(path for path in there if path.is_dir())

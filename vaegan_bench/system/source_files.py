"""Source files and compiled modules, each as it was when this process first read it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

from vaegan_bench.system.errors import PluginError
from vaegan_bench.system.files import sha256_of_file


class Source(NamedTuple):
    """A file as it was when it was first read."""

    sha256: str
    stamp: tuple[int, int]
    text: bytes
    """The source; empty for a compiled module."""

    def is_edited(self, file: Path) -> bool:
        """Whether it has other content now."""
        try:
            return self.stamp != _stamp(file) and self.sha256 != sha256_of_file(file)
        except OSError:
            return True


known_sources: dict[Path, Source] = {}
"""The files that were read; those that are removed from here are read again."""


def read_source(file: Path) -> Source:
    """A file as it was when it was first read. Raises `PluginError` for one that cannot be read."""
    if file not in known_sources:
        try:
            stamp, content = _stamp(file), file.read_bytes()
        except OSError as error:
            raise PluginError(f"Cannot read the code in {file}: {error.strerror}.") from error
        text = content if file.suffix == ".py" else b""
        known_sources[file] = Source(hashlib.sha256(content).hexdigest(), stamp, text)
    return known_sources[file]


def _stamp(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_size, found.st_mtime_ns

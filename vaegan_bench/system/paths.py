"""Reads all paths that users write: on the command line, in study files, selectors, arguments and variables."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import platformdirs

from vaegan_bench.system.errors import PluginError, StoreError
from vaegan_bench.system.files import refuse_other_than_file, stamp_of


def home_folder(kind: Literal["data", "cache"]) -> Path:
    """This program's folder for files of a kind in the user's home. Raises `StoreError` where there is no home."""
    find = {"data": platformdirs.user_data_dir, "cache": platformdirs.user_cache_dir}[kind]
    try:
        return user_path(find("vaegan-bench"))
    except (RuntimeError, StoreError) as error:
        raise StoreError(f"There is no home directory for {kind}: choose a folder with --{kind}-dir.") from error


def user_path(written: str | Path) -> Path:
    """The path that a user wrote, `~` and `~name` expanded.

    Raises `StoreError` for a text that cannot be a path, and where it cannot be known whether there is such a file: in
    a folder that may not be entered, or with a name that is too long.
    """
    if not isinstance(written, str | Path):
        raise StoreError(f"A path is text, not {written!r}.")
    if not str(written):
        raise StoreError("A path is empty: name a file or a folder, or '.' for this one.")
    if "\0" in str(written):
        raise StoreError(f"'{written}' cannot be a path: it holds a NUL character.")
    try:
        path = Path(written).expanduser()
    except RuntimeError as error:
        raise StoreError(f"There is no home directory for '{written}': write the whole path.") from error
    stamp_of(path)
    return path


def output_file(written: str | Path) -> Path:
    """The path of a file that a command shall write, as a user wrote it; a link is followed, so that it stays.

    Raises `StoreError` where no file can be: in a folder that is not there, and in place of a folder, device or pipe.
    """
    path = user_path(written)
    path = path.resolve() if path.is_symlink() else path
    if not path.parent.is_dir():
        raise StoreError(f"Cannot write {written}: there is no folder {path.parent}.")
    refuse_other_than_file(path)
    return path


def plugin_list(plugins: Iterable[str | Path]) -> tuple[str, ...]:
    """Plugin files and modules as they were written. Raises `PluginError` for anything else than a list."""
    if isinstance(plugins, str | Path) or not isinstance(plugins, Iterable):
        raise PluginError(f"plugins is a list of files and modules: write plugins=['{plugins}'].")
    return tuple(map(str, plugins))


def default_cache() -> Path:
    """Where prepared data and trained oracles are kept: the user's cache directory."""
    return home_folder("cache")

"""Studies in files: those that are packaged, and those of users."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path

from vaegan_bench.study.study import Study
from vaegan_bench.system.errors import BenchError, StudyError, UnknownNameError
from vaegan_bench.system.paths import user_path

LARGEST = 2**16
"""Bytes of a study file: reading keys within keys takes longer and longer."""


def packaged_studies() -> list[str]:
    """The names of the studies inside the package."""
    folder = files("vaegan_bench.study") / "packaged"
    return sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml"))


def load_study(source: str) -> Study:
    """Read a study: the name of a packaged one, or the path of a TOML file.

    Raises `StudyError` for a file that cannot be read, or that holds what no study has.
    """
    path = user_path(source)
    if source in packaged_studies():
        packaged = files("vaegan_bench.study") / "packaged" / f"{source}.toml"
        return _parse(packaged.read_text("utf-8"), f"study '{source}'", default_name=source)
    if path.suffix == ".toml" and path.is_file():
        return _parse(_text_of(path), str(path), default_name=path.stem)
    raise _no_study(source, path)


def _no_study(source: str, path: Path) -> BenchError:
    """What is wrong with a source that is neither the name of a study nor a TOML file."""
    if path.is_dir():
        return StudyError(f"{source} is a folder: name a TOML file in it.")
    if path.suffix == ".toml":
        return StudyError(f"There is no study file {source}.")
    if path.is_file():
        return StudyError(f"{source} is not a study file: its name must end in .toml.")
    return UnknownNameError("study", source, packaged_studies())


def _text_of(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise StudyError(f"{path} is not a study file: it holds more than {LARGEST:,} bytes.")
        return path.read_text("utf-8-sig")  # editors may begin a file with a byte order mark
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"Cannot read the study file {path}: {error}.") from error


def _parse(text: str, where: str, default_name: str) -> Study:
    try:
        values = tomllib.loads(text)
    except RecursionError as error:
        raise StudyError(f"{where} holds too many tables or lists within each other.") from error
    except ValueError as error:  # more digits than Python reads are no TOMLDecodeError
        raise StudyError(f"{where} is not valid TOML: {error}.") from error
    return Study().with_values({"name": default_name, **values}, where)

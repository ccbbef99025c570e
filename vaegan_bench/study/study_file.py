"""Studies in files: those of this package and of plugins, which have a name, and those of users."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from vaegan_bench.registry.companions import package_of
from vaegan_bench.study.study import Study, as_plain
from vaegan_bench.system.errors import BenchError, StudyError, UnknownNameError
from vaegan_bench.system.paths import user_path

LARGEST = 2**16
"""The most bytes of a study file: the time to read nested keys grows faster than the file."""
SHORT = 5
"""The most values of a list that are written in one line."""


def packaged_studies() -> dict[str, Path]:
    """The study files of this package, by name."""
    return {file.stem: file for file in sorted((Path(__file__).parent / "packaged").glob("*.toml"))}


def load_study(source: str, studies: Mapping[str, Path] | None = None) -> Study:
    """Read the study that `source` names: one of `studies`, by default this package's, or the path of a TOML file.

    A file with the key `study` begins from the study of this name: its own keys replace those of that study, and its
    `fields` and `optimizers` add to them. Raises `StudyError` for a file that cannot be read or has a value that does
    not fit, and `UnknownNameError` for an unknown study or key.
    """
    known, path = packaged_studies() if studies is None else studies, user_path(source)
    if source in known:
        others = {name: file for name, file in known.items() if name != source}  # none begins from itself
        return _read(known[source], f"study '{source}'", source, others)
    if path.suffix == ".toml" and path.is_file():
        return _read(path, str(path), path.stem, known)
    raise _no_study(source, path, known)


def _read(path: Path, where: str, name: str, others: Mapping[str, Path]) -> Study:
    """The study in a file, by default with this name; it may begin from one of the `others`."""
    values = _parse(_text_of(path), where)
    base = _base(values.pop("study"), where, others) if "study" in values else Study()
    study = base.with_values({"name": name, "description": "", **values}, where)
    fields = base.with_fields(study.fields, where).fields
    return replace(study, fields=fields, optimizers={**base.optimizers, **study.optimizers})


def _base(name: object, where: str, others: Mapping[str, Path]) -> Study:
    if not isinstance(name, str) or name not in others:
        raise UnknownNameError(f"study to begin from, in {where}:", str(name), others, package_of(str(name), "study"))
    return load_study(name, others)


def _no_study(source: str, path: Path, known: Mapping[str, Path]) -> BenchError:
    """The error for a source that is neither the name of a study nor a TOML file."""
    if path.is_dir():
        return StudyError(f"{source} is a folder: name a TOML file in it.")
    if path.suffix == ".toml":
        return StudyError(f"There is no study file {source}.")
    if path.is_file():
        return StudyError(f"{source} is not a study file: its name must end in .toml.")
    return UnknownNameError("study", source, known, package_of(source, "study"))


def _text_of(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise StudyError(f"{path} is not a study file: it holds more than {LARGEST:,} bytes.")
        return path.read_text("utf-8-sig")  # editors may begin a file with a byte order mark
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"Cannot read the study file {path}: {error}.") from error


def _parse(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise StudyError(f"{where} holds too many tables or lists within each other.") from error
    except ValueError as error:  # more digits than Python reads are no TOMLDecodeError
        raise StudyError(f"{where} is not valid TOML: {error}.") from error


def to_toml(study: Study) -> str:
    """The text of a file from which `load_study` reads the same study; keys with their default values are left out."""
    usual = as_plain(Study())
    values = {key: value for key, value in as_plain(study).items() if value != usual[key]}
    return "\n".join(_lines([], values)).lstrip() + "\n"


def _lines(path: list[str], values: Mapping[str, Any]) -> Iterator[str]:
    """The plain values of a table, then the tables in it."""
    plain = {key: value for key, value in values.items() if not isinstance(value, Mapping) and value is not None}
    if path and plain:
        yield f"\n[{'.'.join(map(_key, path))}]"
    yield from (f"{_key(key)} = {_spell(value)}" for key, value in plain.items())
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _lines([*path, key], value)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _plain(name)


def _plain(value: object) -> str:
    """Text, a number or a truth value as JSON, which TOML reads as well, except for one control character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _spell(value: object) -> str:
    """A plain value, or a list of them: a long one has a line for each."""
    if not isinstance(value, list | tuple):
        return _plain(value)
    parts = [_spell(part) for part in value]
    return (
        f"[{', '.join(parts)}]" if len(parts) <= SHORT else "\n".join(["[", *(f"    {part}," for part in parts), "]"])
    )

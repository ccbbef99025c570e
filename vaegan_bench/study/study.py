"""The question: a study, from a strict TOML file or from flags."""

from __future__ import annotations

import dataclasses
import math
import re
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from vaegan_bench.system.errors import StudyError, UnknownNameError, one_line
from vaegan_bench.system.paths import user_path

MOST = {"steps": 10**9, "size": 4096, "batch": 10**6, "samples": 10**7, "draws": 1000}
"""What a study may ask for of each."""
MOST_SEEDS = 1000
"""Beyond this, a count of seeds was more likely meant as a seed."""
MOST_RUNS = 5000
BYTES, MOST_BYTES = 3 * 4, 2**40
"""Of a pixel in float32, and of one batch or one set of samples."""
LARGEST = 2**16
"""Bytes of a study file: reading keys within keys takes longer and longer."""
DEEPEST = 5
"""Tables within tables: no key of a study has so many."""
LONGEST_NAME = 60
UNFIT_IN_NAMES = r'/ \ < > : " | ? *'
"""Characters that some file systems do not allow in the name of a folder."""
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that mean devices on Windows, and so on folders that are shared with it."""


@dataclass(frozen=True, kw_only=True)
class Study:
    """What to compare, on what, for how long, and how to measure it. Plugins are named by selectors."""

    name: str = "study"
    """The folder under the results folder."""
    description: str = ""
    datasets: tuple[str, ...] = ("avatars",)
    size: int = 32
    """Pixels per side."""
    split: Literal["test", "validation"] = "test"
    """What is measured on; 'validation' holds out the last tenth of the training images, for tuning."""
    networks: str = "compact"
    models: tuple[str, ...] = ("vae", "gan", "vaegan", "vaegan-pixel")
    """Selectors, or 'all' for every registered model."""
    losses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """field → selectors: crosses every chosen model that has such a field."""
    term_weights: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """term or 'player.term' → numbers or schedules: crosses the weights of every chosen model that has such a term."""
    ablate: bool = False
    """Whether every model is also run with each of its terms left out in turn."""
    fields: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """plugin name → field → value: this study's defaults, below what selectors say."""
    seeds: tuple[int, ...] = (0,)
    """The seeds themselves; a single number n in a file or flag means 0, …, n − 1."""
    steps: int = 2000
    batch: int = 64
    optimizer: str = "adam"
    ema: float = 0.0
    """Decay of the moving average of encoder and decoder that is evaluated; 0 evaluates the trained networks."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    device: str = "auto"
    metrics: tuple[str, ...] = ("frechet", "inception-score", "kid", "reconstruction")
    samples: int = 2000
    """How many images each model samples, and how many held-out images it is measured on, at most."""
    draws: int = 1
    """Independent sets of samples per run: numbers on samples are their mean, and their spread is evaluation noise."""

    def __post_init__(self) -> None:
        for name in ("size", "steps", "draws"):
            if getattr(self, name) < 1:
                raise StudyError(f"{name} must be at least 1, not {getattr(self, name)}.")
        for name, most in MOST.items():
            if getattr(self, name) > most:
                raise StudyError(f"{name} must be at most {most:,}.")
        if self.batch < 2:
            raise StudyError("batch must be at least 2: batch norm has no variance of one image.")
        if self.samples < 2:
            raise StudyError("samples must be at least 2: no metric measures a single image.")
        if any(not 0 <= seed < 2**63 for seed in self.seeds):
            raise StudyError("seeds must be between 0 and 2^63 − 1.")
        if not _names_a_folder(self.name):
            raise StudyError(
                f"name must be the plain name of a folder, of at most {LONGEST_NAME} characters and none of "
                f"{UNFIT_IN_NAMES}, not '{self.name}'."
            )
        if not 0 <= self.ema < 1:
            raise StudyError(f"ema must be in [0, 1), not {self.ema}.")
        if not self.models or not self.seeds or not self.datasets:
            raise StudyError("A study needs at least one model, one seed and one data set.")
        self._check_extent()

    def _check_extent(self) -> None:
        """Refuse too many runs, and images that no memory holds, before anything is built."""
        factors = {"models": len(self.models), "data sets": len(self.datasets), "seeds": len(set(self.seeds))}
        factors |= {f"{field} losses": len(losses) or 1 for field, losses in self.losses.items()}
        factors |= {f"weights of {term}": len(weights) or 1 for term, weights in self.term_weights.items()}
        if (runs := math.prod(factors.values())) > MOST_RUNS:
            extent = " × ".join(f"{count:,} {name}" for name, count in factors.items())
            raise StudyError(
                f"{extent} are {runs:,} runs, and one study may have {MOST_RUNS:,}. Split it into several."
            )
        for name in ("batch", "samples"):
            count = getattr(self, name)
            if (size := count * self.size**2 * BYTES) > MOST_BYTES:
                extent = f"{name} {count:,} × {self.size:,}×{self.size:,} pixels × {BYTES} bytes"
                raise StudyError(f"{extent} are {size / 2**30:,.0f} GiB, more than any memory holds.")

    def with_values(self, values: Mapping[str, Any], where: str) -> Study:
        """The same study with some keys replaced; `where` names their source in errors.

        Raises `UnknownNameError` for a key that no study has, `StudyError` for a value that does not fit.
        """
        _check_values(values, where)
        types_by_key = typing.get_type_hints(Study)
        for key in values:
            if key not in types_by_key:
                raise UnknownNameError(f"key in {where}:", key, types_by_key)
        return replace(self, **{k: _read(k, v, types_by_key[k], where) for k, v in values.items()})

    def with_fields(self, fields: Mapping[str, Mapping[str, Any]], where: str) -> Study:
        """The same study with more defaults of plugins' fields; those given here win."""
        merged = {name: {**self.fields.get(name, {}), **given} for name, given in fields.items()}
        return self.with_values({"fields": {**self.fields, **merged}}, where)


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
        text, where = (
            (files("vaegan_bench.study") / "packaged" / f"{source}.toml").read_text("utf-8"),
            f"study '{source}'",
        )
    elif path.suffix == ".toml" and path.is_file():
        text, where = _text_of(path), str(path)
    elif path.is_dir():
        raise StudyError(f"{source} is a folder: name a TOML file in it.")
    elif path.suffix == ".toml":
        raise StudyError(f"There is no study file {source}.")
    elif path.is_file():
        raise StudyError(f"{source} is no study file: its name must end in .toml.")
    else:
        raise UnknownNameError("study", source, packaged_studies())
    return _parse(text, where, default_name=path.stem)


def _text_of(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise StudyError(f"{path} is no study file: it holds more than {LARGEST:,} bytes.")
        return path.read_text("utf-8-sig")  # editors may begin a file with a byte order mark
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"Cannot read the study file {path}: {error}.") from error


def _parse(text: str, where: str, default_name: str) -> Study:
    try:
        values = tomllib.loads(text)
    except RecursionError as error:
        raise StudyError(f"{where} holds tables or lists within each other that are too many to read.") from error
    except ValueError as error:  # more digits than Python reads are no TOMLDecodeError
        raise StudyError(f"{where} is not valid TOML: {error}.") from error
    return Study().with_values({"name": default_name, **values}, where)


def _check_values(value: Any, where: str, depth: int = 0) -> None:
    """Refuse what could not even be printed in an error: integers of very many digits, tables within tables."""
    if depth > DEEPEST:
        raise StudyError(f"{where.partition(': ')[0]} holds tables or lists nested more than {DEEPEST} deep.")
    inner = value.items() if isinstance(value, Mapping) else enumerate(value, 1) if isinstance(value, list) else ()
    for key, each in inner:
        _check_values(each, f"{where}: {key}", depth + 1)
    if _is_int(value) and not -(2**63) <= value < 2**63:
        raise StudyError(f"{where} is a number of more than 64 bits.")


def _names_a_folder(name: str) -> bool:
    """Whether every file system takes a name as it is."""
    plain = name == one_line(name).strip() and 0 < len(name) <= LONGEST_NAME and name[0] != "." and name[-1] != "."
    return plain and not set(name) & set(UNFIT_IN_NAMES.replace(" ", "")) and not RESERVED.fullmatch(name)


def _read(key: str, value: Any, annotation: Any, where: str) -> Any:
    """Check a value against the type of its key; lists become tuples, a count of seeds becomes the seeds."""
    if key == "seeds" and _is_int(value):
        if value > MOST_SEEDS:
            raise StudyError(
                f"{where}: seeds {value} means {value:,} seeds, and a study may have {MOST_SEEDS:,}. For the single "
                f"seed {value}, write '--seeds {value},' with a comma at the end, or seeds = [{value}] in a file."
            )
        return tuple(range(value))
    if _fits(value, annotation):
        return _freeze(value)
    if annotation is float and _is_int(value):
        return float(value)
    raise StudyError(f"{where}: {key} must be {_WORDS.get(key, _describe(annotation))}, not {value!r}.")


_WORDS = {
    "seeds": "a number of seeds or a list of seeds",
    "losses": "a table of lists",
    "term_weights": "a table of lists",
    "fields": "a table of tables of plain values",
}


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _fits(value: Any, annotation: Any) -> bool:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return value in arguments
    if origin is tuple:
        return isinstance(value, list | tuple) and all(_fits(v, arguments[0]) for v in value)
    if origin is not None and issubclass(origin, Mapping):
        return isinstance(value, Mapping) and all(_fits(v, arguments[1]) for v in value.values())
    if annotation is Any:
        return value is None or isinstance(value, bool | int | float | str)
    return _is_int(value) if annotation is int else isinstance(value, annotation)


def _freeze(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _freeze(v) for k, v in value.items()}
    return tuple(value) if isinstance(value, list) else value


def _describe(annotation: Any) -> str:
    if typing.get_origin(annotation) is Literal:
        return " or ".join(map(repr, typing.get_args(annotation)))
    if typing.get_origin(annotation) is tuple:
        return "a list"
    return {int: "a whole number", float: "a number", str: "text", bool: "true or false"}.get(
        annotation, str(annotation)
    )


def as_plain(study: Study) -> dict[str, Any]:
    """A study as plain data that JSON and TOML can hold."""
    plain = {f.name: getattr(study, f.name) for f in dataclasses.fields(study)}
    return {key: _thaw(value) for key, value in plain.items()}


def _thaw(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _thaw(v) for k, v in value.items()}
    return list(value) if isinstance(value, tuple) else value

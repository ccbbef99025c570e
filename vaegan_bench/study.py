"""The question: a study, from a strict TOML file or from flags."""

from __future__ import annotations

import dataclasses
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from vaegan_bench.errors import StudyError, UnknownNameError


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
    """What is measured on; 'validation' holds out the last tenth of the training pictures, for tuning."""
    networks: str = "compact"
    models: tuple[str, ...] = ("vae", "gan", "vaegan", "vaegan-pixel")
    """Selectors, or 'all' for every registered model."""
    losses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """field → selectors: crosses every chosen model that has such a field."""
    weights: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
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
    """How many pictures each model samples, and how many held-out pictures it is measured on, at most."""
    draws: int = 1
    """Independent sets of samples per run: numbers on samples are their mean, and their spread is evaluation noise."""

    def __post_init__(self) -> None:
        for name in ("size", "steps", "draws"):
            if getattr(self, name) < 1:
                raise StudyError(f"{name} must be at least 1, not {getattr(self, name)}.")
        if self.batch < 2:
            raise StudyError("batch must be at least 2: batch norm has no variance of one picture.")
        if self.samples < 2:
            raise StudyError("samples must be at least 2: no metric measures a single picture.")
        if any(not 0 <= seed < 2**63 for seed in self.seeds):
            raise StudyError("seeds must be between 0 and 2^63 − 1.")
        if not self.name or Path(self.name).name != self.name or self.name.startswith("."):
            raise StudyError(f"name must be the plain name of a folder, not '{self.name}'.")
        if not 0 <= self.ema < 1:
            raise StudyError(f"ema must be in [0, 1), not {self.ema}.")
        if not self.models or not self.seeds or not self.datasets:
            raise StudyError("A study needs at least one model, one seed and one data set.")

    def with_values(self, values: Mapping[str, Any], where: str) -> Study:
        """The same study with some keys replaced; `where` names their source in errors.

        Raises `UnknownNameError` for a key that no study has, `StudyError` for a value that does not fit.
        """
        types_by_key = typing.get_type_hints(Study)
        for key in values:
            if key not in types_by_key:
                raise UnknownNameError(f"key in {where}:", key, types_by_key)
        return replace(self, **{k: _read(k, v, types_by_key[k], where) for k, v in values.items()})


def packaged_studies() -> list[str]:
    """The names of the studies inside the package."""
    folder = files("vaegan_bench") / "studies"
    return sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml"))


def load_study(source: str) -> Study:
    """Read a study: the name of a packaged one, or the path of a TOML file."""
    path = Path(source)
    if source in packaged_studies():
        text, where = (files("vaegan_bench") / "studies" / f"{source}.toml").read_text("utf-8"), f"study '{source}'"
    elif path.suffix == ".toml" and path.is_file():
        text, where = _text_of(path), str(path)
    elif path.suffix == ".toml":
        raise StudyError(f"There is no study file {source}.")
    else:
        raise UnknownNameError("study", source, packaged_studies())
    return _parse(text, where, default_name=path.stem)


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"Cannot read the study file {path}: {error}.") from error


def _parse(text: str, where: str, default_name: str) -> Study:
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f"{where} is not valid TOML: {error}.") from error
    return Study().with_values({"name": default_name, **values}, where)


def _read(key: str, value: Any, annotation: Any, where: str) -> Any:
    """Check a value against the type of its key; lists become tuples, a count of seeds becomes the seeds."""
    if key == "seeds" and _is_int(value):
        return tuple(range(value))
    if _fits(value, annotation):
        return _frozen(value)
    if annotation is float and _is_int(value):
        return float(value)
    raise StudyError(f"{where}: {key} must be {_WORDS.get(key, _described(annotation))}, not {value!r}.")


_WORDS = {
    "seeds": "a number of seeds or a list of seeds",
    "losses": "a table of lists",
    "weights": "a table of lists",
    "fields": "a table of tables",
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
    return annotation is Any or (_is_int(value) if annotation is int else isinstance(value, annotation))


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _frozen(v) for k, v in value.items()}
    return tuple(value) if isinstance(value, list) else value


def _described(annotation: Any) -> str:
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
    return {key: _thawed(value) for key, value in plain.items()}


def _thawed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _thawed(v) for k, v in value.items()}
    return list(value) if isinstance(value, tuple) else value

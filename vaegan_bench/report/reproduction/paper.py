"""A published comparison: its studies, presets, numbers and claims, from a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vaegan_bench.study.study import Study
from vaegan_bench.study.study_file import load_study
from vaegan_bench.system.errors import StudyError, UnknownNameError


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One figure or table of a paper, and the study that reproduces it."""

    name: str
    """The folder of the study's results."""
    title: str
    study: str
    """The name of the packaged study that follows the paper."""
    figures: tuple[str, ...]
    metrics: tuple[str, ...]
    """The metrics that the page shows, without extractors: 'frechet' means 'frechet[efflite0]' and 'fid'."""
    note: str = ""
    """How to read the figures."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """The numbers of one column of a table."""

    comparison: str
    metric: str
    values: Mapping[str, str]
    """Model, or 'test set' → the number as it was printed."""
    note: str
    """The data that the numbers are about, and how reliably they were read."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A statement of a paper about two models, in a form that a metric can test."""

    says: str
    comparison: str
    metric: str
    better: str
    worse: str


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """A difference between every reproduction and the paper."""

    says: str
    dataset: str = ""
    """The only data set that it is about, as a selector that covers all data sets with the fields it names."""
    preset: str = ""
    """The only preset that it is about."""


@dataclass(frozen=True, kw_only=True)
class Paper:
    """A published comparison of models."""

    name: str
    title: str
    authors: str
    url: str
    deviations: tuple[Deviation, ...]
    """The differences between every reproduction here and the paper."""
    presets: Mapping[str, Mapping[str, Any]]
    """Preset → 'about', and per comparison the keys of its study that differ."""
    comparisons: tuple[Comparison, ...]
    published: tuple[Published, ...]
    claims: tuple[Claim, ...]

    def __post_init__(self) -> None:
        known = [comparison.name for comparison in self.comparisons]
        for preset, changed in self.presets.items():
            if "about" not in changed:
                raise StudyError(f"Preset '{preset}' of '{self.name}' does not say what it is `about`.")
            for name in changed.keys() - {"about", *known}:
                raise UnknownNameError(f"comparison in preset '{preset}' of '{self.name}':", name, known)
        parts: list[Published | Claim] = [*self.published, *self.claims]
        for part in parts:
            if part.comparison not in known:
                raise UnknownNameError(f"comparison of '{part.metric}' in '{self.name}':", part.comparison, known)

    def study(self, comparison: Comparison, preset: str) -> Study:
        """The study of a comparison in a preset. Raises `UnknownNameError` for a preset that the paper lacks."""
        if preset not in self.presets:
            raise UnknownNameError(f"preset of '{self.name}':", preset, self.presets)
        base, changed = load_study(comparison.study), dict(self.presets[preset].get(comparison.name, {}))
        where, fields = f"preset '{preset}' of '{self.name}'", changed.pop("fields", {})
        return replace(base.with_values(changed, where).with_fields(fields, where), name=comparison.name)


def packaged_papers() -> dict[str, Path]:
    """The files of the papers inside the package, by name."""
    return {file.stem: file for file in sorted((Path(__file__).parent / "papers").glob("*.toml"))}


def load_paper(name: str) -> Paper:
    """Read a packaged paper. Raises `UnknownNameError` for one that is not there."""
    known = packaged_papers()
    if name not in known:
        raise UnknownNameError("paper", name, known)
    values = tomllib.loads(known[name].read_text("utf-8"))
    parts: dict[str, type[Any]] = {
        "comparisons": Comparison, "published": Published, "claims": Claim, "deviations": Deviation
    }  # fmt: skip
    try:
        for key, kind in parts.items():
            values[key] = tuple(kind(**_tuples(part)) for part in values.get(key, ()))
        return Paper(name=name, **_tuples(values))
    except (TypeError, AttributeError) as error:
        raise StudyError(f"The file of paper '{name}' cannot be read: {error}.") from error


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}

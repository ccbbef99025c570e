"""Figures of exhibits: each type has one drawing, and one way in which seeds combine, whichever metric left it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any, NamedTuple, TypeVar

import numpy as np
from matplotlib.figure import Figure

from vaegan_bench.report import plots
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.system.errors import StoreError
from vaegan_bench.system.exhibits import (
    Array,
    Exhibit,
    ImagePairs,
    ImageSheet,
    LatentVectors,
    Matrix,
    Profile,
    Spectrum,
    Strips,
)

E = TypeVar("E", bound=Exhibit)
Drawing = Callable[[], Figure]
"""Draws one figure when it is called, so that the failure of one figure does not affect the others."""
OfNumbers, OfImages = (Spectrum, Profile, Matrix, LatentVectors), (Strips, ImagePairs, ImageSheet)
DRAWINGS: Mapping[type[Exhibit], Callable[[Mapping[str, Any], Sequence[str]], Figure]] = {
    Spectrum: plots.spectra,
    Profile: plots.profiles,
    Matrix: plots.matrices,
    LatentVectors: plots.latent_vectors,
    Strips: plots.strips,
    ImagePairs: plots.image_pairs,
    ImageSheet: plots.image_sheet,
}
"""Type → the function that draws the exhibits of all models, in the order and colours of the study's models."""
LONGEST_NAME = 60
"""The most characters of a data set's or a metric's name in the name of a file."""


class _Run(NamedTuple):
    """The parts of a run that figures need, read once."""

    dataset: str
    label: str
    exhibits: Mapping[str, Mapping[str, Exhibit]]
    """Key of a measurement → its exhibits by name."""


class Shown(NamedTuple):
    """The exhibits that one figure shows, on one data set."""

    name: str
    """The name of the exhibit."""
    dataset: str
    seeds: Mapping[str, Sequence[Exhibit]]
    """Model → its exhibit for each seed."""


def exhibit_figures(
    folder: StudyFolder, types: tuple[type[Exhibit], ...], taken: Sequence[str] = (), models: Sequence[str] = ()
) -> dict[str, Drawing]:
    """A figure for each exhibit of these types and each data set; `taken` are the names of other figures.

    `models` come first in the order of colours, before the others of the study.
    """
    models = list(dict.fromkeys([*models, *(run.record().label for run in folder.shown())]))
    return {
        figure: partial(draw, shown.name, shown.seeds, models)
        for figure, shown in shown_exhibits(folder, types, taken).items()
    }


def shown_exhibits(
    folder: StudyFolder, types: tuple[type[Exhibit], ...], taken: Sequence[str] = ()
) -> dict[str, Shown]:
    """Name of a figure → the exhibits that it shows."""
    runs = [_Run(run.record().dataset, run.record().label, run.measurements.exhibits()) for run in folder.shown()]
    datasets = list(dict.fromkeys(run.dataset for run in runs))
    found: dict[str, Shown] = {}
    for figure, (key, name) in _sources(runs, folder.planned(), taken).items():
        for dataset in datasets:
            seeds = _seeds([run for run in runs if run.dataset == dataset], key, name)
            if isinstance(next((each[0] for each in seeds.values()), None), types):
                found[figure_name(figure, dataset, datasets)] = Shown(name, dataset, seeds)
    return found


def first_exhibit(run: RunFolder, kind: type[E], planned: Iterable[str], name: str = "") -> E | None:
    """The first exhibit of this type that the metrics of a run left, with this name, or with any if it is ''.

    Those of the measurements with the keys `planned` come first.
    """
    left = run.measurements.exhibits()
    in_order = {**{key: left[key] for key in planned if key in left}, **left}
    everything = chain.from_iterable(by_name.items() for by_name in in_order.values())
    return next((each for at, each in everything if isinstance(each, kind) and name in ("", at)), None)


def draw(name: str, seeds: Mapping[str, Sequence[Exhibit]], models: Sequence[str] = ()) -> Figure:
    """The figure of exhibits of one name, from all seeds of each model. `models` fixes order and colours.

    Raises `StoreError` where exhibits of one name cannot be drawn together.
    """
    kinds = {(type(each), _shape(each)) for exhibits in seeds.values() for each in exhibits}
    if len(kinds) > 1:
        listed = " or ".join(sorted(f"{kind.__name__} {shape or ''}".strip() for kind, shape in kinds))
        raise StoreError(f"The runs' exhibits '{name}' do not fit each other: {listed}. Measure the runs again.")
    combined = {model: combine(exhibits) for model, exhibits in seeds.items()}
    return DRAWINGS[kinds.pop()[0]](combined, models)


def combine(seeds: Sequence[Exhibit]) -> Exhibit:
    """One exhibit for all seeds: the mean of matrices, profiles and, by rank, spectra; otherwise the first seed's."""
    first = seeds[0]
    match first:
        case Matrix():
            return replace(first, values_RC=_mean(seeds))
        case Spectrum():
            return replace(first, values_Z=_mean(seeds))
        case Profile():
            return replace(first, values_X=_mean(seeds))
    return first


def figure_name(figure: str, dataset: str, datasets: Collection[str]) -> str:
    """A figure's file name, with its data set where `datasets`, all of the study, are several."""
    return f"{figure}-{plain_name(dataset, datasets)}" if len(datasets) > 1 else figure


def plain_name(text: str, among: Iterable[str] = ()) -> str:
    """A text as part of a file name or of an element's id: all but letters, digits, '_' and '.' becomes '-'.

    It ends with a hash where it would be too long, or where another text `among` these has the same plain name: some
    file systems do not tell capital letters from small ones.
    """
    plain = _plain(text)
    is_shared = any(other != text and _plain(other).casefold() == plain.casefold() for other in among)
    if len(plain) <= LONGEST_NAME and not is_shared:
        return plain
    return f"{plain[:LONGEST_NAME].rstrip('-')}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _plain(text: str) -> str:
    return re.sub(r"[^\w.]+", "-", text.replace("×", "x")).strip("-")


def _sources(runs: Sequence[_Run], planned: Mapping[str, str], taken: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Figure → key of the measurement that left its exhibit, and the exhibit's name.

    All exhibits of planned metrics are shown, and of each name that none of them has, the first exhibit. Where two
    planned metrics leave exhibits of one name, the second one's figure has its metric in its name.
    """
    sources: dict[str, tuple[str, str]] = {}
    for key in dict.fromkeys([*planned, *(key for run in runs for key in run.exhibits)]):
        for name in dict.fromkeys(name for run in runs for name in run.exhibits.get(key, {})):
            is_free = name not in sources and name not in taken
            if is_free or key in planned:
                sources[name if is_free else f"{name}-{plain_name(planned[key], planned.values())}"] = key, name
    return sources


def _seeds(runs: Sequence[_Run], key: str, name: str) -> dict[str, list[Exhibit]]:
    """Model → this exhibit for each seed that has it, in the order of the plan."""
    seeds: dict[str, list[Exhibit]] = {}
    for run in runs:
        if (exhibit := run.exhibits.get(key, {}).get(name)) is not None:
            seeds.setdefault(run.label, []).append(exhibit)
    return seeds


def _shape(exhibit: Exhibit) -> tuple[int, ...]:
    """What must be equal for exhibits to be combined: the shape of their numbers; () for images."""
    return _values(exhibit).shape if isinstance(exhibit, OfNumbers) else ()


def _values(exhibit: Exhibit) -> Array:
    """The numbers of an exhibit, comparable with those of another seed."""
    match exhibit:
        case Spectrum():
            return np.sort(exhibit.values_Z)[::-1]
        case Profile():
            return exhibit.values_X
        case Matrix():
            return exhibit.values_RC
    return np.empty(0)


def _mean(seeds: Sequence[Exhibit]) -> Array:
    mean: Array = np.mean([_values(each) for each in seeds], axis=0)
    return mean

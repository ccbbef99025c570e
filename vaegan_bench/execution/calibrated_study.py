"""Calibrate extractors: on any data set, or for the numbers of a study, in whose folder the rulers are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from vaegan_bench.api import Dataset, Extractor
from vaegan_bench.evaluation.calibration import Calibration, calibrate
from vaegan_bench.evaluation.shared import SharedShelf
from vaegan_bench.execution.runner import calibrated_extractors
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.results.rulers import Ruler, write_ruler
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.plan import make_plan
from vaegan_bench.study.resolver import Resolver
from vaegan_bench.system.device import thread_count
from vaegan_bench.training.loading import DataShelf, load

SAMPLES = 2000
"""Images that are distorted, unless another number is asked for: as many as studies measure by default."""


class Asked(NamedTuple):
    """What is to be calibrated."""

    extractors: Sequence[str]
    """By selector; none for the usual ones."""
    fields: Mapping[str, Mapping[str, str]]
    """Plugin → field → value."""
    samples: int | None
    """How many images are distorted; None for the usual number."""


def calibrate_dataset(dataset: str, size: int, asked: Asked, registry: Registry, shelf: SharedShelf) -> list[Ruler]:
    """The ruler of each extractor on a data set; by default of those that work offline.

    Raises `BenchError` as `calibrate` and the extractors do.
    """
    opened = registry.build(Dataset, dataset, asked.fields)
    data = load(opened, size, shelf.cache, shelf.progress)
    names = asked.extractors or [*(["oracle"] if data.attribute_names else []), "efflite0"]
    extractors = [registry.build(Extractor, name, asked.fields) for name in names]
    label, samples = f"{opened} {size}×{size}", asked.samples or SAMPLES
    return [calibrate(Calibration(label, "test", each, samples), shelf.of(data)) for each in extractors]


def calibrate_study(folder: StudyFolder, asked: Asked, registry: Registry, shelf: SharedShelf) -> list[Ruler]:
    """The ruler of each extractor on each data set of a study, kept in its folder.

    By default those of its Fréchet distances, for as many samples as it measures. Raises `BenchError` as `calibrate`
    and the extractors do, and where the study cannot be planned any more.
    """
    study = folder.study().study
    plan, loaded = make_plan(study, registry), DataShelf(shelf.cache, shelf.progress)
    fields = {**Resolver(study, registry).fields, **asked.fields}
    named = [registry.build(Extractor, name, fields) for name in asked.extractors]
    extractors, samples = named or calibrated_extractors(plan.metrics), asked.samples or study.samples
    rulers = []
    with thread_count(study.threads):
        for run in {run.data_label: run for run in plan.runs}.values():
            shared = shelf.of(loaded.get(run))
            for each in extractors:
                rulers.append(calibrate(Calibration(run.data_label, run.split, each, samples), shared))
                write_ruler(folder.path, rulers[-1])
    return rulers

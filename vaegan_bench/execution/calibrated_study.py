"""Calibrate extractors, on any data set or for a study; the rulers of a study are kept in its folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from vaegan_bench.api import Dataset, Extractor
from vaegan_bench.evaluation.calibration import Calibration, calibrate, calibrated_extractors
from vaegan_bench.evaluation.references import LoadedReferences
from vaegan_bench.execution.study_extractors import ruler_of
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.results.rulers import Ruler, write_ruler
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.plan import make_plan
from vaegan_bench.study.resolver import Resolver, refuse_idle_fields
from vaegan_bench.system.device import thread_count
from vaegan_bench.training.loading import LoadedData, load

SAMPLES = 2000
"""The default number of images to distort: as many as the samples that studies measure by default."""


class RulerRequest(NamedTuple):
    """Which extractors to calibrate, and how."""

    extractors: Sequence[str]
    """Their selectors; empty for the default extractors."""
    fields: Mapping[str, Mapping[str, str]]
    """Plugin → field → value."""
    samples: int | None
    """How many images are distorted; None for the default number."""


def calibrate_dataset(
    dataset: str, size: int, request: RulerRequest, registry: Registry, references: LoadedReferences
) -> list[Ruler]:
    """The ruler of each extractor on a data set; the default extractors work offline.

    Raises `BenchError` as `calibrate` and the extractors do, and `StudyError` for fields of a plugin that is not used.
    """
    opened = registry.build(Dataset, dataset, request.fields)
    named = [registry.build(Extractor, name, request.fields) for name in request.extractors]  # before what takes long
    oracle, network = (registry.build(Extractor, name, request.fields) for name in ("oracle", "efflite0"))
    refuse_idle_fields(request.fields, [opened, *(named or [oracle, network])])
    data = load(opened, size, references.cache, references.progress)
    extractors = named or [*([oracle] if data.attribute_names else []), network]
    label, samples = f"{opened} {size}×{size}", request.samples or SAMPLES
    return [calibrate(Calibration(label, "test", each, samples), references.of(data)) for each in extractors]


def calibrate_study(
    folder: StudyFolder, request: RulerRequest, registry: Registry, references: LoadedReferences
) -> list[Ruler]:
    """Write the ruler of each extractor on each data set of a study into its folder, and return the rulers.

    By default, the extractors are those of the study's Fréchet distances, and the number of images is the study's
    number of samples. The fields of the request win over those of the study. Raises `BenchError` as `calibrate` and the
    extractors do, where the study can no longer be planned, and for fields of a plugin that is not used.
    """
    study = folder.study().study.with_fields(request.fields, "the flags")
    plan, loaded = make_plan(study, registry), LoadedData(references.cache, references.progress)
    fields = Resolver(study, registry).fields
    named = [registry.build(Extractor, name, fields) for name in request.extractors]
    refuse_idle_fields(request.fields, [*{run.dataset for run in plan.runs}, *(named or plan.metrics)])
    extractors, samples = named or calibrated_extractors(plan.metrics).values(), request.samples or study.samples
    rulers = []
    with thread_count(study.threads):
        for run in {run.data_label: run for run in plan.runs}.values():
            own = references.of(loaded.get(run))
            for each in extractors:
                rulers.append(ruler_of(run, each, samples, own))
                write_ruler(folder.path, rulers[-1])
    return rulers

"""Measure finished runs again, without training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from vaegan_bench.api import ExtractorError, StoreError, StudyError
from vaegan_bench.evaluation.references import LoadedReferences, open_extractors
from vaegan_bench.evaluation.settings import EvaluationSettings
from vaegan_bench.evaluation.stored_run import stored_run
from vaegan_bench.execution.measured_run import measure_run
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.results.files import error_of
from vaegan_bench.results.records import GAME
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.system.device import thread_count
from vaegan_bench.system.errors import FAILURES, reason_of
from vaegan_bench.training.loading import LoadedData


def measure_again(
    folders: Sequence[RunFolder], settings: EvaluationSettings, registry: Registry, references: LoadedReferences
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Measure each run and add the numbers to its folder; return the rows, and run or metric → why it has no numbers.

    A run that diverged has only the rows of its training. One that cannot be measured does not stop the others. Raises
    `ExtractorError` where no run can be measured, and `StudyError` where a table could not tell two runs apart.
    """
    folders = [*{folder.path.resolve(): folder for folder in folders}.values()]  # a study may be named beside its run
    _refuse_twins(folders)
    loaded, keys = LoadedData(references.cache, references.progress), settings.keys
    rows, problems = list[dict[str, Any]](), dict[str, str]()
    for folder in folders:
        try:
            _measure(folder, settings, registry, references, loaded)
            rows += [row for row in folder.rows(keys) if row.pop("measurement") in ("", *keys)]
            problems |= {f"{folder.path.name}: {name}": why for name, why in folder.problems(keys).items()}
        except ExtractorError:  # no run can be measured without it
            raise
        except FAILURES as error:
            problems[str(folder.path)] = reason_of(error)
    return pd.DataFrame(rows).drop_duplicates(ignore_index=True), problems  # two studies may have copies of one run


def _refuse_twins(folders: Sequence[RunFolder]) -> None:
    """Raise `StudyError` where two runs share data set, model and seed, as those of an earlier plan may.

    Likewise where two runs have the same label, but are different games, which a table would average; and where runs
    on one data set have different settings, so that they cannot be compared.
    """
    seeds, games = dict[tuple[str, str, int], RunFolder](), dict[tuple[str, str], RunFolder]()
    settings = dict[str, RunFolder]()
    for folder in (each for each in folders if not error_of(each.record)):  # measuring says what is damaged
        record = folder.record()
        twin = seeds.setdefault((record.dataset, record.label, record.seed), folder)
        if twin.record().id != record.id:
            raise StudyError(
                f"{twin.path} and {folder.path} are both {record.label} with seed {record.seed} on {record.dataset}: "
                "name one of them, or the study's folder, which stands for the runs of its latest plan."
            )
        other = games.setdefault((record.dataset, record.label), folder)
        if other.record().game != record.game:
            one, two = other.record().definition, record.definition
            parts = [part.replace("_", " ") for part in GAME if getattr(one, part) != getattr(two, part)]
            raise StudyError(
                f"{other.path} and {folder.path} are both called {record.label} on {record.dataset}, but differ in "
                f"{' and '.join(parts)}: a table would average them. Evaluate them one by one."
            )
        first = settings.setdefault(record.dataset, folder)
        if first.record().setting != record.setting:
            raise StudyError(
                f"{first.path} and {folder.path} have different settings, such as steps or networks: no table can hold "
                "both. Evaluate them one by one."
            )


def _measure(
    folder: RunFolder,
    settings: EvaluationSettings,
    registry: Registry,
    references: LoadedReferences,
    loaded: LoadedData,
) -> None:
    """Measure one run, unless it diverged. Raises `BenchError` for one that cannot be measured here."""
    record = folder.record()
    folder.training.check_history()  # damaged, it would keep the run out of tables
    if not record.is_ok:
        return
    run = stored_run(folder, registry)
    data = loaded.get(run)
    if data.digest != record.data:
        raise StoreError(f"{folder.path} was trained on other images than '{run.dataset}' holds here.")
    with thread_count(run.threads), folder.claim() as claim:  # the same threads as for its other numbers
        open_extractors(settings.metrics, references.of(data))
        measure_run(run, folder, claim, references.of(data), settings, keeps_sheets=True)

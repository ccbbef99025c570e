"""Measure one trained run from its weights, and write the numbers."""

from __future__ import annotations

from vaegan_bench.evaluation.health import verdicts
from vaegan_bench.evaluation.measuring import measure
from vaegan_bench.evaluation.outputs import ModelOutputs
from vaegan_bench.evaluation.references import References
from vaegan_bench.evaluation.settings import EvaluationSettings
from vaegan_bench.evaluation.stored_run import restore_model
from vaegan_bench.execution.workload import KEPT_IMAGES
from vaegan_bench.results.history import curves_of
from vaegan_bench.results.measurements import CONDITIONS, Sheets
from vaegan_bench.results.records import Row
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.study.run import Run
from vaegan_bench.system.claims import Claim
from vaegan_bench.system.errors import FAILURES
from vaegan_bench.system.exhibits import Array


def measure_run(
    run: Run,
    folder: RunFolder,
    claim: Claim,
    references: References,
    settings: EvaluationSettings,
    *,
    keeps_sheets: bool = False,
) -> list[Row]:
    """Measure a trained run from its weights, add the numbers to those that it has, and return the new ones.

    `claim` is the claim of the run. If `keeps_sheets`, verdicts and images that were taken from samples of another
    source stay. Raises `StoreError` for damaged weights.
    """
    claim.report(phase="measuring")
    model = restore_model(run, folder, references.device)
    outputs = ModelOutputs(model, references, settings.samples, run.seed, sampler=settings.sampler)
    draws = [outputs, *(outputs.redrawn(draw) for draw in range(1, settings.draws))]
    measured = measure(draws, settings.metrics, run.split)
    records = settings.records(measured, references.weights())
    stays = keeps_sheets and folder.sheets_drawn_from() not in ("", settings.drawn_from)
    has_sheets = stays or folder.has_sheets(settings.samples, settings.drawn_from)
    try:
        sheets = None if has_sheets else _sheets_of(outputs, folder, settings)
    except FAILURES:
        folder.measurements.add(claim, records, None)  # numbers that need no samples are kept
        raise
    folder.measurements.add(claim, records, sheets)
    return [row for record, _ in records for row in record["rows"]]


def _sheets_of(outputs: ModelOutputs, folder: RunFolder, settings: EvaluationSettings) -> Sheets:
    """Verdicts on training, and the images of sheets."""
    images = {**_kept_images(outputs), **_conditions(outputs)}
    history = curves_of([(folder.record(), folder.training.curves())])
    return Sheets(settings.samples, settings.drawn_from, images, verdicts(outputs, history))


def _conditions(outputs: ModelOutputs) -> dict[str, Array]:
    """The conditioning attributes of the held-out images that are kept, (N, A) float32; {} if unconditional."""
    if not outputs.conditional:
        return {}
    return {CONDITIONS: outputs.data.test.conditions[: len(outputs.real)][:KEPT_IMAGES].float().cpu().numpy()}


def _kept_images(outputs: ModelOutputs) -> dict[str, Array]:
    """The first samples, held-out images and reconstructions, (N, H, W, C)."""
    images = {"samples": outputs.samples, "originals": outputs.real, "reconstructions": outputs.reconstructions}
    kept = {name: x[:KEPT_IMAGES] for name, x in images.items() if x is not None}
    return {name: x.permute(0, 2, 3, 1).contiguous().numpy() for name, x in kept.items()}

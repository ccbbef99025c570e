"""The trained models as data that the page can run: programs of their networks, codes, attribute vectors, faces."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vaegan_bench.report.exhibits import first_exhibit
from vaegan_bench.report.page.images import png_uri
from vaegan_bench.report.page.packing import pack_float16
from vaegan_bench.results.measurements import CONDITIONS
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.system.errors import FAILURES, reason_of
from vaegan_bench.system.exhibits import Array, LatentVectors, Strips

if TYPE_CHECKING:
    from vaegan_bench.registry.plugins import Registry
    from vaegan_bench.training.trained_model import TrainedModel

FACES = 24
"""The most held-out images from which the reader can choose one."""
CODES = 512
"""Draws from each prior that are stored in the page."""
MOST = 64 * 2**20
"""The most characters of all programs together: enough for five decoders of the paper's networks at 64×64."""
Banks = dict[str, dict[str, Any]]
"""Key → draws from a prior; models with the same draws share a bank."""


def live_content(folder: StudyFolder, registry: Registry, models: Sequence[str]) -> tuple[dict[str, Any] | None, str]:
    """The section's data as JSON-ready values and an empty reason; or None and the reason why there is no live model.

    Each model runs with its first seed that has weights, on the study's first data set. `models` fixes the colours.
    """
    runs = _first_runs(folder)
    if not runs:
        return None, "The weights of the trained models are not in the study's folder."
    found, banks, planned = list[dict[str, Any]](), Banks(), list(folder.planned())
    for label, run in runs.items():
        found.append(_model(label, models.index(label), run, registry, banks, planned))
    kept = [images for run in runs.values() if (images := run.images())]
    faces: Iterable[Array] = kept[0]["originals"][:FACES] if kept else []
    given = next((images[CONDITIONS][:FACES] for images in kept if CONDITIONS in images), None)
    record = next(iter(runs.values())).record()
    follows = any(model["vectors"] or model["conditional"] for model in found)
    attributes = record.attributes if follows else {}
    return {
        "shape": list(record.shape),
        "faces": [png_uri(face) for face in faces],
        "face_conditions": None if given is None else [[round(float(c), 4) for c in row] for row in given],
        "attributes": list(attributes),
        "ends": [list(ends) for ends in attributes.values()],
        "models": _fitting(found),
        "codes": banks,
    }, ""


def _first_runs(folder: StudyFolder) -> dict[str, RunFolder]:
    """Model → its first finished run with weights on the study's first data set."""
    runs = folder.shown()
    dataset = runs[0].record().dataset
    found = dict[str, RunFolder]()
    for run in runs:
        record = run.record()
        if record.dataset == dataset and record.is_ok and run.training.has_weights:
            found.setdefault(record.label, run)
    return found


def _model(
    label: str, colour: int, run: RunFolder, registry: Registry, banks: Banks, planned: Sequence[str]
) -> dict[str, Any]:
    about: dict[str, Any] = {"name": label, "colour": colour, "conditional": False, "latent": 0}
    nothing = {"decoder": None, "encoder": None, "vectors": None, "codes": ""}
    try:
        programs = _programs(run, registry, banks)
        return {**about, **programs, "vectors": _vectors(run, planned), "why_not": ""}
    except FAILURES as error:  # a third-party network may raise anything
        strips = first_exhibit(run, Strips, planned)
        instead = " Its strips, among the images above, show what its attribute vectors do." if strips else ""
        return {**about, **nothing, "why_not": f"{reason_of(error)}{instead}"}


def _fitting(models: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The models with the networks that fit into the page: first decoders, then encoders, in the models' order."""
    kept, taken = [dict(model) for model in models], 0
    for role, needs_it in (("decoder", ("decoder", "encoder")), ("encoder", ("encoder",))):
        for model in (model for model in kept if model[role]):
            size = len(model[role]["weights"]) + len(model[role]["numbers"])
            if taken + size <= MOST:
                taken += size
            else:
                why_not = f"Its {role} takes {size / 2**20:.0f} MB, and a page holds {MOST / 2**20:.0f} MB in all."
                model.update(dict.fromkeys(needs_it), why_not=why_not)
    return kept


def _programs(run: RunFolder, registry: Registry, banks: Banks) -> dict[str, Any]:
    """A model's networks as programs. Raises `BenchError` where the model cannot be restored, or run in a page."""
    import torch

    from vaegan_bench.evaluation.stored_run import restore_model, stored_run
    from vaegan_bench.report.page.portable import portable

    record = run.record()
    conditions = record.attributes
    model = restore_model(stored_run(run, registry), run, torch.device("cpu"))
    given = [torch.zeros(2, len(conditions))] if model.model.conditional else []
    inputs = {"decoder": torch.zeros(2, model.latent), "encoder": torch.zeros(2, *record.shape)}
    programs = {
        role: portable(_network(model, role), x, *given, first_output_only=role == "encoder").as_plain()
        if role in model.modules
        else None
        for role, x in inputs.items()
    }
    key = _add_bank(banks, model.codes(CODES).numpy())
    shared = {"conditional": model.model.conditional, "latent": model.latent, "codes": key}
    return {**programs, **shared}


def _add_bank(banks: Banks, codes_NZ: Array) -> str:
    """Store codes as a bank, and return its key."""
    packed = pack_float16(codes_NZ)
    key = hashlib.sha256(packed.encode()).hexdigest()[:8]
    banks[key] = {"count": len(codes_NZ), "float16": packed}
    return key


def _network(model: TrainedModel, role: str) -> Callable[..., Any]:
    """Encoder or decoder; with a codebook, the encoder's codes are quantised, and so are those that are decoded."""
    network, codebook = model.modules[role], model.codebook
    if codebook is None:
        return network
    if role == "decoder":
        return lambda z, *given: network(codebook.nearest(z), *given)
    return lambda x, *given: model.modules.quantise(network(x, *given)[0]).z_BZ


def _vectors(run: RunFolder, planned: Sequence[str]) -> dict[str, Any] | None:
    """The attribute vectors that a metric left, those with finite numbers only; None where no metric left any."""
    kept = first_exhibit(run, LatentVectors, planned)
    if kept is None:
        return None
    there = np.flatnonzero(np.isfinite(kept.vectors_NZ).all(axis=1)).tolist()
    return {"names": [kept.names[i] for i in there], "float16": pack_float16(kept.vectors_NZ[there])}

"""What figures show of attribute vectors: all decisions that they change, and faces moved along them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaegan_bench.api import Exhibits, Outputs
from vaegan_bench.metrics.measures.attribute_effects import Effects, Trial

Images = np.ndarray[Any, np.dtype[np.uint8]]

FACES = 2


def attribute_matrix(moved: Effects, trial: Trial, names: Sequence[str]) -> Exhibits:
    """'attribute-matrix' (A, A) and 'attribute-names' (A,): what each vector, a row, does to each decision, a column.

    The mean change of the decision over the images that were moved, float32 in [−1, 1]. NaN in the rows of
    attributes that were not measured, and in the columns of those that are not known. Nothing where none was measured.
    """
    if not moved:
        return {}
    matrix_AA = torch.full((len(names), len(names)), torch.nan)
    for attribute, effect in moved.items():
        matrix_AA[attribute] = effect.crossed_NA.mean(0).float().where(trial.known_A, torch.nan)
    return {"attribute-matrix": matrix_AA.numpy(), "attribute-names": np.array(names)}


def attribute_strips(
    outputs: Outputs, trial: Trial, faces_NA: Tensor, alphas: Sequence[float], shown: Sequence[str]
) -> Exhibits:
    """'strip-NAME': uint8 (F, S, H, W, C), the first two of `faces_NA` (bool), one step per 'strip-alphas' (S,).

    For the attributes in `shown`; nothing where there is no vector or no such face.
    """
    has_A = trial.vectors_AZ.isfinite().all(1) & faces_NA.any(0)
    places = {name: a for a, name in enumerate(outputs.data.attribute_names) if name in shown and has_A[a]}
    strips = {
        f"strip-{name}": _strip(outputs, trial.codes_NZ[faces_NA[:, a]][:FACES], trial.vectors_AZ[a], alphas)
        for name, a in places.items()
    }
    return {**strips, "strip-alphas": np.array(alphas)} if strips else {}


def _strip(outputs: Outputs, codes_FZ: Tensor, vector_Z: Tensor, alphas: Sequence[float]) -> Images:
    shifts_SZ = torch.tensor(alphas).to(codes_FZ)[:, None] * vector_Z.to(codes_FZ)
    codes_FSZ = codes_FZ[:, None] + shifts_SZ
    images_FSCHW = outputs.decode(codes_FSZ.flatten(0, 1)).unflatten(0, codes_FSZ.shape[:2])
    images: Images = images_FSCHW.permute(0, 1, 3, 4, 2).contiguous().cpu().numpy()
    return images

"""The exhibits of attribute vectors: all decisions that they change, and faces moved along them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vaegan_bench.api import Exhibits, LatentVectors, Matrix, Outputs, Strips
from vaegan_bench.metrics.attributes.effects import Effects, Trial

FACES = 2


def attribute_matrix(moved: Effects, trial: Trial, names: Sequence[str]) -> Exhibits:
    """'attribute-matrix' (A, A): what each vector, a row, does to each decision, a column.

    The mean change of the decision over the images that were moved, float32 in [−1, 1]. NaN in the rows of
    attributes that were not measured, and in the columns of those that are not known. Nothing where none was measured.
    """
    if not moved:
        return {}
    matrix_AA = torch.full((len(names), len(names)), torch.nan)
    for attribute, effect in moved.items():
        matrix_AA[attribute] = effect.crossed_NA.mean(0).float().where(trial.known_A, torch.nan)
    matrix = Matrix(
        values_RC=matrix_AA.numpy(),
        rows=tuple(names),
        columns=tuple(names),
        quantity="change of the oracle's decisions",
        row="vector added",
        column="decision that changes",
    )
    return {"attribute-matrix": matrix}


def attribute_latent_vectors(trial: Trial, names: Sequence[str]) -> Exhibits:
    """'attribute-vectors': the vectors of the attributes that the oracle knows, where any is."""
    known = trial.known_A.nonzero().flatten().tolist()
    if not known:
        return {}
    vectors_NZ = trial.vectors_AZ[known].float().numpy()
    return {"attribute-vectors": LatentVectors(vectors_NZ, tuple(names[a] for a in known), "attribute vector")}


def attribute_strips(
    outputs: Outputs, trial: Trial, faces_NA: Tensor, alphas: Sequence[float], shown: Sequence[str]
) -> Exhibits:
    """'attribute-strips': the first two of `faces_NA` (bool) for each attribute in `shown`, one step per α.

    Nothing where no attribute has a vector and such a face.
    """
    has_A = trial.vectors_AZ.isfinite().all(1) & faces_NA.any(0)
    places = {name: a for a, name in enumerate(outputs.data.attribute_names) if name in shown and has_A[a]}
    if not places:
        return {}
    faces = {name: trial.codes_NZ[faces_NA[:, a]][:FACES] for name, a in places.items()}
    strips = [_strips(outputs, faces[name], trial.vectors_AZ[a], alphas) for name, a in places.items()]
    images = torch.cat(strips).permute(0, 1, 3, 4, 2).contiguous().cpu().numpy()
    titles = tuple(name for name, codes_FZ in faces.items() for _ in codes_FZ)
    return {"attribute-strips": Strips(images_NSHWC=images, titles=titles, steps=tuple(alphas), symbol="α")}


def _strips(outputs: Outputs, codes_FZ: Tensor, vector_Z: Tensor, alphas: Sequence[float]) -> Tensor:
    """Faces moved along one vector; (F, S, C, H, W) uint8."""
    shifts_SZ = torch.tensor(alphas).to(codes_FZ)[:, None] * vector_Z.to(codes_FZ)
    codes_FSZ = codes_FZ[:, None] + shifts_SZ
    images: Tensor = outputs.decode(codes_FSZ.flatten(0, 1)).unflatten(0, codes_FSZ.shape[:2])
    return images

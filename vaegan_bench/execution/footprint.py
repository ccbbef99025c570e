"""The disk space that runs take at most, and the memory that they need at least."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from vaegan_bench.api import Data
from vaegan_bench.study.assembly import build_role, roles
from vaegan_bench.study.run import Run
from vaegan_bench.system.errors import FAILURES

COPIES = 3
"""How often an image that is kept is written: as it is, in the grids of its run, and in the sheets of its study."""
PROGRAM = 400 << 20
"""Bytes of memory of a process that has loaded torch and the other libraries."""
KINDS = 3
"""Kinds of images that are kept: samples, originals and reconstructions."""
CHECKPOINTS = 3
"""Checkpoints of a run on disk: the newest, the one before it, and the one that is being written."""
MOMENTS = 2
"""Numbers that an optimizer keeps for each weight, at most: Adam keeps two moments."""
BYTES_PER_STEP = 16
"""Bytes of the history per step: it has a row of some forty columns every 50 steps."""
RECORDS = 1 << 20
"""Bytes of a run's records, rows and exhibits."""
REPORT = 8 << 20
"""Bytes of a study's tables and figures."""


def footprint(untrained: Mapping[Run, Data], unmeasured: Mapping[Run, Data], images: int, at_once: int) -> int:
    """Bytes on disk that the unfinished runs of one study take at most; each keeps `images` images of each kind.

    Runs in `untrained` are to be trained and measured, those in `unmeasured` only measured; `at_once` of them have
    checkpoints at the same time.
    """
    weights: dict[tuple[str, str], int] = {}
    checkpoints = list[int]()
    total = REPORT
    for run, data in untrained.items():
        model = run.label, data.digest
        if model not in weights:
            weights[model] = bytes_of_weights(run, data)
        total += weights[model] + BYTES_PER_STEP * run.steps
        checkpoints.append(CHECKPOINTS * weights[model] * (1 + MOMENTS + bool(run.ema)))
    for data in (*untrained.values(), *unmeasured.values()):
        channels, height, width = data.shape
        total += RECORDS + COPIES * KINDS * images * channels * height * width
    return total + sum(sorted(checkpoints)[-at_once:])


def needed_memory(run: Run, data: Data) -> int:
    """Bytes of memory that a process needs at least for a run.

    They hold the program, the images, and for each weight its value, gradient, optimizer state and moving average. The
    activations that a step keeps for its gradients are left out.
    """
    images = sum(split.images_NCHW.nbytes for split in (data.train, data.test))
    return PROGRAM + images + bytes_of_weights(run, data) * (2 + MOMENTS + bool(run.ema))


def bytes_of_weights(run: Run, data: Data) -> int:
    """Bytes of the weights and running statistics of all roles, from networks that are built without memory.

    0 where they cannot be built: the run itself then fails and gives the reason.
    """
    try:
        with torch.device("meta"):
            every = [build_role(run.model, run.networks, role, data.shape, len(data.attribute_names))
                     for role in roles(run.model)]  # fmt: skip
    except FAILURES:
        return 0
    states = [module.state_dict() for module in every if module is not None]
    return sum(tensor.numel() * tensor.element_size() for state in states for tensor in state.values())

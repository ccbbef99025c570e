"""What tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from small import Blobs

from vaegan_bench.api import Model
from vaegan_bench.networks.compact import Compact
from vaegan_bench.optimizers.adam import Adam
from vaegan_bench.plan import Run

torch.set_num_threads(1)  # small networks gain nothing from a second thread, and lose much on a busy machine


@pytest.fixture
def make_run() -> Callable[..., Run]:
    """A small run of a model, on the blobs."""

    def make(model: Model, **changes: Any) -> Run:
        values = {
            "label": model.name,
            "model": model,
            "seed": 0,
            "dataset": Blobs(),
            "size": 32,
            "split": "test",
            "networks": Compact(latent=6, width=4, decoder_width=4),
            "optimizer": Adam(),
            "steps": 8,
            "batch": 16,
            "ema": 0.0,
            "precision": "float32",
            "device": "cpu",
        }
        return Run(**{**values, **changes})

    return make


@pytest.fixture(autouse=True)
def _global_randomness_is_left_alone() -> Iterator[None]:
    """Nothing in the package may draw from, or seed, torch's global generator."""
    before = torch.get_rng_state()
    yield
    assert torch.equal(before, torch.get_rng_state()), "the global random state was used"

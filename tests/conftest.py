"""What tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

torch.set_num_threads(1)  # small networks gain nothing from a second thread, and lose much on a busy machine


@pytest.fixture(autouse=True)
def _global_randomness_is_left_alone() -> Iterator[None]:
    """Nothing in the package may draw from, or seed, torch's global generator."""
    before = torch.get_rng_state()
    yield
    assert torch.equal(before, torch.get_rng_state()), "the global random state was used"


@pytest.fixture
def float64(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything in float64: `.float()`, which guards against bfloat16, must not round what is compared."""
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)

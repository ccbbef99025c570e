"""What tests share: small data, and plugins that only tests need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from vaegan_bench.api import Data, Dataset, Model, Optimizer, ParameterGroups, Progress, Schedule, Split, silent
from vaegan_bench.networks.compact import Compact
from vaegan_bench.optimizers.adam import Adam
from vaegan_bench.plan import Run
from vaegan_bench.schedules.constant import Constant

torch.set_num_threads(1)  # small networks gain nothing from a second thread, and lose much on a busy machine


@dataclass(frozen=True, kw_only=True)
class Blobs(Dataset):
    """Pictures of one bright square each, whose place is the attribute."""

    name = "blobs"

    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        return blobs(size)


def blobs(size: int = 32, n: int = 96) -> Data:
    """Squares on the left or on the right, with a little noise."""
    noise = torch.Generator().manual_seed(1)
    images = torch.randint(0, 40, (n, 3, size, size), dtype=torch.uint8, generator=noise)
    right = torch.arange(n) % 2 == 1
    images[~right, :, 8:16, 4:12] += 200
    images[right, :, 8:16, -12:-4] += 200
    whole = Split(images, right[:, None], right.long())
    return Data(whole[: n * 3 // 4], whole[n * 3 // 4 :], ("Right",), ("left", "right"), digest=f"blobs-{size}-{n}")


@dataclass(frozen=True, kw_only=True)
class PlainDescent(Optimizer):
    """w ← w − lr·g, so that tests can foretell every step."""

    name = "plain-descent"
    lr: float = 0.1
    weight_decay: float = 0.0
    schedule: Schedule = Constant()

    def build(self, groups: ParameterGroups) -> torch.optim.Optimizer:
        return torch.optim.SGD(groups, lr=self.lr)


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
            "networks": Compact(latent=6, width=4),
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

"""Small data, and plugins that only tests need."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from vaegan_bench.api import Data, Dataset, Optimizer, ParameterGroups, Progress, Schedule, Split, silent
from vaegan_bench.schedules.constant import Constant


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

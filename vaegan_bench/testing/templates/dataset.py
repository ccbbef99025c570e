"""A data set of my own."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch

from vaegan_bench.api import Data, Dataset, Plugin, Progress, Split, hookimpl, silent


@dataclass(frozen=True, kw_only=True)
class MyPlugin(Dataset):
    """Grey discs on noise, on the left or on the right: write here, in one line, what yours is."""

    name = "my-plugin"
    images: int = 1000

    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        """All images in memory; keep the results of long work in a file under `cache`, and report to `progress`."""
        noise = torch.Generator().manual_seed(0)
        right = torch.rand(self.images, generator=noise) < 0.5
        images = torch.randint(0, 64, (self.images, 1, size, size), generator=noise, dtype=torch.uint8)
        y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
        for side in (False, True):
            disc = (y - size // 2) ** 2 + (x - size * (3 if side else 1) // 4) ** 2 < (size // 6) ** 2
            images[right == side] += disc.to(torch.uint8) * 160
        whole, trained_on = Split(images, right[:, None], right.long()), self.images * 9 // 10
        digest = hashlib.sha256(images.numpy().tobytes())
        digest.update(right.numpy().tobytes())  # and scores and factors: else no run sees them change
        return Data(whole[:trained_on], whole[trained_on:], ("Right",), ("left", "right"), digest=digest.hexdigest())


@hookimpl
def vaegan_bench_plugins() -> list[type[Plugin]]:
    """Register it."""
    return [MyPlugin]

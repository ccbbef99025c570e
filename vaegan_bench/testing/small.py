"""Small data and small runs, for checks and tests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from vaegan_bench.api import Data, Dataset, ImageShape, Model, Networks, PluginError, Progress, Split, silent
from vaegan_bench.networks.compact import Compact
from vaegan_bench.study.assembly import build_role, roles
from vaegan_bench.study.run import Run
from vaegan_bench.system.paths import home_folder
from vaegan_bench.training.optimizers.adam import Adam

CACHE = home_folder("cache")
"""The folder where prepared data and trained oracles are kept, so that checks need not make them again."""
NETWORKS = Compact(latent=6, width=4, decoder_width=4)
"""Networks that train in milliseconds."""
DIVISIBLE = replace(NETWORKS, latent=60)
"""The same for models that quantise codes in groups: of up to six channels."""


@dataclass(frozen=True, kw_only=True)
class Blobs(Dataset):
    """Images of one bright square each, whose place is the attribute."""

    name = "blobs"
    channels: int = 3

    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        """96 images, made anew and always the same."""
        return blobs(size, channels=self.channels)


def blobs(size: int = 32, n: int = 96, channels: int = 3) -> Data:
    """Squares on the left or on the right, with a little noise: three quarters for training, one for testing."""
    noise = torch.Generator().manual_seed(1)
    images = torch.randint(0, 40, (n, channels, size, size), dtype=torch.uint8, generator=noise)
    right = torch.arange(n) % 2 == 1
    images[~right, :, 8:16, 4:12] += 200
    images[right, :, 8:16, -12:-4] += 200
    whole, train = Split(images, right[:, None], right.long()), n * 3 // 4
    digest = f"blobs-{size}-{n}-{channels}"
    return Data(whole[:train], whole[train:], ("Right",), ("left", "right"), digest=digest)


def small_networks(model: Model) -> Networks:
    """The smallest networks that can be built for a model; where all are refused, the smallest of all."""
    for networks in (NETWORKS, DIVISIBLE):
        try:
            with torch.device("meta"):
                for role in roles(model):
                    build_role(model, networks, role, ImageShape(3, 32, 32))
            return networks
        except PluginError:
            continue
    return NETWORKS


def small_run(model: Model, **changes: Any) -> Run:
    """A run of a model on the blobs: small networks, 8 steps of 16 images. `changes` replace fields of the run."""
    values = {
        "label": str(model),
        "model": model,
        "seed": 0,
        "dataset": Blobs(),
        "size": 32,
        "split": "test",
        "networks": changes.get("networks") or small_networks(model),
        "optimizer": Adam(),
        "steps": 8,
        "batch": 16,
        "ema": 0.0,
        "precision": "float32",
        "device": "cpu",
    }
    return Run(**{**values, **changes})

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch
from torch import Tensor

from vaegan_bench.api import Data, Extractor, FeatureNetwork, Split

Opened = Callable[[Extractor], FeatureNetwork]


def noise_images(n: int, channels: int = 3, size: int = 16, seed: int = 0) -> Tensor:
    noise = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, channels, size, size), generator=noise, dtype=torch.uint8)


@pytest.fixture
def images() -> Tensor:
    return noise_images(2)


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    """Opens an extractor that looks at no data, on the CPU."""
    split = Split(noise_images(2), torch.zeros(2, 0, dtype=torch.bool))
    return lambda extractor: extractor.open(Data(split, split, digest=""), tmp_path, torch.device("cpu"))


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The place of torch.hub's files, empty, on a machine without a network."""

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise URLError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    return tmp_path / "checkpoints"

"""A data set as the commands load it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vaegan_bench.cli.options import look_for_data_in
from vaegan_bench.cli.terminal import say

if TYPE_CHECKING:
    from vaegan_bench.api import Data, Dataset


def dataset_of(name: str, data_dir: Path | None, plugin: list[str] | None) -> Dataset:
    """The data set that a selector names; its source files are searched in `data_dir`."""
    from vaegan_bench.api import Dataset
    from vaegan_bench.registry.plugins import Registry

    look_for_data_in(data_dir)
    return Registry(plugin or []).build(Dataset, name)


def extent_of(data: Data) -> str:
    """The number of images and their shape, in words."""
    from vaegan_bench.training.loading import counts_of

    return f"{counts_of(data)} of {' × '.join(map(str, data.shape))}"


def say_extent(dataset: Dataset, data: Data, more: str = "") -> None:
    """Print the number of images, and remarks such as missing ones."""
    from vaegan_bench.training.loading import remarks_of

    say(f"{dataset}: {extent_of(data)}{more}")
    for remark in remarks_of(data):
        say(f"  {remark}")

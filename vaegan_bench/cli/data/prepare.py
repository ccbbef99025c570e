"""`vaegan-bench data prepare`: source files become one array of images."""

from __future__ import annotations

import time

from vaegan_bench.cli.data.loaded import dataset_of, say_extent
from vaegan_bench.cli.options import CacheDirOption, DataDirOption, DatasetName, DatasetSize, PluginFiles
from vaegan_bench.cli.terminal import say, terminal


def prepare(
    name: DatasetName,
    size: DatasetSize = 64,
    data_dir: DataDirOption = None,
    cache_dir: CacheDirOption = None,
    plugin: PluginFiles = None,
) -> None:
    """Download missing source files if that is allowed, and prepare the images at one size.

    Examples: `vaegan-bench data prepare mnist --size 32`,
    `vaegan-bench data prepare "celeba[crop=148]" --data-dir /data`
    """
    from vaegan_bench.cli.progress import TerminalProgress
    from vaegan_bench.system.paths import default_cache
    from vaegan_bench.training.loading import fetch, load

    dataset, cache = dataset_of(name, data_dir, plugin), cache_dir or default_cache()
    start = time.perf_counter()
    with TerminalProgress(terminal()) as progress:
        fetch(dataset, progress)
        data = load(dataset, size, cache, progress)
    say_extent(dataset, data, f", ready in {time.perf_counter() - start:.1f} s.")
    kept = cache / dataset.name
    say(f"Kept in {kept}" if kept.is_dir() else f"{dataset.name} keeps nothing in {cache}")

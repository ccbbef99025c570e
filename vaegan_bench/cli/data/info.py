"""`vaegan-bench data info`: the contents of a data set, in numbers and in images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vaegan_bench.cli.data.loaded import dataset_of, extent_of, say_extent
from vaegan_bench.cli.options import CacheDirOption, DataDirOption, DatasetName, DatasetSize, PluginFiles
from vaegan_bench.cli.terminal import say, table, terminal
from vaegan_bench.system.paths import output_file

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from torch import Tensor

    from vaegan_bench.api import Data, Dataset


def info(
    name: DatasetName,
    size: DatasetSize = 64,
    out: Annotated[
        Path | None, typer.Option(help="The image file to write; by default data-NAME.png.", parser=output_file)
    ] = None,
    data_dir: DataDirOption = None,
    cache_dir: CacheDirOption = None,
    plugin: PluginFiles = None,
) -> None:
    """Show counts, attributes, classes and factors of a data set, and draw training images.

    Examples: `vaegan-bench data info avatars`, `vaegan-bench data info mnist5k --size 32 --out digits.png`
    """
    from vaegan_bench.cli.progress import TerminalProgress
    from vaegan_bench.report.plots.dataset_sheet import figure_format
    from vaegan_bench.system.paths import default_cache
    from vaegan_bench.training.loading import load

    dataset, console = dataset_of(name, data_dir, plugin), terminal()
    path = out or output_file(f"data-{dataset.name}.png")
    form = figure_format(path)  # raises before all work
    with TerminalProgress(console) as progress:
        data = load(dataset, size, cache_dir or default_cache(), progress)
    say_extent(dataset, data)
    say(f"digest {data.digest}")
    _print_tables(data, console)
    _draw(dataset, data, path, form)
    say(str(path))


def _frequencies(word: str, names: Sequence[str], train_NA: Tensor, test_NA: Tensor) -> Table:
    """A table of how many training and test images have each of the named properties."""
    from rich.markup import escape

    from vaegan_bench.system.errors import one_line

    made = table(word)
    for part in ("train", "test"):
        made.add_column(part, justify="right", overflow="fold")
    for name, *columns in zip(names, train_NA.T, test_NA.T, strict=True):
        counts = (f"{int(has_N.sum()):,} ({100 * has_N.float().mean():.1f} %)" for has_N in columns)
        made.add_row(escape(one_line(name)), *counts)
    return made


def _print_tables(data: Data, console: Console) -> None:
    import torch

    train, test = data.train, data.test
    classes_are_attributes = data.class_names == data.attribute_names
    if data.attribute_names:
        word = "class and attribute" if classes_are_attributes else "attribute"
        console.print(_frequencies(word, data.attribute_names, train.attributes_NA, test.attributes_NA))
    if train.labels_N is not None and test.labels_N is not None and not classes_are_attributes:
        every = torch.arange(len(data.class_names))
        is_train_NK, is_test_NK = (labels_N[:, None] == every for labels_N in (train.labels_N, test.labels_N))
        console.print(_frequencies("class", data.class_names, is_train_NK, is_test_NK))
    if train.factors_NF is not None and test.factors_NF is not None:
        names = [f"{factor}: {value}" for factor, values in data.factors.items() for value in values]
        parts = (_values_of(split_NF, data.factors) for split_NF in (train.factors_NF, test.factors_NF))
        console.print(_frequencies("factor and value", names, *parts))


def _values_of(factors_NF: Tensor, factors: Mapping[str, tuple[str, ...]]) -> Tensor:
    """(N, all values of all factors) Whether an image has each value of each factor."""
    import torch

    columns = zip(factors_NF.T, factors.values(), strict=True)
    return torch.cat([place_N[:, None] == torch.arange(len(values)) for place_N, values in columns], 1)


def _draw(dataset: Dataset, data: Data, path: Path, form: str) -> None:
    from vaegan_bench.report.plots.dataset_sheet import dataset_sheet
    from vaegan_bench.system.files import replace_file

    images_NHWC, has_NA = data.train.images_NCHW.permute(0, 2, 3, 1).numpy(), data.train.attributes_NA.numpy()
    note = extent_of(data) + ("; shares are of the training images" if data.attribute_names else "")
    figure = dataset_sheet(str(dataset), note, images_NHWC, has_NA, data.attribute_names)
    with replace_file(path) as partial:
        figure.savefig(partial, format=form)

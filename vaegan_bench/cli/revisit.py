"""`vaegan-bench table`, `plot`, `samples` and `sample`: from what is on disk, without training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vaegan_bench.cli.fields import PluginFiles, StudyPath
from vaegan_bench.cli.terminal import say, terminal
from vaegan_bench.study.study import MOST
from vaegan_bench.system.paths import user_path

if TYPE_CHECKING:
    from vaegan_bench.results.study_folder import StudyFolder


def table(study: StudyPath = Path("results/quick")) -> None:
    """Print the comparison, and write results.csv, results.parquet and summary.md again.

    Exit code 1 where runs are left out because of damage or numbers are missing, 2 where the files cannot be written.

    Example: `vaegan-bench table results/quick`
    """

    from vaegan_bench.report import tables, writing

    folder = _opened(study)
    terminal().print(tables.to_rich(folder.rows()))
    _say(writing.write_tables(folder))
    _conclude(folder.missing())


def plot(study: StudyPath = Path("results/quick")) -> None:
    """Draw the learning curves and the metrics again, with every seed as a dot.

    Exit code 1 where runs are left out because of damage.
    """
    from vaegan_bench.report import writing

    folder = _opened(study)
    _say(writing.write_plots(folder))
    _conclude(folder.left_out_lines())


def samples(study: StudyPath = Path("results/quick")) -> None:
    """Draw the samples and reconstructions of all models side by side again.

    Exit code 1 where runs are left out because of damage.
    """
    from vaegan_bench.report import writing

    folder = _opened(study)
    _say(writing.write_samples(folder))
    _conclude(folder.left_out_lines())


def sample(
    run: Annotated[
        Path, typer.Argument(help="A run's folder, such as results/quick/vaegan-s0-1a2b3c4d.", parser=user_path)
    ],
    n: Annotated[int, typer.Option(min=1, max=MOST["batch"], help="How many images.")] = 64,
    out: Annotated[Path, typer.Option(help="The image file to write.", parser=user_path)] = Path("samples.png"),
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Which codes are drawn.")] = 0,
    columns: Annotated[int, typer.Option(min=1, max=1000, help="Images per row.")] = 8,
    given: Annotated[str, typer.Option(help="Of a conditional model: the attributes to have, comma-separated.")] = "",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    plugin: PluginFiles = None,
) -> None:
    """Draw new samples from a trained run.

    Example: `vaegan-bench sample results/quick/vaegan-s0-1a2b3c4d --n 64 --out grid.png`
    """
    from vaegan_bench.execution.from_python import load_model
    from vaegan_bench.report import writing

    model = load_model(run, device, plugin or [])
    attributes = model.attributes(given.split(",") if given else [], n) if model.model.conditional else None
    images = model.images(model.codes(n, seed), attributes).permute(0, 2, 3, 1).numpy()
    _say([writing.save_grid(images, columns, out)])


def _opened(path: Path) -> StudyFolder:
    from vaegan_bench.results.study_folder import StudyFolder

    return StudyFolder(path)


def _conclude(missing: list[str]) -> None:
    """Raise `IncompleteError` where something is missing; what could be shown is shown."""
    from vaegan_bench.system.attempts import Attempts

    Attempts(missing).conclude()


def _say(paths: list[Path]) -> None:
    for path in paths:
        say(str(path))

"""`vaegan-bench sample`: new samples of a trained run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vaegan_bench.cli.options import DeviceOption, PluginFiles
from vaegan_bench.cli.terminal import say
from vaegan_bench.study.study import MOST
from vaegan_bench.system.paths import output_file, user_path


def sample(
    run: Annotated[
        Path, typer.Argument(help="A run's folder, such as results/quick/vaegan-s0-1a2b3c4d.", parser=user_path)
    ],
    n: Annotated[int, typer.Option(min=1, max=MOST["batch"], help="How many images.")] = 64,
    out: Annotated[Path, typer.Option(help="The image file to write.", parser=output_file)] = Path("samples.png"),
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="The seed of the codes.")] = 0,
    columns: Annotated[int, typer.Option(min=1, max=1000, help="Images per row.")] = 8,
    given: Annotated[str, typer.Option(help="For a conditional model: attributes to have, comma-separated.")] = "",
    device: DeviceOption = "auto",
    plugin: PluginFiles = None,
) -> None:
    """Draw new samples from a trained run.

    Example: `vaegan-bench sample results/quick/vaegan-s0-1a2b3c4d --n 64 --out grid.png`
    """
    from vaegan_bench.execution.from_python import load_model
    from vaegan_bench.registry.selectors import split_list
    from vaegan_bench.report.image_grids import image_format, save_grid
    from vaegan_bench.system.errors import StudyError

    image_format(out)  # raises before all work
    model = load_model(run, device, plugin or [])
    if given and not model.model.conditional:
        raise StudyError(f"--given {given}: no effect on {run}, whose model is not conditional. Leave it out.")
    attributes = model.attributes(split_list(given), n) if model.model.conditional else None
    images = model.images(model.codes(n, seed), attributes).permute(0, 2, 3, 1).numpy()
    say(str(save_grid(images, columns, out)))

"""`vaegan-bench compare`: two models over the same seeds, with a verdict and an exit code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vaegan_bench.cli.options import asked_study
from vaegan_bench.cli.terminal import say, table, terminal
from vaegan_bench.system.paths import user_path

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table


def compare(
    model: Annotated[str, typer.Argument(help="A model as the table names it, such as vaegan.")],
    other: Annotated[str, typer.Argument(help="The model to compare it with.")],
    study: Annotated[
        Path | None,
        typer.Option(
            help="The study's folder, or its name in results/; by default the study of results/ that was run last.",
            parser=user_path,
        ),
    ] = None,
    metric: Annotated[list[str] | None, typer.Option(help="Only this number, such as psnr; repeatable.")] = None,
    fail_if_worse: Annotated[
        bool, typer.Option("--fail-if-worse", help="Exit with code 1 if the verdict is 'worse'.")
    ] = False,
) -> None:
    """Print by how much one model is better than another over common seeds, and the verdict of a paired test.

    Examples: `vaegan-bench compare vaegan vae`, `vaegan-bench compare "vaegan[gamma=0.1]" vaegan --metric psnr`
    """
    from vaegan_bench.report import tables
    from vaegan_bench.results.study_folder import StudyFolder
    from vaegan_bench.system.errors import StudyError

    folder = StudyFolder(asked_study(study))
    for line in folder.left_out_lines():
        say(line, error=True)
    found = tables.compare(folder.rows(), model, other)
    if found.empty:
        raise StudyError(f"'{model}' and '{other}' have no metric on common seeds in {folder.path}.")
    found = _choose(found, metric or [])
    terminal().print(_to_table(found, model, other, folder.path))
    if fail_if_worse and (found["verdict"] == tables.WORSE).any():
        raise typer.Exit(1)


def _choose(found: pd.DataFrame, metrics: list[str]) -> pd.DataFrame:
    from vaegan_bench.system.errors import UnknownNameError

    full, plain = found["metric"], found["metric"].str.partition("[")[0]  # 'frechet[oracle]' is also meant by 'frechet'
    for name in metrics:
        if not (full.eq(name) | plain.eq(name)).any():
            raise UnknownNameError("metric that both models have:", name, full.unique())
    return found[full.isin(metrics) | plain.isin(metrics)] if metrics else found


def _to_table(found: pd.DataFrame, model: str, other: str, study: Path) -> Table:
    from rich import box
    from rich.markup import escape

    from vaegan_bench.report.tables import cell, common_seeds, heading, is_verdict, p_value

    made = table("metric", box=box.SIMPLE_HEAD, title_justify="left", caption_justify="left")
    seeds = common_seeds(found["seeds"].min(), found["seeds"].max())
    made.title = escape(f"{study}\n{model} − {other}, {seeds}")
    made.caption = escape(
        f"difference: mean over seeds with its 95 % t-interval. P: probability that {model} is better. "
        "p: paired sign-flip test, adjusted for all pairs of models of the study (Holm). " + _open_verdicts(found)
    )
    for name in ("difference", "P", "p"):
        made.add_column(name, justify="right", overflow="fold")
    made.add_column("verdict", overflow="fold")
    several = found["dataset"].nunique() > 1
    for row in found.to_dict("records"):
        where = f"{row['dataset']}: " if several else ""
        name = escape(where + heading(row["metric"], row["direction"], row["units"]))
        difference = cell(row["difference"], row["half_width"])
        chances = f"{row['improvement']:.2f}", p_value(row["p_holm"])
        verdict = row["verdict"] if is_verdict(row["verdict"]) else "—"
        made.add_row(name, difference, *chances, verdict)
    return made


def _open_verdicts(found: pd.DataFrame) -> str:
    """The meaning of a dash instead of a verdict in this table; '' where there is no dash."""
    from vaegan_bench.report.tables import is_verdict

    reasons = [reason for reason in found["verdict"].unique() if not is_verdict(reason)]
    return f"—: {'; or '.join(reasons)}." if reasons else ""

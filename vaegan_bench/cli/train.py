"""`vaegan-bench run`: train, measure and report a study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vaegan_bench.cli.fields import (
    CacheDirOption,
    DataDirOption,
    ExtractorOption,
    PluginFiles,
    ResultsOption,
    WeightsOption,
)
from vaegan_bench.cli.terminal import say, table, terminal

if TYPE_CHECKING:
    from rich.console import Console

    from vaegan_bench.execution.execution import Execution
    from vaegan_bench.registry.plugins import Registry
    from vaegan_bench.study.plan import Plan
    from vaegan_bench.study.study import Study

EPILOG = """
Examples:

    vaegan-bench run --models all

    vaegan-bench run --models vae,vaegan --seeds 3

    vaegan-bench run --models "vaegan[gamma=1e-4,adversarial=hinge]"

    vaegan-bench run --losses adversarial=minimax,hinge,lsgan --dry-run

    vaegan-bench run --models vaegan --term-weights "prior=1,linear[over=1000],cyclic"

    vaegan-bench run --models vaegan --ablate

    vaegan-bench run my-study.toml --plugin my_loss.py
"""


def run(
    study: Annotated[
        str, typer.Argument(help="A packaged study (quick, standard, smoke) or a TOML file; auto: standard with a GPU.")
    ] = "auto",
    models: Annotated[
        str | None, typer.Option(help="Models by selector, comma-separated; 'all' for every one.")
    ] = None,
    losses: Annotated[
        list[str] | None, typer.Option(help="field=a,b: cross a loss over all models; repeatable.")
    ] = None,
    term_weights: Annotated[
        list[str] | None,
        typer.Option(help="term=a,b or player.term=a,b: factors or schedules, crossed over all models; repeatable."),
    ] = None,
    ablate: Annotated[
        bool, typer.Option("--ablate", help="Run every model with each of its terms left out in turn, too.")
    ] = False,
    fields: Annotated[
        list[str] | None, typer.Option(help="name[field=value]: a study-wide default; repeatable.")
    ] = None,
    datasets: Annotated[str | None, typer.Option(help="Data sets by selector, comma-separated.")] = None,
    size: Annotated[int | None, typer.Option(help="Pixels per side.")] = None,
    split: Annotated[str | None, typer.Option(help="What is measured on: test, or validation for tuning.")] = None,
    networks: Annotated[str | None, typer.Option(help="Networks by selector, shared by all models.")] = None,
    seeds: Annotated[str | None, typer.Option(help="How many seeds (3), or which: 0,4,7 or a single one, 7,")] = None,
    steps: Annotated[int | None, typer.Option(help="Training steps per run.")] = None,
    batch: Annotated[int | None, typer.Option(help="Images per step.")] = None,
    optimizer: Annotated[str | None, typer.Option(help="Optimizer by selector, shared by all models.")] = None,
    ema: Annotated[
        float | None,
        typer.Option(help="Decay of the moving average of encoder and decoder, which is evaluated; 0: none."),
    ] = None,
    precision: Annotated[str | None, typer.Option(help="auto, float32 or bfloat16.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.")] = None,
    metrics: Annotated[str | None, typer.Option(help="Metrics by selector, comma-separated.")] = None,
    samples: Annotated[int | None, typer.Option(help="Samples per model, and held-out images at most.")] = None,
    draws: Annotated[
        int | None, typer.Option(help="Independent sets of samples per run, for the evaluation noise.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="The folder under the results folder.")] = None,
    results: ResultsOption = Path("results"),
    data_dir: DataDirOption = None,
    cache_dir: CacheDirOption = None,
    extractor: ExtractorOption = None,
    inception_weights: WeightsOption = None,
    plugin: PluginFiles = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan with an estimate, and train nothing.")
    ] = False,
) -> None:
    """Train, measure and compare models; finished runs are not run again."""

    from vaegan_bench.cli.fields import extractor_fields, look_for_data_in, read_fields
    from vaegan_bench.registry.plugins import Registry
    from vaegan_bench.study.plan import make_plan
    from vaegan_bench.system.errors import IncompleteError
    from vaegan_bench.system.paths import default_cache

    look_for_data_in(data_dir)
    lists = {"models": models, "datasets": datasets, "metrics": metrics}
    plain: dict[str, Any] = {
        "size": size, "split": split, "networks": networks, "steps": steps, "batch": batch, "optimizer": optimizer,
        "ema": ema, "precision": precision, "device": device, "samples": samples, "draws": draws, "name": name,
        "ablate": ablate or None, "losses": _crossed("--losses", losses),
        "term_weights": _crossed("--term-weights", term_weights),
    }  # fmt: skip
    registry = Registry(plugin or [])
    given = extractor_fields(registry, extractor, inception_weights) | read_fields(fields or [])
    chosen = _study(study, lists, {**plain, "seeds": _seeds(seeds)}, given)
    console = terminal()
    tell_broken(registry, console)
    plan = make_plan(chosen, registry)
    if dry_run:
        print_plan(plan, console)
    elif missing := carry_out(plan, registry, results, cache_dir or default_cache(), console):
        raise IncompleteError(missing)


def tell_broken(registry: Registry, console: Console) -> None:
    """Print which plugins are left out, and why."""
    for broken, reason in registry.broken.items():
        console.print(f"Plugin {broken} is left out: {reason}", markup=False)


def _study(
    source: str,
    lists: dict[str, str | None],
    plain: dict[str, Any],
    fields: dict[str, dict[str, str]],
) -> Study:
    """The study that the flags describe."""
    from vaegan_bench.registry.selectors import split_list
    from vaegan_bench.study.study import load_study

    study = load_study(_default_study() if source == "auto" else source)
    values = {key: value for key, value in plain.items() if value is not None}
    values |= {key: split_list(text) for key, text in lists.items() if text is not None}
    if fields:
        merged = {name: {**study.fields.get(name, {}), **given} for name, given in fields.items()}
        values["fields"] = {**study.fields, **merged}
    return study.with_values(values, "the flags")


def _default_study() -> str:
    import torch

    return "standard" if torch.cuda.is_available() else "quick"


def _seeds(text: str | None) -> int | list[int] | None:
    from vaegan_bench.system.errors import StudyError

    if text is None:
        return None
    try:
        numbers = [int(part) for part in text.removesuffix(",").split(",")]
    except ValueError as error:
        raise StudyError(
            f"--seeds takes a number of seeds (3), the seeds (0,4,7) or a single one (7,), not '{text[:40]}'."
        ) from error
    return numbers if "," in text else numbers[0]


CROSSED = {"--losses": "field=loss,loss,… such as adversarial=minimax,hinge",
           "--term-weights": "term=weight,weight,… such as prior=0.5,linear[over=1000]"}  # fmt: skip


def _crossed(option: str, texts: list[str] | None) -> dict[str, list[str]] | None:
    from vaegan_bench.registry.selectors import split_list
    from vaegan_bench.system.errors import StudyError

    crossed: dict[str, list[str]] = {}
    for text in texts or []:
        name, equals, selectors = text.partition("=")
        if not equals or not selectors:
            raise StudyError(f"{option} takes {CROSSED[option]}, not '{text}'.")
        crossed.setdefault(name.strip(), []).extend(split_list(selectors))
    return crossed or None


def carry_out(plan: Plan, registry: Registry, results: Path, cache: Path, console: Console) -> list[str]:
    """Train, measure and report a plan with bars in the terminal; return what is missing at the end, line by line.

    An interruption goes on to the caller, after a line on what is kept.
    """
    from vaegan_bench.cli.progress import TerminalProgress
    from vaegan_bench.execution.execution import Execution
    from vaegan_bench.results.study_folder import StudyFolder

    folder = StudyFolder(results / plan.study.name)
    progress = TerminalProgress(console)
    execution = Execution(plan, registry, folder, cache, progress)
    registry.manager.register(progress, "progress bars")
    try:
        _announce(execution, console)
        with progress:
            execution.carry_out()
        return _conclude(execution, console)
    except KeyboardInterrupt:
        _say_what_is_kept(execution, console)
        raise
    finally:
        registry.manager.unregister(progress)
        for line in execution.lifecycle.warnings():
            say(f"Warning: {line}", error=True)


def _say_what_is_kept(execution: Execution, console: Console) -> None:
    kept, runs, path = len(execution.finished()), len(execution.plan.runs), execution.folder.path
    console.print(
        f"\n{kept} of {runs} runs are finished and kept in {path}; the same command goes on with the "
        f"rest, and vaegan-bench table {path} shows what is there.",
        markup=False,
    )


def _warn(plan: Plan, console: Console) -> None:
    """Print what a plan leaves out, and what the identity of its runs does not cover."""
    for skip in plan.skips:
        console.print(f"Skipped {skip.label}: {skip.reason}", markup=False)
    if plan.unfollowed:
        console.print(plan.unfollowed, markup=False, highlight=False)


def _announce(execution: Execution, console: Console) -> None:
    plan, finished = execution.plan, execution.finished()
    _warn(plan, console)
    for reason in execution.damaged().values():
        say(f"Made again: {reason}", error=True)
    run = plan.runs[0]
    done = f", {len(finished)} of them finished before" if finished else ""
    console.print(
        f"Study {plan.study.name}: {len(plan.runs)} runs{done}; {run.steps} steps of {run.batch}, "
        f"networks {run.networks}, {run.device} in {run.precision}.",
        highlight=False,
        markup=False,
    )


def _conclude(execution: Execution, console: Console) -> list[str]:
    """Write and print what was found; return what is missing, line by line."""
    from vaegan_bench.report import tables, writing
    from vaegan_bench.system.attempts import Attempts

    folder, attempts = execution.folder, Attempts(execution.missing())
    attempts.lines += folder.missing()
    if not folder.runs():
        return attempts.lines
    with console.status("Writing tables and plots"), attempts.part("report"):
        writing.write_report(folder)
    with attempts.part("the table in the terminal"):
        console.print(tables.to_rich(folder.rows()))
    with attempts.part("the table of terms left out"):
        left_out = tables.ablation(folder.rows())
        if not left_out.empty:
            console.print(tables.ablation_to_rich(left_out))
    names = ", ".join(path.name for path in writing.written(folder))
    console.print(f"Results: {folder.path}/ ({names})", markup=False, highlight=False)
    return attempts.lines


def print_plan(plan: Plan, console: Console) -> None:
    """Print what a plan would cost, and train nothing."""
    from rich.markup import escape

    from vaegan_bench.execution.estimate import estimate
    from vaegan_bench.report.tables import duration, wrapped

    _warn(plan, console)
    title = f"{plan.study.name}: {', '.join(plan.study.datasets)} at {plan.study.size}×{plan.study.size}"
    columns = ("seeds", "steps × batch", "images/s", "time", "memory")
    made = table("model", *columns, title=escape(title), title_justify="left")
    minutes = 0.0
    with console.status(f"Timing a few steps of each model of {escape(plan.study.name)}"):
        for cost in estimate(plan):
            minutes += cost.minutes
            row = [
                escape(wrapped(cost.label, 28)),
                str(cost.seeds),
                f"{cost.steps} × {cost.batch}",
                f"{cost.images_per_second:,.0f}",
            ]
            made.add_row(*row, duration(cost.minutes), f"{cost.memory_bytes / 2**30:.2f} GiB")
    console.print(made)
    console.print(
        f"Training {len(plan.runs)} runs would take about {duration(minutes)} here, measured on a few steps each; "
        "preparing data and measuring come on top. Memory is the most that this process held.",
        highlight=False,
    )

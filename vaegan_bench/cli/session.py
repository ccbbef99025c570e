"""Code shared by `run` and `reproduce`: a plan is run with progress bars, or printed with an estimate."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from math import comb
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaegan_bench.cli.options import look_for_data_in
from vaegan_bench.cli.progress import TerminalProgress
from vaegan_bench.cli.study_table import print_study_table
from vaegan_bench.cli.terminal import say, table, terminal

if TYPE_CHECKING:
    from rich.table import Table

    from vaegan_bench.execution.estimate import Cost
    from vaegan_bench.execution.execution import Execution
    from vaegan_bench.results.study_folder import StudyFolder
    from vaegan_bench.study.plan import Plan
    from vaegan_bench.system.attempts import Attempts

MEMORY = "Memory is the most that this process held."
GPU_MEMORY = "Memory is the most that a model took on the GPU, without the training images and CUDA itself."


class Session:
    """A command that trains, with its output in a terminal."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        """Take the parameters of the command; print which plugins are left out, and why.

        Raises `PluginError` for a plugin that cannot be used, and as `choose_engine` does.
        """
        from vaegan_bench.execution.engine_choice import choose_engine
        from vaegan_bench.registry.plugins import Registry
        from vaegan_bench.system.paths import default_cache

        look_for_data_in(given["data_dir"])
        self.registry, self.console = Registry(given["plugin"] or []), terminal()
        self.engine = choose_engine(self.registry, given["engine"], given["workers"])
        self.cache: Path = given["cache_dir"] or default_cache()
        self.checkpoint: float = given["checkpoint"]
        for broken, reason in self.registry.broken.items():
            say(f"Plugin {broken} is left out: {reason}")

    def run(self, plan: Plan, results: Path) -> Attempts:
        """Train, measure and report a plan; return what is missing at the end.

        After an interruption it prints which results are kept, and raises the interruption again.
        """
        from vaegan_bench.execution.execution import Execution
        from vaegan_bench.execution.run_study import run_study
        from vaegan_bench.results.study_folder import StudyFolder

        progress = TerminalProgress(self.console)
        folder = StudyFolder(results / plan.study.name)
        execution = Execution(plan, self.registry, folder, self.cache, progress, self.engine, self.checkpoint)
        self.registry.manager.register(progress, "progress bars")
        try:
            self._announce(execution)
            with progress:
                attempts = run_study(execution)
            self._print_results(execution.folder, attempts)
            return attempts
        except KeyboardInterrupt:
            self._say_what_is_kept(execution)
            raise
        finally:
            self.registry.manager.unregister(progress)

    def workers_for(self, plan: Plan) -> int:
        """How many runs of a plan go on side by side."""
        from vaegan_bench.execution.engine_choice import suited

        return suited(self.engine, plan).count(len(plan.runs), plan.study.threads, plan.runs[0].device)

    def print_plan(self, plan: Plan) -> None:
        """Print the estimated cost of a plan, without training."""
        from rich.markup import escape

        from vaegan_bench.execution.estimate import estimate
        from vaegan_bench.report.summary import meanings
        from vaegan_bench.study.resolver import names_within

        self._say_skipped(plan)
        if plan.unfollowed:
            say(plan.unfollowed)
        with self.console.status(f"Timing a few steps of each model of {escape(plan.study.name)}"):
            costs = list(estimate(plan))
        self.console.print(_cost_table(plan, costs))
        used = names_within(plan.plugins)
        for name, meant in meanings(plan.study):
            if name in used:
                say(f"{name} here means {meant}, unless a label says otherwise.")
        say(_where(plan))
        say(_optimizers(plan))
        self._say_seeds_needed(plan)
        for dataset in dict.fromkeys(plan.study.datasets):
            say(f"The images of {dataset} were not looked at: vaegan-bench data info {shlex.quote(dataset)} does that.")
        say(estimate_in_words(plan, costs, self.workers_for(plan)))

    def _announce(self, execution: Execution) -> None:
        from vaegan_bench.report.status.earlier_runs import no_longer_shown

        plan, finished = execution.plan, execution.work.with_results()
        self._say_skipped(plan)
        run, side_by_side = plan.runs[0], execution.side_by_side(len(plan.runs) - len(finished))
        runs = f"{len(plan.runs)} run{'s' if len(plan.runs) > 1 else ''}"
        done = f", {len(finished)} of them finished before" if finished else ""
        workers = f", {side_by_side} runs side by side" if side_by_side > 1 else ""
        say(
            f"Study {plan.study.name}: {runs}{done}; {run.steps} steps of {run.batch}, "
            f"networks {run.networks}, {run.device} in {run.precision}{workers}."
        )
        if note := no_longer_shown(execution.folder, plan):
            say(note)
        self._say_seeds_needed(plan)

    def _say_seeds_needed(self, plan: Plan) -> None:
        """Say how many seeds verdicts take, where the plan has fewer."""
        from vaegan_bench.report.tables import seeds_needed

        models, seeds = len({run.label for run in plan.runs}), len(set(plan.study.seeds))
        if models > 1 and seeds < (needed := seeds_needed(comb(models, 2))):
            few = "1 seed there are no intervals (from 2 seeds) and" if seeds == 1 else f"{seeds} seeds there are"
            say(f"With {few} no verdicts on all {models} models (from {needed} seeds).")

    def _say_skipped(self, plan: Plan) -> None:
        for skip in plan.skips:
            say(f"Skipped {skip.label}: {skip.reason}")

    def _print_results(self, folder: StudyFolder, attempts: Attempts) -> None:
        """Print the table and where the results are, as parts of the attempts."""
        from vaegan_bench.report import tables
        from vaegan_bench.report.page.page import PAGE
        from vaegan_bench.report.writing import report_files

        if not folder.runs():
            return
        with attempts.part("the table in the terminal"):
            print_study_table(self.console, folder)
        with attempts.part("the table of terms left out"):
            left_out = tables.ablation(folder.rows())
            if not left_out.empty:
                self.console.print(tables.ablation_to_rich(left_out))
        if (folder.path / PAGE).is_file():
            say(f"Report: {folder.path / PAGE}")
        say(f"Results: {folder.path}/ ({', '.join(path.name for path in report_files(folder))})")

    def _say_what_is_kept(self, execution: Execution) -> None:
        kept, runs, path = len(execution.work.with_results()), len(execution.plan.runs), execution.folder.path
        begun = "".join(f"; {run} goes on from step {step}" for run, step in execution.work.begun().items())
        say(
            f"\n{kept} of {runs} runs are finished and kept in {path}{begun}. The same command goes on with the rest, "
            f"and vaegan-bench table {shlex.quote(str(path))} shows what is there."
        )


def _where(plan: Plan) -> str:
    """The device and the precision of a plan, and whether the study or the suite chose the precision."""
    import torch

    from vaegan_bench.system.device import describe, thread_count

    run = plan.runs[0]
    chosen = "chosen for this hardware" if plan.study.precision == "auto" else "as the study says"
    with thread_count(run.threads):
        return f"Trained on {describe(torch.device(run.device))} in {run.precision}, {chosen}."


def _optimizers(plan: Plan) -> str:
    """The optimizers of the players, in words."""
    run = plan.runs[0]
    own = "".join(f"; of player '{player}': {optimizer}" for player, optimizer in run.optimizers)
    return f"Optimizer: {run.optimizer}{own}."


def estimate_in_words(plan: Plan, costs: Sequence[Cost], workers: int) -> str:
    """How long training takes, and what the estimate leaves out. On a GPU, runs are counted one after the other."""
    from vaegan_bench.execution.estimate import minutes_side_by_side
    from vaegan_bench.report.tables import duration

    device = plan.runs[0].device
    time = duration(minutes_side_by_side(costs, workers if device == "cpu" else 1))
    runs = f"all {len(plan.runs)} runs" if len(plan.runs) > 1 else "1 run"
    return (
        f"Training {runs} from the start would take about {time} here{_side_by_side(workers, device)}. Preparing data "
        f"and measuring take additional time. {GPU_MEMORY if device == 'cuda' else MEMORY}"
    )


def _side_by_side(workers: int, device: str) -> str:
    measured = "measured on a few steps each"
    if workers == 1:
        return f", {measured}"
    if device == "cpu":
        return f" with {workers} workers, {measured}, one run alone; runs side by side slow each other down a little"
    return f", one run after the other, {measured}; {workers} workers on one GPU are faster with small networks only"


def _cost_table(plan: Plan, costs: list[Cost]) -> Table:
    from rich.markup import escape

    from vaegan_bench.report.tables import duration, wrap_label

    title = f"{plan.study.name}: {', '.join(plan.study.datasets)} at {plan.study.size}×{plan.study.size}"
    columns = ("runs", "steps × batch", "images/s", "time", "memory")
    made = table("model", *columns, title=escape(title), title_justify="left")
    for cost in costs:
        extent = [str(cost.runs), f"{cost.steps} × {cost.batch}", f"{cost.images_per_second:,.0f}"]
        spent = [duration(cost.minutes), f"{cost.memory_bytes / 2**30:.2f} GiB"]
        made.add_row(escape(wrap_label(cost.label, 28)), *extent, *spent)
    return made

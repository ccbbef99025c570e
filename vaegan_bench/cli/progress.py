"""Progress in the terminal: bars with images/s and time left; quiet where there is no terminal."""

from __future__ import annotations

from types import TracebackType
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, Progress, Task, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from vaegan_bench.api import hookimpl


class RunBar(NamedTuple):
    """The bar of a run in progress."""

    task: TaskID
    batch: int
    """Images per step."""


class TerminalProgress:
    """Shows the progress of the study, its runs and the preparation of data; a life-cycle plugin like any other."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.bars = Progress(
            TextColumn("{task.description}", justify="left", markup=False),
            BarColumn(bar_width=28),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[rate]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self.study: TaskID | None = None
        self.runs: dict[str, RunBar] = {}
        """The runs in progress, by their id."""
        self.preparing: TaskID | None = None
        self.images: dict[str, int] = {}
        """Id of a run → the number of images on which it has been trained so far."""
        self.total = 0

    def __enter__(self) -> TerminalProgress:
        self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bars.stop()

    def __call__(self, description: str, done: int, total: int) -> None:
        """Show the preparation of data or the extraction of features: 'RUN: …' in the bar of that run."""
        run, _, what = description.partition(": ")
        if run in self.runs:
            self.bars.update(self.runs[run].task, rate=f"{what} {done / max(1, total):.0%}")
            return
        if self.preparing is None or self._task(self.preparing).description != description:
            self._close_preparation()
            self.preparing = self.bars.add_task(description, total=total, rate="")
        self.bars.update(self.preparing, completed=done)
        if done >= total:
            self._close_preparation()

    @hookimpl
    def study_started(self, name: str, runs: list[str], images: list[int]) -> None:
        """Open the bar of the whole study."""
        self.total, self.images = len(runs), {}
        self.study = self.bars.add_task(f"study {name}", total=sum(images), rate=f"run 0 of {self.total}")

    @hookimpl
    def run_started(self, run: str, steps: int, done: int, batch: int) -> None:
        """Open the bar of a run; it begins at the step at which training goes on."""
        self.images[run] = done * batch
        bar = self.bars.add_task(f"  {run}", total=steps * batch, completed=done * batch, rate="")
        self.runs[run] = RunBar(bar, batch)
        self._update_study()

    @hookimpl
    def step_ended(self, run: str, step: int) -> None:
        """Advance the bars of the study and of the run by one batch."""
        if run not in self.runs:
            return
        bar = self.runs[run]
        self.images[run] = step * bar.batch
        self.bars.update(bar.task, completed=self.images[run])
        self._update_study()
        if step % 10 == 0 and (speed := self._task(bar.task).speed):
            self.bars.update(bar.task, rate=f"{speed:,.0f} images/s")

    @hookimpl
    def run_ended(self, run: str, status: str) -> None:
        """Close the run's bars and leave a line."""
        if run in self.runs:  # a run can end without having started
            self.bars.remove_task(self.runs.pop(run).task)
        if not self.runs:
            self._close_preparation()  # of a preparation that failed meanwhile
        self._say(f"{run}: {'done' if status == 'ok' else status}")

    @hookimpl
    def run_copied(self, run: str, folder: str) -> None:
        """Print the folder from which a run was copied."""
        self._say(f"{run}: copied from {folder}, where it was trained")

    @hookimpl
    def run_awaited(self, run: str, holder: str) -> None:
        """Print which other process works on a run, for which this process waits."""
        self._say(f"Waiting for {run}, on which {holder} works")

    def _say(self, line: str) -> None:
        self.console.print(line, emoji=False, highlight=False, markup=False, soft_wrap=True)

    def _update_study(self) -> None:
        if self.study is not None:
            rate = f"run {len(self.images)} of {self.total}"
            self.bars.update(self.study, completed=sum(self.images.values()), rate=rate)

    def _close_preparation(self) -> None:
        if self.preparing is not None:
            self.bars.remove_task(self.preparing)
            self.preparing = None

    def _task(self, task: TaskID) -> Task:
        return self.bars.tasks[self.bars.task_ids.index(task)]

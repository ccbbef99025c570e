"""Progress in the terminal: bars with images/s and time left; quiet where there is no terminal."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from vaegan_bench.api import hookimpl


class TerminalProgress:
    """Shows how far the study, the run and the preparation of data are; a life-cycle plugin like any other."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.bars = Progress(
            TextColumn("{task.description}", justify="left"),
            BarColumn(bar_width=28),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self.preparing: TaskID | None = None
        self.study: TaskID | None = None
        self.run: TaskID | None = None
        self.batch = 0
        self.finished = 0
        self.total = 0

    def __enter__(self) -> TerminalProgress:
        self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bars.stop()

    def __call__(self, description: str, done: int, total: int) -> None:
        """Show the preparation of data or the extraction of features."""
        if self.preparing is None or self.bars.tasks[self._index(self.preparing)].description != description:
            self._close_preparation()
            self.preparing = self.bars.add_task(description, total=total, rate="")
        self.bars.update(self.preparing, completed=done)
        if done >= total:
            self._close_preparation()

    @hookimpl
    def study_started(self, name: str, runs: list[str], images: list[int]) -> None:
        """Open the bar of the whole study."""
        self.total = len(runs)
        self.study = self.bars.add_task(f"study {name}", total=sum(images), rate=f"run 0 of {self.total}")

    @hookimpl
    def run_started(self, run: str, steps: int, batch: int) -> None:
        """Open the bar of a run."""
        self.batch = batch
        self.run = self.bars.add_task(f"  {run}", total=steps * batch, rate="")
        if self.study is not None:
            self.bars.update(self.study, rate=f"run {self.finished + 1} of {self.total}")

    @hookimpl
    def step_ended(self, run: str, step: int) -> None:
        """Advance both bars by one batch."""
        if self.run is None or self.study is None:
            return
        self.bars.advance(self.study, self.batch)
        self.bars.advance(self.run, self.batch)
        if step % 10 == 0:
            speed = self.bars.tasks[self._index(self.run)].speed
            self.bars.update(self.run, rate=f"{speed:,.0f} images/s" if speed else "")

    @hookimpl
    def run_ended(self, run: str, status: str) -> None:
        """Close the run's bar and leave a line."""
        self.finished += 1
        self._close_preparation()  # of what failed meanwhile
        if self.run is not None:  # a run can end without having started
            self.bars.remove_task(self.run)
            self.run = None
        self.console.print(f"{run}: {'done' if status == 'ok' else status}", highlight=False, markup=False)

    def _close_preparation(self) -> None:
        if self.preparing is not None:
            self.bars.remove_task(self.preparing)
            self.preparing = None

    def _index(self, task: TaskID) -> int:
        return self.bars.task_ids.index(task)

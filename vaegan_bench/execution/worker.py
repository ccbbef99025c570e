"""What a worker process does: make the plan again, then what it is told, one task after the other."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType

from vaegan_bench.evaluation.shared import SharedShelf
from vaegan_bench.execution.agenda import Task
from vaegan_bench.execution.line import Ended, Line, Prints
from vaegan_bench.execution.messages import Advanced, HookCalled, Interrupted, Prepared, Ready, Refused, Warned
from vaegan_bench.execution.runner import Outcome, Runner
from vaegan_bench.execution.workload import Workload
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.plan import make_plan
from vaegan_bench.study.run import Run
from vaegan_bench.study.study import Study
from vaegan_bench.system.device import choose_device, thread_count
from vaegan_bench.system.errors import FAILURES, CacheWarning, StudyWarning, reason_of

GRACE = 5
"""Seconds in which a process that is to end may clean up."""
KNOWN_WARNINGS = (UserWarning, StudyWarning, CacheWarning, RuntimeWarning, FutureWarning, DeprecationWarning)
"""Categories that keep their name on the way to the parent; others may be of modules that it has not imported."""


@dataclass(frozen=True)
class Order:
    """All that a worker needs to make the plan of its parent again: plain data, no plugins."""

    study: Study
    plugins: tuple[str, ...]
    """Files, or names of modules."""
    folder: Path
    """The study's results."""
    cache: Path
    began: float
    """When the command began, by the clock of that folder."""


def work(connection: Connection, order: Order) -> None:
    """Make the plan, then do each task that arrives, until the parent closes the connection or ends."""
    line = Line(connection)
    try:
        _obey_parent()
        if (runner := _runner(line, order)) is not None:
            with thread_count(order.study.threads), _reports(line):
                _do_all(line, runner)
    except Ended as end:
        if end.by_signal:  # and so its exit code says
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.raise_signal(signal.SIGTERM)
    except KeyboardInterrupt:
        line.send(Interrupted())


def _do_all(line: Line, runner: Runner) -> None:
    runs = {run.id: run for run in runner.plan.runs}
    line.send(Ready(tuple(runs)))
    while (task := line.receive()) is not None:
        line.send(_do(runner, task, runs[task.run]))


def _do(runner: Runner, task: Task, run: Run) -> Outcome | Prepared:
    if task.kind == "run":
        return runner.attempt(run)
    with suppress(*FAILURES):  # the runs that need it fail in the same way, and say why
        runner.open_learned_extractors(run)
    return Prepared()


def _runner(line: Line, order: Order) -> Runner | None:
    """What runs the parent's plan; None where it cannot be made again. What the parent said of it is not repeated."""

    def call(hook: str, /, **what: object) -> None:
        line.send(HookCalled(hook, what))

    def progress(description: str, done: int, total: int) -> None:
        line.send(Advanced(description, done, total))

    try:
        with _silence():
            plan = make_plan(order.study, Registry(order.plugins))
        work = Workload(plan, StudyFolder(order.folder), order.cache, progress)
        work.began = order.began
        return Runner(work, SharedShelf(order.cache, choose_device(order.study.device), progress), call)
    except FAILURES as error:
        line.send(Refused(reason_of(error)))
        return None


@contextmanager
def _silence() -> Iterator[None]:
    with ExitStack() as held:
        nowhere = held.enter_context(Path(os.devnull).open("w"))
        held.enter_context(warnings.catch_warnings(action="ignore"))
        held.enter_context(redirect_stdout(nowhere))
        held.enter_context(redirect_stderr(nowhere))
        yield


@contextmanager
def _reports(line: Line) -> Iterator[None]:
    """Meanwhile the parent learns of warnings and of what is printed, which would break its progress bars."""

    def show(message: Warning | str, category: type[Warning], *place: object, **more: object) -> None:
        line.send(Warned(str(message), category if category in KNOWN_WARNINGS else UserWarning))

    with (
        warnings.catch_warnings(),
        redirect_stdout(Prints(line, is_error=False)),
        redirect_stderr(Prints(line, is_error=True)),
    ):
        warnings.showwarning = show
        yield


def _obey_parent() -> None:
    """Leave Ctrl-C and hang-ups, which reach all processes of a terminal, to the parent, and end when it does."""
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _end(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # once is enough, and nothing must disturb the cleaning up
    raise Ended(by_signal=True)


def _follow_parent() -> None:
    """End this process where the parent was killed, and could not end it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        signal.raise_signal(signal.SIGTERM)
        time.sleep(GRACE)
        os._exit(1)

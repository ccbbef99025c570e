"""What a worker process needs for the tasks of a study: the plan, and where files are."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from vaegan_bench.api.places import VARIABLE
from vaegan_bench.evaluation.settings import EvaluationSettings
from vaegan_bench.execution.temporary_folder import temporary_folder
from vaegan_bench.execution.workload import Workload
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.study.plan import Plan, make_plan
from vaegan_bench.study.run import Run
from vaegan_bench.study.study import Study, as_plain
from vaegan_bench.system.errors import StudyError
from vaegan_bench.system.paths import user_path

OWN_DATA = os.environ.get(VARIABLE)
"""Where this process searched for source files when it began: a worker of a cluster outlives a study."""
OTHER_DEVICE = (
    "its device is {there}, and ours is {here}. Start the command on a machine with the same kind of device, or choose "
    "one that all machines have, such as --device cpu."
)
OTHER_VERSIONS = "it has {there}, and we have {here}: install the same versions there, then run the same command again."
CHANGED = (
    "its code differs from ours, or was edited since this command began: install the same versions there, then run the "
    "same command again."
)


@dataclass(frozen=True)
class WorkerSetup:
    """A study and the plugins that it uses, as plain data; its only code is the content of plugin files."""

    study: str
    """As JSON."""
    plugins: tuple[tuple[str, bytes], ...]
    """Plugin files or modules as they were named, each with the content of the file, b'' for a module."""
    plan: str
    """A digest of all runs and metrics, with the code that trains and measures."""
    device: str
    """The kind of device of all runs; in the study it may be 'auto'."""
    versions: tuple[tuple[str, str], ...]
    """Distributions that decide the outcome, with their versions."""
    folder: Path
    """The study's results."""
    began: float
    """When the command began, by the clock of that folder."""
    side_by_side: int
    """The number of runs that go on at a time."""
    cache: Path | None
    """Where prepared data and features are kept; None for each machine's own place."""
    checkpoint: float
    """Seconds between two checkpoints of a run."""
    data: str | None
    """Where source files are searched; None for each machine's own place."""

    @property
    def without_shared_folder(self) -> WorkerSetup:
        """The same setup for a process that shares no folder with this one, and has its own places for files."""
        return replace(self, folder=Path(self.folder.name), began=0.0, cache=None, data=None)


def setup_for_workers(work: Workload, registry: Registry, checkpoint: float) -> WorkerSetup:
    """The setup for tasks of a plan. Its paths are absolute: other processes may have other working folders.

    A precision 'auto' is that of this machine, as other hardware would choose another one.
    """
    sources, run = os.environ.get(VARIABLE), work.plan.runs[0]
    study = work.plan.study.with_values({"precision": run.precision}, "the plan")
    return WorkerSetup(
        study=json.dumps(as_plain(study), sort_keys=True),
        plugins=tuple((name, _content_of(name)) for name in registry.sources),
        plan=_digest(work.plan),
        device=run.device,
        versions=tuple(run.setting["versions"].items()),
        folder=work.folder.path.absolute(),
        began=work.began,
        side_by_side=work.side_by_side,
        cache=work.loaded.cache.absolute(),
        checkpoint=checkpoint,
        data=None if sources is None else str(user_path(sources).absolute()),
    )


def rebuild_plan(setup: WorkerSetup) -> Plan:
    """Rebuild the plan. Raises `BenchError`, in particular `StudyError` where runs or metrics are others here."""
    _look_for_data_in(OWN_DATA if setup.data is None else setup.data)
    registry = Registry([_place_of(name, content) for name, content in setup.plugins])
    plan = make_plan(Study().with_values(json.loads(setup.study), "the study"), registry)
    if _digest(plan) != setup.plan:
        raise StudyError(_difference(plan.runs[0], setup))
    return plan


def _look_for_data_in(folder: str | None) -> None:
    """Let this process search for source files in `folder`; None is its default place."""
    os.environ.pop(VARIABLE, None)
    if folder is not None:
        os.environ[VARIABLE] = folder


def _difference(run: Run, setup: WorkerSetup) -> str:
    """Why a run of the plan here is another one than there, and what to do."""
    if run.device != setup.device:
        return OTHER_DEVICE.format(there=run.device, here=setup.device)
    there, here = run.setting["versions"].items(), dict(setup.versions).items()
    if there != here:
        return OTHER_VERSIONS.format(there=_in_words(there - here), here=_in_words(here - there))
    return CHANGED


def _in_words(versions: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(versions))


def _digest(plan: Plan) -> str:
    settings = EvaluationSettings.of(plan)
    code = [(settings.key(metric), dict(settings.code(metric))) for metric in plan.metrics]
    content = json.dumps([[run.id for run in plan.runs], code], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _content_of(plugin: str) -> bytes:
    path = user_path(plugin)
    return path.read_bytes() if path.is_file() else b""


def _place_of(plugin: str, content: bytes) -> str:
    """The source of a plugin: as it was named, or a copy of its file if that file is missing or different here."""
    if not content or _content_of(plugin) == content:
        return plugin
    copy = temporary_folder() / "plugins" / hashlib.sha256(content).hexdigest()[:12] / Path(plugin).name
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_bytes(content)
    return str(copy)

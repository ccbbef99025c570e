"""Estimate the cost of a plan from a few real steps of each model."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch.utils.flop_counter import FlopCounterMode

from vaegan_bench.api import Data, ImageShape, Split, StudyError
from vaegan_bench.study.plan import Lenders, Plan
from vaegan_bench.study.run import Run
from vaegan_bench.system.device import exact_convolutions, forget_peak_memory, peak_memory_bytes, thread_count
from vaegan_bench.system.errors import FAILURES, failing_as
from vaegan_bench.training.batches import Batches
from vaegan_bench.training.loop import take_step
from vaegan_bench.training.state import TrainingState

WARM_UP, TIMED = 2, 4
CYCLE = 20
"""Steps over which the cost of a game is averaged in which players rest: whole cycles of 2, 4, 5 or 10 steps."""
FEW = 16
"""The number of images on which operations are counted, at most: penalties of an eighth of a batch have two of them."""
SHORT_IMAGES, SHORT_OPERATIONS = 5_000, 2e11
"""Images trained on and drawn, and operations of training, that one core does while worker processes start."""


@dataclass(frozen=True)
class Cost:
    """One model's share of a plan."""

    label: str
    runs: int
    """Its runs, one for each data set and seed."""
    steps: int
    batch: int
    images_per_second: float
    memory_bytes: int

    @property
    def minutes(self) -> float:
        """The time to train all its runs."""
        return self.runs * self.steps * self.batch / self.images_per_second / 60


def estimate(plan: Plan) -> Iterator[Cost]:
    """Time a few steps of each model on random images of the right size.

    Raises `StudyError` for a model that fails in them.
    """
    by_label: dict[str, list[Run]] = {}
    for run in plan.runs:
        by_label.setdefault(run.label, []).append(run)
    for label, runs in by_label.items():
        run = runs[0]
        device = torch.device(run.device)
        forget_peak_memory(device)
        with failing_as(StudyError, f"Model '{label}' fails in its first steps"), thread_count(run.threads):
            speed = images_per_second(run)
        yield Cost(label, len(runs), run.steps, run.batch, speed, peak_memory_bytes(device))


def longest_first(runs: Sequence[Run], lenders: Lenders) -> list[Run]:
    """Runs in the order in which workers finish earliest: first those that others wait for, then the longest."""
    lent = {lender.id for run in runs for lender in lenders[run.id].values()}
    lengths = _operations(runs)
    return sorted(runs, key=lambda run: (run.id not in lent, -lengths[run.id]))


def is_short(plan: Plan) -> bool:
    """Whether a plan takes less time than worker processes need to start."""
    drawn = len(plan.runs) * plan.study.samples * plan.study.draws
    images = drawn + sum(run.steps * run.batch for run in plan.runs)
    return images <= SHORT_IMAGES and sum(_operations(plan.runs).values()) <= SHORT_OPERATIONS


def _operations(runs: Sequence[Run]) -> dict[str, float]:
    """Id of a run → the operations of its training, counted once for each model and setting."""
    models = {(run.label, run.setting_id): run for run in runs}
    found = {model: operations_per_image(run) * run.steps * run.batch for model, run in models.items()}
    return {run.id: found[run.label, run.setting_id] for run in runs}


def operations_per_image(run: Run, batch: int = 0, like: Data | None = None) -> float:
    """Operations per image of convolutions and matrix products in a training step, forward and all backward passes.

    Averaged over the last steps, where schedules have brought in all terms: two, or 20 if players rest in some of them,
    as the generator of WGAN-GP does. On random images: in colour by default, or with the shape and the number of
    attributes of the data `like`; once for all seeds. `batch` is how many; 0 for those of the run's batch, but at most
    16. The result is 0 for a run that fails in these steps: the failure is reported when the run is trained.
    """
    batch = batch or min(run.batch, FEW)
    shape, attributes = (like.shape, len(like.attribute_names)) if like else (ImageShape(3, run.size, run.size), 1)
    key = run.with_seed(0).fingerprint, shape, attributes, batch
    if key not in _counted:
        try:
            _counted[key] = _count(replace(run, batch=batch), random_data(shape, batch, attributes)) / batch
        except FAILURES:
            return 0.0
    return _counted[key]


_counted: dict[tuple[str, ImageShape, int, int], float] = {}


def _count(run: Run, data: Data) -> float:
    """The mean operations of a run's last steps, on the CPU in float32: their number is the same wherever it trains."""
    run, device = replace(run, device="cpu", precision="float32"), torch.device("cpu")
    state = TrainingState(run, data.shape, device, len(data.attribute_names))
    batches = Batches(run.dataset, data.train, run.batch, run.seed, device)
    for steps in (WARM_UP, CYCLE):
        state.step = max(0, run.steps - steps)
        with FlopCounterMode(display=False) as counter:
            all_moved = _take_steps(steps, run, state, batches)
        if all_moved:
            break
    return float(counter.get_total_flops()) / steps


def minutes_side_by_side(costs: Sequence[Cost], workers: int) -> float:
    """Minutes to train all runs, `workers` of them at a time, if they did not slow each other down."""
    return max(sum(cost.minutes for cost in costs) / workers, *(cost.minutes / cost.runs for cost in costs))


def images_per_second(run: Run) -> float:
    """Training speed of a run on this machine, from its last few steps, where schedules have brought in all terms."""
    device = torch.device(run.device)
    data = random_data(ImageShape(3, run.size, run.size), run.batch)
    state = TrainingState(run, data.shape, device)
    state.step = max(0, run.steps - WARM_UP - TIMED)
    batches = Batches(run.dataset, data.train, run.batch, run.seed, device)
    with exact_convolutions():
        steps = TIMED if _take_steps(WARM_UP, run, state, batches) else CYCLE
        state.step = max(0, run.steps - steps)
        started = time.perf_counter()
        _take_steps(steps, run, state, batches)
    return steps * run.batch / (time.perf_counter() - started)


def _take_steps(count: int, run: Run, state: TrainingState, batches: Batches) -> bool:
    """Take steps; return whether no player rested in any of them."""
    moved = [len(take_step(run, state, batches).objectives.minimise) for _ in range(count)]
    if batches.images_NCHW.is_cuda:
        torch.cuda.synchronize(batches.images_NCHW.device)
    return min(moved) == len(state.optimizers)


def random_data(shape: ImageShape, n: int, attributes: int = 1) -> Data:
    """Images of uniform noise without any attribute, for timing."""
    noise = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (n, *shape), dtype=torch.uint8, generator=noise)
    split = Split(images, torch.zeros(n, attributes, dtype=torch.bool))
    names = tuple(f"Nothing_{i}" for i in range(attributes))
    return Data(split, split, names, digest="noise")

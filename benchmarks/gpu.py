"""What the loop makes of a GPU: its speed, its share of what the card can do, and how often it waits for the card.

Run: python benchmarks/gpu.py [--steps 100] [--size 64] [--networks larsen] [--batch 64]

Each of the four models is trained on random images. The arithmetic of a step is counted as in benchmarks/flops.py, and
compared with what products of two large matrices reach on the same card in the same precision. A host synchronisation
is a moment at which the CPU waits for the card; the loop is meant to have some once in 50 steps, and none between. At
the end each model is interrupted after half of its steps and resumed, and its weights are compared with those of a
training that was not interrupted. Before all that, gradients of the networks are compared with those of the CPU.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import replace
from typing import Any

import torch

from vaegan_bench.api import Data, ImageShape, Networks
from vaegan_bench.execution.estimate import operations_per_image, random_data
from vaegan_bench.models.gan import GAN
from vaegan_bench.models.vae import VAE
from vaegan_bench.models.vaegan import VAEGAN
from vaegan_bench.models.vaegan_pixel import VAEGANPixel
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.study.run import Run
from vaegan_bench.system.device import exact_convolutions
from vaegan_bench.testing.networks import gradients_are_those_of_the_cpu
from vaegan_bench.testing.small import small_run
from vaegan_bench.training.batches import Batches
from vaegan_bench.training.history import History
from vaegan_bench.training.loop import INTERVAL, Keeper, Listener, steps, train
from vaegan_bench.training.optimizers.adam import Adam
from vaegan_bench.training.state import TrainingState

GPU = torch.device("cuda")
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
MODELS = (VAE(), GAN(), VAEGAN(), VAEGANPixel())
ROUNDS = 3


def peak(dtype: torch.dtype, width: int = 8192) -> float:
    """Operations per second in the product of two random matrices; the median of several."""
    one, other = (torch.randn(width, width, device=GPU).to(dtype) for _ in range(2))
    return 2 * width**3 / median_seconds(lambda: one @ other, times=10)


def median_seconds(work: Callable[[], Any], times: int) -> float:
    """How long something takes until the card has done it."""
    work()
    seconds = []
    for _ in range(times):
        torch.cuda.synchronize()
        started = time.perf_counter()
        work()
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


@contextmanager
def synchronisations() -> Iterator[list[str]]:
    """The host synchronisations meanwhile: where the code waited."""
    found = list[str]()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            yield found
        finally:
            torch.cuda.set_sync_debug_mode("default")
    # Setting the mode warns as well.
    waits = [w for w in caught if "synchroniz" in str(w.message) and not w.filename.endswith("cuda/__init__.py")]
    found += [f"{w.filename}:{w.lineno}" for w in waits]


class Loop:
    """The loop of one run, a number of steps at a time."""

    def __init__(self, run: Run, data: Data) -> None:
        self.state = TrainingState(run, data.shape, GPU)
        batches = Batches(run.dataset, data.train, run.batch, run.seed, GPU)
        self._steps = steps(run, self.state, batches, History(list(run.model.players)), Listener())

    def go_on(self, count: int) -> None:
        """Take some steps."""
        for _ in range(count):
            next(self._steps)


def speed(run: Run, data: Data, count: int, peak_operations: float) -> str:
    """One line about one model."""
    loop = Loop(replace(run, steps=10**6), data)
    loop.go_on(INTERVAL)
    with synchronisations() as between:
        loop.go_on(INTERVAL - 1)
    with synchronisations() as at_interval:
        loop.go_on(1)
    seconds = median_seconds(lambda: loop.go_on(count), ROUNDS) / count
    operations = operations_per_image(run) * run.batch
    share = operations / seconds / peak_operations
    where = f" ({', '.join(sorted(set(between)))})" if between else ""
    return (
        f"{run.batch / seconds:8,.0f} images/s, {1000 * seconds:6.2f} ms a step, "
        f"{operations / seconds / 1e12:6.1f} TFLOP/s = {share:.1%} of the card; synchronisations: "
        f"{len(between)} in {INTERVAL - 1} steps{where}, {len(at_interval)} in the next"
    )


class Interrupted(Keeper):
    """Keeps a snapshot in memory after half of a run and ends it there."""

    def __init__(self, after: int) -> None:
        self.snapshot: Mapping[str, Any] | None = None
        self.left = after

    def load(self) -> Mapping[str, Any] | None:
        """The snapshot, once there is one."""
        return self.snapshot

    def step_ended(self, take_snapshot: Callable[[], Mapping[str, Any]]) -> None:
        """Keep it after the last step."""
        self.left -= 1
        if not self.left:
            self.snapshot = deepcopy(take_snapshot())
            raise InterruptedError


def differences_after_resuming(run: Run, data: Data) -> int:
    """How many tensors differ between a training that was interrupted and resumed and one that was not."""
    whole = train(run, data, GPU).state.modules
    keeper = Interrupted(after=run.steps // 2)
    with suppress(InterruptedError):
        train(run, data, GPU, keeper=keeper)
    resumed = train(run, data, GPU, keeper=keeper).state.modules
    return sum(
        not torch.equal(tensor, resumed[role].state_dict()[name])
        for role, module in whole.items()
        for name, tensor in module.state_dict().items()
    )


def main() -> None:
    """Print one line per model and precision."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--networks", default="larsen")
    parser.add_argument("--batch", type=int, default=64)
    options = parser.parse_args()
    shape = ImageShape(3, options.size, options.size)
    networks = Registry().build(Networks, options.networks)
    data = random_data(shape, 2048)
    print(f"torch {torch.__version__}, {torch.cuda.get_device_name()}; {networks}, {options.size}×{options.size}")
    gradients_are_those_of_the_cpu(networks)
    for precision, dtype in PRECISIONS.items():
        at_most = peak(dtype)
        print(f"{precision}: {at_most / 1e12:.0f} TFLOP/s in matrix products")
        for model in MODELS:
            changes = {"networks": networks, "size": options.size, "batch": options.batch, "optimizer": Adam()}
            run = small_run(model, **changes, precision=precision, device="cuda", steps=20, ema=0.99)
            with exact_convolutions():
                print(f"  {model!s:14}", speed(run, data, options.steps, at_most), flush=True)
            print(f"  {'':14}", f"resumed: {differences_after_resuming(run, data)} tensors differ", flush=True)


if __name__ == "__main__":
    main()

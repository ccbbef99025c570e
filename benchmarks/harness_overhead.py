"""What the harness costs over a hand-written loop that does the same arithmetic, moving average included.

Run: python benchmarks/harness_overhead.py [--rounds 9] [--steps 50] [--threads 1]

Both sides train the same game from the same weights on the same batches, in one process, a block of steps each in turn;
printed are the medians of the ratios per model, of elapsed and of processor time, and how far the weights are apart at
the end. The harness side does all that `vaegan-bench run` does in a terminal: the history, the hooks after every step,
the progress bars. Every 50th step takes longer, for the history: a block should have a multiple of 50 steps.
"""

from __future__ import annotations

import argparse
import io
import statistics
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from rich.console import Console
from torch.nn import functional as F

from vaegan_bench.api import Data, Dataset, ImageShape, Model, Progress, silent
from vaegan_bench.cli.progress import TerminalProgress
from vaegan_bench.execution.estimate import random_data
from vaegan_bench.models.gan import GAN
from vaegan_bench.models.vae import VAE
from vaegan_bench.models.vaegan import VAEGAN
from vaegan_bench.models.vaegan_pixel import VAEGANPixel
from vaegan_bench.networks.compact import Compact
from vaegan_bench.registry.lifecycle import Lifecycle
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.study.run import Run
from vaegan_bench.system.device import describe
from vaegan_bench.testing.small import small_run
from vaegan_bench.training.batches import Batches
from vaegan_bench.training.history import History
from vaegan_bench.training.loop import Listener, steps
from vaegan_bench.training.optimizers.adam import Adam
from vaegan_bench.training.state import TrainingState

CPU = torch.device("cpu")
SHAPE = ImageShape(3, 32, 32)
LOG_TAU = 1.8378770664093453
EMA = 0.99


@dataclass(frozen=True, kw_only=True)
class Noise(Dataset):
    """Uniform noise: what is timed does not depend on the images."""

    name = "noise"

    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        """Random images of any size."""
        return random_data(ImageShape(3, size, size), 2048)


def make_run(model: Model) -> Run:
    """A run of the `quick` study's size."""
    changes = {"dataset": Noise(), "networks": Compact(), "optimizer": Adam(), "steps": 10**6, "batch": 64, "ema": EMA}
    return small_run(model, **changes)


def harness(run: Run, data: Data) -> Generator[TrainingState, None, None]:
    """The loop as `train` runs it for the command line: with history, hooks and bars."""
    bars = TerminalProgress(Console(file=io.StringIO(), force_terminal=True))
    manager = Registry().manager
    manager.register(bars)
    lifecycle = Lifecycle(manager)
    state, history = TrainingState(run, SHAPE, CPU), History(list(run.model.players))
    batches = Batches(run.dataset, data.train, run.batch, run.seed, CPU)
    listener = Listener(
        step_ended=lambda step: lifecycle.call("step_ended", run=run.id, step=step),
        terms_logged=lambda step, terms: lifecycle.call("terms_logged", run=run.id, step=step, terms=terms),
    )
    with bars:
        images = [run.steps * run.batch]
        lifecycle.call("study_started", name="benchmark", folder=Path(), runs=[run.id], images=images)
        lifecycle.call("run_started", run=run.id, label=run.label, steps=run.steps, done=0, batch=run.batch)
        for _ in steps(run, state, batches, history, listener):
            yield state


def by_hand_vae(run: Run, data: Data) -> Iterator[TrainingState]:
    """A VAE written out: no players, no terms, no history."""
    state = TrainingState(run, SHAPE, CPU)
    encoder, decoder = state.modules["encoder"], state.modules["decoder"]
    batches = Batches(run.dataset, data.train, run.batch, run.seed, CPU)
    for step in range(10**9):
        x = batches.at(step)
        mu, logvar = encoder(x)
        logvar = logvar.clamp(-10, 10)
        z = mu + (0.5 * logvar).exp() * torch.randn(mu.shape, generator=state.noise)
        error = x - decoder(z).tanh()
        nll = (0.5 * error.square() + 0.5 * LOG_TAU).flatten(1).sum(1).mean()
        kl = (-0.5 * (1 + logvar - mu.square() - logvar.exp())).sum(1).mean()
        move(state, {"autoencoder": kl + nll})
        yield state


@torch.no_grad()
def average(state: TrainingState) -> None:
    """Move the averaged encoder and decoder, written out."""
    state.step += 1
    assert state.average is not None
    decay = min(EMA, (1 + state.step) / (10 + state.step))
    for role, averaged in state.average.modules.items():
        for mine, new in zip(averaged.parameters(), state.modules[role].parameters(), strict=True):
            mine.lerp_(new, 1 - decay)


def by_hand_gan(run: Run, data: Data) -> Iterator[TrainingState]:
    """A GAN written out, with its two gradients."""
    state = TrainingState(run, SHAPE, CPU)
    decoder, discriminator = state.modules["decoder"], state.modules["discriminator"]
    batches = Batches(run.dataset, data.train, run.batch, run.seed, CPU)
    for step in range(10**9):
        x = batches.at(step)
        z_prior = torch.randn(len(x), run.networks.latent, generator=state.noise)
        real, _ = discriminator(x)
        fake, _ = discriminator(decoder(z_prior).tanh())
        cost = (-F.logsigmoid(real) - F.logsigmoid(-fake)).mean()
        move(state, {"decoder": -cost, "discriminator": cost})
        yield state


def by_hand_vaegan(run: Run, data: Data) -> Iterator[TrainingState]:
    """A VAE/GAN written out, with its three gradients; with pixels in place of features for `vaegan-pixel`."""
    state = TrainingState(run, SHAPE, CPU)
    encoder, decoder, discriminator = (state.modules[r] for r in ("encoder", "decoder", "discriminator"))
    batches = Batches(run.dataset, data.train, run.batch, run.seed, CPU)
    assert isinstance(run.model, VAEGAN | VAEGANPixel)
    n, gamma, on_pixels = run.batch, run.model.gamma, isinstance(run.model, VAEGANPixel)
    for step in range(10**9):
        x = batches.at(step)
        mu, logvar = encoder(x)
        logvar = logvar.clamp(-10, 10)
        z_prior = torch.randn(mu.shape, generator=state.noise)
        z = mu + (0.5 * logvar).exp() * torch.randn(mu.shape, generator=state.noise)
        x_rec, x_prior = decoder(torch.cat([z, z_prior])).tanh().split(n)
        (real, real_features), (rec, rec_features), (fake, _) = map(discriminator, (x, x_rec, x_prior))
        kl = (-0.5 * (1 + logvar - mu.square() - logvar.exp())).sum(1).mean()
        error = x - x_rec if on_pixels else real_features - rec_features
        nll = (0.5 * error.square() + 0.5 * LOG_TAU).flatten(1).sum(1).mean()
        cost = (-F.logsigmoid(real) - F.logsigmoid(-rec) - F.logsigmoid(-fake)).mean()
        move(state, {"encoder": kl + nll, "decoder": gamma * nll - cost, "discriminator": cost})
        yield state


def move(state: TrainingState, costs: dict[str, torch.Tensor]) -> None:
    """Take each player's gradient of its own cost, then step all optimizers and the average."""
    for optimizer in state.optimizers.values():
        optimizer.zero_grad()
    for player, cost in costs.items():
        cost.backward(inputs=state.parameters[player], retain_graph=player != list(costs)[-1])
    for optimizer in state.optimizers.values():
        optimizer.step()
    average(state)


BY_HAND = {VAE(): by_hand_vae, GAN(): by_hand_gan, VAEGAN(): by_hand_vaegan, VAEGANPixel(): by_hand_vaegan}


class Block(NamedTuple):
    """What a block of steps took, in seconds, and the state after it."""

    elapsed: float
    processor: float
    state: TrainingState


def advance(loop: Iterator[TrainingState], steps: int) -> Block:
    """Train for a block of steps."""
    elapsed, processor = time.perf_counter(), time.process_time()
    for _ in range(steps):
        state = next(loop)
    return Block(time.perf_counter() - elapsed, time.process_time() - processor, state)


def weights(state: TrainingState) -> torch.Tensor:
    """All weights of the decoder, (P,)."""
    return torch.cat([p.flatten() for p in state.modules["decoder"].parameters()])


def compare(model: Model, by_hand: Callable[[Run, Data], Iterator[TrainingState]], rounds: int, steps: int) -> None:
    """Time both loops in turn and print the ratio."""
    run, data = make_run(model), random_data(SHAPE, 2048)
    ours, theirs = harness(run, data), by_hand(run, data)
    advance(ours, steps)
    advance(theirs, steps)
    pairs = []
    for turn in range(rounds):
        first, second = (ours, theirs) if turn % 2 else (theirs, ours)
        blocks = {id(loop): advance(loop, steps) for loop in (first, second)}
        pairs.append((blocks[id(ours)], blocks[id(theirs)]))
    ours.close()  # its bars hold the terminal
    last, last_by_hand = pairs[-1]
    difference = (weights(last.state) - weights(last_by_hand.state)).abs().max().item()
    print(f"{model.name}: largest difference between the decoders' weights {difference:.1e}")
    for clock in ("elapsed", "processor"):
        ratios = [getattr(a, clock) / getattr(b, clock) for a, b in pairs]
        middle, low, high = statistics.median(ratios), min(ratios), max(ratios)
        print(f"  harness / by hand, {clock} time: {middle:.3f} (median of {rounds}; {low:.3f} to {high:.3f})")


def main() -> None:
    """Compare all models."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"torch {torch.__version__}, {describe(CPU)}, compact networks, 32×32, batch 64")
    for model, by_hand in BY_HAND.items():
        compare(model, by_hand, arguments.rounds, arguments.steps)


if __name__ == "__main__":
    main()

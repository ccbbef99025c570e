"""How fast a VAE/GAN trains here, beside pythae's own trainer with the same layers.

Run: python benchmarks/pythae_trainer.py [--cases mnist celeba compact] [--rounds 5] [--steps 3] [--threads 1]

Both sides train in one process, a block of a few steps each in turn. Printed is pythae's time divided by ours, elapsed
and processor time: the median over the rounds and the range. The arithmetic of both sides is compared beside it.

Timed on pythae's side is `CoupledOptimizerAdversarialTrainer.train_step`: one epoch, of a data set with as many batches
as a block has steps. It includes data loader, model, three optimizers and progress bar, whose output is discarded. What
`train` does between epochs, such as copying the best model, is not timed. Timed on our side is the loop of
`vaegan-bench run` with batches, optimizers and history (the gradient of each term every 50th step), without its bars.

Both sides have the same layers, batches of 64, Adam with pythae's default rate, and one update of encoder, decoder and
discriminator per step. An infinite margin opens pythae's gate, which lets players rest; a missing update is an error.

The game is the same: `vaegan[fakes=samples,gamma=0.5,adversarial_weight=0.5]` states pythae's losses with its default
coefficients. Images are compared in the third layer, as in pythae's own configurations, or in the one that `compact`
taps. Three points differ:
- pythae's trainer adds gradients of later losses to those of earlier networks (plugins/vaegan-bench-pythae/README.md);
- it sends each batch through a network by itself, and real images twice through the lower layers of the discriminator,
  while we send joint batches through networks with batch norm;
- we compute the logits of reconstructions, which this game does not need.
"""

from __future__ import annotations

import argparse
import io
import logging
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import torch
from pythae import models, trainers  # type: ignore[import-untyped]
from pythae.data.datasets import BaseDataset  # type: ignore[import-untyped]
from pythae.models.base.base_utils import ModelOutput  # type: ignore[import-untyped]
from pythae.models.nn import BaseDecoder, BaseDiscriminator, BaseEncoder  # type: ignore[import-untyped]
from pythae.models.nn.benchmarks import celeba, mnist  # type: ignore[import-untyped]
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from vaegan_bench.api import Data, ImageShape, Networks
from vaegan_bench.execution.estimate import random_data
from vaegan_bench.models.vaegan import VAEGAN
from vaegan_bench.networks.compact import Compact
from vaegan_bench.system.device import describe
from vaegan_bench.testing import small_run
from vaegan_bench.training.batches import Batches
from vaegan_bench.training.history import History
from vaegan_bench.training.loop import Listener, steps
from vaegan_bench.training.optimizers.adam import Adam
from vaegan_bench.training.state import TrainingState

CPU = torch.device("cpu")
MODEL = VAEGAN(fakes="samples", gamma=0.5, adversarial_weight=0.5)
BATCH, LR, LAYER, ROLES = 64, 1e-4, 3, tuple(MODEL.players)
COMPACT, COLOUR = Compact(), ImageShape(3, 32, 32)
Block = Callable[[], None]
Times = tuple[float, float]  # elapsed and processor time, in seconds


class PythaeNetwork(nn.Module):
    """A network of pythae with our interface, without the sigmoid at its end."""

    def __init__(self, role: str, theirs: Any) -> None:
        super().__init__()
        self.role, self.theirs = role, theirs
        if role != "encoder":
            theirs.layers[-1][-1] = nn.Identity()

    def forward(self, x: Tensor) -> Any:
        """μ and log σ², the image before its tanh, or logits and features."""
        if self.role == "discriminator":
            output = self.theirs(x, output_layer_levels=[LAYER, self.theirs.depth])
            return output.embedding.squeeze(1), output[f"embedding_layer_{LAYER}"]
        output = self.theirs(x)
        return (output.embedding, output.log_covariance) if self.role == "encoder" else output.reconstruction


@dataclass(frozen=True, kw_only=True)
class PythaeNetworks(Networks):
    """Networks of pythae for both sides."""

    name = "pythae"
    latent: int
    per_image: tuple[str, ...] = ()  # type: ignore[misc]  # elsewhere the same for all networks of a class
    theirs: Sequence[Any]
    """The classes of encoder, decoder and discriminator."""

    def build(self, role: str, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        """The network with our interface."""
        return PythaeNetwork(role, self.theirs[ROLES.index(role)](models.VAEGANConfig(latent_dim=self.latent)))


class CompactNetwork(BaseEncoder, BaseDecoder, BaseDiscriminator):  # type: ignore[misc]  # pythae is untyped
    """A network of `compact` with pythae's interface and, like pythae's own, with a sigmoid at its end."""

    depth = 2

    def __init__(self, role: str, config: object) -> None:
        super().__init__()
        self.role = role
        self.ours: Any = COMPACT.build(role, COLOUR)

    def forward(self, x: Tensor, output_layer_levels: Sequence[int] | None = None) -> ModelOutput:
        """What pythae asks for by name; of a discriminator it may ask for the lower of two layers alone."""
        if self.role == "encoder":
            mu, logvar = self.ours(x)
            return ModelOutput(embedding=mu, log_covariance=logvar)
        if self.role == "decoder":
            return ModelOutput(reconstruction=self.ours(x).sigmoid())
        features = self.ours.below(x)
        if output_layer_levels is not None:
            return ModelOutput(embedding_layer_1=features)
        return ModelOutput(embedding=self.ours.verdict(self.ours.above(features)).sigmoid())


MNIST = (mnist.Encoder_Conv_VAE_MNIST, mnist.Decoder_Conv_AE_MNIST, mnist.Discriminator_Conv_MNIST)
CELEBA = (celeba.Encoder_Conv_VAE_CELEBA, celeba.Decoder_Conv_AE_CELEBA, celeba.Discriminator_Conv_CELEBA)


class Case(NamedTuple):
    """One architecture on both sides."""

    networks: Networks
    shape: ImageShape
    theirs: Sequence[Any]
    layer: int = LAYER
    """Where images are compared, as pythae counts layers."""


CASES = {
    "mnist": Case(PythaeNetworks(latent=16, theirs=MNIST, per_image=("discriminator",)), ImageShape(1, 28, 28), MNIST),
    "celeba": Case(PythaeNetworks(latent=64, theirs=CELEBA), ImageShape(3, 64, 64), CELEBA),
    "compact": Case(COMPACT, COLOUR, [partial(CompactNetwork, role) for role in ROLES], layer=1),
}


def our_blocks(case: Case, data: Data, block: int, precision: str) -> tuple[Block, TrainingState]:
    """A function that takes our next steps, and the state that it changes."""
    plain: dict[str, Any] = {"size": case.shape.height, "steps": 10**6, "batch": BATCH, "precision": precision}
    run = small_run(MODEL, networks=case.networks, optimizer=Adam(lr=LR), **plain)
    state, batches = TrainingState(run, case.shape, CPU), Batches(run.dataset, data.train, BATCH, run.seed, CPU)
    loop = steps(run, state, batches, History(list(MODEL.players)), Listener())

    def advance() -> None:
        for _ in range(block):
            next(loop)

    return advance, state


def their_blocks(case: Case, data: Data, folder: str) -> tuple[Block, list[torch.optim.Optimizer]]:
    """A function that trains pythae's model for an epoch, and its optimizers."""
    config = models.VAEGANConfig(latent_dim=case.networks.latent, reconstruction_layer=case.layer, margin=math.inf)
    model = models.VAEGAN(config, *(network(config) for network in case.theirs))
    settings = trainers.CoupledOptimizerAdversarialTrainerConfig(folder, BATCH, no_cuda=True)
    images = BaseDataset(data.train.images_NCHW / 255, torch.zeros(len(data.train)))
    trainer = trainers.CoupledOptimizerAdversarialTrainer(model, images, training_config=settings)
    trainer.prepare_training()

    def epoch() -> None:
        with redirect_stderr(io.StringIO()):
            trainer.train_step(1)
            trainer.callback_handler.on_epoch_end(training_config=settings)

    return epoch, [getattr(trainer, f"{role}_optimizer") for role in ROLES]


def operations(block: Block) -> int:
    """Multiplications and additions of a block, in convolutions and matrix products."""
    with FlopCounterMode(display=False) as counter:
        block()
    return int(counter.get_total_flops())


def seconds(block: Block) -> Times:
    """The time that a block takes."""
    elapsed, processor = time.perf_counter(), time.process_time()
    block()
    return time.perf_counter() - elapsed, time.process_time() - processor


def in_turn(here: Block, there: Block, rounds: int) -> Iterator[tuple[Times, Times]]:
    """The times of both sides per round; each side begins every second round."""
    for turn in range(rounds):
        first, second = (here, there) if turn % 2 else (there, here)
        times = {id(block): seconds(block) for block in (first, second)}
        yield times[id(here)], times[id(there)]


def compare(name: str, case: Case, rounds: int, block: int, precision: str) -> None:
    """Time both sides in turn and print the ratios."""
    data = random_data(case.shape, BATCH * block)
    with tempfile.TemporaryDirectory() as folder:
        here, state = our_blocks(case, data, block, precision)
        there, their_optimizers = their_blocks(case, data, folder)
        work = operations(there) / operations(here)  # and both are warm
        times = list(in_turn(here, there, rounds))
    optimizers = [*state.optimizers.values(), *their_optimizers]
    moved = {int(remembered["step"]) for optimizer in optimizers for remembered in optimizer.state.values()}
    if moved != {block * (rounds + 1)} or not state.is_finite():
        raise SystemExit(f"Training diverged, or an update is missing: weights were updated {moved} times.")
    report(f"{name}, {'×'.join(map(str, case.shape))}", work, times, block)


def report(title: str, work: float, times: Sequence[tuple[Times, Times]], block: int) -> None:
    """Print one case."""
    speeds = [block * BATCH / statistics.median(elapsed for elapsed, _ in side) for side in zip(*times, strict=True)]
    print(f"{title}: {speeds[0]:.1f} images/s here, {speeds[1]:.1f} in pythae")
    print(f"  pythae / here, arithmetic: {work:.2f}")
    for i, clock in enumerate(("elapsed", "processor")):
        ratios = [theirs[i] / ours[i] for ours, theirs in times]
        middle, low, high = statistics.median(ratios), min(ratios), max(ratios)
        print(f"  pythae / here, {clock} time: {middle:.2f} (median of {len(ratios)}; {low:.2f} to {high:.2f})")


def main() -> None:
    """Compare all cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES), help="networks; all by default")
    parser.add_argument("--rounds", type=int, default=5, help="timed blocks of each side (5)")
    parser.add_argument("--steps", type=int, default=3, help="steps in a block (3)")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch (1)")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32", help="of our side alone")
    options = parser.parse_args()
    logging.disable()  # pythae logs to the terminal
    torch.set_num_threads(options.threads)
    print(f"torch {torch.__version__}, {describe(CPU)}, batch {BATCH}, {options.precision} here, float32 in pythae")
    for name in options.cases:
        compare(name, CASES[name], options.rounds, options.steps, options.precision)


if __name__ == "__main__":
    main()

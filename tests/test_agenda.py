"""In which order workers are given tasks."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from torch import Tensor, nn

from vaegan_bench.api import ImageShape, Networks
from vaegan_bench.execution.agenda import Agenda, Task
from vaegan_bench.execution.estimate import longest_first, operations_per_image
from vaegan_bench.models.gan import GAN
from vaegan_bench.models.vae import VAE
from vaegan_bench.models.vae_disl import VAEDisl
from vaegan_bench.models.vaegan import VAEGAN
from vaegan_bench.study.run import Run
from vaegan_bench.testing.small import small_run

LENDER, BORROWER, OTHER = small_run(GAN()), small_run(VAEDisl()), small_run(VAE())


class TwoHeads(nn.Linear):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return super().forward(x.flatten(1)).chunk(2, 1)  # type: ignore[return-value]


@dataclass(frozen=True, kw_only=True)
class Linear(Networks):
    """One matrix to two codes and their variances, and one back."""

    name = "linear"
    latent: int = 2

    def build(self, role: str, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        if role == "encoder":
            return TwoHeads(math.prod(shape), 2 * self.latent)
        return nn.Sequential(nn.Linear(self.latent, math.prod(shape)), nn.Unflatten(1, shape))


def agenda(*runs: Run, prepared: tuple[Run, ...] = ()) -> Agenda:
    lenders = {run.id: {"discriminator": LENDER} if run is BORROWER else {} for run in runs}
    return Agenda(runs, lenders, prepared)


def test_extractors_come_first_and_runs_in_the_order_of_the_plan() -> None:
    tasks = agenda(OTHER, LENDER, prepared=(OTHER,))
    kinds = [(task.kind, task.run) for task in iter(tasks.begin, None)]
    assert kinds == [("prepare", OTHER.id), ("run", OTHER.id), ("run", LENDER.id)]


def test_a_borrower_waits_for_its_lender_and_others_go_first() -> None:
    tasks = agenda(LENDER, BORROWER, OTHER)
    lender, other = tasks.begin(), tasks.begin()
    assert lender == Task("run", LENDER.id)
    assert other == Task("run", OTHER.id)
    assert tasks.begin() is None
    tasks.finish(other)
    assert tasks.begin() is None
    assert not tasks.is_done
    tasks.finish(lender)
    assert tasks.begin() == Task("run", BORROWER.id)
    tasks.finish(Task("run", BORROWER.id))
    assert tasks.is_done


def test_a_borrower_waits_for_a_lender_that_begins_again() -> None:
    tasks = agenda(LENDER, BORROWER)
    lender = tasks.begin()
    assert lender is not None
    assert tasks.repeat(lender)
    assert tasks.begin() == lender
    assert tasks.begin() is None
    assert not tasks.repeat(lender)
    assert tasks.begin() == Task("run", BORROWER.id)  # and says then what it lacks


def test_a_lender_that_was_finished_before_is_not_waited_for() -> None:
    assert agenda(BORROWER).begin() == Task("run", BORROWER.id)


def test_a_run_is_tried_twice_and_what_was_prepared_for_it_once() -> None:
    tasks = agenda(OTHER, prepared=(OTHER,))
    prepared = tasks.begin()
    assert prepared is not None
    assert not tasks.repeat(prepared)
    first = tasks.begin()
    assert first == Task("run", OTHER.id)
    assert tasks.repeat(first)
    second = tasks.begin()
    assert second == first
    assert not tasks.repeat(first)
    assert tasks.is_done


def test_lenders_begin_first_and_then_the_longest_runs() -> None:
    long, short, double = small_run(VAEGAN()), small_run(VAE()), small_run(VAE(), steps=2 * OTHER.steps, seed=1)
    runs = [short, double, BORROWER, long, LENDER]
    lenders = {run.id: {"discriminator": LENDER} if run is BORROWER else {} for run in runs}
    assert longest_first(runs, lenders) == [LENDER, long, double, BORROWER, short]


def test_operations_are_those_of_networks_forward_and_backward() -> None:
    """Two for each weight and pass: both matrices forward, both for their weights, and the decoder's for the codes."""
    pixels, codes = 3 * 16 * 16, 2
    encoder, decoder = 2 * codes * pixels, codes * pixels
    run = small_run(VAE(), networks=Linear(), size=16)
    assert operations_per_image(run) == 2 * (2 * encoder + 3 * decoder)
    assert operations_per_image(run, 8) == operations_per_image(run)


def test_operations_of_a_model_that_fails_are_unknown() -> None:
    assert operations_per_image(replace(OTHER, size=33)) == 0

"""In which order workers are given tasks."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor, nn

from vaegan_bench.api import ImageShape, Networks, Objectives, Send
from vaegan_bench.api.engines import discard
from vaegan_bench.execution import estimate
from vaegan_bench.execution.engines.agenda import Agenda
from vaegan_bench.execution.estimate import images_per_second, longest_first, operations_per_image
from vaegan_bench.losses.regulariser.r1_r2 import R1R2
from vaegan_bench.models.gan import GAN
from vaegan_bench.models.vae import VAE
from vaegan_bench.models.vae_disl import VAEDisl
from vaegan_bench.models.vaegan import VAEGAN
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.study.plan import make_plan
from vaegan_bench.study.run import Run
from vaegan_bench.study.study_file import load_study
from vaegan_bench.study.term_weights import TermWeight
from vaegan_bench.testing.small import blobs, small_run
from vaegan_bench.training.batches import Batches
from vaegan_bench.training.loop import Step
from vaegan_bench.training.schedules.stepwise import Stepwise
from vaegan_bench.training.state import TrainingState


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


@dataclass(frozen=True)
class Named:
    """A task that does nothing."""

    name: str
    after: frozenset[str] = frozenset()

    def __call__(self, send: Send = discard) -> None:
        raise NotImplementedError


LENDER, BORROWER, OTHER = Named("lender"), Named("borrower", frozenset({"lender"})), Named("other")


def test_tasks_begin_in_their_order() -> None:
    assert list(iter(Agenda([OTHER, LENDER]).begin, None)) == [OTHER, LENDER]


def test_a_borrower_waits_for_its_lender_and_others_go_first() -> None:
    agenda = Agenda([LENDER, BORROWER, OTHER])
    assert [agenda.begin(), agenda.begin(), agenda.begin()] == [LENDER, OTHER, None]
    agenda.finish(OTHER)
    assert agenda.begin() is None
    assert not agenda.is_done
    agenda.finish(LENDER)
    assert agenda.begin() == BORROWER
    agenda.finish(BORROWER)
    assert agenda.is_done


def test_a_borrower_waits_for_a_lender_that_begins_again() -> None:
    agenda = Agenda([LENDER, BORROWER])
    assert agenda.begin() == LENDER
    assert agenda.repeat(LENDER)
    assert [agenda.begin(), agenda.begin()] == [LENDER, None]
    assert not agenda.repeat(LENDER)
    assert agenda.begin() == BORROWER  # and says then what it lacks


def test_a_lender_that_was_finished_before_is_not_waited_for() -> None:
    assert Agenda([BORROWER]).begin() == BORROWER


def test_a_task_is_tried_twice() -> None:
    agenda = Agenda([OTHER])
    assert agenda.begin() == OTHER
    assert agenda.repeat(OTHER)
    assert agenda.begin() == OTHER
    assert not agenda.repeat(OTHER)
    assert agenda.is_done


def test_a_task_at_whose_run_others_are_comes_last_and_after_a_while_however_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("vaegan_bench.execution.engines.agenda.PATIENCE", 0.05)
    agenda = Agenda([OTHER, LENDER])
    assert agenda.begin() == OTHER
    for _ in range(3):
        agenda.postpone(OTHER)
        assert agenda.begin() != OTHER
        assert not agenda.is_done
        time.sleep(0.06)
        assert agenda.begin() == OTHER
    assert agenda.repeat(OTHER)


def test_lenders_begin_first_and_then_the_longest_runs() -> None:
    lender, borrower, long, short = map(small_run, (GAN(), VAEDisl(), VAEGAN(), VAE()))
    double = small_run(VAE(), steps=2 * short.steps, seed=1)
    runs = [short, double, borrower, long, lender]
    lenders = {run.id: {"discriminator": lender} if run is borrower else {} for run in runs}
    assert longest_first(runs, lenders) == [lender, long, double, borrower, short]


def test_operations_are_those_of_networks_forward_and_backward() -> None:
    """Two for each weight and pass: both matrices forward, both for their weights, and the decoder's for the codes."""
    pixels, codes = 3 * 16 * 16, 2
    encoder, decoder = 2 * codes * pixels, codes * pixels
    run = small_run(VAE(), networks=Linear(), size=16)
    assert operations_per_image(run) == 2 * (2 * encoder + 3 * decoder)
    assert operations_per_image(run, 8) == operations_per_image(run)


@pytest.mark.parametrize("size", [8, 64])
def test_a_penalty_on_a_share_of_each_batch_counts_with_this_share(size: int) -> None:
    run = small_run(GAN(regulariser=R1R2(share=0.125)), batch=size)
    assert operations_per_image(run) == operations_per_image(run, size) > operations_per_image(small_run(GAN()))


def step_of(state: TrainingState) -> Step:
    """A step in which all players moved."""
    return Step(Objectives(terms={}, minimise={player: {} for player in state.optimizers}), {})


def test_operations_are_counted_once_for_all_seeds_in_the_precision_of_every_cpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = small_run(VAE(), steps=101)
    half = replace(plain, precision="bfloat16", device="cuda")
    assert operations_per_image(half) == operations_per_image(plain) > 0
    took = list[str]()

    def take_step(run: Run, state: TrainingState, batches: Batches) -> Step:
        took.append(f"{run.precision} on {run.device}")
        return step_of(state)

    monkeypatch.setattr(estimate, "take_step", take_step)
    other = replace(half, steps=102)
    assert [operations_per_image(other.with_seed(seed)) for seed in (1, 2)] == [0, 0]
    assert took == ["float32 on cpu"] * 2
    operations_per_image(other, 8)
    operations_per_image(other, like=replace(blobs(), attribute_names=("a", "b")))
    assert len(took) == 6


def test_operations_and_time_are_those_of_a_step_with_all_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    late = TermWeight("discriminator", Stepwise(stages="0:0 90%:1"))
    whole = small_run(GAN(), steps=100)
    delayed = replace(whole, term_weights=(late,))
    assert operations_per_image(delayed) == operations_per_image(whole) > 0
    begun = list[int]()

    def take_step(run: Run, state: TrainingState, batches: Batches) -> Step:
        begun.append(state.step)
        return step_of(state)

    monkeypatch.setattr(estimate, "take_step", take_step)
    assert images_per_second(delayed) > 0
    assert min(begun) >= 90


def test_each_model_is_timed_as_exactly_as_it_is_trained_and_with_a_peak_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    noted = list[str]()

    def take_step(run: Run, state: TrainingState, batches: Batches) -> Step:
        noted.append("in TF32" if torch.backends.cudnn.allow_tf32 else "a step")
        return step_of(state)

    monkeypatch.setattr(estimate, "take_step", take_step)
    monkeypatch.setattr(estimate, "forget_peak_memory", lambda device: noted.append(f"forget {device}"))
    study = load_study("smoke").with_values({"models": ["vae", "gan"], "seeds": 1}, "the test")
    assert [cost.label for cost in estimate.estimate(make_plan(study, Registry()))] == ["vae", "gan"]
    assert noted == ["forget cpu", *["a step"] * 6] * 2


def test_operations_of_a_conditional_model_count_the_attributes_of_the_data() -> None:
    data = replace(blobs(), attribute_names=("a", "b", "c"))
    counted = operations_per_image(small_run(VAE(conditional=True)), like=data)
    assert counted > operations_per_image(small_run(VAE()), like=data) > 0


def test_operations_of_a_model_that_fails_are_unknown() -> None:
    assert operations_per_image(small_run(VAE(), size=33)) == 0

"""In which order workers are given tasks."""

from __future__ import annotations

from vaegan_bench.execution.agenda import Agenda, Task
from vaegan_bench.models.gan import GAN
from vaegan_bench.models.vae import VAE
from vaegan_bench.models.vae_disl import VAEDisl
from vaegan_bench.study.run import Run
from vaegan_bench.system.claim_folder import Holder
from vaegan_bench.testing.small import small_run

LENDER, BORROWER, OTHER = small_run(GAN()), small_run(VAEDisl()), small_run(VAE())


def agenda(*runs: Run, prepared: tuple[Run, ...] = ()) -> Agenda:
    lenders = {run.id: {"discriminator": LENDER} if run is BORROWER else {} for run in runs}
    return Agenda(runs, lenders, prepared)


def test_extractors_come_first_and_runs_in_the_order_of_the_plan() -> None:
    tasks = agenda(OTHER, LENDER, prepared=(OTHER,))
    kinds = [(task.kind, task.run) for task in iter(tasks.begin, None)]
    assert kinds == [("prepare", OTHER.id), ("run", OTHER.id), ("run", LENDER.id)]


def test_a_run_of_another_process_is_looked_at_again_after_the_others_and_holds_up_who_borrows() -> None:
    tasks, other = agenda(LENDER, BORROWER, OTHER), Holder(token="ab", beat=0.0)
    lender = tasks.begin()
    assert lender == Task("run", LENDER.id)
    tasks.pass_over(lender, other)
    assert tasks.begin() == Task("run", OTHER.id)
    assert tasks.begin() is None
    assert not tasks.is_held_up
    tasks.finish(Task("run", OTHER.id))
    assert tasks.is_held_up
    assert not tasks.is_done
    tasks.look_again()
    for _ in range(3):  # however often it is passed over, its worker may die twice
        assert tasks.begin() == lender
        tasks.pass_over(lender, other)
        tasks.look_again()
    assert tasks.begin() == lender
    assert tasks.repeat(lender)
    assert tasks.begin() == lender
    tasks.finish(lender)
    assert tasks.begin() == Task("run", BORROWER.id)


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

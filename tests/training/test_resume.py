"""Training that goes on from a checkpoint: the same bits as training that was never stopped."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from vaegan_bench.api import Model, Optimizer, ParameterGroups, Schedule, StoreError
from vaegan_bench.execution.footprint import footprint
from vaegan_bench.execution.run_keeper import RunKeeper
from vaegan_bench.losses.adversarial.wgan import Wasserstein
from vaegan_bench.losses.discriminator_augmentation.diffaugment import DiffAugment
from vaegan_bench.losses.gates.margin import Margin
from vaegan_bench.losses.reconstruction.gaussian_learned import GaussianLearned
from vaegan_bench.losses.regulariser.gradient_penalty import GradientPenalty
from vaegan_bench.losses.regulariser.lecam import LeCam
from vaegan_bench.models.gan import GAN
from vaegan_bench.models.vae import VAE
from vaegan_bench.models.vae_disl import VAEDisl
from vaegan_bench.models.vaegan import VAEGAN
from vaegan_bench.models.vaegan_pixel import VAEGANPixel
from vaegan_bench.networks.spectral import Spectral
from vaegan_bench.results.checkpoints import CHECKPOINT, PREVIOUS, Checkpoints
from vaegan_bench.study.run import Run
from vaegan_bench.study.term_weights import TermWeight
from vaegan_bench.system.claims import Claim, claimed
from vaegan_bench.system.errors import StudyWarning
from vaegan_bench.testing import NETWORKS, blobs, small_run
from vaegan_bench.testing.interrupted import InterruptedKeeper
from vaegan_bench.training import loop
from vaegan_bench.training.loop import Trained, train
from vaegan_bench.training.optimizers.rmsprop import RMSProp
from vaegan_bench.training.schedules.constant import Constant
from vaegan_bench.training.schedules.linear import Linear

CPU = torch.device("cpu")
STEPS = 8


class Odd(torch.optim.Optimizer):
    """Keeps what other optimizers do not: tensors in lists, numbers by whole numbers, views, state of no weight."""

    def __init__(self, groups: ParameterGroups) -> None:
        super().__init__(groups, {"lr": 0.1, "seen": (0, math.inf), "table": {3: 0.5}})

    def step(self, closure: object = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            group["seen"] = (group["seen"][0] + 1, min(group["seen"][1], group["lr"]))
            group["table"][3] *= 1.25
            for weight in group["params"]:
                self._move(weight, group)

    def _move(self, weight: Tensor, group: dict[str, Any]) -> None:
        state = self.state[weight]
        if not state:
            both = torch.zeros(2, *weight.shape)
            state |= {"both": both, "first": both[0], "last": [], "worst": -math.inf}
        state["both"].lerp_(torch.stack([weight.grad, weight.detach()]), 0.5)
        state["last"] = [*state["last"][-1:], weight.grad.clone()]
        state["worst"] = max(state["worst"], float(weight.grad.max()))
        scale = 1e-3 * group["lr"] * group["table"][3] / (group["seen"][0] + abs(state["worst"]))
        weight.data.sub_(state["first"] + state["last"][0], alpha=scale)


@dataclass(frozen=True, kw_only=True)
class OddOptimizer(Optimizer):
    """Builds it."""

    name = "odd"
    lr: float = 1e-3
    weight_decay: float = 0.0
    schedule: Schedule = Linear(start=1.0, end=0.5, over=4)

    def build(self, groups: ParameterGroups) -> torch.optim.Optimizer:
        return Odd(groups)


@dataclass(frozen=True, kw_only=True)
class OfNumPy(Schedule):
    """Computes with NumPy's numbers."""

    name = "of-numpy"

    def __call__(self, base: float, step: int, steps: int) -> float:
        return base * np.float64(1) / (1 + step)


CLAIMS: dict[Path, Claim] = {}
"""Folder → its claim, in the current test."""


@pytest.fixture(autouse=True)
def _claimed(tmp_path: Path) -> Iterator[None]:
    with claimed(tmp_path) as CLAIMS[tmp_path]:
        yield


def keeper(run: Run, folder: Path) -> RunKeeper:
    return RunKeeper(run, blobs(), CPU, CLAIMS[folder], 0, must_stop=lambda: False)


def stop(run: Run, folder: Path, after: int, borrowed: Any = None) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(run, blobs(), CPU, borrowed=borrowed, keeper=InterruptedKeeper(keeper(run, folder), after))


def same(one: Trained, other: Trained) -> None:
    """Every network, averaged ones too, and the history."""
    assert repr(one.history) == repr(other.history)
    for found, expected in ((one.state.modules, other.state.modules),
                            (one.state.evaluated_modules(), other.state.evaluated_modules())):  # fmt: skip
        for role, module in expected.items():
            mine = found[role].state_dict()
            for name, tensor in module.state_dict().items():
                assert torch.equal(mine[name], tensor), f"{role}.{name}"


SCHEDULE = TermWeight("prior", Linear(end=0.25, over=6))
CASES = {
    "vae": small_run(VAE(), ema=0.9),
    "conditional": small_run(VAE(conditional=True)),
    "learned": small_run(VAEGAN(similarity=GaussianLearned()), ema=0.5),
    "scheduled": small_run(VAEGANPixel(), term_weights=(SCHEDULE,), optimizer=RMSProp(schedule=Linear(over=6))),
    "gated": small_run(VAEGAN(gate=Margin(margin=0.01)), optimizer=RMSProp()),
    "penalised": small_run(GAN(adversarial=Wasserstein(), regulariser=GradientPenalty()), ema=0.9),
    "remembering": small_run(VAEGAN(regulariser=LeCam()), ema=0.9),
    "augmented": small_run(VAEGAN(augmentation=DiffAugment())),
    "spectral": small_run(VAEGAN(), networks=Spectral(networks=NETWORKS), ema=0.9),
    "bfloat16": small_run(VAEGAN(), precision="bfloat16"),
    "odd": small_run(VAEGAN(), optimizer=OddOptimizer(), ema=0.9),
    "numpy": small_run(VAE(), optimizer=RMSProp(schedule=OfNumPy())),
}


@pytest.mark.parametrize("run", CASES.values(), ids=CASES.keys())
def test_going_on_equals_never_stopping(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "INTERVAL", 3)  # so that there is a row, and something pending
    whole = train(run, blobs(), CPU)
    stop(run, tmp_path, 2)
    stop(run, tmp_path, 3)
    found = keeper(run, tmp_path)
    assert found.step == 5
    resumed = train(run, blobs(), CPU, keeper=found)
    same(resumed, whole)
    assert [row["step"] for row in resumed.history] == [3, 6, 8]


def test_a_training_that_was_stopped_at_its_end_only_ends(tmp_path: Path) -> None:
    run = small_run(VAE(), ema=0.9)
    stop(run, tmp_path, STEPS)
    same(train(run, blobs(), CPU, keeper=keeper(run, tmp_path)), train(run, blobs(), CPU))


def test_borrowed_networks_are_lent_again_and_not_kept(tmp_path: Path) -> None:
    lender = train(small_run(GAN()), blobs(), CPU).state.modules["discriminator"].state_dict()
    borrowed, run = {"discriminator": lender}, small_run(VAEDisl())
    whole = train(run, blobs(), CPU, borrowed=borrowed)
    stop(run, tmp_path, 4, borrowed)
    found = keeper(run, tmp_path)
    assert found._found is not None
    assert not [name for name in found._found.memory if "discriminator" in name]
    same(train(run, blobs(), CPU, borrowed=borrowed, keeper=found), whole)


def test_seconds_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 100_000, 1000))
    monkeypatch.setattr(loop.time, "perf_counter", lambda: next(clock))
    run = small_run(VAE(), steps=2)
    stop(run, tmp_path, 1)  # 1000 s after its beginning
    trained = train(run, blobs(), CPU, keeper=keeper(run, tmp_path))
    assert trained.seconds > 2000


def test_a_divergence_is_found_at_its_step_though_training_was_stopped_in_between(tmp_path: Path) -> None:
    @dataclass(frozen=True, kw_only=True)
    class Bursts(Model):
        """A VAE that is not finite after three steps."""

        name = "bursts"
        players = VAE.players

        def objectives(self, play: Any) -> Any:
            game = VAE().objectives(play)
            return replace(game, log={"x": play.x_BCHW.new_tensor(math.inf)}) if play.step >= 3 else game

    run = small_run(Bursts())
    stop(run, tmp_path, 6)
    assert train(run, blobs(), CPU, keeper=keeper(run, tmp_path)).status == "diverged at step 4"


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


def test_the_checkpoint_before_serves_where_the_newest_is_damaged(tmp_path: Path) -> None:
    run = small_run(VAE())
    stop(run, tmp_path, 5)
    assert sorted(path.name for path in tmp_path.iterdir()) == [PREVIOUS, CHECKPOINT]
    damage(tmp_path / CHECKPOINT)
    with pytest.warns(StudyWarning, match=r"not used: Cannot read .*/checkpoint\.safetensors: it is damaged .*SHA-256"):
        found = keeper(run, tmp_path)
    assert found.step == 4
    with pytest.raises(KeyboardInterrupt):
        train(run, blobs(), CPU, keeper=InterruptedKeeper(found, 1))
    before = Checkpoints(tmp_path).read()
    assert before is not None
    assert before.step == 5
    (tmp_path / CHECKPOINT).unlink()
    assert keeper(run, tmp_path).step == 4  # the damaged one did not take the place of a good one
    same(train(run, blobs(), CPU, keeper=keeper(run, tmp_path)), train(run, blobs(), CPU))


def test_training_begins_anew_where_both_are_damaged(tmp_path: Path) -> None:
    run = small_run(VAE())
    stop(run, tmp_path, 2)
    damage(tmp_path / CHECKPOINT)
    (tmp_path / PREVIOUS).write_bytes(b"PK")
    with pytest.warns(StudyWarning, match=r"checkpoint\.(previous\.)?safetensors") as warned:
        found = keeper(run, tmp_path)
    assert (found.step, len(warned)) == (0, 2)


def test_a_checkpoint_of_another_run_or_of_other_data_is_not_used(tmp_path: Path) -> None:
    run = small_run(VAE())
    stop(run, tmp_path, 2)
    with pytest.warns(StudyWarning, match=r"is not used, and training starts from step 0: it has other seed, steps\."):
        assert keeper(replace(run, steps=9, seed=4), tmp_path).step == 0
    with pytest.warns(StudyWarning, match="it has other images"):
        other = RunKeeper(run, replace(blobs(), digest="other"), CPU, CLAIMS[tmp_path], 0, lambda: False)
    assert other.load() is None


def test_a_write_that_fails_leaves_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = small_run(VAE())
    stop(run, tmp_path, 3)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def fail(path: Path, content: bytes) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(StoreError, match="No space left"):
        train(run, blobs(), CPU, keeper=keeper(run, tmp_path))
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_cannot_be_kept_costs_the_checkpoint_and_not_the_run(tmp_path: Path) -> None:
    class Hoarder(Odd):
        """Remembers what no file can hold."""

        def _move(self, weight: Tensor, group: dict[str, Any]) -> None:
            self.state[weight]["best"] = object()

    @dataclass(frozen=True, kw_only=True)
    class HoarderOptimizer(Optimizer):
        """Builds it."""

        name = "hoarder"
        lr: float = 1e-3
        weight_decay: float = 0.0
        schedule: Schedule = Constant()

        def build(self, groups: ParameterGroups) -> torch.optim.Optimizer:
            return Hoarder(groups)

    run = small_run(VAE(), optimizer=HoarderOptimizer())
    words = (
        r"is kept: state\.optimizers\.autoencoder\.state\.0\.best is of the type object, which no checkpoint can keep"
    )
    with pytest.warns(StudyWarning, match=words) as warned:
        assert train(run, blobs(), CPU, keeper=keeper(run, tmp_path)).status == "ok"
    assert len(warned) == 1
    assert not list(tmp_path.iterdir())


def test_space_is_needed_for_the_checkpoints_of_runs_that_train_at_once(tmp_path: Path) -> None:
    run = small_run(VAEGAN(), ema=0.9)
    stop(run, tmp_path, 2)
    size = (tmp_path / CHECKPOINT).stat().st_size
    runs = [replace(run, seed=seed) for seed in range(3)]
    needed = [footprint(dict.fromkeys(runs, blobs()), {}, 1, at_once) for at_once in (1, 2, 3, 4)]
    steps = [after - before for before, after in itertools.pairwise(needed)]
    assert steps[0] == steps[1] > 2.4 * size
    assert steps[2] == 0

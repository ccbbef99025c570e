"""Optimizers of single players: from a study to the run that they move, its identity, and what is shown of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from duopoly import Duopoly, Numbers, numbers
from shell import bench
from small import PlainDescent

import vaegan_bench as vb
from vaegan_bench.api import BenchError, Model, Objectives, Play, PluginError
from vaegan_bench.evaluation.stored_run import stored_run
from vaegan_bench.models.vae import VAE
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.report.status.differences import definition_differences
from vaegan_bench.results.records import Definition
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.study.plan import Plan, make_plan
from vaegan_bench.study.run import Run
from vaegan_bench.study.study import Study
from vaegan_bench.system.plain_data import read_as
from vaegan_bench.testing import blobs, small_run
from vaegan_bench.training.loop import train
from vaegan_bench.training.optimizers.adam import Adam
from vaegan_bench.training.schedules.linear import Linear

SLOW = "adam[lr=0.0005,beta1=0]"
FILE = f"""
models = ["vae", "gan"]
networks = "compact[width=4]"
device = "cpu"
optimizer = "adam[lr=0.002]"

[optimizers]
discriminator = "{SLOW}"
"""


def planned(models: str, optimizers: dict[str, str], **values: Any) -> Plan:
    values = {"device": "cpu", "networks": "compact[width=4]", "models": models.split(), **values}
    return make_plan(Study().with_values({**values, "optimizers": optimizers}, "a test"), Registry())


def runs(models: str, optimizers: dict[str, str], **values: Any) -> dict[str, Run]:
    return {run.model.name: run for run in planned(models, optimizers, **values).runs}


def test_each_player_moves_by_its_own_optimizer_and_schedule() -> None:
    # From a = b = 1 both see the slope 9. In the second step the first firm sees 12 − 2·1.9 − 1.45 = 6.75 and still
    # has the rate 0.1; the second sees 12 − 2·1.45 − 1.9 = 7.2 and has half of its rate 0.05.
    own = (("second", PlainDescent(lr=0.05, schedule=Linear(start=1, end=0, over=2))),)
    run = small_run(Duopoly(), networks=Numbers(), optimizer=PlainDescent(lr=0.1), optimizers=own, steps=2)
    assert numbers(train(run, blobs(), torch.device("cpu"))) == pytest.approx((1.9 + 0.675, 1.45 + 0.18), abs=1e-5)


@dataclass(frozen=True, kw_only=True)
class Slopes(Model):
    """A player of two weights on a slope of (6, 8), and one of one weight on a slope of 12."""

    name = "slopes"
    players: ClassVar = {"pair": ("a", "b"), "single": ("c",)}

    def objectives(self, play: Play) -> Objectives:
        a, b, c = (play.modules[role].value for role in ("a", "b", "c"))
        game: dict[str, dict[str, float]] = {"pair": {"plane": 1.0}, "single": {"line": 1.0}}
        return Objectives(terms={"plane": 6 * a + 8 * b, "line": 12 * c}, minimise=game)


@pytest.mark.parametrize("steps", [1, 2])  # the last step is logged, and takes its gradients in another way
@pytest.mark.parametrize(("clip", "moves"), [(5, (0.3, 0.4, 0.5)), (11, (0.6, 0.8, 1.1)), (None, (0.6, 0.8, 1.2))])
def test_the_gradient_of_each_player_is_scaled_down_as_a_whole(
    clip: float | None, moves: tuple[float, ...], steps: int
) -> None:
    run = small_run(Slopes(), networks=Numbers(), optimizer=PlainDescent(lr=0.1, clip=clip), steps=steps)
    trained = train(run, blobs(), torch.device("cpu"))
    ends = [trained.state.modules[role].value.item() for role in ("a", "b", "c")]
    assert ends == pytest.approx([1 - steps * move for move in moves], abs=1e-4)
    logged = [trained.history[-1][f"gradient of {target}"] for target in ("pair.plane", "single.line")]
    assert logged == pytest.approx([10, 12])


@dataclass(frozen=True, kw_only=True)
class Idle(Model):
    """A VAE with a second player, who owns a σ that is not learned."""

    name = "idle"
    players: ClassVar = {"autoencoder": ("encoder", "decoder"), "sigma": ("scale",)}

    def objectives(self, play: Play) -> Objectives:
        return VAE().objectives(play)


def test_a_player_without_weights_is_named() -> None:
    with pytest.raises(PluginError, match="Player 'sigma' owns no weight that is trained: give its roles to another"):
        train(small_run(Idle()), blobs(), torch.device("cpu"))


def test_an_optimizer_is_part_of_the_runs_that_have_its_player() -> None:
    before, after = (runs("vae gan vaegan", own) for own in ({}, {"discriminator": SLOW}))
    assert after["vae"].id == before["vae"].id
    assert after["gan"].id != before["gan"].id
    assert after["gan"].optimizer_of("discriminator") == Adam(lr=0.0005, beta1=0)
    assert after["gan"].optimizer_of("decoder") == Adam()
    assert set(after["vaegan"].definition["optimizers"]) == {"discriminator"}
    assert len({run.setting_id for run in (*before.values(), *after.values())}) == 1


def test_an_optimizer_of_a_lenders_player_is_part_of_the_borrowers_run() -> None:
    before, after = (runs("vae-disl", own) for own in ({}, {"discriminator": SLOW}))
    assert after["vae-disl"].id != before["vae-disl"].id
    assert after["gan"].optimizer_of("discriminator") == Adam(lr=0.0005, beta1=0)


def test_the_same_optimizer_written_twice_is_the_same_run() -> None:
    same = {"discriminator": "adam[lr=0.002]"}
    assert (
        runs("gan", same, optimizer="adam[lr=2e-3]")["gan"].id == runs("gan", {}, optimizer="adam[lr=2e-3]")["gan"].id
    )


@pytest.mark.parametrize(
    ("optimizers", "message"),
    [
        ({"discriminater": "adam"}, r"Unknown player in optimizers: 'discriminater'. Did you mean 'discriminator'\?"),
        (
            {"encoder": "adam"},
            r"Unknown player in optimizers: 'encoder'.* Known: autoencoder, decoder, discriminator\.",
        ),
        ({"decoder": "sgd"}, "Unknown optimizer 'sgd'"),
        ({"decoder": "adamw[clip=0]"}, r"Optimizer 'adamw\[clip=0\]': clip must be above 0, or none, not 0\.0"),
        ({"decoder": "adam[lr=-1]"}, r"Optimizer 'adam\[lr=-1.0\]' cannot be used"),
        ({"decoder": 3}, "optimizers must be a table of selectors, not {'decoder': 3}"),
    ],
)
def test_what_cannot_be_is_an_error_in_the_plan(optimizers: dict[str, str], message: str) -> None:
    with pytest.raises(BenchError, match=message):
        planned("vae gan", optimizers)


def test_differences_name_the_player() -> None:
    old, new = (runs("gan", {"discriminator": text})["gan"].definition for text in (SLOW, "adam[lr=0.0005,beta1=0.5]"))
    assert definition_differences(read_as(Definition, dict(old)), new) == ["optimizers.discriminator.beta1 0.0 → 0.5"]
    without = {key: value for key, value in old.items() if key != "optimizers"}  # a run from before there were such
    assert definition_differences(read_as(Definition, without), old) == ["optimizers.discriminator is new (adam)"]


def test_a_dry_run_names_every_optimizer_and_options_add_to_the_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(FILE)
    own = (
        "--optimizer",
        "decoder = rmsprop[schedule=linear[start=1,end=0.5]]",
        "--optimizer",
        "adam[lr=0.004,beta2=0.9]",
    )
    done = bench("run", file, "--dry-run", *own, "--results", tmp_path / "results", width=250)
    says = (
        "Optimizer: adam[lr=0.004,beta2=0.9]; of player 'discriminator': adam[lr=0.0005,beta1=0.0]; "
        "of player 'decoder': rmsprop[schedule=linear[start=1.0,end=0.5]]."
    )
    assert says in done.stdout


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["=adam"], "--optimizer takes a selector, or player=selector, not '=adam'"),
        (["decoder="], "not 'decoder='"),
        (["adam", "adam[lr=1]"], "--optimizer is given twice for all players"),
        (["decoder=adam", "decoder=rmsprop"], "--optimizer is given twice for decoder"),
    ],
)
def test_options_that_mean_nothing_are_refused(texts: list[str], message: str) -> None:
    done = bench("run", "smoke", "--dry-run", *(word for text in texts for word in ("--optimizer", text)), width=200)
    assert done.returncode == 2
    assert message in done.stderr


def test_records_and_summary_say_how_each_player_was_trained(tmp_path: Path) -> None:
    tiny: dict[str, Any] = {"models": ["vae", "gan"], "metrics": ["reconstruction"], "networks": "compact[width=4]"}
    tiny |= {"steps": 2, "batch": 4, "samples": 16, "size": 32, "device": "cpu", "results": tmp_path}
    results = vb.run("smoke", optimizer="adam[lr=0.002]", optimizers={"discriminator": SLOW}, **tiny)
    summary = (results.folder.path / "summary.md").read_text()
    assert "- optimizer: `adam[lr=0.002]`" in summary
    assert f"- optimizer of player 'discriminator': `{SLOW}`" in summary
    folders = {path.name.partition("-")[0]: RunFolder(path) for path in results.folder.path.glob("*-s0-*")}
    assert folders["vae"].record().definition.optimizers == {}
    gan = stored_run(folders["gan"], Registry())
    assert gan.optimizer_of("discriminator") == Adam(lr=0.0005, beta1=0)
    assert gan.id == folders["gan"].path.name
    assert set(results.rows["setting"]) == {f"{gan.setting_id}, discriminator={SLOW}"}

"""Weights of terms, models without some of them, and models that borrow from others: from a study to its runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import vaegan_bench as vb
from vaegan_bench.api import BenchError
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.report import tables
from vaegan_bench.study.plan import Plan, make_plan
from vaegan_bench.study.study import Study
from vaegan_bench.study.study_file import load_study
from vaegan_bench.training.schedules.cyclic import Cyclic
from vaegan_bench.training.schedules.linear import Linear
from vaegan_bench.training.schedules.stepwise import Stepwise


def planned(**values: Any) -> Plan:
    return make_plan(Study().with_values({"networks": "compact[width=4]", **values}, "the test"), Registry())


def labels(plan: Plan) -> list[str]:
    return list(dict.fromkeys(run.label for run in plan.runs))


def test_schedules_have_known_values() -> None:
    assert [Linear(over=4, after=2)(2.0, step, 100) for step in (0, 2, 3, 6, 99)] == [0, 0, 0.5, 2, 2]
    cyclic = Cyclic(cycles=2, ramp=0.5)
    assert [cyclic(1.0, step, 8) for step in range(8)] == [0, 0.5, 1, 1, 0, 0.5, 1, 1]
    assert [Stepwise(stages="0:1 5:0.1 8:0")(3.0, step, 10) for step in (0, 4, 5, 8)] == [3, 3, pytest.approx(0.3), 0]


@pytest.mark.parametrize("stages", ["", "5:1", "0:1 0:2", "0:1 9:2 3:1", "0;1", "0:x"])
def test_stages_that_mean_nothing_are_refused(stages: str) -> None:
    with pytest.raises(ValueError, match="stages"):
        Stepwise(stages=stages)


def test_weights_are_crossed_over_the_models_that_have_the_term() -> None:
    plan = planned(models=["vae", "gan"], term_weights={"prior": ["0.5", "linear[over=10]"]})
    assert labels(plan) == ["vae[prior.weight=0.5]", "vae[prior.weight=linear[over=10]]", "gan"]
    (half, rising, _) = plan.runs
    assert half.id != rising.id
    assert half.setting_id == rising.setting_id
    assert rising.term_weights[0].factor == Linear(over=10)


def test_a_weight_may_be_about_one_player() -> None:
    (run,) = planned(models=["vaegan[decoder.similarity.weight=0.1]"]).runs
    assert run.term_weights[0].applies_to("decoder", "similarity")
    assert not run.term_weights[0].applies_to("encoder", "similarity")


def test_a_study_gives_the_terms_of_a_model_weights_of_its_own() -> None:
    fields = {
        "vae": {"prior.weight": 10, "reconstruction": "laplace"},
        "vaegan": {"decoder.similarity.weight": "cyclic"},
    }
    plan = planned(models=["vae", "vae[prior.weight=0.5]", "vaegan", "gan"], fields=fields)
    assert labels(plan) == ["vae", "vae[prior.weight=0.5]", "vaegan", "gan"]
    found = [{weight.target: weight.factor for weight in run.term_weights} for run in plan.runs]
    assert found == [{"prior": 10}, {"prior": 0.5}, {"decoder.similarity": Cyclic()}, {}]
    assert plan.runs[0].model.reconstruction.name == "laplace"  # type: ignore[attr-defined]
    same = planned(models=["vae[prior.weight=10]"], fields={"vae": {"reconstruction": "laplace"}}).runs[0]
    assert same.definition == plan.runs[0].definition


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kl": {"prior.weight": 2}}, "'kl' has no terms, and so no prior.weight: only models have"),
        ({"vae": {"priro.weight": 2}}, "Did you mean 'prior'"),
        ({"vae": {"prior.weight": "much"}}, "much"),
    ],
)
def test_weights_of_what_is_no_term_are_refused_in_fields_too(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(BenchError, match=message):
        planned(models=["vae"], fields=fields)


def test_every_term_is_left_out_in_turn() -> None:
    plan = planned(models=["vae", "vaegan[gamma=0.1]"], ablate=True)
    assert labels(plan) == [
        "vae",
        "vae[prior.weight=0]",
        "vae[reconstruction.weight=0]",
        "vaegan[gamma=0.1]",
        "vaegan[gamma=0.1,prior.weight=0]",
        "vaegan[gamma=0.1,similarity.weight=0]",
        "vaegan[gamma=0.1,generator.weight=0]",
        "vaegan[gamma=0.1,discriminator.weight=0]",
    ]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"models": ["vae[priour.weight=2]"]}, "Unknown term of model 'vae': 'priour'. Did you mean 'prior'?"),
        ({"term_weights": {"similarty": ["2"]}, "models": ["vaegan"]}, "Did you mean 'similarity'?"),
        ({"models": ["vae[prior.weight=much]"]}, "Unknown schedule or adaptive weight 'much'"),
        ({"models": ["vae[prior.weight=nan]"]}, "takes a finite number, a schedule or an adaptive weight, not 'nan'"),
        ({"models": ["vae[prior.weight=linear[over=0]]"]}, "over must be above 0"),
        ({"models": ["vae-disl[gan=vae]"]}, "gan must be a model that trains a discriminator"),
        ({"models": ["vaegan[gama=1]"], "term_weights": {"prior": ["2"]}}, "Did you mean 'gamma'?"),
        ({"models": ["vae"], "networks": "compct", "term_weights": {"prior": ["2"]}}, "Did you mean 'compact'?"),
    ],
)
def test_mistakes_are_told_before_anything_trains(values: dict[str, Any], message: str) -> None:
    with pytest.raises(BenchError) as raised:
        planned(**values)
    assert message in str(raised.value)


def test_a_combination_that_only_crossing_made_is_skipped_with_its_reason() -> None:
    plan = planned(models=["vaegan"], losses={"similarity": ["gaussian", "bernoulli"]})
    assert labels(plan) == ["vaegan[similarity=gaussian]"]
    assert plan.skips[0].label == "vaegan[similarity=bernoulli]"
    assert "only pixels" in plan.skips[0].reason
    with pytest.raises(BenchError, match="only pixels"):
        planned(models=["vaegan[similarity=bernoulli]"])


def test_a_lender_is_trained_first_and_once() -> None:
    assert labels(planned(models=["vae-disl"])) == ["gan", "vae-disl"]
    assert labels(planned(models=["vae-disl", "vae", "gan"])) == ["gan", "vae-disl", "vae"]
    assert labels(planned(models=["vae-disl[gan=gan[adversarial=hinge]]"]))[0] == "gan[adversarial=hinge]"
    written_out = planned(models=["gan[adversarial=minimax]", "vae-disl"])
    assert labels(written_out) == ["gan[adversarial=minimax]", "vae-disl"]
    assert len(planned(models=["vae-disl"], seeds=[0, 1]).runs) == 4


def test_a_model_whose_lender_cannot_be_set_up_is_skipped_with_it() -> None:
    plan = planned(models=["vae-disl", "vae"], fields={"gan": {"generator.weight": "adaptive"}}, seeds=[0, 1])
    assert labels(plan) == ["vae"]
    reasons = {skip.label: skip.reason for skip in plan.skips}
    assert list(reasons) == ["gan", "vae-disl"]
    assert reasons["vae-disl"] == f"vae-disl borrows the discriminator of gan, which cannot be run: {reasons['gan']}"


def study(tmp_path: Path, **values: Any) -> vb.Results:
    shared = {"steps": 4, "samples": 32, "metrics": ["reconstruction"], "results": tmp_path, "cache": tmp_path}
    return vb.run("smoke", **{**shared, **values})


@pytest.mark.usefixtures("tables_alone")
def test_vae_disl_learns_in_the_features_of_the_gan_that_was_trained_before(tmp_path: Path) -> None:
    results = study(tmp_path, models=["vae-disl"])
    assert list(dict.fromkeys(results.rows["model"])) == ["gan", "vae-disl"]
    folder = next(results.folder.path.glob("vae-disl-s0-*"))
    from vaegan_bench.results.run_folder import RunFolder

    assert {name.partition(".")[0] for name in RunFolder(folder).training.weights()} == {"encoder", "decoder"}
    assert vb.load_model(folder, "cpu").sample(2).shape == (2, 3, 32, 32)


@pytest.mark.usefixtures("tables_alone")
def test_a_lender_that_failed_costs_its_borrower_and_nobody_else(tmp_path: Path) -> None:
    gan = "gan[adversarial=wgan,regulariser=gradient-penalty[weight=1e38]]"
    with pytest.raises(BenchError, match=r"borrows the discriminator of gan.*diverged"):
        study(tmp_path, models=[f"vae-disl[gan={gan}]", "vae"])
    assert (tmp_path / "smoke" / "summary.md").is_file()


def test_the_leave_one_out_table_holds_differences_to_the_full_model(tmp_path: Path) -> None:
    results = study(tmp_path, models=["vae"], ablate=True, seeds=2)
    table = tables.ablation(results.rows)
    assert [term for _, _, term in table.index] == ["", "prior", "reconstruction"]
    psnr = results.rows[results.rows["metric"] == "psnr"].pivot(index="seed", columns="model", values="value")
    difference = float((psnr["vae[reconstruction.weight=0]"] - psnr["vae"]).mean())
    cell = table.iloc[2]["psnr ↑ (dB)"]
    assert float(cell.partition(" ±")[0]) == pytest.approx(difference, abs=0.06)
    summary = (results.folder.path / "summary.md").read_text("utf-8")
    assert "### `vae` without each of its terms" in summary
    assert "| `without reconstruction` |" in summary
    assert (results.folder.path / "gradients.png").is_file()


def test_without_ablations_there_is_no_such_table() -> None:
    rows = pd.DataFrame({"model": ["vae", "vae[prior.weight=2]"]})
    assert tables.ablation(rows).empty


def test_weights_come_from_study_files(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('models = ["vae"]\nablate = true\n[term_weights]\nprior = ["cyclic[cycles=2]"]\n')
    plan = make_plan(load_study(str(file)), Registry())
    assert labels(plan)[0] == "vae[prior.weight=cyclic[cycles=2]]"
    assert labels(plan)[-1] == "vae[prior.weight=cyclic[cycles=2],reconstruction.weight=0]"


def test_an_edited_plugin_is_another_run_in_the_same_process_too(tmp_path: Path) -> None:
    file = tmp_path / "halving.py"
    file.write_text(HALVING)
    ids = []
    for factor in ("0.5", "0.25"):
        file.write_text(HALVING.replace("0.5", factor))
        plan = make_plan(Study().with_values({"models": ["vae[prior.weight=halving]"]}, "the test"), Registry([file]))
        ids.append(plan.runs[0].id)
    assert ids[0] != ids[1]


HALVING = """
from dataclasses import dataclass
from vaegan_bench.api import Schedule, hookimpl

@dataclass(frozen=True, kw_only=True)
class Halving(Schedule):
    \"\"\"Half of it.\"\"\"
    name = "halving"

    def __call__(self, base, step, steps):
        return base * 0.5

@hookimpl
def vaegan_bench_plugins():
    return [Halving]
"""

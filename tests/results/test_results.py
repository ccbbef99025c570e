"""The suite from Python: run, load, load_model."""

from __future__ import annotations

import json
import shutil
import warnings
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pytest
import torch
from shell import bench
from small import QUITTER
from stored_study import edit, file_of

import vaegan_bench as vb
from vaegan_bench.api import BenchError, StoreError, to_signed
from vaegan_bench.models.vae import VAE
from vaegan_bench.report.writing import write_tables
from vaegan_bench.results.files import read_json, write_json
from vaegan_bench.results.records import PlannedEvaluation, StudyRecord
from vaegan_bench.results.rows import measured_rows
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.study import Study
from vaegan_bench.testing import small_run


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> vb.Results:
    folder = tmp_path_factory.mktemp("from-python")
    with torch.random.fork_rng():
        return vb.run(
            "smoke",
            models=["vae", "gan"],
            seeds=2,
            metrics=["reconstruction"],
            results=folder,
            cache=folder / "cache",
        )


def test_results_come_as_a_tidy_frame_a_table_and_figures(results: vb.Results) -> None:
    assert set(results.rows["seed"]) == {0, 1}
    assert set(results.rows.loc[results.rows["metric"] == "psnr", "model"]) == {"vae"}
    assert set(results.rows.loc[results.rows["headline"], "metric"]) == {"psnr"}
    assert len(results.table()) == 2
    assert {"learning-curves", "gradients", "metrics", "samples", "reconstructions"} == set(results.figures())
    again = vb.load(results.folder.path)
    assert again.rows.equals(results.rows)


def test_learning_curves_are_long_and_named(results: vb.Results) -> None:
    history = results.history
    assert {"run", "dataset", "model", "seed", "step", "images", "term", "value"} == set(history.columns)
    assert {"prior", "reconstruction"} <= set(history.loc[history["model"] == "vae", "term"])


def test_a_trained_model_encodes_decodes_and_samples(results: vb.Results) -> None:
    model = vb.load_model(next(results.folder.path.glob("vae-s0-*")), device="cpu")
    stored = RunFolder(next(results.folder.path.glob("vae-s0-*"))).images()
    originals = torch.from_numpy(stored["originals"]).permute(0, 3, 1, 2)
    rebuilt = model.images(model.encode(to_signed(originals)).mu_BZ)
    kept = torch.from_numpy(stored["reconstructions"]).permute(0, 3, 1, 2)
    assert (rebuilt.int() - kept.int()).abs().max() <= 1
    assert model.sample(3).shape == (3, 3, 32, 32)
    assert torch.equal(model.sample(3, seed=4), model.sample(3, seed=4))


def test_all_models_are_drawn_from_the_same_codes_and_measured_on_the_same_images(results: vb.Results) -> None:
    stored = [RunFolder(next(results.folder.path.glob(f"{name}-s0-*"))).images() for name in ("vae", "gan")]
    assert (stored[0]["originals"] == stored[1]["originals"]).all()
    models = [vb.load_model(next(results.folder.path.glob(f"{name}-s0-*")), "cpu") for name in ("vae", "gan")]
    assert torch.equal(models[0].codes(5, 1), models[1].codes(5, 1))


def test_a_model_without_an_encoder_says_so(results: vb.Results) -> None:
    model = vb.load_model(next(results.folder.path.glob("gan-s0-*")), device="cpu")
    with pytest.raises(BenchError, match="no encoder"):
        model.encode(torch.zeros(1, 3, 32, 32))


def test_weights_of_other_networks_than_todays_keep_no_other_run_from_being_measured(
    results: vb.Results, tmp_path: Path
) -> None:
    changed, other = (
        Path(shutil.copytree(path, tmp_path / path.name))
        for path in (next(results.folder.path.glob(f"{name}-s1-*")) for name in ("vae", "gan"))
    )
    definition = read_json(changed / "run.json")["definition"]
    networks = {**definition["networks"], "latent": definition["networks"]["latent"] + 1}
    edit(changed / "run.json", definition={**definition, "networks": networks})
    with pytest.raises(StoreError, match=r"Cannot read .*run\.json: .*size mismatch.* Train the run again"):
        vb.load_model(changed)
    done = bench("evaluate", changed, other, "--metrics", "memorisation", "--samples", "20")
    assert done.returncode == 1, done.stderr
    assert "duplicates" in done.stdout  # of the other run
    assert done.stderr.startswith(
        f"Error: {changed} gave no numbers: Cannot read {changed / 'run.json'}: it is damaged"
    )
    assert done.stderr.count("\n") == 1


def test_results_without_weights_still_make_tables(results: vb.Results, tmp_path: Path) -> None:
    run = RunFolder(next(results.folder.path.glob("gan-s1-*")))
    weights = (run.path / "weights.safetensors").rename(tmp_path / "moved")
    try:
        assert not vb.load(results.folder.path).rows.empty
        with pytest.raises(StoreError, match="has no weights"):
            vb.load_model(run.path)
    finally:
        weights.rename(run.path / "weights.safetensors")


@pytest.mark.usefixtures("tables_alone")
def test_only_the_latest_plan_is_in_the_table(results: vb.Results) -> None:
    folder = results.folder.path
    with torch.random.fork_rng():
        other = vb.run(
            "smoke",
            models=["vae"],
            steps=3,
            metrics=["reconstruction"],
            results=folder.parent,
            cache=folder.parent / "cache",
        )
    assert set(other.rows.loc[other.rows["metric"] == "steps", "value"]) == {3.0}
    with pytest.raises(StoreError, match="holds no study"):
        vb.load(folder.parent)


@pytest.mark.parametrize("name", ["history.csv", "images.npz", "run.json"])
def test_a_damaged_file_is_named_in_one_line(results: vb.Results, name: str) -> None:
    damaged = file_of(next(results.folder.path.parent.glob("*/vae-s1-*")), name)
    whole = damaged.read_bytes()
    damaged.write_bytes(b"\x00{")
    try:
        stored = RunFolder(damaged.parent)
        with pytest.raises(StoreError, match=f"Cannot read .*{damaged.name}: it is damaged"):
            {"history.csv": stored.training.curves, "images.npz": stored.images, "run.json": stored.record}[name]()
    finally:
        damaged.write_bytes(whole)


def test_a_study_without_a_finished_run_or_with_a_damaged_record_says_so(tmp_path: Path) -> None:
    empty = StudyFolder(tmp_path)
    evaluation = PlannedEvaluation(metrics=(), samples=40, draws=1, sampler="prior")
    empty.write_study(StudyRecord(study=Study(), runs=("vae-s0-1a2b3c4d",), evaluation=evaluation))
    for look in (vb.load(tmp_path).table, vb.load(tmp_path).figures, lambda: vb.load(tmp_path).history):
        with pytest.raises(StoreError, match="holds no finished run yet"):
            look()
    for record in ({"study": {"stepps": 3}, "runs": []}, {"study": {}}, {"runs": []}, {"study": {}, "runs": [7]}):
        write_json(tmp_path / "study.json", {"evaluation": asdict(evaluation), **record})
        with pytest.raises(StoreError, match=r"Cannot read .*study\.json: it is damaged"):
            vb.load(tmp_path)


def test_several_data_sets_have_their_own_curves_and_sheets(tmp_path: Path) -> None:
    with torch.random.fork_rng():
        both = vb.run(
            "smoke",
            models=["vae"],
            datasets=["avatars[faces=40]", "avatars[faces=50]"],
            metrics=["reconstruction"],
            results=tmp_path,
            cache=tmp_path / "cache",
        )
    assert both.history["dataset"].nunique() == 2
    drawn = {path.stem for path in both.folder.path.glob("*.png")}
    assert {"metrics", "samples-avatars-faces-40-32x32", "learning-curves-avatars-faces-50-32x32"} <= drawn
    assert "samples" not in drawn


@pytest.mark.usefixtures("tables_alone")
def test_runs_measured_with_another_oracle_are_measured_again(tmp_path: Path) -> None:
    def retention(*models: str) -> vb.Results:
        chosen = {"models": models, "metrics": ["attribute-retention"], "cache": tmp_path / "cache"}
        with torch.random.fork_rng():
            return vb.run("smoke", results=tmp_path, **chosen)

    first = next(retention("vae").folder.path.glob("vae-*/metrics.json"))
    record = read_json(first)
    weights = next(iter(record["measurements"][0]["weights"].values()))
    text = json.dumps(record).replace(weights, "f" * 64).replace(weights[:12], "f" * 12)
    write_json(first, json.loads(text))  # as another machine would have left it, whose oracle is another
    assert len(retention("vae", "vaegan").table()) == 2
    assert list(read_json(first)["measurements"][0]["weights"].values()) == [weights]


@pytest.mark.usefixtures("tables_alone")
def test_only_what_is_missing_is_measured_and_what_is_damaged_is_made_again(tmp_path: Path) -> None:
    def run(*metrics: str) -> StudyFolder:
        with torch.random.fork_rng(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            where = {"results": tmp_path, "cache": tmp_path / "cache"}
            return vb.run("smoke", models=["vae"], metrics=metrics, **where).folder

    (folder,) = run("reconstruction").runs()
    marked = read_json(folder.path / "metrics.json")
    marked["measurements"][0]["rows"][0]["value"] = 123.0
    write_json(folder.path / "metrics.json", marked)
    study = run("reconstruction", "latent-health")
    assert 123.0 in study.rows()["value"].tolist()
    assert {"kl", "psnr"} <= set(study.rows()["metric"])
    assert study.not_measured() == []
    weights, rows = (folder.path / "weights.safetensors").read_bytes(), study.rows()
    (folder.path / "weights.safetensors").write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
    with pytest.raises(StoreError, match=r"weights\.safetensors: it is damaged"):
        vb.load_model(folder.path)
    assert run("reconstruction", "latent-health").rows()["value"].iloc[-1] == rows["value"].iloc[-1]
    assert (folder.path / "weights.safetensors").read_bytes() == weights
    file_of(folder.path, "images.npz").write_bytes(b"PK")
    again = run("reconstruction", "latent-health")
    assert again.left_out() == {}
    assert len(again.runs()[0].images()["samples"]) == 40


def test_a_report_that_cannot_be_written_says_so(results: vb.Results) -> None:
    table = results.folder.path / "results.csv"
    kept = table.read_text()
    table.unlink()
    table.mkdir()
    try:
        with pytest.raises(StoreError, match=r"Cannot write .*/results\.csv"):
            write_tables(results.folder)
        assert not list(results.folder.path.glob(".*.partial"))
    finally:
        table.rmdir()
        table.write_text(kept)


@pytest.mark.usefixtures("tables_alone")
def test_a_run_that_fails_is_told_and_the_others_are_kept(tmp_path: Path) -> None:
    (tmp_path / "quitter.py").write_text(QUITTER)
    where = {"results": tmp_path, "cache": tmp_path / "cache", "plugins": [tmp_path / "quitter.py"]}
    with pytest.raises(BenchError, match=r"^quitter-s0-\w+: ValueError: no more \(quitter\.py:15\)$"):
        vb.run("smoke", models=["quitter", "vae"], metrics=["reconstruction"], **where)
    assert set(vb.load(tmp_path / "smoke").rows["model"]) == {"vae"}


def test_hashes_are_text_in_csv_even_if_their_digits_are_a_number(tmp_path: Path) -> None:
    record = {
        "metric": {},
        "samples": 1,
        "draws": 1,
        "sampler": "prior",
        "code": {"mine": "17", "vaegan_bench": "918e89385995"},
    }
    row = {"metric": "psnr", "attribute": "", "protocol": {}, "value": 1.0}
    (found,) = measured_rows([{**record, "rows": [row]}])  # type: ignore[list-item]
    pd.DataFrame([found]).to_csv(tmp_path / "rows.csv", index=False)
    assert pd.read_csv(tmp_path / "rows.csv")["code"].tolist() == ["vaegan_bench 918e89385995, mine 17"]
    assert small_run(VAE()).setting_id[0] == "s"

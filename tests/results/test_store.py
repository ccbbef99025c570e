"""Results on disk: checked by their hashes, added to, and read with nothing but one-line errors."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from shell import bench
from stored_study import (
    DRAWS,
    SAMPLES,
    add,
    edit,
    exhibits,
    file_of,
    forge,
    measurement,
    row,
    run_record,
    spectrum,
    store_run,
    store_study,
)

import vaegan_bench as vb
from vaegan_bench.api import BenchError, ImageSheet, Metric, StoreError
from vaegan_bench.evaluation.settings import EvaluationSettings
from vaegan_bench.metrics.reconstruction.pixel_errors import Reconstruction
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.report import tables, writing
from vaegan_bench.report.figures import study_figures
from vaegan_bench.results.archive import archive_study
from vaegan_bench.results.exhibits import encode
from vaegan_bench.results.files import read_json, write_arrays
from vaegan_bench.results.measurements import Sheets
from vaegan_bench.results.records import PlannedMetric, key_of
from vaegan_bench.results.rulers import RULERS
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.results.stored_files import ARCHIVE, read_archive
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.run import code_of
from vaegan_bench.system.files import known_sha256


@pytest.fixture
def study(tmp_path: Path) -> StudyFolder:
    return store_study(tmp_path / "stored")


def flip(path: Path, byte: int, mask: int = 1) -> None:
    content = bytearray(path.read_bytes())
    content[byte] ^= mask
    path.write_bytes(content)


# Hashes.


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("weights.safetensors", "Train the run again"),
        ("history.csv", "Train the run again"),
        ("exhibits.npz", "Measure the run again"),
        ("images.npz", "Measure the run again"),
    ],
)
def test_one_flipped_bit_is_noticed_and_the_error_says_what_to_do(study: StudyFolder, name: str, remedy: str) -> None:
    run = study.run("vae-0")
    read = {"weights.safetensors": run.training.weights, "history.csv": run.training.curves}
    read |= {"exhibits.npz": run.measurements.exhibits, "images.npz": run.images}
    read[name]()
    flip(file_of(run.path, name), -30)
    words = rf"Cannot read .*/vae-0/{name.replace('.', '.*')}: it is damaged \(its SHA-256 is .*\. {remedy}"
    with pytest.raises(StoreError, match=words):
        read[name]()


@pytest.mark.parametrize(("name", "old", "new"), [("metrics.json", "20.25", "30.25"), ("run.json", "4000", "9000")])
def test_a_changed_number_in_a_record_is_noticed(study: StudyFolder, name: str, old: str, new: str) -> None:
    path = study.path / "vae-0" / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(StoreError, match=f"{name}: it is damaged .*SHA-256"):
        list(study.run("vae-0").rows())


def test_a_plan_that_was_edited_is_refused(study: StudyFolder) -> None:
    path = study.path / "study.json"
    path.write_text(path.read_text().replace("gan-1", "gan-7"))
    with pytest.raises(StoreError, match=r"study\.json: it is damaged .* Run the study again") as raised:
        study.rows()
    assert str(raised.value).count("Cannot read") == 1


def test_layout_and_order_of_a_record_are_free(study: StudyFolder) -> None:
    path = study.path / "vae-0" / "metrics.json"
    before = study.run("vae-0").measurements.by_key()
    path.write_text(json.dumps(dict(reversed(json.loads(path.read_text()).items()))))
    assert study.run("vae-0").measurements.by_key() == before


def test_a_file_is_hashed_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, read = tmp_path / "file", list[Path]()
    monkeypatch.setattr("vaegan_bench.system.files.sha256_of_file", lambda path: read.append(path) or str(len(read)))
    path.write_text("one")
    assert [known_sha256(path), known_sha256(path)] == ["1", "1"]
    path.write_text("three")
    assert known_sha256(path) == "2"


def test_weights_may_be_absent_but_not_other_ones(study: StudyFolder) -> None:
    run = study.run("vae-0")
    shutil.copy(study.path / "gan-1" / "weights.safetensors", run.path)
    assert "weights.safetensors" in run.training.damage()
    assert not run.is_trained
    (run.path / "weights.safetensors").unlink()
    assert run.is_trained
    remedy = r"has no weights: .* To train the run again, remove .*/vae-0, then run its study\.$"
    with pytest.raises(StoreError, match=remedy):  # the study alone would find it trained
        run.training.weights()
    archive_study(study)
    shutil.rmtree(run.path)
    with pytest.raises(StoreError, match=r"has no weights: .* again, run its study with other --results\.$"):
        run.training.weights()


def test_a_file_that_its_record_does_not_know_is_refused(study: StudyFolder) -> None:
    run = study.run("vae-0")
    edit(run.path / "run.json", files={"history.csv": known_sha256(run.path / "history.csv")})
    with pytest.raises(StoreError, match=r"weights\.safetensors: it is damaged .* known to its record"):
        run.training.weights()


# Measurements.


def values(run: RunFolder) -> dict[tuple[str, int], float]:
    return {(row["metric"], json.loads(row["protocol"])["n_fake"]): row["value"] for row in run.rows() if row["code"]}


def test_a_measurement_is_added_and_replaces_only_the_same_one(study: StudyFolder) -> None:
    run = study.run("vae-0")
    before, kept = values(run), run.measurements.exhibits()
    add(run, [(measurement({"psnr": 7.0}, 5000, 3, exhibits=["latent"]), {"latent": spectrum(9.0)})])
    assert values(run) == {**before, ("psnr", 5000): 7.0}
    assert len(run.measurements.exhibits()) == 2
    (first,) = kept
    assert set(run.measurements.exhibits()[first]) == set(kept[first])
    add(run, [(measurement({"psnr": 8.0}, 5000, 3, exhibits=[]), {})])
    assert values(run) == {**before, ("psnr", 5000): 8.0}
    assert list(run.measurements.exhibits()) == [first]
    assert "mode collapse: 83 % of 40" in next(run.rows())["health"]
    assert len(run.images()["samples"]) == 4


def test_a_measurement_is_missing_unless_it_is_what_would_be_measured_today(study: StudyFolder) -> None:
    metric, run = Reconstruction(), study.run("vae-0")
    settings = EvaluationSettings([metric], SAMPLES, DRAWS)
    whole = {"code": dict(code_of([metric]).parts), "exhibits": [], "weights": {"oracle": "ab"}}

    def missing(known: dict[str, str], **changes: Any) -> list[Metric]:
        add(run, [(measurement({"psnr": 1.0}, SAMPLES, DRAWS, **{**whole, **changes}), {})])
        return settings.missing(run, known)

    assert missing({}) == missing({"oracle": "ab", "regressor": "cd"}) == []
    assert missing({"oracle": "cd"}) == [metric]
    assert missing({}, problem="gave NaN for psnr") == [metric]
    assert missing({}, code={"vaegan_bench": "0b"}) == [metric]
    assert missing({}) == []
    assert EvaluationSettings([metric], SAMPLES + 1, DRAWS).missing(run, {}) == [metric]
    assert settings.are_met_by(run)
    assert (run.has_sheets(SAMPLES, "prior"), run.has_sheets(SAMPLES + 1, "prior")) == (True, False)
    assert not run.has_sheets(SAMPLES, "gaussian")
    flip(file_of(run.path, "images.npz"), -30)
    assert not settings.are_met_by(run)
    assert not run.has_sheets(SAMPLES, "prior")
    edit(run.path / "metrics.json", measurements=[])
    assert settings.missing(run, {}) == [metric]
    edit(run.path / "run.json", status="diverged at step 3")
    assert settings.missing(run, {}) == []


def test_lost_exhibits_are_measured_again(study: StudyFolder) -> None:
    metric, run = Reconstruction(), study.run("vae-0")
    (record,) = run.measurements.by_key().values()
    edit(run.path / "metrics.json", measurements=[{**record, "code": dict(code_of([metric]).parts)}])
    assert EvaluationSettings([metric], SAMPLES, DRAWS).missing(run, {}) == []
    flip(file_of(run.path, "exhibits.npz"), -30)
    assert EvaluationSettings([metric], SAMPLES, DRAWS).missing(run, {}) == [metric]


def test_a_number_that_was_measured_twice_alike_is_there_once(study: StudyFolder) -> None:
    run = study.run("vae-0")
    alike = measurement({}, 5000, 1, exhibits=[], rows=[row("psnr", 20.25, SAMPLES, DRAWS)])
    before = study.rows()
    record = read_json(run.path / "metrics.json")
    edit(run.path / "metrics.json", measurements=[alike, *record["measurements"]])
    assert study.rows().equals(before)


def test_planned_numbers_have_the_plain_column_and_the_figures(study: StudyFolder) -> None:
    for run in study.runs():
        other = measurement({"psnr": 7.0}, 5000, 3, exhibits=["latent"])
        add(run, [(other, {"latent": spectrum(9.0, 8.0)})])
    rows = study.rows()
    assert rows.loc[~rows["planned"], "value"].tolist() == [7.0] * 4
    shown = tables.model_table(rows)["reconstruction"].loc["blobs 8×10"]
    assert list(shown.columns) == ["psnr ↑", "mse ↓", "psnr (draws=3, n_fake=5000) ↑"]
    assert set(shown["psnr (draws=3, n_fake=5000) ↑"]) == {"7 ± 0"}
    legend = [text.get_text() for text in study_figures(study)["latent"].legends[0].get_texts()]
    assert "vae: 2 of 3 above 0.01 nats" in legend


def test_exhibits_of_one_name_from_two_metrics_are_two_figures(study: StudyFolder) -> None:
    mine = {"kind": "metric", "name": "mine", "k": 2}
    planned = study.study()
    metrics = (*planned.evaluation.metrics, PlannedMetric(label="mine[k=2]", metric=mine))
    study.write_study(replace(planned, evaluation=replace(planned.evaluation, metrics=metrics)))
    sheet = ImageSheet(np.zeros((2, 8, 10, 3), np.uint8), title="of mine")
    shown = {"latent": spectrum(9.0, 8.0), "samples": sheet, "sheet": sheet}
    for run in study.runs():
        record = measurement({}, SAMPLES, DRAWS, label="mine[k=2]", metric=mine, exhibits=list(shown))
        add(run, [(record, shown)])
    figures = study_figures(study)
    assert {"latent", "latent-mine-k-2", "samples", "samples-mine-k-2", "sheet"} <= set(figures)
    for name, dimensions in {"latent": 3, "latent-mine-k-2": 2}.items():
        assert f"of {dimensions} above" in figures[name].legends[0].get_texts()[0].get_text()
    assert [text.get_text() for text in figures["samples-mine-k-2"].texts] == ["of mine", "vae", "gan"]


def test_figures_that_a_study_has_no_more_are_removed_and_other_images_stay(study: StudyFolder) -> None:
    writing.write_report(study, Registry())
    own = study.path / "mine.png"
    Image.new("RGB", (4, 4)).save(own)
    assert (study.path / "nearest-training.png").is_file()
    for run in study.runs():
        add(run, [(measurement({"psnr": 1.0}, SAMPLES, DRAWS, exhibits=[]), {})])
    writing.write_report(study, Registry())
    assert not (study.path / "nearest-training.png").exists()
    assert (study.path / "samples.png").is_file()
    assert own.is_file()


def test_what_is_not_measured_is_listed(study: StudyFolder) -> None:
    run = study.run("gan-0")
    add(run, [(measurement({}, SAMPLES, DRAWS, problem="gave NaN for psnr", exhibits=[]), {})])
    edit(study.run("vae-1").path / "metrics.json", measurements=[])
    assert [entry[:2] for entry in study.not_measured()] == [("vae-1", "reconstruction"), ("gan-0", "reconstruction")]
    writing.write_tables(study)
    summary = (study.path / "summary.md").read_text()
    assert "- `gan-0`: `reconstruction`: gave NaN for psnr" in summary
    assert "- `vae-1`: `reconstruction`: not measured yet" in summary


def test_a_problem_of_what_the_plan_does_not_ask_for_is_no_number_of_it_that_is_missing(study: StudyFolder) -> None:
    looked_at = measurement({}, 5000, 3, problem="gave NaN for psnr", exhibits=[])
    add(study.run("gan-0"), [(looked_at, {})])
    assert study.missing() == []
    assert bench("table", study.path).returncode == 0


def test_table_exits_with_1_where_a_planned_number_is_missing(study: StudyFolder) -> None:
    edit(study.run("vae-1").path / "metrics.json", measurements=[])
    done = bench("table", study.path)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: vae-1: reconstruction: not measured yet")
    assert "psnr" in done.stdout


# Damage costs the damaged run.


@pytest.mark.parametrize("name", ["images.npz", "exhibits.npz"])
def test_a_run_with_damaged_arrays_is_not_finished_whatever_is_asked_for(study: StudyFolder, name: str) -> None:
    run, nothing = study.run("vae-1"), EvaluationSettings((), SAMPLES, DRAWS)
    assert nothing.are_met_by(run)
    file_of(run.path, name).write_bytes(b"x")
    assert not nothing.are_met_by(run)
    add(run, [], Sheets(SAMPLES, "prior", study.run("vae-0").images(), {}))
    assert nothing.are_met_by(run)
    assert study.left_out() == {}


@pytest.mark.parametrize("name", ["run.json", "metrics.json", "history.csv", "images.npz", "exhibits.npz"])
def test_a_damaged_run_is_named_and_left_out(study: StudyFolder, name: str) -> None:
    path = file_of(study.path / "vae-1", name)
    path.write_bytes(path.read_bytes()[:-20])
    assert list(study.left_out()) == ["vae-1"]
    with pytest.warns(UserWarning, match=f"Run vae-1 is left out: Cannot read .*{path.name}"):
        results = vb.load(study.path)
    assert set(results.rows["run"]) == set(results.history["run"]) == {"vae-0", "gan-0", "gan-1"}
    writing.write_tables(study)
    assert f"## Left out\n\n- `vae-1`: Cannot read {path}" in (study.path / "summary.md").read_text()


def test_a_study_of_damaged_runs_says_why_nothing_is_shown(study: StudyFolder) -> None:
    for run in study.study().runs:
        (study.path / run / "run.json").write_text("{")
    with pytest.raises(StoreError, match=r"no finished run yet.*Left out: Cannot read .*vae-0/run\.json"):
        study.rows()


def test_two_runs_that_claim_to_be_one_are_not_both_shown(study: StudyFolder) -> None:
    edit(study.path / "gan-1" / "run.json", seed=0)
    assert study.left_out() == {
        "gan-1": f"{study.path}/gan-1 has the data set, model and seed of gan-0: remove one of them."
    }


def test_runs_on_older_images_are_named_and_left_out(study: StudyFolder) -> None:
    edit(study.path / "vae-1" / "run.json", data="cd" * 32, finished="2017-01-01T00:00:00+00:00")
    older = ["vae-0", "gan-0", "gan-1"]
    assert list(study.left_out()) == older
    assert study.left_out()["gan-0"] == (
        f"{study.path}/gan-0 was trained on other images of blobs 8×10 than vae-1, which is newer: run the study "
        "again, which trains it again on the images that are there now."
    )
    rows = study.rows()
    assert set(rows["run"]) == {"vae-1"}
    assert list(rows.index) == list(range(len(rows)))
    for run in older[1:]:
        edit(study.path / run / "run.json", data="cd" * 32)
    assert list(study.left_out()) == ["vae-0"]
    assert set(study.rows()["run"]) == {"vae-1", "gan-0", "gan-1"}


def test_an_archive_keeps_its_records_of_runs_that_are_not_shown(study: StudyFolder) -> None:
    archive_study(study)
    before = dict(read_archive(study.path / ARCHIVE))
    record = study.study()
    study.write_study(replace(record, runs=record.runs[:2]))
    shutil.rmtree(study.path / "gan-0")
    (study.path / "vae-1" / "run.json").write_text("damaged")
    assert dict(read_archive(archive_study(study))) == before
    study.write_study(record)
    assert set(study.rows()["run"]) == {"vae-0", "gan-0", "gan-1"}


def test_a_run_that_changes_while_it_is_copied_is_not_taken(
    study: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target, copy = study.run("vae-0"), study.run("copied"), shutil.copyfile
    with target.claim() as claim:
        target.copy_from(claim, source)
    before = {path.name: path.read_bytes() for path in target.path.iterdir()}
    measured = [(measurement({"psnr": 9.0}, SAMPLES + 1, DRAWS), {})]
    monkeypatch.setattr(shutil, "copyfile", lambda one, other: (copy(one, other), add(source, measured))[0])
    with target.claim() as claim, pytest.raises(StoreError, match=r"vae-0|changed while it was copied"):
        target.copy_from(claim, source)
    assert {path.name: path.read_bytes() for path in target.path.iterdir()} == before


def test_a_damaged_archive_is_named_and_keeps_nothing_else_from_being_shown(study: StudyFolder) -> None:
    archive = archive_study(study)
    before = study.rows()
    archive.write_bytes(archive.read_bytes()[:-40])
    pd.testing.assert_frame_equal(study.rows(), before)
    (reason,) = study.left_out_lines()
    assert f"Cannot read {archive}: it is damaged" in reason
    assert reason.endswith(
        "Move it away: `vaegan-bench report` with --archive writes it again, from the folders of the runs."
    )
    assert bench("table", study.path).returncode == 1
    with pytest.raises(StoreError, match=r"records\.zip: it is damaged .* Move it away"):
        archive_study(study)  # it may be the only copy of other runs
    shutil.rmtree(study.path / "vae-0")
    assert set(study.rows()["run"]) == {"vae-1", "gan-0", "gan-1"}
    for run in ("vae-1", "gan-0", "gan-1"):
        shutil.rmtree(study.path / run)
    with pytest.raises(StoreError, match=r"holds no finished run yet: .* Left out: Cannot read .*records\.zip"):
        study.rows()


def test_a_damaged_record_in_an_archive_hides_its_run_alone(study: StudyFolder) -> None:
    archive = archive_study(study)
    flip(archive, 60, 255)
    archive_study(study)  # every run is in its folder
    assert not any(error for error in map(str, study.left_out_lines()))
    flip(archive, 60, 255)
    for run in ("vae-0", "gan-1"):
        shutil.rmtree(study.path / run)
    assert set(study.rows()["run"]) == {"vae-1", "gan-0", "gan-1"}
    (reason,) = study.left_out_lines()
    assert "records.zip/vae-0/run.json: it is damaged" in reason
    with pytest.raises(StoreError, match=r"records\.zip/vae-0/run\.json: it is damaged .* Move it away"):
        archive_study(study)


def test_runs_that_a_table_could_not_tell_apart_are_not_measured(study: StudyFolder) -> None:
    store_run(study.run("vae-of-an-earlier-plan"), "vae", 0)
    runs = sorted(study.path.glob("vae*"))
    done = bench("evaluate", *runs, "--metrics", "reconstruction")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"Error: {runs[0]} and {runs[2]} are both vae with seed 0 on blobs 8×10: name one of them, or the study's "
        "folder, which stands for the runs of its latest plan.\n"
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": {"name": "vae", "gamma": 2.0}, "term_weights": {"prior": 1000.0}}, "model and term weights"),
        ({"optimizers": {"encoder": {"name": "sgd"}}}, "optimizers"),
        ({"lender_weights": {"critic": {"prior": 3.0}}}, "lender weights"),
        ({"code": {"my_loss": "0a1b2c3d4e5f"}}, "code"),
    ],
)
def test_different_games_of_one_name_are_not_averaged(study: StudyFolder, changes: dict[str, Any], said: str) -> None:
    first, second = (study.path / name for name in ("vae-0", "vae-1"))
    edit(second / "run.json", definition={**read_json(second / "run.json")["definition"], **changes})
    done = bench("evaluate", first, study.path / "gan-1", second, "--metrics", "reconstruction")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"Error: {first} and {second} are both called vae on blobs 8×10, but differ in {said}: a table would average "
        "them. Evaluate them one by one.\n"
    )
    with pytest.raises(tables.MixedProtocolsError, match=r"'vae' on 'blobs 8×10' .* game is g[0-9a-f]{16} or g"):
        tables.summarise(study.rows())


def test_runs_of_two_settings_are_refused_before_anything_is_measured(study: StudyFolder) -> None:
    first, second = (study.path / name for name in ("vae-0", "gan-1"))
    edit(second / "run.json", setting="s0123456789abcdef")
    done = bench("evaluate", first, second, "--metrics", "reconstruction")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"Error: {first} and {second} have different settings, such as steps or networks: no table can hold both. "
        "Evaluate them one by one.\n"
    )


def test_a_run_that_is_named_twice_has_its_rows_once(study: StudyFolder, tmp_path: Path) -> None:
    copy = shutil.copytree(study.path / "vae-1", tmp_path / "copy" / "vae-1")
    for name in ("vae-0", "vae-1", "gan-0", "gan-1"):
        for folder in (study.path / name, copy.parent / name):
            if folder.is_dir():
                edit(folder / "run.json", status="diverged at step 7")  # cannot be measured again, but has a cost
    done = bench("evaluate", study.path, study.path / "vae-0", copy, "--out", tmp_path / "rows.csv")
    assert done.returncode == 0, done.stderr
    rows = pd.read_csv(tmp_path / "rows.csv")
    assert not rows.duplicated(["run", "metric"]).any()
    assert rows["run"].nunique() == 4


@pytest.mark.parametrize(
    "name", ["../../victim", "/tmp/victim", ".", "..", "", "a/b", "a\\b", ".hidden", "a\x1b[2J", "a\0b", "C:x"]
)
def test_run_ids_are_plain_names(study: StudyFolder, name: str) -> None:
    forge(study.path / "study.json", {**read_json(study.path / "study.json"), "runs": ["vae-0", name]})
    with pytest.raises(StoreError, match="is not the plain name of a folder"):
        writing.write_samples(study)
    with pytest.raises(StoreError, match="is not the plain name of a folder"):
        study.run(name)


def test_a_run_that_is_a_link_elsewhere_is_left_alone(study: StudyFolder, tmp_path: Path) -> None:
    victim = (study.path / "vae-1").rename(tmp_path / "victim")
    (study.path / "vae-1").symlink_to(victim)
    before = sorted(victim.iterdir())
    writing.write_samples(study)
    assert sorted(victim.iterdir()) == before
    assert "is a link to another folder" in study.left_out()["vae-1"]


# Records and arrays that were made up.

WRONG_RECORDS = {
    "run.json": [
        {"seed": "0"}, {"seed": True}, {"seed": 2**70}, {"steps": 1.5}, {"shape": [3, 8]}, {"shape": [3, 0, 10]},
        {"label": "vae[["}, {"label": 7}, {"files": []}, {"attributes": {"Smiling": [1.0]}}, {"definition": {}},
        {"speed": float("nan")}, {"remarks": "none"}, {"status": "\ud800"},
        {"extra": json.loads("[" * 90 + "]" * 90)},
    ],
    "metrics.json": [
        {"measurements": {}}, {"measurements": [[]]}, {"seen": None}, {"health": ["ok"]},
        {"files": {"exhibits.npz": 1}},
        {"measurements": [measurement({"psnr": 1.0}, 4, 2, rows=[{}])]},
        {"measurements": [measurement({"psnr": float("inf")}, 4, 2)]},
        {"measurements": [measurement({"psnr": 1.0}, 4, 1)]},
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "change"), [(name, change) for name, changes in WRONG_RECORDS.items() for change in changes], ids=str
)
def test_a_record_of_another_form_costs_its_run(study: StudyFolder, name: str, change: dict[str, Any]) -> None:
    path = study.path / "vae-1" / name
    forge(path, {**read_json(path), **change})
    assert list(study.left_out()) == ["vae-1"]
    assert f"Cannot read {path}: it is damaged" in study.left_out()["vae-1"]
    assert "\n" not in study.left_out()["vae-1"]
    assert set(study.rows()["run"]) == {"vae-0", "gan-0", "gan-1"}


WRONG_IMAGES = [
    {"samples": np.zeros((4, 8, 10, 3), np.float32)}, {"samples": np.zeros((4, 10, 8, 3), np.uint8)},
    {"samples": np.zeros((4, 8, 10), np.uint8)}, {"samples": np.zeros((0, 8, 10, 3), np.uint8)},
    {"originals": np.array("abc")}, {"conditions": np.zeros((4, 3))}, {"conditions": np.zeros(4, np.float32)},
]  # fmt: skip
WRONG_EXHIBITS: list[dict[str, Any]] = [
    {"latent": np.zeros((2, 2), np.float32)}, {"latent": np.full(3, np.nan, np.float32)},
    {"attribute-matrix": np.zeros((3, 2), np.float32)}, {"attribute-matrix": np.full((2, 2), 9, np.float32)},
    {"nearest-training": np.zeros((3, 3, 8, 10, 3), np.uint8)},
    {"nearest-training": np.zeros((3, 2, 8, 10, 2), np.uint8)},
    {"more": np.zeros(3)}, {"more.json": np.array("{}")}, {"latent.json": np.array([1, 2])},
    *({"latent.json": np.array(text)} for text in (
        "", "[]", "{}", '{"type": "Figure"}', '{"type": "Spectrum"}', '{"type": "Matrix"}', '{"type": ["Spectrum"]}',
        json.dumps({"type": "Spectrum", "quantity": 1, "units": "", "dimension": "", "threshold": 1}),
        json.dumps({"type": "Spectrum", "quantity": "", "units": "", "dimension": "", "threshold": "1"}),
        json.dumps({"type": "Spectrum", "quantity": "", "units": "", "dimension": "", "threshold": 0}),
    )),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "arrays"),
    [("images.npz", arrays) for arrays in WRONG_IMAGES] + [("exhibits.npz", arrays) for arrays in WRONG_EXHIBITS],
    ids=lambda value: value if isinstance(value, str) else "-".join(f"{k}{v.shape}" for k, v in value.items()),
)
def test_arrays_of_other_shapes_cost_their_run(study: StudyFolder, name: str, arrays: dict[str, Any]) -> None:
    run = study.run("gan-0")
    (key, known), = run.measurements.exhibits().items()  # fmt: skip
    whole = run.images() if name == "images.npz" else {f"{key}/{k}": v for k, v in encode(known).items()}
    prefix = "" if name == "images.npz" else f"{key}/"
    path = file_of(run.path, name)
    with path.open("wb") as stream:
        write_arrays(stream, {**whole, **{f"{prefix}{k}": v for k, v in arrays.items()}})
    record = read_json(run.path / "metrics.json")
    edit(run.path / "metrics.json", files={**record["files"], path.name: known_sha256(path)})
    assert f"Cannot read {path}: it is damaged" in study.left_out()["gan-0"]


def test_a_pickle_is_not_opened(study: StudyFolder) -> None:
    run = study.run("gan-0")
    np.save(run.path / "x.npy", np.array([print], dtype=object), allow_pickle=True)
    path = file_of(run.path, "images.npz")
    (run.path / "x.npy").rename(path)
    record = read_json(run.path / "metrics.json")
    edit(run.path / "metrics.json", files={**record["files"], path.name: known_sha256(path)})
    with pytest.raises(StoreError, match=f"{path.name}: it is damaged"):
        run.images()


ODD: list[Any] = [None, True, -1, 0, 10**30, 1e308, float("nan"), "", "\0", "../..", "$x^$|`", "\ud800", "a" * 300]
ODD += [[], {}, [[]]]


def places(value: Any, where: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a record."""
    if where:
        yield where
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in items:
        yield from places(each, (*where, name))


def mutated(content: Any, chance: random.Random) -> Any:
    """A record with one value that is another, or missing."""
    changed = json.loads(json.dumps(content))
    *path, last = chance.choice([*places(changed)])
    inside = changed
    for name in path:
        inside = inside[name]
    if chance.random() < 0.2:
        del inside[last]
    else:
        inside[last] = chance.choice(ODD)
    return changed


def read_everything(study: StudyFolder, shown: set[str]) -> None:
    """All that readers give, and tables of rows that were not in a table yet."""
    rows = study.rows()
    if (text := rows.to_json()) not in shown:
        shown.add(text)
        tables.to_markdown(rows, "t")
        tables.to_rich(rows)
    study.history()
    study.not_measured()


def damage(path: Path, chance: random.Random) -> None:
    """Forge a value of a record, change bytes, or cut a file off."""
    if path.suffix == ".json" and chance.random() < 0.7:
        content = json.loads(path.read_text("utf-8"))
        del content["sha256"]
        forge(path, mutated(content, chance))
        return
    damaged = bytearray(path.read_bytes())
    for _ in range(chance.randrange(1, 4)):
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
    path.write_bytes(damaged[: chance.randrange(len(damaged))] if chance.random() < 0.3 else damaged)


@pytest.mark.parametrize("seed", range(4))
def test_only_errors_of_our_own_leave_the_readers(study: StudyFolder, seed: int) -> None:
    chance, shown, errors = random.Random(seed), set[str](), list[str]()
    files = sorted(path for path in study.path.rglob("*") if path.suffix in (".json", ".csv", ".npz"))
    for _ in range(50):
        path = chance.choice(files)
        whole = path.read_bytes()
        damage(path, chance)
        try:
            read_everything(study, shown)
            errors += study.left_out().values()
        except BenchError as error:
            errors.append(str(error))
        path.write_bytes(whole)
    assert len(errors) > 25
    assert not [error for error in errors if "\n" in error]
    assert study.left_out() == {}


def test_the_table_is_printed_whatever_can_be_written_and_the_exit_code_says_what_is_missing(
    study: StudyFolder,
) -> None:
    assert bench("report", study.path).returncode == 0
    (study.path / "results.csv").unlink()
    (study.path / "results.csv").mkdir()
    assert bench("table", study.path).returncode == 0
    unwritten = bench("report", study.path)
    assert unwritten.returncode == 1
    assert "Cannot write" in unwritten.stderr
    assert "metrics.png" in unwritten.stdout
    (study.path / "results.csv").rmdir()
    (study.path / "vae-1" / "run.json").write_text("{")
    for command in ("table", "report"):
        incomplete = bench(command, study.path)
        assert incomplete.returncode == 1
        assert incomplete.stderr.startswith(f"Error: Left out: Cannot read {study.path}/vae-1/run.json")
    compared = bench("compare", "vae", "gan", "--study", study.path)
    assert compared.returncode == 0
    assert "1 common seed" in compared.stdout
    assert "Left out: " in compared.stderr


def test_compare_names_a_damaged_ruler_as_table_does(study: StudyFolder) -> None:
    path = study.path / RULERS / "oracle.json"
    path.parent.mkdir()
    path.write_text("{}")
    compared, table = bench("compare", "vae", "gan", "--study", study.path), bench("table", study.path)
    assert (compared.returncode, table.returncode) == (0, 1)
    assert compared.stderr.startswith(f"Left out: Cannot read {path}")
    assert table.stderr == f"Error: {compared.stderr}"


# Folders that cannot be written, and writes that are interrupted.


def test_a_file_that_cannot_be_replaced_is_one_line(study: StudyFolder) -> None:
    (study.path / "attributes.md").mkdir()
    with pytest.raises(StoreError, match=r"Cannot remove .*attributes\.md"):
        writing.write_tables(study)


def test_an_interrupted_write_leaves_what_was_there(study: StudyFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    run = study.run("vae-0")
    before, exhibited = values(run), run.measurements.exhibits()
    monkeypatch.setattr(
        "vaegan_bench.results.measurements.write_json", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
    )
    with pytest.raises(KeyboardInterrupt):
        add(run, [(measurement({"psnr": 7.0}, 5000, 3, exhibits=[]), {})])
    assert values(run) == before
    monkeypatch.undo()
    assert list(run.measurements.exhibits()) == list(exhibited)
    monkeypatch.setattr("vaegan_bench.results.measurements.write_arrays", _interrupt)
    with pytest.raises(KeyboardInterrupt):
        add(run, [(measurement({"psnr": 7.0}, 5000, 3, exhibits=[]), {})])
    monkeypatch.undo()
    with pytest.raises(KeyboardInterrupt), run.claim() as claim:
        run.training.write(claim, run_record("vae-0", "vae", 0), [], _Interrupt({"decoder": 1}))  # type: ignore[arg-type]
    assert values(run) == before
    assert not list(study.path.rglob(".*"))


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


class _Interrupt(dict[str, Any]):
    """Weights that are being written when the user presses Ctrl-C."""

    def items(self) -> Any:
        raise KeyboardInterrupt


def test_a_key_belongs_to_one_measurement() -> None:
    metric = {"kind": "metric", "name": "kid", "extractor": {"name": "efflite0"}}
    others = [(metric, 40, 3), (metric, 50, 2), ({**metric, "name": "x"}, 40, 2)]
    keys = [key_of(*asked, "prior") for asked in [(metric, 40, 2), *others]] + [key_of(metric, 40, 2, "gaussian")]
    assert len(set(keys)) == 5
    assert key_of(dict(reversed(metric.items())), 40, 2, "prior") == keys[0]
    assert exhibits(np.zeros((6, 8, 10, 3), np.uint8))

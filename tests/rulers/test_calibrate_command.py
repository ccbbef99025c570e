"""`vaegan-bench calibrate`: on a data set and on a study, and what the tables of a study say of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from rulers import ruler
from shell import bench

import vaegan_bench as vb
from vaegan_bench.evaluation.references import LoadedReferences
from vaegan_bench.execution.calibrated_study import RulerRequest, calibrate_study
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.results.archive import archive_study
from vaegan_bench.results.files import read_json
from vaegan_bench.results.rulers import RULERS, StoredRulers
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.system.device import choose_device

STUDY = (
    "run smoke --models vae,gan --steps 2 --batch 8 --samples 30 --draws 1 "
    "--metrics frechet[extractor=oracle],precision-recall[extractor=oracle]"
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study in results/smoke, and its cache."""
    folder = tmp_path_factory.mktemp("calibrated")
    done = bench(*STUDY.split(), "--results", folder / "results", "--cache-dir", folder / "cache")
    assert done.returncode == 0, done.stderr
    assert "reads as" in done.stdout
    return folder


def calibrate(place: Path, *arguments: str | Path) -> tuple[int, str, str]:
    return bench("calibrate", *arguments, "--cache-dir", place / "cache")


def test_a_study_calibrates_the_extractors_of_its_distances_and_reads_them(place: Path) -> None:
    folder = StudyFolder(place / "results/smoke")
    (ruler,) = folder.rulers()
    rows = folder.rows()
    distances = rows[rows["metric"] == ruler.metric]
    assert len(distances) == 2
    assert (distances["reading"] != "").all()
    assert (distances["instrument"] != "").all()
    assert (rows.loc[rows["metric"].str.startswith("precision"), "instrument"] != "").all()
    assert (rows.loc[rows["family"] == "training", ["reading", "instrument"]] == "").all(axis=None)
    page = (folder.path / "summary.md").read_text("utf-8")
    assert f"{ruler.metric} reads as" in page
    assert "### Rulers" in page
    assert (folder.path / "rulers.png").is_file()
    assert list(vb.load(folder.path).table().columns.get_level_values("metric")).count(f"{ruler.metric} reads as") == 1


def test_an_archive_holds_the_rulers(place: Path, tmp_path: Path) -> None:
    study = StudyFolder(place / "results/smoke")
    archive_study(study)
    for name in ("records.zip", "study.json"):
        shutil.copy(study.path / name, tmp_path / name)
    (study.path / "records.zip").unlink()
    alone = StudyFolder(tmp_path)
    assert alone.rulers() == study.rulers()
    pd.testing.assert_frame_equal(alone.rows(), study.rows())


def test_fields_of_a_plugin_that_is_not_used_are_refused(place: Path) -> None:
    idle = ("--fields", "gan[conditional=true]")
    of_data = calibrate(place, "--extractor", "oracle", *idle)
    assert of_data == (
        2, "", "Error: --fields gan[…]: no effect, because nothing here uses 'gan'. Leave it out.\n"
    )  # fmt: skip
    of_study = calibrate(place, place / "results/smoke", *idle)
    assert of_study[0] == 2
    assert "no effect, because nothing here uses 'gan'" in of_study[2]


def test_without_a_ruler_the_tables_say_how_to_get_one(place: Path, tmp_path: Path) -> None:
    copy = tmp_path / "smoke"
    shutil.copytree(place / "results/smoke", copy)
    shutil.rmtree(copy / RULERS)
    assert bench("report", copy).returncode == 0
    page = (copy / "summary.md").read_text("utf-8")
    assert "no ruler yet; `vaegan-bench calibrate` with the folder of this study makes one" in page
    assert "reads as |" not in page
    assert not (copy / "rulers.png").exists()
    done = calibrate(place, copy)
    assert done[0] == 0, done[2]
    assert StudyFolder(copy).rulers() == StudyFolder(place / "results/smoke").rulers()
    assert "reads as" in (copy / "summary.md").read_text("utf-8")


@pytest.mark.parametrize("extractors", [[], ["oracle"]])
def test_flags_add_to_the_fields_of_a_study(
    place: Path, extractors: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "vaegan_bench.execution.calibrated_study"
    monkeypatch.setattr(f"{module}.ruler_of", lambda run, extractor, *how: ruler(extractor=str(extractor)))
    monkeypatch.setattr(f"{module}.write_ruler", lambda study, made: None)
    request = RulerRequest(extractors, {"oracle": {"width": "16"}}, None)
    references = LoadedReferences(place / "cache", choose_device("cpu"))
    (made,) = calibrate_study(StudyFolder(place / "results/smoke"), request, Registry(), references)
    assert made.extractor == "oracle[images=640,width=16]"


def test_a_misspelt_extractor_is_named_before_data_are_prepared(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaegan_bench.execution.calibrated_study.load", lambda *given: pytest.fail("loaded"))
    done = calibrate(place, "--extractor", "efflite")
    assert done[0] == 2
    assert "Did you mean 'efflite0'?" in done[2]


def test_a_folder_that_cannot_be_made_costs_the_tables_alone(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaegan_bench.cli.calibrate._rulers", lambda *given: [ruler()])
    done = calibrate(place, "--out", place / "results/smoke/study.json/tables")
    assert done[0] == 1
    assert done[2].startswith("Error: --out: Cannot write ")


def test_the_page_is_written_again_with_the_plugins(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = list[Registry]()
    monkeypatch.setattr(
        "vaegan_bench.report.writing.write_page", lambda folder, registry, drawn: known.append(registry)
    )
    copy = Path(shutil.copytree(place / "results/smoke", tmp_path / "smoke"))
    assert bench("new", "loss", "mine", "--folder", tmp_path).returncode == 0
    done = calibrate(place, copy, "--plugin", tmp_path / "mine.py")
    assert done[0] == 0, done[2]
    assert [entry.origin for entry in known[0].entries.values() if entry.plugin.name == "mine"] == [
        str(tmp_path / "mine.py")
    ]


@pytest.mark.usefixtures("tables_alone")
def test_a_study_can_do_without(place: Path, tmp_path: Path) -> None:
    done = bench(*STUDY.split(), "--no-calibrate", "--results", tmp_path, "--cache-dir", place / "cache")
    assert done.returncode == 0, done.stderr
    assert StoredRulers(tmp_path / "smoke").read() == []
    assert read_json(tmp_path / "smoke/study.json")["study"]["calibrate"] is False


@pytest.mark.usefixtures("tables_alone")
def test_a_data_set_with_too_few_training_images_costs_a_study_its_ruler_alone(place: Path, tmp_path: Path) -> None:
    arguments = STUDY.replace("--samples 30", "--samples 250").replace("vae,gan", "vae").split()
    done = bench(*arguments, "--results", tmp_path, "--cache-dir", place / "cache")
    assert done.returncode == 0, done.stderr
    assert "No ruler of oracle" in done.stderr
    assert "A ruler for 250 samples needs as many training images" in done.stderr


def test_a_data_set_is_calibrated_into_tables_and_a_figure(place: Path, tmp_path: Path) -> None:
    options = ["--size", "16", "--samples", "20", "--extractor", "oracle", "--fields", "oracle[images=640]"]
    given = ["--dataset", "avatars[faces=240]", *options]
    code, printed, errors = calibrate(place, *given, "--out", tmp_path / "out")
    assert code == 0, errors
    assert "oracle[images=640] on avatars[faces=240] 16×16" in printed
    table = pd.read_csv(tmp_path / "out/calibration.csv", keep_default_na=False)
    assert table["distortion"].tolist()[:3] == ["none", "blur", "blur"]
    assert table["level"].tolist()[:3] == [0, 0.5, 1]
    assert set(table["n_fake"]) == {20}
    assert f"{table['recall'].iloc[1]:.3f}" in (tmp_path / "out/calibration.md").read_text("utf-8")
    assert (tmp_path / "out/calibration.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("results/smoke --dataset avatars", "A study has its own data sets and size"),
        ("results/nothing", "holds no study"),
        ("--dataset avatar", "Did you mean 'avatars'?"),
        ("--dataset avatars[faces=240] --extractor orakel", "Did you mean 'oracle'?"),
        ("--dataset avatars[faces=240] --size 16 --samples 300 --extractor efflite0", "needs as many training images"),
        ("--out results/smoke/study.json", "that is a file"),
        ("--samples 3", "6"),
    ],
)
def test_what_cannot_be_calibrated_is_one_line(place: Path, arguments: str, words: str) -> None:
    done = bench("calibrate", *arguments.split(), "--cache-dir", place / "cache", cwd=place)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1

"""Thousands of runs: each file is read once, what is remembered is forgotten where a file changes, sums fit memory."""

from __future__ import annotations

import io
import os
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from stored_study import SAMPLES, add, file_of, measurement, store_study

from vaegan_bench.api import StoreError
from vaegan_bench.report.tables.sign_flip_test import DRAWS, SEED, improvement, sign_flip, sign_flips
from vaegan_bench.report.tables.summary import interval
from vaegan_bench.results.archive import archive_study
from vaegan_bench.results.files import read_arrays, read_forms, write_arrays
from vaegan_bench.results.stored_files import StoredFiles
from vaegan_bench.results.study_folder import StudyFolder


@pytest.fixture
def study(tmp_path: Path) -> StudyFolder:
    return store_study(tmp_path / "stored")


def test_a_table_reads_each_file_once(study: StudyFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    read, whole = Counter[str](), StoredFiles.read

    def count(files: StoredFiles, name: str) -> bytes:
        read[f"{files.folder.name}/{name}"] += 1
        return whole(files, name)

    monkeypatch.setattr(StoredFiles, "read", count)
    study.rows()
    assert study.missing() == []
    records = {f"{run.path.name}/{name}" for run in study.runs() for name in ("run.json", "metrics.json")}
    assert read == dict.fromkeys(records, 1)  # the other files are those that were written


def test_files_with_another_time_than_when_they_were_written_are_read_and_hashed(study: StudyFolder) -> None:
    for run, name in (("vae-0", "history.csv"), ("vae-1", "exhibits.npz"), ("gan-0", "images.npz")):
        path = file_of(study.path / run, name)
        os.utime(path, ns=(1, 1))
        assert study.left_out() == {}  # as after a copy without times
        content = bytearray(path.read_bytes())
        content[-30] ^= 1
        path.write_bytes(content)
        os.utime(path, ns=(2, 2))
        assert list(study.left_out()) == [run]
        assert f"{path}: it is damaged" in study.left_out()[run]
        content[-30] ^= 1
        path.write_bytes(content)


def test_sheets_that_stay_keep_the_time_at_which_they_were_written(study: StudyFolder) -> None:
    run = study.run("vae-0")
    images = file_of(run.path, "images.npz")
    flipped = bytearray(images.read_bytes())
    flipped[-30] ^= 1
    images.write_bytes(flipped)  # a measurement that adds no images must not make them pass as undamaged
    add(run, [(measurement({"psnr": 1.0}, SAMPLES + 1, 2), {})])
    assert "images" in run.damage()
    assert run.measurements.record().stamps.keys() == run.measurements.record().files.keys()


def test_an_archive_is_opened_once_and_again_where_it_is_another(
    study: StudyFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published, opened = StudyFolder(tmp_path / "published"), list[str]()
    published.create()
    for name in ("study.json", archive_study(study).name):
        (study.path / name).rename(published.path / name)
    archive = type("Counted", (zipfile.ZipFile,), {"__init__": lambda self, path: (
        opened.append(str(path)), zipfile.ZipFile.__init__(self, path))[0]})  # fmt: skip
    monkeypatch.setattr("vaegan_bench.results.stored_files.ZipFile", archive)
    assert len(published.rows()["run"].unique()) == 4
    assert len(opened) == 1
    (published.path / "records.zip").write_bytes(b"none")
    with pytest.raises(StoreError, match=r"records\.zip"):
        published.rows()


def test_weights_that_nobody_wrote_to_are_not_hashed_until_they_are_used(
    study: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, hashed = study.run("gan-1"), list[Path]()
    monkeypatch.setattr("vaegan_bench.system.files.sha256_of_file", lambda path: hashed.append(path) or "none")
    assert run.is_trained
    assert hashed == []
    with pytest.raises(StoreError, match=r"weights\.safetensors: it is damaged"):
        run.training.weights()
    os.utime(run.path / "weights.safetensors", ns=(1, 1))
    assert not run.is_trained


def test_damage_that_keeps_the_time_of_weights_is_noticed_where_they_are_used(study: StudyFolder) -> None:
    path = study.run("gan-1").path / "weights.safetensors"
    stat, content = path.stat(), bytearray(path.read_bytes())
    content[-30] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    with pytest.raises(StoreError, match=r"weights\.safetensors: it is damaged"):
        study.run("gan-1").training.weights()


def test_forms_are_those_of_the_arrays_and_a_lie_about_them_is_refused(tmp_path: Path) -> None:
    arrays = {"a": np.arange(6, dtype=np.uint8).reshape(2, 3), "b/c": np.asfortranarray(np.eye(3)[:, :2]),
              "d.json": np.array("text")}  # fmt: skip
    write_arrays(tmp_path / "x.npz", arrays)
    content = (tmp_path / "x.npz").read_bytes()
    found, forms = read_arrays(io.BytesIO(content)), read_forms(io.BytesIO(content))
    for name, array in arrays.items():
        assert (found[name] == array).all()
        assert (
            (forms[name].dtype, forms[name].shape)
            == (array.dtype, array.shape)
            == (found[name].dtype, found[name].shape)
        )
    saved = io.BytesIO()
    np.save(saved, np.zeros((2, 3)))
    with zipfile.ZipFile(tmp_path / "y.npz", "w") as archive:
        archive.writestr("a.npy", saved.getvalue()[:-8])
    short = (tmp_path / "y.npz").read_bytes()
    with pytest.raises(ValueError, match="reshape"):
        read_arrays(io.BytesIO(short))
    with pytest.raises(ValueError, match=r"'a' has not the length of float64 \(2, 3\)"):
        read_forms(io.BytesIO(short))


def test_signs_in_parts_are_the_signs_of_one_draw() -> None:
    d = np.random.default_rng(5).normal(0.2, 1, 37)
    numbers = np.random.PCG64(SEED).random_raw(DRAWS * len(d) // 64 + 1).astype("<u8")
    signs = 1.0 - 2 * np.unpackbits(numbers.view(np.uint8))[: DRAWS * len(d)].reshape(DRAWS, len(d))
    as_far = int((np.abs(signs @ d) >= abs(d.sum()) * (1 - 1e-12)).sum())
    assert sign_flip(d) == (as_far + 1) / (DRAWS + 1)
    assert sign_flips([d[:3], d, d[:3] * [1, -1, 1]]) == [sign_flip(d[:3]), sign_flip(d), sign_flip(d[:3] * [1, -1, 1])]


def test_improvement_counts_every_pair_and_a_constant_has_no_spread() -> None:
    a, b = [1.0, 2.0, 2.0, 0.5], [2.0, 0.5, 7.0]
    pairs = [(x > y) + 0.5 * (x == y) for x in a for y in b]
    assert improvement(a, b) == sum(pairs) / len(pairs) == 4.5 / 12
    assert interval([1549.2] * 2500) == (1549.2, 0.0)

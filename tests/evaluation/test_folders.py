"""`evaluate --real --fake`: what is read, what is told of it, and what is refused before."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from shell import bench

from vaegan_bench.api import DataError, Dataset, Metric, silent
from vaegan_bench.datasets.folder import Folder
from vaegan_bench.evaluation.folders import measure_folders
from vaegan_bench.evaluation.given_images import GivenImages, data_of
from vaegan_bench.evaluation.image_folder import read_folder
from vaegan_bench.evaluation.measuring import measure
from vaegan_bench.evaluation.references import LoadedReferences, References
from vaegan_bench.metrics.extractors.efflite0 import EffLite0
from vaegan_bench.metrics.samples.frechet import Frechet
from vaegan_bench.metrics.samples.kid import KID
from vaegan_bench.registry.plugins import Registry


def scene(i: int, size: tuple[int, int] = (20, 16)) -> Image.Image:
    coarse = np.random.default_rng(i).integers(0, 256, (4, 4, 3), np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def folder_of(path: Path, n: int, size: tuple[int, int] = (20, 16), first: int = 0) -> Path:
    path.mkdir()
    for i in range(n):
        scene(first + i, size).save(path / f"{i:03}.png")
    return path


@pytest.fixture
def real(tmp_path: Path) -> Path:
    return folder_of(tmp_path / "real", 12)


@pytest.fixture
def fake(tmp_path: Path) -> Path:
    return folder_of(tmp_path / "fake", 14, first=50)


def test_both_readers_read_one_folder_alike(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "p", 8, (16, 16))
    alpha = np.random.default_rng(1).integers(0, 256, (16, 16, 4), np.uint8)
    Image.fromarray(alpha).save(folder / "alpha.webp", lossless=True)
    Image.fromarray(alpha[..., 0].astype(np.uint16) * 257).save(folder / "deep.TIF", "TIFF")
    scene(9, (16, 16)).quantize(8).save(folder / "palette.gif")
    (folder / "sub").mkdir()
    scene(10, (16, 16)).convert("CMYK").save(folder / "sub" / "ink.jpg")
    (folder / "._ink.jpg").write_bytes(b"of macOS")
    data = Folder(path=str(folder)).load(16, tmp_path / "cache")
    own = {image.tobytes() for split in (data.train, data.test) for image in split.images_NCHW.numpy()}
    read = read_folder(folder)
    assert {image.tobytes() for image in read.images_NCHW.numpy()} == own
    assert len(own) == len(read.images_NCHW) == 12


def test_two_folders_have_references_of_their_own(real: Path, fake: Path, tmp_path: Path) -> None:
    references = LoadedReferences(tmp_path, torch.device("cpu"))
    one, other = (data_of(read_folder(path, silent).images_NCHW) for path in (real, fake))
    assert references.of(one) is references.of(data_of(one.test.images_NCHW.clone()))
    assert references.of(one) is not references.of(other)


def test_a_distance_comes_with_the_command_that_makes_its_scale(real: Path, fake: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    metrics = [Frechet(), Frechet(extractor=EffLite0()), KID()]
    measure_folders(real, fake, metrics, LoadedReferences(tmp_path / "cache", torch.device("cpu")), lines.append)
    hints = [line for line in lines if "calibrate" in line]
    assert len(hints) == 1  # `native` is efflite0 here
    assert hints[0].startswith("For a scale of frechet[efflite0]: vaegan-bench calibrate ")
    arguments = shlex.split(hints[0])[6:]
    assert Registry().build(Dataset, arguments.pop(arguments.index("--dataset") + 1)) == Folder(path=str(real))
    assert arguments == ["calibrate", "--dataset", "--size", "16", "--extractor", "efflite0", "--samples", "10"]


@pytest.mark.parametrize(
    ("name", "n", "made", "told"),
    [
        ("few", 11, 14, "give at least 12 real and 6 generated images"),
        ("real", 12, 5, "give at least 12 real and 6 generated images"),
        ("a,b=c", 12, 6, "rename {name}, which no selector can name"),
        ("a]", 12, 6, "rename {name}, which no selector can name"),
    ],
)
def test_a_distance_without_a_scale_says_what_one_needs(
    name: str, n: int, made: int, told: str, tmp_path: Path
) -> None:
    real, fake = folder_of(tmp_path / name, n), folder_of(tmp_path / "fake", made, first=50)
    lines: list[str] = []
    measure_folders(
        real, fake, [Frechet(extractor=EffLite0())], LoadedReferences(tmp_path / "c", torch.device("cpu")), lines.append
    )
    assert lines[-1] == f"For a scale of frechet[efflite0]: {told.format(name=real)}"


def test_names_that_are_no_utf_8_are_written_so_that_files_can_hold_them(tmp_path: Path) -> None:
    real, fake = (folder_of(tmp_path / os.fsdecode(name), 3, first=len(name)) for name in (b"r\xe9el", b"f\xffk"))
    (real / os.fsdecode(b"other.\xfe")).write_bytes(b"no image")
    for suffix in (".csv", ".parquet"):
        out = tmp_path / f"rows{suffix}"
        done = bench("evaluate", "--real", real, "--fake", fake, "--metrics", "memorisation", "--out", out)
        assert done.returncode == 0, done.stderr
        (row, *_) = rows_of(out).to_dict("records")
        assert (row["dataset"], row["model"]) == ("r\\udce9el", "f\\udcffk")
        assert "other file ignored (1 .\\udcfe)" in row["remarks"]


def test_the_current_folder_has_its_name(real: Path, fake: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    done = bench("evaluate", "--real", real, "--fake", ".", "--metrics", "memorisation", "--out", out, cwd=fake)
    assert done.returncode == 0, done.stderr
    assert set(rows_of(out)["model"]) == {fake.name}
    (tmp_path / "by its link").symlink_to(fake)
    line = ("--real", real, "--fake", "by its link", "--metrics", "memorisation", "--out", out)
    assert bench("evaluate", *line, cwd=tmp_path).returncode == 0
    assert set(rows_of(out)["model"]) == {"by its link"}


def test_images_come_whole_in_the_order_of_their_names(real: Path) -> None:
    (real / "000.png").rename(real / "zz.png")
    read = read_folder(real)
    expected = [np.asarray(scene(i)).transpose(2, 0, 1) for i in (*range(1, 12), 0)]
    assert np.array_equal(read.images_NCHW.numpy(), np.stack(expected))
    assert read.size == "20×16"


def test_the_number_of_processes_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_of(tmp_path / "p", 130)
    (folder / "070.png").write_bytes(b"no image")
    alone = read_folder(folder)
    monkeypatch.setattr("vaegan_bench.datasets.preparation.reading.useful_workers", lambda *of: 2)
    together = read_folder(folder)
    assert torch.equal(alone.images_NCHW, together.images_NCHW)
    assert alone.left_out == together.left_out == {"070.png": "it is not an image of a known format"}


def test_one_unreadable_image_in_a_hundred_is_left_out_and_named_and_two_are_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "p", 101, (8, 8))
    (folder / "050.png").write_bytes((folder / "050.png").read_bytes()[:60])
    (folder / "list.txt").write_text("x")
    read = read_folder(folder)
    assert len(read.images_NCHW) == 100
    assert str(read).startswith(f"100 images of 8×8 read from {folder}; 1 left out: 050.png (")
    assert str(read).endswith("; 1 other file ignored (1 .txt)")
    (folder / "000.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"2 of the first 100 images of .* over 1 % of all 101: 000.png: it is no"):
        read_folder(folder)


def test_images_of_two_sizes_are_refused_by_name(real: Path) -> None:
    scene(0, (16, 20)).save(real / "007.png")
    with pytest.raises(DataError, match=r"real: 007.png has 16×20 pixels, and 000.png has 20×16: all images"):
        read_folder(real)


def test_a_folder_without_images_says_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "a.npy").touch()
    with pytest.raises(DataError, match=r"holds no images \(\.jpg, .*\); 1 other file ignored \(1 \.npy\)"):
        read_folder(tmp_path)


def rows_of(path: Path) -> pd.DataFrame:
    return pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)


def test_rows_are_written_with_what_was_read(real: Path, fake: Path, tmp_path: Path) -> None:
    (fake / "notes.txt").write_text("x")
    outs = [tmp_path / name for name in ("rows.json", "rows.csv", "rows.PARQUET")]
    for out in outs:
        done = bench("evaluate", "--real", real, "--fake", fake, "--metrics", "memorisation", "--out", out)
        assert done.returncode == 0, done.stderr
        assert f"real: 12 images of 20×16 read from {real}" in done.stdout
        assert f"fake: 14 images of 20×16 read from {fake}; 1 other file ignored (1 .txt)" in done.stdout
        assert "Warning" not in done.stdout
    (row,) = json.loads(outs[0].read_text("utf-8"))
    facts = {"real_size": "20×16", "real_read": 12, "real_left_out": 0}
    facts |= {"fake_size": "20×16", "fake_read": 14, "fake_left_out": 0}
    assert row["protocol"].items() >= facts.items()
    assert row["protocol"]["split"] == str(real)
    assert (row["metric"], row["value"], row["noise"]) == ("duplicates", 0.0, None)
    assert "1 other file ignored" in row["remarks"]
    for out in outs[1:]:
        (other,) = rows_of(out.rename(out.with_suffix(out.suffix.lower()))).to_dict("records")
        assert json.loads(other["protocol"]) == row["protocol"]
        assert (other["metric"], other["value"], other["remarks"]) == ("duplicates", 0.0, row["remarks"])


def test_sides_of_two_sizes_are_measured_with_a_warning(real: Path, tmp_path: Path) -> None:
    larger = folder_of(tmp_path / "larger", 12, (40, 32))
    done = bench("evaluate", "--real", real, "--fake", larger, "--metrics", "memorisation")
    assert done.returncode == 0, done.stderr
    assert "Warning: real images have 20×16 pixels and generated ones 40×32" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--samples", "2000"), "--samples: no effect on folders"),
        (("--draws", "1", "--data-dir", "x"), "--draws and --data-dir: no effect on folders"),
        (("--metrics", "frechet,psnr,reconstruction"), "'psnr' is a number of a metric: use reconstruction."),
        (("--metrics", "frechet,latent-health,reconstruction"), "latent-health, reconstruction need a trained model"),
        (("--metrics", "attribute-vectors[alpha=2.0]"), "attribute-vectors[alpha=2.0] needs a trained model"),
        (("--metrics", "fid"), "'fid' is a number of a metric: use frechet[extractor=inception]"),
        (("--metrics", "kid,IS[x=1]"), "use inception-score[extractor=inception]"),
        (("--out", "rows.xlsx"), "--out rows.xlsx: rows are written as .csv, .parquet, .json"),
        (("--out", "nowhere/rows.csv"), "Cannot write nowhere/rows.csv: there is no folder nowhere"),
        (("--fields", "inception[weights=w]"), "--fields inception[…]: no effect, because nothing here uses"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_has_no_effect_or_no_answer_is_refused_before_anything_is_read(
    arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    done = bench("evaluate", "--real", "no-such", "--fake", "folders", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_extractor_that_nothing_takes_is_refused(tmp_path: Path) -> None:
    for metric, fields in (
        ("mutual-information-gap", "mutual-information-gap[bins=5]"),
        ("kid", "kid[extractor=efflite0]"),
        ("kid[extractor=efflite0]", "oracle[images=640]"),
    ):
        done = bench("evaluate", tmp_path, "--metrics", metric, "--extractor", "oracle", "--fields", fields)
        assert (done.returncode, f"--extractor oracle: no effect on {metric}," in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize("name", Registry([]).of_kind(Metric.kind))
def test_what_a_metric_says_of_models_is_true(name: str, tmp_path: Path) -> None:
    """Those that need a model give nothing on folders, and all others give numbers."""
    metric = Registry([]).build(Metric, name)
    real, fake = (
        torch.stack([torch.from_numpy(np.array(scene(i + s))).permute(2, 0, 1) for i in range(12)]) for s in (0, 40)
    )
    outputs = GivenImages(References(data_of(real), tmp_path, torch.device("cpu")), fake)
    measured = measure([outputs], [metric], "test")
    assert bool(measured.rows) != metric.needs_model
    assert metric.needs_model or not measured.problems

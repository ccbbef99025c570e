"""`evaluate --originals --reconstructions`: what is paired with what, and what is refused before."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from shell import bench
from skimage.metrics import structural_similarity

from vaegan_bench.api import DataError
from vaegan_bench.evaluation.image_folder import read_folder
from vaegan_bench.evaluation.pairs import aligned, pair

Array = np.ndarray


def scene(i: int) -> Array:
    coarse = Image.fromarray(np.random.default_rng(i).integers(30, 220, (4, 4, 3), np.uint8))
    return np.asarray(coarse.resize((20, 16), Image.Resampling.BICUBIC))


def decoded(i: int) -> Array:
    """Image i through an autoencoder that is worse for every next image."""
    return (scene(i).astype(int) + i + 1).clip(0, 255).astype(np.uint8)


def folder_of(path: Path, images: dict[str, Array]) -> Path:
    for name, image in images.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path / name)
    return path


@pytest.fixture
def originals(tmp_path: Path) -> Path:
    return folder_of(tmp_path / "photos", {f"{i:03}.png": scene(i) for i in range(12)})


def test_pairs_are_scored_whatever_order_the_files_have(originals: Path, tmp_path: Path) -> None:
    ours = folder_of(tmp_path / "ours", {f"{i:03}.bmp": decoded(i) for i in reversed(range(12))})
    out = tmp_path / "rows.json"
    done = bench("evaluate", "--originals", originals, "--reconstructions", ours, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "reconstructions: 12 images of 20×16 read from" in done.stdout
    assert "paired by name" in done.stdout
    rows = {row["metric"]: row for row in json.loads(out.read_text("utf-8"))}
    names = {"mse", "mae", "psnr", "ssim", "feature-distance[efflite0]", "reconstruction-frechet[efflite0]"}
    assert set(rows) == names | {"reconstruction-spectral-distance", "reconstruction-high-frequencies"}
    shifts = [(decoded(i).astype(float) - scene(i)) / 255 for i in range(12)]
    assert rows["mse"]["value"] == pytest.approx(np.mean([np.mean(x**2) for x in shifts]))
    assert rows["psnr"]["value"] == pytest.approx(np.mean([-10 * math.log10(np.mean(x**2)) for x in shifts]))
    how = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    ssim = [structural_similarity(scene(i), decoded(i), channel_axis=2, **how) for i in range(12)]
    assert rows["ssim"]["value"] == pytest.approx(np.mean(ssim))
    assert rows["ssim"]["model"] == "ours"
    assert rows["ssim"]["protocol"]["originals_read"] == rows["ssim"]["protocol"]["n_real"] == 12


@pytest.mark.parametrize(
    ("originals", "reconstructions", "pairs", "how"),
    [
        (["b.jpg", "a.jpg"], ["a.png", "b.png"], [("b.jpg", "b.png"), ("a.jpg", "a.png")], "paired by name"),
        (["x/1.png", "y/1.png"], ["y/1.png", "x/1.png"], [("x/1.png",) * 2, ("y/1.png",) * 2], "paired by name"),
        (
            ["img1.png", "img10.png", "img2.png"],
            ["rec-01.png", "rec-02.png", "rec-10.png"],
            [("img1.png", "rec-01.png"), ("img2.png", "rec-02.png"), ("img10.png", "rec-10.png")],
            "no names are equal: paired in their order, img1.png with rec-01.png, img10.png with rec-10.png",
        ),
        (["a.png"], ["z.png"], [("a.png", "z.png")], "no names are equal: paired in their order, a.png with z.png"),
    ],
)
def test_names_pair_images_and_their_order_does_where_none_is_equal(
    originals: list[str], reconstructions: list[str], pairs: list[tuple[str, str]], how: str
) -> None:
    assert pair(originals, reconstructions) == (pairs, how)


@pytest.mark.parametrize(
    ("originals", "reconstructions", "words"),
    [
        (
            [f"{i}.png" for i in range(6)],
            ["5.png"],
            r"6 originals and 1 reconstructions cannot be paired: 5 originals without a reconstruction "
            r"\(0.png, 1.png, 2.png, …\). Give both the same names, or remove these\.",
        ),
        (
            ["a.png", "b.png"],
            ["b.png", "c.png"],
            r"1 originals without a reconstruction \(a.png\) and 1 reconstructions without an original \(c.png\)",
        ),
        (["a.png"], ["x.png", "y.png"], r"1 originals and 2 reconstructions cannot be paired"),
        (["a.png", "a.jpg"], ["a.png", "b.png"], "a.png and a.jpg differ only in their suffix"),
    ],
)
def test_what_has_no_partner_is_named(originals: list[str], reconstructions: list[str], words: str) -> None:
    with pytest.raises(DataError, match=words):
        pair(originals, reconstructions)


def test_an_image_that_cannot_be_read_is_left_out_with_its_partner(tmp_path: Path) -> None:
    names = [f"{i:03}.png" for i in range(100)]
    sides = [folder_of(tmp_path / side, {name: scene(i) for i, name in enumerate(names)}) for side in ("a", "b")]
    (sides[0] / "007.png").write_bytes(b"")
    (sides[1] / "050.png").write_bytes(b"")
    first, second = aligned([(name, name) for name in reversed(names)], *map(read_folder, sides))
    assert len(first.images_NCHW) == 98
    assert torch.equal(first.images_NCHW, second.images_NCHW)
    assert np.array_equal(first.images_NCHW[0].numpy(), scene(99).transpose(2, 0, 1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Name the runs to evaluate, or two folders of images: --real and --fake, or --originals and --reconstr"),
        (("--originals", "a"), "--originals and --reconstructions."),
        (("--originals", "a", "--fake", "b"), "--originals and --reconstructions."),
        (("--originals", "a", "--reconstructions", "b", "--real", "a", "--fake", "b"), "Name the runs to evaluate"),
        (("--originals", "a", "--reconstructions", "b", "--samples", "9"), "--samples: no effect on folders"),
        (("--originals", "a", "--reconstructions", "b", "--metrics", "kid,reconstruction"),
         "kid needs more than originals and reconstructions: leave it out."),
        (("--originals", "a", "--reconstructions", "b", "--metrics", "rfid"), "reconstruction-frechet[extractor=incep"),
        (("--originals", "a", "--reconstructions", "b"), "There is no folder a."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_what_cannot_be_measured_is_refused_in_one_line(
    arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    done = bench("evaluate", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert message in done.stderr


def test_sides_of_two_sizes_are_refused(originals: Path, tmp_path: Path) -> None:
    small = folder_of(tmp_path / "small", {f"{i:03}.png": scene(i)[:12] for i in range(12)})
    done = bench("evaluate", "--originals", originals, "--reconstructions", small)
    assert done.returncode == 2
    assert "photos has images of 20×16 pixels, and" in done.stderr
    assert "small of 20×12: reconstructions must have the size of their originals." in done.stderr

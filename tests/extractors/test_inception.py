from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset

from vaegan_bench.api import Extractor, ExtractorError, FeatureNetwork, Measurement, Metric, Outputs
from vaegan_bench.evaluation.given_images import GivenImages, data_of
from vaegan_bench.evaluation.image_folder import read_folder
from vaegan_bench.evaluation.references import References
from vaegan_bench.metrics.extractors.inception import FILE, KNOWN, Inception
from vaegan_bench.metrics.samples.frechet import Frechet
from vaegan_bench.metrics.samples.inception_score import InceptionScore
from vaegan_bench.metrics.samples.kid import KID
from vaegan_bench.metrics.samples.precision_recall import PrecisionRecall
from vaegan_bench.system.files import sha256_of_file
from vaegan_bench.system.vision import load_torch_fidelity

Opened = Callable[[Extractor], FeatureNetwork]
N = 24
"""Images on either side of the comparison with torch-fidelity; its network takes a fifth of a second for each."""
NAMES = {
    "frechet": "frechet_inception_distance",
    "inception-score": "inception_score_mean",
    "kid": "kernel_inception_distance_mean",
    "precision": "precision",
    "recall": "recall",
}
"""Ours and torch-fidelity's."""


def scenes(n: int, seed: int, hue: float) -> Tensor:
    """Blocks of all sizes and colours, with a tint, (n, 3, 32, 32) uint8."""
    noise = torch.Generator().manual_seed(seed)
    images = 128 + 40 * torch.tensor([hue, 0.0, -hue])[:, None, None].expand(n, -1, 32, 32)
    for side in (2, 4, 8, 16):
        strength = 50 * torch.rand(n, 1, 1, 1, generator=noise)
        images = images + strength * F.interpolate(torch.randn(n, 3, side, side, generator=noise), (32, 32))
    return images.clamp(0, 255).to(torch.uint8)


@pytest.fixture(scope="module")
def own() -> nn.Module:
    """torch-fidelity's network with random weights, whose batch norms know images: its features vary like true ones.

    Without that, nearly all of what 94 random layers say of any two images is equal.
    """
    fidelity = load_torch_fidelity()
    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        patch.setattr(fidelity.feature_extractor_inceptionv3, "load_state_dict_from_url", lambda *a, **k: {})
        patch.setattr(fidelity.FeatureExtractorInceptionV3, "load_state_dict", lambda self, state: None)
        network: nn.Module = fidelity.FeatureExtractorInceptionV3("random", ["2048", "logits_unbiased"])
    network.fc.weight.mul_(20)  # type: ignore[operator,union-attr]
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        network.train()(scenes(8, seed=9, hue=0.0))
    return network.eval()


@pytest.fixture(scope="module")
def weights(own: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file in torch-fidelity's format."""
    path: Path = tmp_path_factory.mktemp("inception") / "random.pth"
    torch.save(own.state_dict(), path)
    return path


def test_the_file_is_the_one_that_torch_fidelity_fetches() -> None:
    assert KNOWN.url == load_torch_fidelity().feature_extractor_inceptionv3.URL_INCEPTION_V3


def test_missing_weights_say_which_file_goes_where(opened: Opened, offline: Path) -> None:
    with pytest.raises(ExtractorError) as caught:
        opened(Inception())
    message = str(caught.value)
    assert str(offline / FILE) in message
    assert KNOWN.url in message
    assert "efflite0" in message
    assert "no network" in message
    assert "\n" not in message


def test_files_with_wrong_content_are_named(opened: Opened, offline: Path) -> None:
    offline.mkdir()
    (offline / FILE).write_bytes(b"half a download")
    with pytest.raises(ExtractorError, match="damaged, remove it"):
        opened(Inception())
    with pytest.raises(ExtractorError, match="does not hold weights of 'inception'"):
        opened(Inception(weights=str(offline / FILE), any_weights=True))
    torch.save({"some": torch.zeros(1)}, offline / FILE)
    with pytest.raises(ExtractorError, match="does not hold weights of 'inception'"):
        opened(Inception(weights=str(offline / FILE), any_weights=True))


def test_other_weights_are_refused_unless_accepted_knowingly(weights: Path, opened: Opened) -> None:
    with pytest.raises(ExtractorError) as caught:
        opened(Inception(weights=str(weights)))
    digest = sha256_of_file(weights)
    message = str(caught.value)
    assert f"starts with {digest[:8]}, theirs with 6726825d" in message
    assert "any_weights=true" in message
    assert "\n" not in message
    network = opened(Inception(weights=str(weights), any_weights=True))
    assert network.name == f"inception-{digest[:8]}"
    assert network.digest == digest


def test_any_weights_needs_a_file(opened: Opened, offline: Path) -> None:
    with pytest.raises(ExtractorError, match="could not be fetched"):
        opened(Inception(any_weights=True))


def test_the_known_weights_have_the_plain_name(weights: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = KNOWN.sha256 + 56 * "0"
    monkeypatch.setattr("vaegan_bench.metrics.extractors.published_weights.sha256_of_file", lambda path: digest)
    for extractor in (Inception(weights=str(weights)), Inception(weights=str(weights), any_weights=True)):
        network = opened(extractor)
        assert network.name == "inception"
        assert network.digest == digest
        assert dict(network.protocol) == {"resize": "bilinear (TensorFlow 1) 299x299", "dtype": "float32"}


def test_features_are_torch_fidelitys(own: nn.Module, weights: Path, opened: Opened, images: Tensor) -> None:
    found = opened(Inception(weights=str(weights), any_weights=True))(images)
    with torch.no_grad():
        features, logits = own(images)
    assert found.features_NF.shape == (2, 2048)
    assert found.logits_NK.shape == (2, 1008)
    torch.testing.assert_close(found.features_NF, features, rtol=1e-3, atol=1e-4 * float(features.abs().max()))
    torch.testing.assert_close(found.logits_NK, logits, rtol=1e-3, atol=1e-4 * float(logits.abs().max()))


def test_a_folder_of_grey_images_counts_as_colour(weights: Path, opened: Opened, tmp_path: Path) -> None:
    levels_NHW = scenes(2, seed=0, hue=0.0)[:, 0]
    for mode in ("L", "RGB"):
        (tmp_path / mode).mkdir()
        for number, levels in enumerate(levels_NHW):
            Image.fromarray(levels.numpy()).convert(mode).save(tmp_path / mode / f"{number}.png")
    network = opened(Inception(weights=str(weights), any_weights=True))
    grey, colour = (network(read_folder(tmp_path / mode).images_NCHW).features_NF for mode in ("L", "RGB"))
    assert torch.equal(grey, colour)
    assert torch.equal(grey, network(levels_NHW[:, None]).features_NF)


class Images(Dataset[Tensor]):
    """What torch-fidelity takes: one uint8 image (3, H, W) per index."""

    def __init__(self, images_NCHW: Tensor) -> None:
        self.images_NCHW = images_NCHW

    def __len__(self) -> int:
        return len(self.images_NCHW)

    def __getitem__(self, index: int) -> Tensor:
        return self.images_NCHW[index]


def nonzero(eigvals: Callable[[Any], Any], matrix: Any) -> Any:
    """The eigenvalues that are not zero, of a matrix whose rank is at most N: those in its range."""
    noise = np.random.default_rng(0).normal(size=(len(matrix), 2 * N))
    basis, _ = np.linalg.qr(matrix @ noise)
    return eigvals(basis.T @ matrix @ basis)


def by_torch_fidelity(real: Tensor, fake: Tensor, weights: Path) -> dict[str, float]:
    wanted = {"isc": True, "fid": True, "kid": True, "prc": True}
    how: dict[str, Any] = {"cuda": False, "cache": False, "verbose": False, "save_cpu_ram": True, "batch_size": 8}
    weighed = {"feature_extractor": "inception-v3-compat", "feature_extractor_weights_path": str(weights)}
    inputs = {"input1": Images(fake), "input2": Images(real)}
    # It draws weights before it loads them; and the eigenvalues of a whole matrix of 2048 rows take long.
    with (
        torch.random.fork_rng(devices=[]),
        mock.patch.object(np.linalg, "eigvals", partial(nonzero, np.linalg.eigvals)),
    ):
        found = load_torch_fidelity().calculate_metrics(**inputs, **wanted, **how, **weighed, kid_subset_size=N)
    return dict(found)


def by_us(outputs: Outputs, weights: Path) -> dict[str, float]:
    extractor = Inception(weights=str(weights), any_weights=True)
    plugins: list[type[Metric]] = [Frechet, InceptionScore, KID, PrecisionRecall]
    rows: list[Measurement] = []
    for plugin in plugins:
        rows += plugin(extractor=extractor)(outputs)  # type: ignore[call-arg]
    return {row.metric.partition("[")[0]: row.value for row in rows}


def test_from_images_to_numbers_all_is_as_in_torch_fidelity(weights: Path, tmp_path: Path) -> None:
    real, fake = scenes(N, seed=1, hue=0.0), scenes(N, seed=2, hue=1.5)
    theirs = by_torch_fidelity(real, fake, weights)
    outputs = GivenImages(References(data_of(real), tmp_path, torch.device("cpu")), fake)
    ours = by_us(outputs, weights)
    for mine, name in NAMES.items():
        assert ours[mine] == pytest.approx(theirs[name], rel=1e-4), mine
    assert ours["inception-score"] > 1.1
    assert ours["kid"] > 0.01
    assert 0 < ours["precision"] < 1, "the comparison means something"

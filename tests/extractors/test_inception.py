from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch
from torch import nn

from vaegan_bench.api import Data, ExtractorError, FeatureNetwork, Split
from vaegan_bench.extractors.inception import FILE, Inception
from vaegan_bench.vision import load_torch_fidelity

CPU = torch.device("cpu")
PICTURES = torch.randint(0, 256, (2, 3, 16, 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def opened(extractor: Inception, cache: Path) -> FeatureNetwork:
    split = Split(PICTURES, torch.zeros(2, 0, dtype=torch.bool))
    return extractor.open(Data(split, split, digest=""), cache, CPU)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An empty torch hub folder on a machine without a network."""

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise URLError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    return tmp_path / "checkpoints" / FILE


def random_network() -> nn.Module:
    """torch-fidelity's own network with random weights and random statistics of its batch norms."""
    fidelity = load_torch_fidelity()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fidelity.feature_extractor_inceptionv3, "load_state_dict_from_url", lambda *a, **k: {})
        patch.setattr(fidelity.FeatureExtractorInceptionV3, "load_state_dict", lambda self, state: None)
        network: nn.Module = fidelity.FeatureExtractorInceptionV3("random", ["2048", "logits_unbiased"])
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.1, 0.1)  # type: ignore[arg-type]
            nn.init.uniform_(module.running_var, 0.05, 0.2)  # type: ignore[arg-type]
    return network


def test_missing_weights_say_which_file_goes_where(offline: Path) -> None:
    with pytest.raises(ExtractorError) as caught:
        opened(Inception(), offline)
    message = str(caught.value)
    assert str(offline) in message
    assert "efflite0" in message
    assert "no network" in message
    assert "\n" not in message


def test_a_given_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExtractorError, match="nowhere"):
        opened(Inception(weights=str(tmp_path / "nowhere.pth")), tmp_path)


def test_files_with_wrong_content_are_named(offline: Path) -> None:
    offline.parent.mkdir()
    offline.write_bytes(b"half a download")
    with pytest.raises(ExtractorError, match="damaged"):
        opened(Inception(), offline)
    with pytest.raises(ExtractorError, match="inception-v3-compat"):
        opened(Inception(weights=str(offline)), offline)
    torch.save({"some": torch.zeros(1)}, offline)
    with pytest.raises(ExtractorError, match="inception-v3-compat"):
        opened(Inception(weights=str(offline)), offline)


def test_weights_in_the_true_format_open_and_give_torch_fidelitys_features(tmp_path: Path) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        own = random_network()
    path = tmp_path / "random.pth"
    torch.save(own.state_dict(), path)
    found = opened(Inception(weights=str(path)), tmp_path)(PICTURES)
    with torch.no_grad():
        features, logits = own(PICTURES)
    assert found.features_NF.shape == (2, 2048)
    assert found.logits_NK.shape == (2, 1008)
    torch.testing.assert_close(found.features_NF, features, rtol=1e-3, atol=1e-4 * float(features.abs().max()))
    torch.testing.assert_close(found.logits_NK, logits, rtol=1e-3, atol=1e-4 * float(logits.abs().max()))

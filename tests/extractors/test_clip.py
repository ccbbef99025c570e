from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from vaegan_bench.api import Extractor, ExtractorError, FeatureNetwork
from vaegan_bench.metrics.extractors.clip import ENCODERS, ClipRN50, ClipViTB32, weights_of
from vaegan_bench.metrics.extractors.published_extractor import PublishedExtractor
from vaegan_bench.registry.discovery import summary_line
from vaegan_bench.system.files import sha256_of_file
from vaegan_bench.system.vision import load_torch_fidelity

Opened = Callable[[Extractor], FeatureNetwork]
SIDE, EMBED = 64, 24
LAYERS: Mapping[type[PublishedExtractor], tuple[int, int, int, int] | int] = {ClipRN50: (1, 2, 1, 1), ClipViTB32: 2}


class Holder(nn.Module):
    """Names for tensors, as a TorchScript archive keeps them."""

    def forward(self, x: Tensor) -> Tensor:
        return x

    def hold(self, name: str, tensor: Tensor) -> None:
        first, dot, rest = name.partition(".")
        if not dot:
            self.register_buffer(first, tensor)
            return
        if first not in self._modules:
            self.add_module(first, Holder())
        self.get_submodule(first).hold(rest, tensor)  # type: ignore[operator]


def write_archive(path: Path, layers: tuple[int, int, int, int] | int) -> None:
    """OpenAI's format, with the weights of a small random network; torch-fidelity reads the sizes off the weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        visual = load_torch_fidelity().feature_extractor_clip.CLIPVisual(EMBED, SIDE, layers, 64, 16)
    text = {"text_projection": torch.zeros(8, EMBED), "logit_scale": torch.zeros(()), "ln_final.weight": torch.zeros(8)}
    holder = Holder()
    for name, tensor in {**visual.state_dict(), **text}.items():
        holder.hold(name, tensor.half() if tensor.is_floating_point() else tensor)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(holder).save(str(path))


@pytest.mark.parametrize("encoder", LAYERS)
def test_features_are_torch_fidelitys(
    encoder: type[PublishedExtractor], opened: Opened, images: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "random.pt"
    write_archive(path, LAYERS[encoder])
    known = load_torch_fidelity().feature_extractor_clip.MODEL_METADATA[encoder.name]
    monkeypatch.setitem(known, "hash", sha256_of_file(path))
    network = opened(encoder(weights=str(path)))
    found = network(images)
    with torch.random.fork_rng(devices=[]):
        own = load_torch_fidelity().FeatureExtractorCLIP(encoder.name, ["clip"], str(path))
    with torch.no_grad():
        (expected,) = own(images)
    assert found.features_NF.shape == (2, EMBED)
    assert found.logits_NK.shape == (2, 0)
    torch.testing.assert_close(found.features_NF, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))
    assert not torch.allclose(expected[0], expected[1], rtol=1e-2)
    assert network.name == encoder.name
    assert dict(network.protocol) == {"resize": f"bilinear (TensorFlow 1) {SIDE}x{SIDE}", "dtype": "float32"}


def test_an_archive_with_another_hash_is_never_loaded(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "other.pt"
    write_archive(path, LAYERS[ClipViTB32])
    monkeypatch.setattr(torch.jit, "load", lambda *args, **kwargs: pytest.fail("loaded"))
    with pytest.raises(ExtractorError, match="theirs with 40d36571"):
        opened(ClipViTB32(weights=str(path)))


def test_the_file_is_the_one_that_torch_fidelity_keeps() -> None:
    known = weights_of("clip-vit-b-32")
    assert known.file == f"clip-vit-b-32-{known.sha256}.pt"
    assert known.url.endswith(f"/{known.sha256}/ViT-B-32.pt")
    assert len(known.sha256) == 64


def test_docstrings_are_sentences_about_each() -> None:
    lines = [summary_line(encoder) for encoder in ENCODERS]
    assert len(set(lines)) == 9
    assert all(line.endswith(".") and "Radford" in line for line in lines)
    assert lines[0].startswith("1024 features of CLIP's image encoder ResNet-50 (Radford et al., 2021)")

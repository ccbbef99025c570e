from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from vaegan_bench.api import Extractor, ExtractorError, FeatureNetwork
from vaegan_bench.metrics.extractors import vgg16
from vaegan_bench.metrics.extractors.vgg16 import VGG16
from vaegan_bench.system.vision import load_torch_fidelity, load_torchvision

Opened = Callable[[Extractor], FeatureNetwork]


@pytest.fixture(scope="module", autouse=True)
def _no_initial_weights() -> Iterator[None]:
    """Drawing 138 million weights, only to replace them, takes seconds each time."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("normal_", "uniform_", "kaiming_normal_", "kaiming_uniform_"):
            patch.setattr(nn.init, name, lambda tensor, *args, **kwargs: tensor)
        yield


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """torchvision's names and shapes, with random weights that neither vanish nor explode."""
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in load_torchvision().models.vgg16().state_dict().items()}
    noise = torch.Generator().manual_seed(0)
    path: Path = tmp_path_factory.mktemp("vgg16") / "random.pth"
    torch.save({name: spread(shape, noise) for name, shape in shapes.items()}, path)
    return path


def spread(shape: torch.Size, noise: torch.Generator) -> Tensor:
    """Random weights whose rows overlap in memory, so that the file has a thousandth of the 528 MB."""
    strides = (7, 3, 2, 1)[-len(shape) :]
    few = torch.rand(1 + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True)), generator=noise)
    bound: float = (6 / max(1, shape[1:].numel())) ** 0.5
    return (bound * (2 * few - 1)).as_strided(shape, strides)


@pytest.fixture
def any_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vgg16, "KNOWN", replace(vgg16.KNOWN, sha256=""))


@pytest.mark.usefixtures("any_hash")
def test_features_are_torch_fidelitys(weights: Path, opened: Opened, images: Tensor) -> None:
    network = opened(VGG16(weights=str(weights)))
    found = network(images)
    with torch.random.fork_rng(devices=[]):
        own = load_torch_fidelity().FeatureExtractorVGG16("vgg16", ["fc2_relu"], str(weights))
    with torch.no_grad():
        (expected,) = own(images)
    assert found.features_NF.shape == (2, 4096)
    assert found.logits_NK.shape == (2, 0)
    torch.testing.assert_close(found.features_NF, expected, rtol=1e-4, atol=1e-4 * float(expected.max()))
    assert not torch.allclose(expected[0], expected[1], rtol=1e-2)
    assert network.name == "vgg16"
    assert dict(network.protocol) == {"resize": "bilinear (TensorFlow 1) 224x224", "dtype": "float32"}


def test_other_weights_are_refused(weights: Path, opened: Opened) -> None:
    with pytest.raises(ExtractorError, match="theirs with 397923af"):
        opened(VGG16(weights=str(weights)))


@pytest.mark.usefixtures("any_hash")
def test_a_file_that_would_run_code_is_not_run(opened: Opened, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    torch.save({"features.0.weight": Trap()}, tmp_path / "trap.pth")
    with pytest.raises(ExtractorError, match="does not hold weights of"):
        opened(VGG16(weights=str(tmp_path / "trap.pth")))
    assert not (tmp_path / "sprung").exists()

"""LPIPS: maps of VGG-16 and weights of channels as torch-fidelity has them, with random weights in the true format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from shell import bench
from torch import Tensor
from vaegan_bench_perceptual import PerceptualDistance, PerceptualError, VGG16Maps, channel_weights, vgg16_maps
from vaegan_bench_perceptual.features import opened
from vaegan_bench_perceptual.maps import map_distance

from vaegan_bench.api import Data, ExtractorError, PluginError, Prediction, Split
from vaegan_bench.metrics.extractors.efflite0 import EffLite0
from vaegan_bench.metrics.extractors.frozen_network import FrozenNetwork
from vaegan_bench.metrics.extractors.published_weights import WeightsFile
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.system.vision import load_torchvision
from vaegan_bench.testing.worlds import StandIn, StandInOutputs

CPU = torch.device("cpu")
CHANNELS = (64, 128, 256, 512, 512)


def noise_images(n: int, seed: int, size: int = 32) -> Tensor:
    noise = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, 3, size, size), generator=noise, dtype=torch.uint8)


NONE = Split(noise_images(1, 0), torch.zeros(1, 0, dtype=torch.bool))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Weights of VGG-16's convolutions and of LPIPS's channels: true names and shapes, random values."""
    with torch.device("meta"):
        layers = load_torchvision().models.vgg16().features
    noise, folder = torch.Generator().manual_seed(4), tmp_path_factory.mktemp("lpips")
    state = {
        f"features.{name}": torch.randn(each.shape, generator=noise) * (2 / max(9, each[0].numel())) ** 0.5
        for name, each in layers.state_dict().items()
    }
    torch.save(state, folder / "vgg16.pth")
    fitted = {
        f"lin{place}.model.1.weight": torch.rand(1, channels, 1, 1, generator=noise)
        for place, channels in enumerate(CHANNELS)
    }
    torch.save(fitted, folder / "lpips.pth")
    return folder / "vgg16.pth", folder / "lpips.pth"


@pytest.fixture(autouse=True)
def _any_hash(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(vgg16_maps, "KNOWN", replace(vgg16_maps.KNOWN, sha256=""))
    opened.cache_clear()
    yield
    opened.cache_clear()


def open_maps(path: Path) -> FrozenNetwork:
    network = VGG16Maps(weights=str(path)).open(Data(NONE, NONE, digest=""), path.parent, CPU)
    assert isinstance(network, FrozenNetwork)
    return network


def lpips_of_torch_fidelity(files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> torch.nn.Module:
    """Its own module, whose two files are ours."""
    from torch_fidelity import sample_similarity_lpips as theirs

    state = torch.load(files[0], weights_only=True)
    with torch.device("meta"):
        layers = load_torchvision().models.vgg16().features
    layers.load_state_dict({name.removeprefix("features."): each for name, each in state.items()}, assign=True)
    monkeypatch.setattr(theirs, "torchvision_load_pretrained_vgg16", lambda: SimpleNamespace(features=layers))
    fitted = torch.load(files[1], weights_only=True)
    monkeypatch.setattr(theirs, "load_state_dict_from_url", lambda *args, **kwargs: fitted)
    with torch.random.fork_rng(devices=[]):
        module: torch.nn.Module = theirs.SampleSimilarityLPIPS("lpips")
    return module


def test_it_is_torch_fidelitys(files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = noise_images(3, 1), noise_images(3, 2)
    b[2] = a[2] // 16 * 16  # an image that resembles its partner
    with torch.no_grad():
        expected = lpips_of_torch_fidelity(files, monkeypatch)(a, b)
    found = map_distance(open_maps(files[0]), a.float(), b.float(), str(files[1]))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)
    assert expected[2] < 0.5 * expected[0]
    unweighted = map_distance(open_maps(files[0]), a.float(), b.float(), None)
    assert not torch.allclose(unweighted, expected, rtol=0.1)


def test_the_loss_is_lpips_times_the_number_of_values_and_has_its_gradient(files: tuple[Path, Path]) -> None:
    a, b = (noise_images(2, seed, size=16).float() / 127.5 - 1 for seed in (1, 2))
    loss = PerceptualDistance(extractor=VGG16Maps(weights=str(files[0])), channels=str(files[1]))
    mean = a.clone().requires_grad_()
    value = loss(Prediction(mean), b)
    levels_a, levels_b = ((x + 1) * 127.5 for x in (a, b))
    torch.testing.assert_close(
        value, map_distance(open_maps(files[0]), levels_a, levels_b, str(files[1])) * 3 * 16 * 16
    )
    (gradient,) = torch.autograd.grad(value.sum(), mean)
    step, size = 1e-2, gradient.norm()
    ahead, behind = (loss(Prediction(a + s * gradient / size), b).sum() for s in (step, -step))
    torch.testing.assert_close((ahead - behind) / (2 * step), size, rtol=0.02, atol=0)


def test_features_are_the_means_of_all_channels_and_grey_is_a_colour(files: tuple[Path, Path]) -> None:
    network, images = open_maps(files[0]), noise_images(2, 1)
    found = network(images)
    maps = network.maps(images.float())
    assert [tuple(each.shape[1:]) for each in maps] == [(n, 32 >> i, 32 >> i) for i, n in enumerate(CHANNELS)]
    torch.testing.assert_close(found.features_NF, torch.cat([each.mean((2, 3)) for each in maps], 1))
    grey = images[:, :1]
    torch.testing.assert_close(network(grey).features_NF, network(grey.expand(-1, 3, -1, -1)).features_NF)


def test_the_metric_is_the_mean_over_images_and_is_called_lpips_with_its_weights_alone(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        channel_weights, "known_file", lambda published, given: WeightsFile(files[1], "0123456789abcdef")
    )
    channel_weights.channel_weights.cache_clear()
    real, made = noise_images(70, 5, size=16), noise_images(70, 6, size=16)
    network = open_maps(files[0])
    outputs = StandInOutputs(data=Data(NONE, NONE, digest=""), real=real, samples=made, opened=network)
    maps = VGG16Maps(weights=str(files[0]))
    assert PerceptualError(extractor=maps)(outputs) == []  # of a model without an encoder
    outputs = replace(outputs, reconstructions=made)
    [row] = PerceptualError(extractor=maps, channels="lpips")(outputs)
    with torch.no_grad():
        expected = map_distance(network, made.float(), real.float(), "lpips").mean()
    assert (row.metric, row.value, row.direction) == ("lpips", pytest.approx(float(expected), rel=1e-5), "lower")
    assert {"extractor": "vgg16-maps", "channels": "lpips", "n_real": 70}.items() <= row.protocol.items()
    assert row.protocol["channel_weights"] == "0123456789ab"  # two files of one name are two protocols
    [row] = PerceptualError(extractor=maps)(outputs)
    assert row.metric == "perceptual[vgg16-maps]"
    assert "channels" not in row.protocol
    [row] = PerceptualError(extractor=StandIn(), channels="lpips")(outputs)  # someone else's maps of as many channels
    assert (row.metric, row.protocol["channels"]) == ("perceptual[vgg16-maps]", "lpips")
    channel_weights.channel_weights.cache_clear()


def test_weights_of_other_maps_are_refused(files: tuple[Path, Path]) -> None:
    black = torch.zeros(1, 3, 32, 32)
    loss = PerceptualDistance(extractor=EffLite0(), channels=str(files[1]))
    with pytest.raises(PluginError, match=r"weights for maps of \[64, 128, 256, 512, 512\] channels, .*\[16, 24, 40"):
        loss(Prediction(black), black)


def test_files_that_are_missing_or_hold_something_else_are_one_line(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ExtractorError, match=r"The weights of 'lpips' are not at .*/none.pth: put https://github.com"):
        channel_weights.channel_weights(str(tmp_path / "none.pth"), CPU)
    with pytest.raises(ExtractorError, match="does not hold weights of 'vgg16-maps'"):
        open_maps(files[1])
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setenv("VAEGAN_BENCH_OFFLINE", "1")
    with pytest.raises(ExtractorError, match=r"'vgg16-maps' could not be fetched .*: put https://download.pytorch.org"):
        VGG16Maps().open(Data(NONE, NONE, digest=""), tmp_path, CPU)


def test_lpips_is_known_by_its_name() -> None:
    registry = Registry(["vaegan_bench_perceptual"])
    metric = registry.build(PerceptualError, "perceptual[extractor=vgg16-maps,channels=lpips]")
    assert metric == PerceptualError(extractor=VGG16Maps(), channels="lpips")
    plugin = ("--plugin", "vaegan_bench_perceptual")
    done = bench("evaluate", "--metrics", "lpips", *plugin, "--originals", "a", "--reconstructions", "b")
    assert done.returncode == 2
    assert "perceptual[extractor=vgg16-maps,channels=lpips]" in done.stderr

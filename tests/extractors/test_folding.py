from __future__ import annotations

import torch
from torch import nn

from vaegan_bench.metrics.extractors.folding import fold_batch_norm


def small_network() -> nn.Module:
    block = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU())
    return nn.Sequential(nn.BatchNorm2d(3), block, nn.Conv2d(4, 5, 1), nn.BatchNorm2d(5))


def test_folding_keeps_the_function_and_removes_the_norms() -> None:
    with torch.random.fork_rng(devices=[]):
        network = small_network()
    x = torch.randn(8, 3, 9, 9, generator=torch.Generator().manual_seed(0))
    network(3 * x + 1)
    expected = network.eval()(x)
    folded = fold_batch_norm(network)
    torch.testing.assert_close(folded(x), expected)
    norms = [module for module in folded.modules() if isinstance(module, nn.BatchNorm2d)]
    assert len(norms) == 1, "the first norm has no convolution before it"


def test_only_a_norm_right_behind_a_convolution_is_folded() -> None:
    with torch.random.fork_rng(devices=[]):
        after_relu = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.BatchNorm2d(4))
        twice = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4), nn.BatchNorm2d(4))
    x = torch.randn(8, 3, 9, 9, generator=torch.Generator().manual_seed(0))
    for network in (after_relu, twice):
        network(3 * x + 1)
        expected = network.eval()(x)
        folded = fold_batch_norm(network)
        torch.testing.assert_close(folded(x), expected)
        assert sum(isinstance(module, nn.BatchNorm2d) for module in folded.modules()) == 1

"""Every built-in network computes in a browser what it computes in torch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import torch
from programs import differences, disturb, run_in, run_plain
from small_studies import tables_alone
from torch import Tensor
from vaegan_bench_rivals.discriminators import CodeDiscriminator
from vaegan_bench_tokenizers.tokenizer import Tokenizer

import vaegan_bench as vb
from vaegan_bench.api import ImageShape, Networks
from vaegan_bench.networks.compact import Compact
from vaegan_bench.networks.deterministic import DeterministicEncoder
from vaegan_bench.networks.larsen import Larsen
from vaegan_bench.networks.spectral import Spectral
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.report.page.live import live_content
from vaegan_bench.report.page.portable import portable
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.testing.passes import build_network, outputs
from vaegan_bench.testing.small import NETWORKS

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROLES = ("encoder", "decoder", "discriminator")
SIZES: list[tuple[Networks, int]] = [
    *((Compact(), size) for size in (16, 32, 64, 128)),
    *((Larsen(hidden=48), size) for size in (32, 64)),
    (Spectral(), 32), (Spectral(networks=Larsen(hidden=48)), 32),
]  # fmt: skip


def cases() -> Iterator[object]:
    for networks, size in SIZES:
        for role in ROLES:
            for conditions in (0, 3) if size <= 32 else (0,):
                heads = 2 if conditions and role == "decoder" else 1
                yield pytest.param(networks, size, role, heads, conditions, id=f"{networks}-{size}-{role}-{conditions}")


def example(role: str, networks: Networks, shape: ImageShape, conditions: int) -> list[Tensor]:
    """Two images or codes, and their attributes where the network takes some."""
    noise = torch.Generator().manual_seed(7)
    sizes = (networks.latent,) if role == "decoder" else tuple(shape)
    given = torch.randn(2, *sizes, generator=noise)
    whole = [given if role == "decoder" else given.tanh()]
    return [*whole, torch.randn(2, conditions, generator=noise)] if conditions else whole


@pytest.mark.parametrize(("networks", "size", "role", "heads", "conditions"), list(cases()))
def test_it_equals_torch(page: Page, networks: Networks, size: int, role: str, heads: int, conditions: int) -> None:
    shape = ImageShape(3, size, size)
    network = disturb(build_network(networks, role, shape, heads, conditions))
    inputs = example(role, networks, shape, conditions)
    with torch.no_grad():
        wanted = outputs(network, *(x.clone() for x in inputs))
    found = run_in(page, portable(network, *inputs), *inputs)
    for y, z in zip(wanted, found, strict=True):
        both = [y[0].tanh(), z.tanh()] if role == "decoder" else [y[0], z]
        assert torch.allclose(*both, rtol=0, atol=1e-4)  # a page may be off by 1e-3 with weights of 16 bits


def test_a_plugins_encoder_without_a_variance_equals_torch(page: Page) -> None:
    shape = ImageShape(3, 16, 16)
    inner = build_network(NETWORKS, "encoder", shape)
    encoder, images = disturb(DeterministicEncoder(inner, frozenset())), example("encoder", NETWORKS, shape, 0)[0]
    with torch.no_grad():
        mu, _ = encoder(images)
    means, logvar = run_in(page, portable(encoder, images), images)
    assert torch.allclose(mu[0], means, atol=1e-4)
    assert logvar.isneginf().all()


def test_a_plugins_discriminator_of_codes_equals_torch(page: Page) -> None:
    with torch.random.fork_rng():
        discriminator = CodeDiscriminator(5, 7, 2).eval()
    assert max(differences(page, discriminator, torch.linspace(-2, 2, 10).view(2, 5))) < 1e-5


@pytest.mark.parametrize("role", ROLES)
def test_a_plugins_networks_with_grids_of_codes_equal_torch(page: Page, role: str) -> None:
    networks, shape = Tokenizer(channels=3, grid=8, width=8), ImageShape(3, 32, 32)
    network = disturb(build_network(networks, role, shape))
    (wanted, *_), (found, *_) = (
        compute(*example(role, networks, shape, 0))
        for compute in (lambda x: outputs(network, x), lambda x: run_in(page, portable(network, x), x))
    )
    assert torch.allclose(wanted[0].detach(), found, rtol=0, atol=2e-4)


QUANTISED = ["vq-vae", "vq-vae[quantiser=fsq[levels=5 3 4]]"]


@pytest.fixture(scope="module")
def quantised(tmp_path_factory: pytest.TempPathFactory) -> StudyFolder:
    """Two models that were trained for a few steps, whose codes are members of a finite set."""
    path = tmp_path_factory.mktemp("quantised")
    with tables_alone():
        vb.run(
            "smoke", models=QUANTISED, networks="tokenizer[channels=3,grid=4,width=8]", size=32, steps=3, samples=32,
            seeds=1, metrics=["reconstruction"], calibrate=False, plugins=["vaegan_bench_tokenizers"], results=path,
            cache=path,
        )  # fmt: skip
    return StudyFolder(path / "smoke")


@pytest.mark.parametrize("model", QUANTISED)
def test_quantised_codes_are_those_of_torch_and_are_decoded_as_there(
    page: Page, quantised: StudyFolder, model: str
) -> None:
    content, _ = live_content(quantised, Registry(["vaegan_bench_tokenizers"]), QUANTISED)
    assert content is not None
    plain = content["models"][QUANTISED.index(model)]
    (run,) = (run for run in quantised.runs() if run.record().label == model)
    trained = vb.load_model(run.path, "cpu", plugins=["vaegan_bench_tokenizers"])
    images = trained.sample(5).tanh()  # of different codes, so that tokens differ
    mu = trained.encode(images).mu_BZ
    assert len(torch.unique(mu[0].view(3, -1), dim=1).T) > 1
    (code,) = run_plain(page, plain["encoder"], images)
    assert ((code - mu[0]).abs() < 1e-5).float().mean() > 0.95  # on a border between two, weights of 16 bits decide
    between = (mu[:1] + mu[1:2]) / 2
    for given in (mu[1:2], between + 0.03):
        (image,) = run_plain(page, plain["decoder"], given)
        assert torch.allclose(image.tanh(), trained.decode(given)[0], rtol=0, atol=1e-3)

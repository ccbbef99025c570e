"""torch-fidelity's Inception: the only network whose Fréchet distance may be called FID."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

from vaegan_bench.api import Data, Extractor, ExtractorError, FeatureNetwork, Progress, silent
from vaegan_bench.extractors.folding import fold_batch_norm
from vaegan_bench.extractors.frozen_network import Forward, FrozenNetwork, to_rgb
from vaegan_bench.extractors.weights import sha256_of_file
from vaegan_bench.vision import load_torch_fidelity

HASH_PREFIX = "6726825d"
FILE = f"weights-inception-2015-12-05-{HASH_PREFIX}.pth"
PROTOCOL = {"resize": "bilinear (TensorFlow 1) 299x299", "dtype": "float32"}
WANTED = ["2048", "logits_unbiased"]
OFFLINE = "or use the extractor 'efflite0', which needs no download"


@dataclass(frozen=True, kw_only=True)
class Inception(Extractor):
    """2048 pooled features and 1008 unbiased logits of the TensorFlow Inception of 2015, as in torch-fidelity.

    The network of the FID (Heusel et al., 2017) and of the inception score (Salimans et al., 2016).
    """

    name: ClassVar[str] = "inception"

    weights: str | None = None
    """A file of its weights in torch-fidelity's format; by default the one in torch.hub's folder, fetched if absent."""

    def open(self, data: Data, cache: Path, device: torch.device, progress: Progress = silent) -> FeatureNetwork:
        """Load the network; `data` and `cache` are not used.

        Raises `ExtractorError` where the weights are neither there nor to be fetched, or are damaged.
        """
        path = _fetched() if self.weights is None else _given(Path(self.weights).expanduser())
        return FrozenNetwork(
            name=self.name,
            digest=sha256_of_file(path),
            protocol=PROTOCOL,
            forward=_forward(_network(path).to(device)),
            device=device,
            batch=8 if device.type == "cpu" else 128,
        )


def default_path() -> Path:
    """Where torch.hub, and so torch-fidelity, keeps the weights."""
    return Path(torch.hub.get_dir()) / "checkpoints" / FILE


def _given(path: Path) -> Path:
    if not path.is_file():
        raise ExtractorError(f"Inception's weights are not at {path}: put {FILE} there, {OFFLINE}.")
    return path


def _fetched() -> Path:
    path = default_path()
    if not path.is_file():
        _fetch(path)
    if not sha256_of_file(path).startswith(HASH_PREFIX):
        raise ExtractorError(f"{path} is damaged (its SHA-256 does not start with {HASH_PREFIX}): remove it.")
    return path


def _fetch(path: Path) -> None:
    url: str = load_torch_fidelity().feature_extractor_inceptionv3.URL_INCEPTION_V3
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(path), hash_prefix=HASH_PREFIX, progress=False)
    except (OSError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise ExtractorError(
            f"Inception's weights could not be fetched ({reason}): put {url} at {path}, {OFFLINE}."
        ) from error


def _network(path: Path) -> nn.Module:
    build = load_torch_fidelity().FeatureExtractorInceptionV3
    try:
        # torch-fidelity unpickles whatever the file holds; a file of plain tensors can do no harm.
        torch.load(path, map_location="cpu", weights_only=True)
        with torch.random.fork_rng(devices=[]):
            network = build("inception-v3-compat", WANTED, feature_extractor_weights_path=str(path))
    except Exception as error:  # the unpickler raises whatever the damage leads it to
        raise ExtractorError(f"{path} does not hold weights of torch-fidelity's inception-v3-compat.") from error
    return fold_batch_norm(network).to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def _forward(network: nn.Module) -> Forward:
    def forward(images_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        features_BF, logits_BK = network(to_rgb(images_BCHW).contiguous(memory_format=torch.channels_last))
        return features_BF, logits_BK

    return forward

"""Objects that all runs on one data set share: opened extractors, and features of the real images, kept on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from vaegan_bench.api import (
    Data,
    Derive,
    Extractor,
    ExtractorError,
    FeatureNetwork,
    Features,
    Metric,
    PluginError,
    Progress,
    definition,
    silent,
)
from vaegan_bench.registry.plugins import extractors_within, plugins_within
from vaegan_bench.system.code import code_behind
from vaegan_bench.system.device import has_float64
from vaegan_bench.system.errors import failing_as
from vaegan_bench.system.tensor_files import State, load_or_make

RealSource = Literal["real", "train"]
Key = tuple[str, ...]


class References:
    """Extractors, and features of real images with what metrics derive from them, for all runs on one data set.

    Results are kept under `cache`, addressed by the content that decides them: a hash of the images themselves, of the
    extractor's weights, settings and code, and of the derived quantity's parameters and code. So they serve all
    studies, and nothing stale is ever read.
    """

    def __init__(self, data: Data, cache: Path, device: torch.device, progress: Progress = silent) -> None:
        self.data, self.cache, self.device, self.progress = data, cache, device, progress
        self._networks: dict[str, FeatureNetwork] = {}
        self._hashes: dict[tuple[RealSource, int], str] = {}
        self._known: dict[Key, State] = {}
        self._images: dict[tuple[RealSource, int], Tensor] = {}

    def network(self, extractor: Extractor) -> FeatureNetwork:
        """The extractor that is chosen for the data, opened at its first use."""
        extractor = extractor.chosen_for(self.data)
        key = str(definition(extractor))
        if key not in self._networks:
            self._networks[key] = extractor.open(self.data, self.cache, self.device, self.progress)
        return self._networks[key]

    def weights(self) -> dict[str, str]:
        """Opened extractor → a hash of its weights."""
        return {key: network.digest for key, network in self._networks.items()}

    def images(self, source: RealSource, n: int) -> Tensor:
        """The first n held-out or training images: one tensor for all that ask, as `memo` needs it."""
        if (source, n) not in self._images:
            split = self.data.test if source == "real" else self.data.train
            self._images[source, n] = split.images_NCHW[:n]
        return self._images[source, n]

    def features(self, extractor: Extractor, source: RealSource, n: int) -> Features:
        """Features of the first n held-out or training images."""
        extractor = extractor.chosen_for(self.data)

        def extract() -> State:
            found = self.network(extractor)(self.images(source, n), self.progress)
            return {"features": found.features_NF, "logits": found.logits_NK}

        state = self._load_or_make(("features", *self._origin(extractor, source, n)), extract)
        return Features(state["features"], state["logits"])

    def reference(self, extractor: Extractor, n: int, derive: Derive, parameters: Mapping[str, object]) -> State:
        """`derive(features of the first n held-out images, **parameters)`.

        Raises `PluginError` where `derive` is not a module-level function.
        """
        demand_module_level(derive)
        key = (derive.__qualname__, code_behind(derive).digest, json.dumps(dict(parameters), sort_keys=True))
        origin = self._origin(extractor, "real", n)
        return self._load_or_make((*key, *origin), lambda: derive(self.features(extractor, "real", n), **parameters))

    def compared(self, extractor: Extractor, n: int, key: Key, build: Callable[[], State]) -> State:
        """The result of `build`, which compares the first n training images with as many held-out ones, kept on disk.

        `key` states how they are compared: the same key, extractor and images give the stored result.
        """
        return self._load_or_make((*key, *self._origin(extractor, "real", n), self._hash("train", n)), build)

    def _origin(self, extractor: Extractor, source: RealSource, n: int) -> Key:
        """All that decides the features of real images, as parts of a key."""
        extractor = extractor.chosen_for(self.data)
        network = self.network(extractor)
        how = json.dumps([definition(extractor), dict(network.protocol)], sort_keys=True)
        code = code_behind(*map(type, plugins_within(extractor))).digest
        return (self._hash(source, n), network.digest, how, code, self.device.type, torch.__version__)

    def _hash(self, source: RealSource, n: int) -> str:
        if (source, n) not in self._hashes:
            images = self.images(source, n).cpu().contiguous()
            digest = hashlib.sha256(str(tuple(images.shape)).encode())
            digest.update(images.numpy().data)
            self._hashes[source, n] = digest.hexdigest()
        return self._hashes[source, n]

    def _load_or_make(self, key: Key, build: Callable[[], State]) -> State:
        """The result of `build`, from memory or disk, or computed now; on this process's device if that has float64."""
        if key not in self._known:
            name = hashlib.sha256("\n".join(key).encode()).hexdigest()[:32]
            state, _ = load_or_make(self.cache / "references" / f"{name}.safetensors", lambda: (build(), {}))
            where = self.device if has_float64(self.device) else "cpu"
            self._known[key] = {part: tensor.to(where) for part, tensor in state.items()}
        return self._known[key]


def demand_module_level(derive: Derive) -> None:
    """Refuse a method, a local function or a lambda: it may use values that no key contains. Raises `PluginError`."""
    name = getattr(derive, "__qualname__", str(derive))
    if not name.isidentifier():
        raise PluginError(
            f"'{name}' is handed to outputs.reference: hand it a module-level function, and the values that it needs "
            "as parameters, because its result is kept under its code and these."
        )


def open_extractors(metrics: Iterable[Metric], references: References) -> None:
    """Open the extractors of metrics that come with weights, so that errors show before anything else is done.

    Raises `ExtractorError` where weights are missing or wrong.
    """
    for extractor in extractors_within(metrics):
        if not extractor.learns:
            with failing_as(ExtractorError, f"Extractor '{extractor}' cannot be opened"):
                references.network(extractor)


class LoadedReferences:
    """One `References` per data set, for a process that measures runs on several."""

    def __init__(self, cache: Path, device: torch.device, progress: Progress = silent) -> None:
        self.cache, self.device, self.progress = cache, device, progress
        self._opened: dict[str, References] = {}

    def of(self, data: Data) -> References:
        """The `References` of all runs on these data."""
        if data.digest not in self._opened:
            self._opened[data.digest] = References(data, self.cache, self.device, self.progress)
        return self._opened[data.digest]

    def weights(self) -> dict[str, dict[str, str]]:
        """Digest of the data → opened extractor → a hash of its weights."""
        return {digest: references.weights() for digest, references in self._opened.items()}

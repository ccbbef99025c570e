"""The usual extractor of metrics: features of the data's own attributes where there are any, of ImageNet otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import torch

from vaegan_bench.api import Data, Extractor, FeatureNetwork, Progress, silent
from vaegan_bench.metrics.extractors.efflite0 import EffLite0
from vaegan_bench.metrics.extractors.oracle import Oracle


@dataclass(frozen=True, kw_only=True)
class Native(Extractor):
    """The extractor `labelled` where the data have attributes or classes, `unlabelled` otherwise.

    Numbers carry the name and the protocol of the one that was used.
    """

    name: ClassVar[str] = "native"
    learns: ClassVar[bool] = True

    labelled: Extractor = field(default_factory=Oracle)
    unlabelled: Extractor = field(default_factory=EffLite0)

    def chosen_for(self, data: Data) -> Extractor:
        """One of both, by whether the data have attributes; classes are attributes, too."""
        return (self.labelled if data.attribute_names else self.unlabelled).chosen_for(data)

    def open(self, data: Data, cache: Path, device: torch.device, progress: Progress = silent) -> FeatureNetwork:
        """Open the one that is chosen for the data; raises as that does."""
        return self.chosen_for(data).open(data, cache, device, progress)

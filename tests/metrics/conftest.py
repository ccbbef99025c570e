from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from vaegan_bench.api import Extractor, Features, Outputs, Source
from vaegan_bench.testing.worlds import Signs, StandIn, StandInNetwork, StandInOutputs, data_of, pixels


@pytest.fixture
def of_features() -> Callable[[Tensor, Tensor], Outputs]:
    """Outputs with given features, which also serve as logits."""

    def build(real_NF: Tensor, fake_NF: Tensor) -> Outputs:
        blank = torch.zeros(2, 3, 4, 4, dtype=torch.uint8)
        given: dict[Source, Features] = {"real": Features(real_NF, real_NF), "samples": Features(fake_NF, fake_NF)}
        return StandInOutputs(data_of(blank), blank, blank, StandInNetwork(pixels, pixels), given=given)

    return build


@pytest.fixture
def signs() -> StandInOutputs:
    return Signs().outputs()


@pytest.fixture
def stand_in() -> Extractor:
    return StandIn()

"""The package's plugins keep the contract of vaegan-bench, except for the sign that pythae's own routing has wrong."""

from __future__ import annotations

import pytest
from vaegan_bench_pythae import PythaeVAEGAN

from vaegan_bench.testing import Case, ConformanceError, cases
from vaegan_bench.testing.models import sides_pull_against_each_other

SIGN = Case(PythaeVAEGAN(), sides_pull_against_each_other)


@pytest.mark.parametrize("case", [case for case in cases("vaegan_bench_pythae") if case != SIGN], ids=str)
def test_the_contract_is_kept(case: Case) -> None:
    case()


def test_the_wrong_sign_is_found_and_the_routing_of_the_paper_is_right() -> None:
    with pytest.raises(ConformanceError, match="player 'decoder' lowers the scores of the images that it decodes"):
        SIGN()
    Case(PythaeVAEGAN(routing="paper"), sides_pull_against_each_other)()

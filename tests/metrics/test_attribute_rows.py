from __future__ import annotations

import pytest
import torch

from vaegan_bench.metrics.attributes.rows import Estimate, Kind, auc, means, rows, shares
from vaegan_bench.metrics.intervals import wilson

NAN = float("nan")
RATE = Kind("rate", "higher", "share")


def test_shares_have_wilsons_intervals_and_images_that_were_not_measured_do_not_count() -> None:
    hits = torch.tensor([[1.0, NAN], [0.0, NAN], [1.0, 1.0], [NAN, 0.0]])
    mean, first, second = rows(RATE, shares(hits), ("A", "B"), {"n": 4})
    assert (first.attribute, first.value, (first.low, first.high)) == ("A", pytest.approx(2 / 3), wilson(2, 3))
    assert (second.attribute, second.value, (second.low, second.high)) == ("B", 0.5, wilson(1, 2))
    assert (mean.attribute, mean.value) == ("", pytest.approx((2 / 3 + 1 / 2) / 2))


def test_the_mean_knows_that_its_attributes_share_images() -> None:
    noise = torch.Generator().manual_seed(0)
    hits = (torch.rand(200, 1, generator=noise) < 0.4).double()
    alone, *_ = rows(RATE, means(hits), ("A",), {})
    twice, *_ = rows(RATE, means(hits.expand(-1, 2)), ("A", "B"), {})
    assert (twice.low, twice.high) == pytest.approx((alone.low, alone.high))  # no second image was looked at
    assert alone.high is not None
    assert alone.high - alone.value == pytest.approx(1.96 * float(hits.std()) / 200**0.5, rel=1e-4)


def test_attributes_without_a_number_have_no_row_and_no_part_in_means_or_bounds() -> None:
    values, bounds = torch.tensor([0.2, NAN, 0.6]), torch.tensor([1.0, 0.0, 0.8])
    estimate = Estimate(values, torch.zeros(5, 3))
    found = rows(RATE, estimate, ("A", "B", "C"), {}, ceiling_A=bounds, floor_A=torch.tensor([NAN, NAN, 0.1]))
    assert [row.attribute for row in found] == ["", "A", "C"]
    assert (found[0].value, found[0].ceiling, found[0].floor) == (pytest.approx(0.4), pytest.approx(0.9), None)
    assert (found[2].ceiling, found[2].floor) == (pytest.approx(0.8), pytest.approx(0.1))
    assert rows(RATE, estimate.only(torch.zeros(3, dtype=torch.bool)), ("A", "B", "C"), {}) == []


def test_intervals_stay_in_range_and_none_is_given_where_images_say_nothing_of_it() -> None:
    scores, truth = torch.tensor([1.0, 4, 3, 2, 5, 6])[:, None], torch.tensor([0, 0, 0, 1, 1, 1])[:, None] > 0
    (mean, _) = rows(Kind("auc", "higher"), auc(scores, truth), ("A",), {})
    assert mean.low is not None
    assert 0 < mean.low < mean.value < 1 == mean.high
    (perfect, _) = rows(Kind("auc", "higher"), auc(truth.float(), truth), ("A",), {})
    assert (perfect.value, perfect.low, perfect.high) == (1, None, None)
    (single, _) = rows(Kind("auc", "higher"), auc(scores[2:4], truth[2:4]), ("A",), {})
    assert (single.low, single.high) == (None, None)

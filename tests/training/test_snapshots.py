"""Snapshots as plain data and tensors: what comes back is what was packed, in every bit and in its layout."""

from __future__ import annotations

import json
import math
from collections import OrderedDict, defaultdict
from typing import Any

import pytest
import torch

from vaegan_bench.api import PluginError
from vaegan_bench.training.history import History
from vaegan_bench.training.snapshots import Packed, pack, unpack

CPU = torch.device("cpu")


def returned(value: Any) -> Any:
    """A value after its way through JSON and bytes."""
    packed = pack(value)
    memory = {name: tensor.clone() for name, tensor in packed.memory.items()}
    return unpack(Packed(json.loads(json.dumps(packed.plain, allow_nan=False)), memory), CPU)


@pytest.mark.parametrize(
    "value",
    [
        None, True, 0, -7, 2**80, "σ\n\ud800", 0.1, -0.0, 5e-324, math.inf, -math.inf, [], (), {}, [[]], ((),),
        (1, (2.5, None), [3]), {1: "a", "1": "b", None: 3, (2, "x"): 4.0, True and 7: False}, {"tensor": [1]},
        {"float": "inf", "dict": []}, [{"lr": 1e-3, "betas": (0.9, 0.999), "foreach": None, "params": [0, 1]}],
    ],
    ids=repr,
)  # fmt: skip
def test_plain_data_come_back_with_their_types(value: Any) -> None:
    found = returned(value)
    assert repr(found) == repr(value)  # 0.0 equals −0.0, and 1 equals True


def test_what_is_not_a_number_comes_back() -> None:
    assert math.isnan(returned({"x": [math.nan]})["x"][0])


def test_dictionaries_of_other_kinds_come_back_as_dictionaries_in_their_order() -> None:
    found = returned(OrderedDict(b=defaultdict(dict, {3: {}}), a=1))
    assert list(found.items()) == [("b", {3: {}}), ("a", 1)]
    assert type(found) is type(found["b"]) is dict


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.bool, torch.cfloat])
def test_tensors_come_back_with_every_bit(dtype: torch.dtype) -> None:
    values = torch.tensor([math.nan, math.inf, -0.0, 0.1, 3.0, 1e-45]).to(dtype)
    found = returned([values])[0]
    assert found.dtype == dtype
    assert found.view(torch.uint8).tolist() == values.view(torch.uint8).tolist()


def test_tensors_keep_their_layout_and_begin_where_torch_puts_tensors() -> None:
    kernel = torch.randn(5, 3, 4, 2, generator=torch.Generator().manual_seed(0))
    last = kernel.contiguous(memory_format=torch.channels_last)
    for tensor in (
        last,
        kernel.permute(3, 0, 2, 1),
        kernel[1:, ::2],
        torch.ones(1).expand(3, 2),
        torch.zeros(0, 4),
        torch.tensor(2.0),
    ):
        found = returned({"x": tensor})["x"]
        assert torch.equal(found, tensor)
        assert (found.stride(), found.storage_offset()) == (tensor.stride(), tensor.storage_offset())
        assert found.untyped_storage().data_ptr() % 64 == 0


def test_shared_memory_is_kept_once_and_shared_again() -> None:
    flat = torch.arange(12.0)
    snapshot = {"flat": flat, "views": [flat[:4].view(2, 2), flat[4:]], "again": flat, "other": flat.clone()}
    assert len(pack(snapshot).memory) == 2
    found = returned(snapshot)
    found["flat"][5] = -1.0
    assert found["views"][1][1] == found["again"][5] == -1.0
    assert found["other"][5] == flat[5] == 5.0


def test_lists_and_dictionaries_that_are_shared_are_shared_again() -> None:
    table, items = {3: 0.5}, [1]
    found = returned({"groups": [{"table": table}, {"table": table}], "items": (items, [items], [1])})
    found["groups"][0]["table"][3] = 7.0
    found["items"][0].append(2)
    assert found == {"groups": [{"table": {3: 7.0}}, {"table": {3: 7.0}}], "items": ([1, 2], [[1, 2]], [1])}
    table[4] = table  # type: ignore[assignment]
    found = returned(table)
    assert found[4] is found


@pytest.mark.parametrize("value", [{1}, object(), torch.randn, 1j, torch.ones(2).to_sparse()])
def test_what_no_file_can_keep_is_named_with_its_place(value: Any) -> None:
    with pytest.raises(PluginError, match=r"^optimizers\.0\.best is of the type \w+, which no checkpoint can keep"):
        pack({"optimizers": [{"best": value}]})


def test_a_history_comes_back_with_its_rows_and_with_what_is_pending() -> None:
    whole, resumed = History(["p", "q"]), History(["p", "q"])
    for step, moved in ((1, ["p"]), (2, ["p", "q"]), (3, ["q"])):
        whole.add(step, {"prior": torch.tensor([0.1 * step, 1.0]), f"only {step}": torch.tensor(step + 0.25)}, moved)
        if step == 2:
            whole.flush({"p.prior": 1}, {"p.prior": math.inf})  # a coefficient without a decimal point
    resumed.load_state_dict(returned(whole.state_dict()))
    for history in (whole, resumed):
        history.add(4, {"prior": torch.tensor(0.7)}, {"p": {}})
        history.flush({}, {"p.prior": 0.5})
    assert repr(resumed.rows) == repr(whole.rows)
    assert [row["moves of p"] for row in whole.rows] == [1.0, 0.5]
    assert list(whole.rows[1])[:3] == ["step", "prior", "only 3"]
    assert History(["p"]).state_dict()["values"] is None

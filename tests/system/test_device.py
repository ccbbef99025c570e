"""Where runs train, and in which precision."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
import torch

from vaegan_bench.api import StudyError
from vaegan_bench.system import device
from vaegan_bench.system.device import (
    choose_device,
    choose_precision,
    describe,
    forget_peak_memory,
    has_float64,
    peak_memory_bytes,
    still_works,
    thread_count,
)


def test_a_precision_that_is_asked_for_is_kept() -> None:
    cpu = torch.device("cpu")
    assert choose_precision("bfloat16", cpu) == "bfloat16"
    assert choose_precision("float32", cpu) == "float32"


@pytest.mark.parametrize(
    ("tiles", "dot_products", "vendor", "precision"),
    [
        (True, True, "GenuineIntel", "bfloat16"),
        (False, True, "GenuineIntel", "float32"),
        (False, True, "AuthenticAMD", "bfloat16"),
        (False, False, "AuthenticAMD", "float32"),
        (False, True, "AMD64 Family 25 Model 97 Stepping 2, AuthenticAMD", "bfloat16"),
    ],
)
def test_auto_takes_bfloat16_where_the_processor_is_fast_in_it(
    tiles: bool, dot_products: bool, vendor: str, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: tiles, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: dot_products, raising=False)
    monkeypatch.setattr(device, "_cpuinfo", lambda key: "" if "Family" in vendor else vendor)
    monkeypatch.setattr(device.platform, "processor", lambda: vendor)
    assert choose_precision("auto", torch.device("cpu")) == precision


def test_a_device_that_is_not_there_is_told_in_one_line() -> None:
    with pytest.raises(StudyError, match=r"Device 'nonsense' cannot be used here.*Choose auto, cpu") as raised:
        choose_device("nonsense")
    assert "\n" not in str(raised.value)


def test_all_devices_but_apple_s_have_float64() -> None:
    assert [has_float64(torch.device(name)) for name in ("cpu", "cuda:0", "mps")] == [True, True, False]


@pytest.mark.parametrize(
    ("raises", "works"), [(None, True), (torch.cuda.OutOfMemoryError, True), (RuntimeError, False)]
)
def test_a_device_is_lost_if_it_fails_for_another_reason_than_its_memory(
    raises: type[Exception] | None, works: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if raises:
        monkeypatch.setattr(torch, "zeros", Mock(side_effect=raises("CUDA error: an illegal memory access")))
    assert still_works(torch.device("cpu")) is works


def test_the_number_of_threads_is_set_for_a_while_alone() -> None:
    with thread_count(3):
        assert "3 threads)" in describe(torch.device("cpu"))
    assert torch.get_num_threads() == 1
    assert ", 1 thread)" in describe(torch.device("cpu"))
    with pytest.raises(KeyboardInterrupt), thread_count(3):
        raise KeyboardInterrupt
    assert torch.get_num_threads() == 1


def test_the_peak_of_memory_is_forgotten_on_a_gpu_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    forgotten = list[torch.device]()
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", forgotten.append)
    forget_peak_memory(torch.device("cpu"))
    forget_peak_memory(torch.device("cuda"))
    assert forgotten == [torch.device("cuda")]


def test_records_name_how_many_runs_share_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA H100")
    names = [describe(torch.device("cuda"), side_by_side) for side_by_side in (1, 4)]
    assert names == ["cuda (NVIDIA H100)", "cuda (NVIDIA H100, 4 runs at a time)"]
    assert describe(torch.device("cpu"), 4) == describe(torch.device("cpu"))


def test_records_name_the_machine_and_its_memory() -> None:
    assert describe(torch.device("cpu")).startswith("cpu (")
    assert peak_memory_bytes(torch.device("cpu")) > 10 * 2**20

"""Where runs train, and in which precision."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from vaegan_bench.system.errors import StudyError


def choose_device(name: str) -> torch.device:
    """The device of that name; 'auto' takes a CUDA GPU if there is one, then Apple's, then the CPU."""
    if name == "auto":
        return torch.device(
            "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        )
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise StudyError(f"Device '{name}' cannot be used here: {reason}. Choose auto, cpu, cuda or mps.") from error
    return device


def choose_precision(name: str, device: torch.device) -> str:
    """'float32' or 'bfloat16'; 'auto' takes bfloat16 where the hardware multiplies matrices in it.

    A CPU counts only with AMX tiles: AVX-512's bfloat16 dot products were measured slower than float32 there
    (docs/benchmarks.md).
    """
    if name != "auto":
        return name
    fast = {"cuda": _cuda_has_bfloat16, "cpu": _cpu_has_tiles}.get(device.type, lambda: False)
    return "bfloat16" if fast() else "float32"


def _cuda_has_bfloat16() -> bool:
    return torch.cuda.get_device_capability() >= (8, 0)


def _cpu_has_tiles() -> bool:
    supported = getattr(torch.cpu, "_is_amx_tile_supported", None)  # private, and absent from some versions
    return bool(supported()) if supported else False


@contextmanager
def thread_count(threads: int) -> Iterator[None]:
    """Meanwhile torch computes with so many CPU threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def describe(device: torch.device) -> str:
    """The device in words, for records: 'cpu (Intel …, 2 threads)' or 'cuda (NVIDIA …)'."""
    threads = torch.get_num_threads()
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    return f"{device.type} ({_processor()}, {threads} thread{'s' if threads > 1 else ''})"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def peak_memory_bytes(device: torch.device) -> int:
    """The most memory that was in use so far: of the GPU, or of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if os.name != "posix":
        return 0
    import resource

    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes if platform.system() == "Darwin" else kilobytes * 1024

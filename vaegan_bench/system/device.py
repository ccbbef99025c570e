"""Where runs train, in which precision, and how exactly devices compute."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import torch
from torch import nn

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
    """'float32' or 'bfloat16'; 'auto' takes bfloat16 on hardware that is known to train faster in it.

    Such CPUs are those with AMX tiles, and AMD's with the bfloat16 dot products of AVX-512, which are 1.6 times as fast
    in it. Intel's with these dot products but without tiles are slower (docs/benchmarks.md). The rule looks at features
    and measures nothing: the choice is part of a run's identity and must not change from one command to the next.
    """
    if name != "auto":
        return name
    fast = {"cuda": _cuda_has_bfloat16, "cpu": _cpu_is_fast_in_bfloat16}.get(device.type, lambda _: False)
    return "bfloat16" if fast(device) else "float32"


def _cuda_has_bfloat16(device: torch.device) -> bool:
    return torch.cuda.get_device_capability(device) >= (8, 0)


def _cpu_is_fast_in_bfloat16(device: torch.device) -> bool:
    return _cpu_has("amx_tile") or (_cpu_has("avx512_bf16") and "AMD" in _vendor())


def _cpu_has(feature: str) -> bool:
    supported = getattr(torch.cpu, f"_is_{feature}_supported", None)  # private, and absent from some versions
    return bool(supported()) if supported else False


def _vendor() -> str:
    """The CPU's vendor, such as 'AuthenticAMD'; outside of Linux, a longer name that contains it."""
    return _cpuinfo("vendor_id") or platform.processor()


def exact_convolutions() -> AbstractContextManager[None]:
    """In this context, cuDNN gives the same bits in every run and does not round float32 to TF32, its default."""
    return torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)


def still_works(device: torch.device) -> bool:
    """Whether a device still computes: after some errors, CUDA refuses everything until the process ends."""
    try:
        torch.zeros(1, device=device).item()
    except torch.cuda.OutOfMemoryError:
        return True
    except RuntimeError:
        return False
    return True


def with_layout(module: nn.Module, layout: torch.memory_format) -> nn.Module:
    """The network with its tensors of four dimensions, such as kernels, in this memory layout; in place."""
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.ndim == 4:
            tensor.data = tensor.data.to(memory_format=layout)
    return module


def has_float64(device: torch.device) -> bool:
    """Whether a device computes in float64; Apple's GPUs do not."""
    return device.type != "mps"


@contextmanager
def thread_count(threads: int) -> Iterator[None]:
    """Let torch compute with `threads` CPU threads inside this context."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def describe(device: torch.device, side_by_side: int = 1) -> str:
    """The device in words, for records: 'cpu (Intel …, 2 threads)' or 'cuda (NVIDIA …, 4 runs at a time)'.

    `side_by_side`: the number of runs at a time, which share a GPU; on a CPU each has cores of its own.
    """
    threads = torch.get_num_threads()
    if device.type == "cuda":
        shared = f", {side_by_side} runs at a time" if side_by_side > 1 else ""
        return f"cuda ({torch.cuda.get_device_name(device)}{shared})"
    return f"{device.type} ({_processor()}, {threads} thread{'s' if threads > 1 else ''})"


def _processor() -> str:
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def _cpuinfo(key: str) -> str:
    """The value of `key` that Linux reports for the first processor; '' elsewhere."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")


def forget_peak_memory(device: torch.device) -> None:
    """Let `peak_memory_bytes` count from here on, on a GPU of CUDA; on other devices it counts from the beginning."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory_bytes(device: torch.device) -> int:
    """The most bytes of memory in use so far: on the GPU, or by this process; 0 where the system does not tell."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if os.name != "posix":
        return 0
    import resource

    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes if platform.system() == "Darwin" else kilobytes * 1024

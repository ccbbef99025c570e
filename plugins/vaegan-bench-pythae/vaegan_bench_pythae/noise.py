"""pythae draws its noise from torch's global generator: here it is a function of a step's own noise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def global_noise_from(noise: torch.Generator) -> Iterator[None]:
    """Seed torch's global generator of the device by one number from `noise`, and leave it as it was."""
    device = noise.device
    seed = int(torch.randint(2**63 - 1, (), generator=noise, device=device))
    if device.type == "cpu":
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            yield
    else:
        with torch.random.fork_rng(devices=[device], device_type=device.type):
            torch.get_device_module(device).manual_seed(seed)
            yield

"""Seeds: every source of randomness has its own, derived from the run's seed and its purpose."""

from __future__ import annotations

import hashlib

import torch


def derive_seed(seed: int, *purpose: str | int) -> int:
    """A seed for one purpose, equal for all models: numbers that they share must not depend on what else is drawn."""
    text = "/".join(map(str, (seed, *purpose)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big")


def generator(device: torch.device, seed: int, *purpose: str | int) -> torch.Generator:
    """A generator on a device, seeded for one purpose."""
    return torch.Generator(device).manual_seed(derive_seed(seed, *purpose))

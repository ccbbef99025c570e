"""A plugin-based benchmarking suite for the VAE/GAN family."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vaegan_bench.execution.from_python import load_model, run
    from vaegan_bench.report.results import Results, load

__version__ = "0.1.0"
__all__ = ["Results", "__version__", "load", "load_model", "run"]
_READING, _RUNNING = "vaegan_bench.report.results", "vaegan_bench.execution.from_python"
_HOMES = {"Results": _READING, "load": _READING, "load_model": _RUNNING, "run": _RUNNING}


def __dir__() -> list[str]:
    """Show what is imported late, too."""
    return __all__


def __getattr__(name: str) -> Any:
    """Import pandas and torch only when somebody asks for what needs them."""
    if name not in _HOMES:
        raise AttributeError(f"module 'vaegan_bench' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)

"""A plugin-based benchmarking suite for the VAE/GAN family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vaegan_bench.results import Results, load, load_model, run

__version__ = "0.1.0"
__all__ = ["Results", "__version__", "load", "load_model", "run"]


def __dir__() -> list[str]:
    """Show what is imported late, too."""
    return __all__


def __getattr__(name: str) -> Any:
    """Import pandas and torch only when somebody asks for what needs them."""
    if name not in __all__:
        raise AttributeError(f"module 'vaegan_bench' has no attribute '{name}'")
    from vaegan_bench import results

    return getattr(results, name)

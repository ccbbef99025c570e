"""The command line."""

from vaegan_bench.cli.app import main

__all__ = ["main"]

"""A metric of my own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from vaegan_bench.api import Measurement, Metric, Outputs, Plugin, hookimpl


@dataclass(frozen=True, kw_only=True)
class MyPlugin(Metric):
    """The largest error of any pixel, averaged over images: write here, in one line, what yours is."""

    name = "my-plugin"
    family: ClassVar[str] = "reconstruction"
    headline: ClassVar[Mapping[str, str]] = {"my-plugin": "worst pixels of reconstructions"}

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """One number; none for a model that cannot reconstruct."""
        if outputs.reconstructions is None:
            return []
        error = (outputs.real.float() - outputs.reconstructions.float()).abs().flatten(1).amax(1).mean()
        return [Measurement("my-plugin", float(error), "lower", "grey levels", {"n_real": len(outputs.real)})]


@hookimpl
def vaegan_bench_plugins() -> list[type[Plugin]]:
    """Register it."""
    return [MyPlugin]

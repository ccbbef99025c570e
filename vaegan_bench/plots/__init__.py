"""Tables of numbers and pictures in; publishable figures out. Slow to import (seaborn): import when needed."""

from vaegan_bench.plots.attributes import attribute_dots, attribute_matrix
from vaegan_bench.plots.curves import learning_curves
from vaegan_bench.plots.dots import metric_dots
from vaegan_bench.plots.latent import latent_spectrum
from vaegan_bench.plots.sheets import grid, reconstruction_sheet, sample_sheet
from vaegan_bench.plots.strips import attribute_strips, nearest_sheet
from vaegan_bench.plots.style import colours

__all__ = [
    "attribute_dots",
    "attribute_matrix",
    "attribute_strips",
    "colours",
    "grid",
    "latent_spectrum",
    "learning_curves",
    "metric_dots",
    "nearest_sheet",
    "reconstruction_sheet",
    "sample_sheet",
]
